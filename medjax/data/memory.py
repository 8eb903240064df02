"""Data sets that are small enough to be kept in memory as arrays."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from medjax.data import dataset, ragged
from medjax.data.split import SPLITS


class Rows:
  """Examples in memory: arrays by name, the same number of each.

  Example:
    >>> Rows({'values': np.eye(2)}).__getitems__([1])
    [{'values': array([0., 1.])}]
  """

  def __init__(self, arrays: dict[str, np.ndarray]):
    self._arrays = arrays

  def __len__(self) -> int:
    return len(next(iter(self._arrays.values())))

  def __getitems__(self, keys: Sequence[int]) -> list[dict[str, Any]]:
    return [{name: array[key] for name, array in self._arrays.items()} for key in keys]


def splits(
  where: Sequence[str],
  arrays: Mapping[str, np.ndarray],
  *,
  id: Sequence[str],
  label: Any,
  group: Sequence[str] | np.ndarray,
  metadata: Sequence[Mapping[str, str]],
  sizes: Mapping[str, np.ndarray] | None = None,
  axes: ragged.Axes | None = None,
) -> dict[str, dataset.Split]:
  """The splits of arrays that hold all examples.

  Args:
    where: split of each example, as ``split.choose`` gives it.
    arrays: what travels to the device, by name, [N, ...] each.
    id: as in ``dataset.Split``, as are the others.
    label: see there.
    group: see there.
    metadata: other columns of each example; where one lacks a column it is ''.
    sizes: see there.
    axes: see there.

  Example:
    >>> found = splits(['train', 'test', 'train'], {'values': np.eye(3)}, id=['a', 'b', 'c'],
    ...                label=np.array([0, 1, 1]), group=['1', '2', '3'], metadata=[{}] * 3)
    >>> {name: split.id.tolist() for name, split in found.items()}
    {'train': ['a', 'c'], 'test': ['b']}
  """
  found = {}
  for name in SPLITS:
    of = [i for i, split in enumerate(where) if split == name]
    if not of:
      continue
    columns = dict.fromkeys(key for i in of for key in metadata[i])
    found[name] = dataset.Split(
      name,
      Rows({key: array[of] for key, array in arrays.items()}),
      lambda row: row,
      np.asarray(id)[of],
      jax.tree.map(lambda of_all, of=of: of_all[of], label),
      np.asarray(group)[of],
      {key: [metadata[i].get(key, '') for i in of] for key in columns},
      sizes={axis: of_all[of] for axis, of_all in (sizes or {}).items()},
      axes=axes or {},
    )
  return found
