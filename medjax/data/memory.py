"""Splits of examples that are kept in memory as arrays, or stored as rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from medjax.data import dataset, ragged
from medjax.data.split import SPLITS, UNUSED


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
  rows: Mapping[str, np.ndarray] | dataset.Readable,
  *,
  id: Sequence[str],
  label: Any,
  group: Sequence[str] | np.ndarray,
  metadata: Sequence[Mapping[str, str]],
  decode: Callable[[Any], dict[str, np.ndarray]] | None = None,
  sizes: Mapping[str, np.ndarray] | None = None,
  axes: ragged.Axes | None = None,
) -> dict[str, dataset.Split]:
  """The splits of all N examples.

  Args:
    where: split of each example, as ``split.choose`` gives it.
    rows: what travels to the device, arrays [N, ...] by name; or stored rows.
    id: as in ``dataset.Split``, as are the others.
    label: see there.
    group: see there.
    metadata: other columns of each example; where one lacks a column it is ''.
    decode: of stored rows: one -> the arrays that travel to the device.
    sizes: see there.
    axes: see there.

  Example:
    >>> by_name = splits(['train', 'test', 'train'], {'values': np.eye(3)}, id=['a', 'b', 'c'],
    ...                  label=np.array([0, 1, 1]), group=['1', '2', '3'], metadata=[{}] * 3)
    >>> {name: split.id.tolist() for name, split in by_name.items()}
    {'train': ['a', 'c'], 'test': ['b']}
  """
  by_name = {}
  for name in dict.fromkeys([*SPLITS, *where]):
    of = [i for i, split in enumerate(where) if split == name]
    if not of or name == UNUSED:
      continue
    columns = dict.fromkeys(key for i in of for key in metadata[i])
    by_name[name] = dataset.Split(
      name,
      Rows({key: array[of] for key, array in rows.items()})
      if isinstance(rows, Mapping)
      else dataset.Selected(rows, of),
      decode or (lambda row: row),
      np.asarray(id)[of],
      jax.tree.map(lambda of_all, of=of: of_all[of], label),
      np.asarray(group)[of],
      {key: [metadata[i].get(key, '') for i in of] for key in columns},
      sizes={axis: of_all[of] for axis, of_all in (sizes or {}).items()},
      axes=axes or {},
    )
  return by_name
