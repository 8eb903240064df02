"""Weights of one network on graphs as the start of another one, whose layers are the same."""

import pathlib
from typing import Any

import flax.traverse_util
import numpy as np

from medjax import models
from medjax.errors import UserError
from medjax.transfer.fit import Tensors
from medjax.transfer.source import Source
from medjax.workdir import Workdir

_ENCODER = 'encoder/'  # of models.MaskedAtoms
_SAME = ('network', 'hidden', 'depth')  # not all of these can be seen in weights


def graph_source(weights: str, config: Any) -> Source | None:
  """The source of the weights of a network on graphs; None where they are random.

  Args:
    weights: folder of a run; '' for random weights.
    config: of the experiment, with ``network``, ``hidden`` and ``depth``.

  Raises:
    UserError: the run is of another network.
  """
  if not weights:
    return None
  if config.network not in ('dmpnn', 'gine', 'both'):
    raise UserError(
      f'config.model.weights={weights}: are of a network on graphs; expected config.network=dmpnn, '
      f'gine or both, not {config.network}'
    )
  workdir = Workdir(pathlib.Path(weights).expanduser())
  if workdir.config.exists():  # a trained run needs it no more
    before = workdir.read(workdir.config)
    beside = before.get('trees', 'none') != 'none' or before.get('gaussian_process', False)
    several = before.get('network') in ('both', 'graphs') or before.get('members', 1) > 1
    if several or beside:
      what = 'other models beside its network' if beside else 'several networks'
      raise UserError(
        f'config.model.weights={weights}: that run has {what}; expected a run of one network'
      )
    for name in _SAME:
      has, needed = before.get(name), getattr(config, name)
      if has != needed and (has, needed) != ('dmpnn', 'both'):
        raise UserError(
          f'config.model.weights={weights}: that run has config.{name}={has}, not {needed}; '
          'expected the same network'
        )
  return Source(weights, None)


def suits(network: Any) -> bool:
  """Whether a model is one that ``fit`` takes."""
  inner = network.network if isinstance(network, models.Beside) else network
  return isinstance(inner, models.DMPNN | models.GINE) or bool(models.members(inner))


def fit(
  network: Any,
  variables: Any,
  given: Tensors,
  *,
  head: bool = True,
) -> tuple[Any, list[str]]:
  """The variables of a source in the place of those of a network.

  Layers behind the pooled atoms stay random where the source has none, or others. Of several
  networks all on graphs begin with the same, but for these layers, which are random in each.

  Args:
    network: on graphs, ``models.DMPNN`` or ``GINE``; or several, at least one of which is; other
      models may be beside it.
    variables: its variables, random; or their shapes, to see whether the source fits.
    given: the source: variables of the same network, or of one in ``models.MaskedAtoms``.
    head: whether layers behind the pooled atoms are taken where the source has them.

  Returns:
    The variables as float32, and what was decided, a line each.

  Raises:
    UserError: names the first tensor that is not there, or is of another shape.
  """
  if isinstance(network, models.Beside):
    inner = {kind: tree['network'] for kind, tree in variables.items() if 'network' in tree}
    fitted, notes = fit(network.network, inner, given, head=head)
    placed = {kind: {**variables[kind], 'network': tree} for kind, tree in fitted.items()}
    return {**variables, **placed}, notes
  if models.members(network):
    return _fit_members(network, variables, given)
  found = dict(given.found)
  if any(name.startswith(_ENCODER) for name in found):
    found = {n.removeprefix(_ENCODER): a for n, a in found.items() if n.startswith(_ENCODER)}
  leaves = flax.traverse_util.flatten_dict(variables, sep='/')
  taken, new = {}, []
  for key, leaf in leaves.items():
    path = key.partition('/')[2]
    array = found.get(path)
    layer = path.partition('/')[0]
    fits = array is not None and array.shape == leaf.shape
    if layer in network.head_layers and not (head and fits):
      new.append(layer)
      continue
    if array is None or array.shape != leaf.shape:
      holds = 'no such tensor' if array is None else f'shape {tuple(array.shape)}'
      raise UserError(
        f'{given.what}: has {holds} for {path}; expected shape {tuple(leaf.shape)}, of the same '
        'network'
      )
    taken[key] = np.asarray(array, np.float32)
  layers = ', '.join(dict.fromkeys(new))
  notes = [f'layers behind the atoms are new: {layers}' if new else 'all layers are those given']
  return flax.traverse_util.unflatten_dict(leaves | taken, sep='/'), notes


def _fit_members(network: models.Ensemble, variables: Any, given: Tensors) -> tuple[Any, list[str]]:
  taken = {collection: dict(tree) for collection, tree in variables.items()}
  notes: list[str] = []
  for number in range(models.members(network)):
    member, name = network.member(number), f'member_{number}'
    if isinstance(member, models.DMPNN | models.GINE):
      own = {collection: tree[name] for collection, tree in variables.items() if name in tree}
      fitted, notes = fit(member, own, given, head=False)  # members that differ
      for collection, tree in fitted.items():
        taken[collection][name] = tree
  return taken, notes
