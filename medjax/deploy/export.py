"""Writes a finished run as one file that predicts without the folder; see ``medjax.exported``."""

import dataclasses
import importlib.metadata
import pathlib
from collections.abc import Mapping
from typing import Any

import flax
import jax
import jax.numpy as jnp
import numpy as np

from medjax import config as config_lib
from medjax import files, models, runtime
from medjax.config import Config
from medjax.data import dataset, ragged
from medjax.errors import UserError
from medjax.evaluation import told
from medjax.experiment import Experiment
from medjax.exported import container, program, weights
from medjax.exported.model import MEMBERS, PREDICTED
from medjax.ops import native
from medjax.training import evaluate, forward
from medjax.workdir import Workdir

# Axes of cases that differ in size are padded to buckets, all of which are multiples of this.
_BUCKET = 16


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
  """A run's network as a function of arrays by name.

  Attributes:
    experiment: data description, model and task of the run.
    weights: by name, such as 'params/Dense_0/kernel'.
    inputs: what it takes, as ``program.describe``; sizes that differ by case are named.
    axes: names of the axes of inputs that are not as long in each case.
    step: of the checkpoint.
    decision: how predictions become decisions.
  """

  experiment: Experiment
  weights: dict[str, np.ndarray]
  inputs: dict[str, dict[str, Any]]
  axes: ragged.Axes
  step: int
  decision: Any

  @classmethod
  def of_run(cls, experiment: Experiment, workdir: Workdir) -> 'Network':
    """Of the checkpoint that was evaluated.

    Raises:
      UserError: the run was not evaluated.
    """
    variables, step = evaluate.chosen_variables(experiment, workdir)
    decision = evaluate.read_decision(experiment.task.outcome.read_decision, workdir, step)
    flat = flax.traverse_util.flatten_dict(jax.device_get(variables), sep='/')
    named = {str(name): np.asarray(leaf) for name, leaf in flat.items()}
    taken = _taken(experiment)
    axes = {n: a for n, a in experiment.data.modality.axes.items() if n in taken}
    inputs = program.describe(taken)
    for name, one in inputs.items():
      names = [*axes.get(name, ()), *[None] * len(one['shape'])]
      sizes = zip(one['shape'], names, strict=False)
      one['shape'] = ['batch', *(f'{_BUCKET}*{axis}' if axis else size for size, axis in sizes)]
    return cls(experiment, named, inputs, axes, step, decision)

  def __call__(self, weights: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
    """What the task predicts of a batch, in float32, by name; and each member of an ensemble."""
    variables = flax.traverse_util.unflatten_dict(dict(weights), sep='/')
    arguments = (self.experiment, jnp.float32, variables, batch)
    with native.portable(), jax.default_matmul_precision('highest'):
      if not models.members(self.experiment.model):
        return _named(PREDICTED, forward.predicted(*arguments))
      together, of_each = forward.predicted_by_members(*arguments)
      return _named(PREDICTED, together) | _named(MEMBERS, of_each)


def write(
  experiment: Experiment, name: str, config: Config, workdir: Workdir, output: pathlib.Path
) -> None:
  """Writes the file and says what is in it.

  Args:
    experiment: data description, model and task of the run.
    name: of the experiment.
    config: settings of the run.
    workdir: the run folder.
    output: the file to write.

  Raises:
    UserError: the run was not evaluated, its network has no program for any number of cases, or the
      file cannot be written.
  """
  network = Network.of_run(experiment, workdir)
  manifest, members = contents(network, name, config, workdir)
  container.write(output, manifest, members)
  size = sum(map(len, members.values())) / 1e6
  platforms = ', '.join(manifest['program']['platforms'])
  print(f'exported: the checkpoint of step {network.step}, {size:.1f} MB, for {platforms}')
  print(f'model: {output}')


def contents(
  network: Network, name: str, config: Config, workdir: Workdir
) -> tuple[dict[str, Any], dict[str, bytes]]:
  """The manifest and the members of the file; arguments and errors as of ``write``."""
  try:
    with runtime.without_source_paths():
      compiled, about = program.write(network, network.weights, network.inputs)
    saved = weights.write(network.weights)
  except UserError:
    raise
  except Exception as error:  # JAX says in many ways that a size must be known
    why = next(iter(str(error).strip().splitlines()), '')[:300]
    ragged_axes = {axis for axes in network.axes.values() for axis in axes if axis}
    sizes = ' and '.join(['cases', *sorted(ragged_axes)])
    raise UserError(
      f'export: this network has no program for any number of {sizes} ({type(error).__name__}: '
      f'{why})'
    ) from None
  if not workdir.card.exists():
    raise UserError(f'{workdir.card}: no model card yet; run evaluate first')
  described = dataset.describe(workdir)
  if workdir.privacy.exists():
    described = _untold(described)
  manifest = {
    'medjax': _version('medjax'),
    'jax': jax.__version__,
    'experiment': name,
    'checkpoint_step': network.step,
    'config': config_lib.to_dict(config),
    # Notes name files and cases of the training data, which a model does without.
    'data': {**described, 'notes': []},
    'axes': {name: list(axes) for name, axes in network.axes.items()},
    'program': about,
    'decision': network.decision.to_json(),
    'told': told.name_of(network.decision),
  }
  members = {
    container.PROGRAM: compiled,
    container.WEIGHTS: saved,
    container.CARD: workdir.card.read_bytes(),
  }
  return manifest, members


def _untold(described: dict[str, Any]) -> dict[str, Any]:
  """What data.json says without exact counts and digests of private training cases."""
  splits = {name: {'examples': 0} for name in described['splits']}
  return {**described, 'splits': splits, 'fingerprint': '', 'groups_in_two_splits': 0}


def _taken(experiment: Experiment) -> dict[str, Any]:
  """The arrays of an example without which there is no input: ShapeDtypeStructs by name."""
  example = {n: spec for n, spec in experiment.data.example.items() if n != 'label'}

  def has_input(names: Mapping[str, Any]) -> bool:
    batch = {n: jax.ShapeDtypeStruct((1, *spec.shape), spec.dtype) for n, spec in names.items()}
    try:
      jax.eval_shape(experiment.data.modality.inputs, batch)
    except KeyError:
      return False
    return True

  return {
    name: spec
    for name, spec in example.items()
    if not has_input({other: one for other, one in example.items() if other != name})
  }


def _named(name: str, tree: Any) -> dict[str, Any]:
  """Arrays by name, 'name' or 'name/part', of an array or a dict of them."""
  if isinstance(tree, Mapping):
    return {f'{name}/{part}': leaf for part, leaf in tree.items()}
  return {name: tree}


def _version(package: str) -> str:
  try:
    return importlib.metadata.version(package)
  except importlib.metadata.PackageNotFoundError:
    return 'not installed as a package'


def write_bytes(path: pathlib.Path, data: bytes) -> None:
  """Writes a file whole, or not at all; raises UserError where that fails."""
  with files.replacing(path) as new:
    new.write_bytes(data)
