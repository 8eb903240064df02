"""What a training starts from: weights, read before the first update and never again, and what
is fitted beside a network.

weights.json notes what they were, with a digest. A run that is continued before its first
checkpoint reads them once more; that they are the same then keeps what a killed run ends with the
same to the bit. Evaluation and prediction need no file: the checkpoints hold the variables, and the
config the scale of pixels.
"""

import dataclasses
import hashlib
import pathlib
from typing import Any

import jax
import numpy as np

from medjax import files, models
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.training import state
from medjax.training.checkpoint import Checkpoints
from medjax.transfer import Source, fit, graphs
from medjax.transfer import files as weight_files
from medjax.workdir import Workdir


def check(experiment: Experiment, workdir: Workdir) -> list[str]:
  """Sees, before anything is written, that the weights fit, and are those that a run began with.

  Returns:
    What is decided of them, a line each; nothing for a run that has begun.

  Raises:
    UserError: they cannot be read, do not fit the network, or are others.
  """
  if experiment.start is None:
    return []
  path = _path(experiment.start)
  if workdir.weights.exists():
    if path is not None and path.exists():
      _refuse_others(_read(path).digest, path, workdir)
    return []
  return _fit(experiment, experiment.start, state.abstract(experiment))[2]


def begin(
  experiment: Experiment, created: state.State, workdir: Workdir, *, write: bool, seed: int
) -> state.State:
  """The state before the first update.

  Args:
    experiment: model and optimiser, and where its weights come from, and what is beside it.
    created: the state with random weights.
    workdir: the run folder.
    write: whether to note there what the weights were.
    seed: of what is fitted beside the network.

  Raises:
    UserError: as for ``check``.
  """
  source = experiment.start
  if source is None:
    return _with_fixed(experiment, created, seed)
  begun, digest, notes = _fit(experiment, source, _with_fixed(experiment, created, seed))
  path = _path(source)
  if path is not None and workdir.weights.exists():
    _refuse_others(digest, path, workdir)
  elif write:
    about = {'source': source.path, 'digest': digest, 'pixels': source.pixels, 'notes': notes}
    workdir.write(workdir.weights, about)
  return begun


def started(experiment: Experiment, created: state.State, seed: int) -> state.State:
  """As ``begin``, of a training that has no run folder."""
  begun = _with_fixed(experiment, created, seed)
  return begun if experiment.start is None else _fit(experiment, experiment.start, begun)[0]


def _with_fixed(experiment: Experiment, created: state.State, seed: int) -> state.State:
  beside = experiment.beside
  if beside is None:
    return created
  found = {models.FIXED: beside.on(experiment.model, experiment.task, experiment.data, seed)}
  average = None if created.average is None else created.average | found
  return dataclasses.replace(created, model_state=created.model_state | found, average=average)


def _refuse_others(digest: str, path: pathlib.Path, workdir: Workdir) -> None:
  before = workdir.read(workdir.weights).get('digest')
  if before != digest:
    raise UserError(
      f'{path}: the weights have changed since this run began ({_short(before)}, now '
      f'{_short(digest)}); restore them, or choose another --workdir'
    )


def _short(digest: Any) -> str:
  return str(digest)[: len('sha256:') + 8]


def _path(source: Source) -> pathlib.Path | None:
  return pathlib.Path(source.path).expanduser() if source.path else None


def _fit(
  experiment: Experiment, source: Source, created: state.State
) -> tuple[state.State, str, list[str]]:
  """The state with the weights of the source, their digest, and what was decided."""
  notes = [f'pixels are scaled as the weights expect: {source.pixels}'] if source.pixels else []
  if not source.path:
    return created, '', notes
  path = pathlib.Path(source.path).expanduser()
  read = _read(path)
  if source.pixels and read.pixels not in ('', source.pixels):
    raise UserError(
      f'config.model.pixels={source.pixels}: {path} has weights that expect {read.pixels}'
    )
  model, random = experiment.model, created.variables
  if graphs.suits(model):
    variables, more = graphs.fit(model, random, read.tensors)
  else:
    variables, more = fit.fit(model, random, read.tensors)
  first = f'{len(read.tensors.found)} tensors of {path} ({_short(read.digest)})'
  params = variables.pop('params')
  average = None
  if created.average is not None:  # in memory of its own, as an update takes over that of each
    average = jax.tree.map(np.array, {'params': params, **variables})
  begun = dataclasses.replace(created, params=params, model_state=variables, average=average)
  return begun, read.digest, [first, *notes, *dict.fromkeys(more)]


@dataclasses.dataclass(frozen=True)
class _Read:
  """What was read of a source.

  Attributes:
    tensors: what it holds.
    digest: of the file, or of the arrays of a run.
    pixels: the scale of pixels that the weights expect; '' where it does not say.
  """

  tensors: fit.Tensors
  digest: str
  pixels: str


def _read(path: pathlib.Path) -> _Read:
  if path.is_dir():
    return _run(path)
  found = weight_files.read(path)
  pixels = 'xrayvision' if weight_files.of_xrayvision(found) else ''
  return _Read(fit.Tensors(str(path), found, ours=False), files.digest(path), pixels)


def _run(folder: pathlib.Path) -> _Read:
  """The best checkpoint of a run."""
  workdir = Workdir(folder)
  if not workdir.config.exists() or not workdir.checkpoints.is_dir():
    raise UserError(f'config.model.weights={folder}: no run with a checkpoint there')
  with Checkpoints(workdir.checkpoints, keep=1_000_000, run=workdir.identity()) as checkpoints:
    step = checkpoints.best()
    if step is None:
      raise UserError(f'config.model.weights={folder}: no run with a checkpoint there')
    arrays = checkpoints.variables(step)
  content = hashlib.sha256()
  for name in sorted(arrays):
    content.update(f'{name}{arrays[name].shape}'.encode())
    content.update(arrays[name].tobytes())
  found = {name.removeprefix('network/'): array for name, array in arrays.items()}
  pixels = workdir.read(workdir.weights)['pixels'] if workdir.weights.exists() else 'unit'
  return _Read(fit.Tensors(str(folder), found, ours=True), f'sha256:{content.hexdigest()}', pixels)
