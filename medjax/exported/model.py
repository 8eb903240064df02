"""A finished run in one file, at work without medjax's other packages."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from medjax.data import ragged
from medjax.errors import UserError
from medjax.evaluation import told
from medjax.exported import container, program, weights

PREDICTED, MEMBERS = 'predicted', 'members'
_AT_ONCE = 32  # cases, at most


class Model:
  """What a run predicts of cases whose arrays are read; see ``load``.

  Attributes:
    experiment: its name.
    classes: names of the classes, in their order; empty where there are none.
    inputs: what it takes, name -> {'dtype', 'shape'} with the number of cases first.
    manifest: all that the file says of the model: settings of the run, data, what was decided on.
    card: the model card, Markdown.
  """

  def __init__(self, path: str | os.PathLike[str]):
    path = pathlib.Path(path).expanduser()
    self.manifest, members = container.read(path)
    self.card = members[container.CARD].decode(errors='replace')
    read = weights.read(members[container.WEIGHTS], f'{path}: {container.WEIGHTS}')
    try:
      self.experiment: str = self.manifest['experiment']
      self.classes = tuple(self.manifest['data']['classes'])
      about = self.manifest['program']
      self.inputs: dict[str, dict[str, Any]] = about['inputs']
      self._axes = {name: tuple(axes) for name, axes in self.manifest['axes'].items()}
      self._decision = told.read(self.manifest['told'], self.manifest['decision'])
      self._program = jax.jit(program.read(members[container.PROGRAM], about, read).call)
    except UserError as error:
      raise UserError(f'{path}: {error}') from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
      raise UserError(f'{path}: {container.MANIFEST} is damaged ({error})') from None
    self._weights = jax.device_put(read)

  def __call__(
    self, arrays: np.ndarray | Mapping[str, Any] | Sequence[Mapping[str, Any]]
  ) -> dict[str, np.ndarray]:
    """What is said of cases.

    Args:
      arrays: of N cases, by name, [N, ...] as ``inputs`` says, or one array where there is one
        input; or a list of N cases, each with its arrays [...] by name, where cases differ in size.

    Returns:
      Of one of several classes: probability, calibrated, [N] of the second of two or [N, C]; call,
      the class called; set, which classes cannot be ruled out, bool [N, C]; decision, the class in
      the set, or 'abstain'. Of any number of classes: probability [N, C] and called,
      bool [N, C]. Of masks: probability and called, uint8 [N, H, W], 0 for background. Of a number:
      prediction, low and high, [N]. Of survival: risk, survival [N, T] at
      ``manifest['decision']['horizons']``, median_survival and risk_group. Of an ensemble also
      spread, the standard deviation of the first of these over its members. Otherwise what the
      network predicts, as predicted or by name.

    Raises:
      ValueError: the arrays are not those that the model takes.

    Example:
      >>> model = load('model.medjax')                              # doctest: +SKIP
      >>> model(np.zeros((2, 224, 224, 3), np.uint8))['probability']
      array([0.0312, 0.0312])
    """
    batch = self._batch(arrays)
    count = len(next(iter(batch.values())))
    if not count:
      raise ValueError('no case; expected at least one')
    parts = [
      self.outputs({name: array[i : i + _AT_ONCE] for name, array in batch.items()})
      for i in range(0, count, _AT_ONCE)
    ]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if self._decision is None:
      return {name.removeprefix(f'{PREDICTED}/'): found[name] for name in found}
    said = self._decision.told(found[PREDICTED], self.classes)
    if MEMBERS in found:
      each = np.moveaxis(found[MEMBERS], 1, 0)
      values = [next(iter(self._decision.told(one, self.classes).values())) for one in each]
      said['spread'] = np.std(values, axis=0, ddof=min(1, len(values) - 1))
    return said

  def outputs(self, batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the network gives of arrays [N, ...]: predicted [N, ...], or predicted/NAME of each; of
    an ensemble also members [N, members, ...].

    A program is compiled for each power of two that N is filled up to, and each bucket of sizes.
    """
    count = len(next(iter(batch.values())))
    width = 1 << (count - 1).bit_length()
    filled = {
      name: np.concatenate([array, np.zeros((width - count, *array.shape[1:]), array.dtype)])
      for name, array in batch.items()
    }
    found = jax.device_get(self._program(self._weights, filled))
    return {name: np.asarray(leaf)[:count] for name, leaf in found.items()}

  def _batch(self, arrays: Any) -> dict[str, np.ndarray]:
    """Arrays [N, ...] of the names, types and sizes that the program takes."""
    if not isinstance(arrays, Mapping | list | tuple):
      if len(self.inputs) > 1:
        raise ValueError(f'one array; expected arrays by name: {", ".join(self.inputs)}')
      arrays = {next(iter(self.inputs)): arrays}
    one_by_one = isinstance(arrays, list | tuple)
    cases = arrays if one_by_one else [arrays]
    if not len(cases):
      raise ValueError('no case; expected at least one')
    taken = [
      {name: self._array(case, name, 0 if one_by_one else 1) for name in self.inputs}
      for case in cases
    ]
    if one_by_one:
      return ragged.stack_in_buckets(taken, self._axes)
    (batch,) = taken
    if len({len(array) for array in batch.values()}) > 1:
      raise ValueError('arrays of different numbers of cases')
    whole = {name: (None, *axes) for name, axes in self._axes.items()}
    stacked = ragged.stack_in_buckets([batch], whole)
    return {name: array[0] for name, array in stacked.items()}

  def _array(self, case: Mapping[str, Any], name: str, first: int) -> np.ndarray:
    """One array; ``first`` is 1 where its first axis is that of the cases."""
    if name not in case:
      raise ValueError(f'no array {name!r}; expected {", ".join(self.inputs)}')
    wanted, array = self.inputs[name], np.asarray(case[name])
    sizes = wanted['shape'][1:]
    fits = array.ndim - first == len(sizes) and all(
      isinstance(size, str) or size == found
      for size, found in zip(sizes, array.shape[first:], strict=True)
    )
    if not fits or not np.can_cast(array.dtype, wanted['dtype'], 'same_kind'):
      raise ValueError(
        f'{name} is {array.dtype} {list(array.shape)}; expected {wanted["dtype"]} '
        f'[{", ".join(map(str, wanted["shape"][1 - first :]))}]'
      )
    return array.astype(wanted['dtype'], copy=False)


def load(path: str | os.PathLike[str]) -> Model:
  """A model that ``export`` wrote, to be called with arrays; needs JAX and NumPy alone.

  Args:
    path: the file, or the folder of ``--format=huggingface``.

  Raises:
    UserError: there is no such file, it is damaged or edited, or another version wrote it.

  Example:
    >>> model = medjax.load('model.medjax')                         # doctest: +SKIP
    >>> model(images)['decision']
    array(['normal', 'abstain'], dtype='<U7')
  """
  return Model(path)
