"""One example for each molecule, however often it stands in a file."""

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Literal

import numpy as np

from medjax.data.molecules.messages import listed
from medjax.errors import UserError

Rule = Literal['auto', 'average', 'leave_out', 'refuse']


@dataclasses.dataclass(frozen=True)
class Merged:
  """What is left of N rows.

  Attributes:
    kept: numbers of the rows that stand for the molecules, the first of each, in order.
    values: labels of these.
    copy_of: of each row that is left out as a copy, the row that stands for it.
    notes: what was decided, one line each.
  """

  kept: list[int]
  values: np.ndarray
  copy_of: dict[int, int]
  notes: tuple[str, ...]


def merge(
  keys: Sequence[Hashable], values: np.ndarray, places: Sequence[str], rule: Rule, where: str
) -> Merged:
  """Merges rows of one molecule.

  Equal labels are merged, and of several labels known ones with those that are not known. Where
  labels differ, numbers are averaged, a class is left out with all its rows, and one of several
  labels is taken as not known.

  Args:
    keys: equal for rows of one molecule, [N].
    values: labels, int [N], float [N] or float [N, C] with NaN for what is not known.
    places: of each row, for notes.
    rule: 'leave_out' leaves numbers out too, 'refuse' is an error, 'average' refuses classes.
    where: the file, for errors.

  Raises:
    UserError: labels differ, where the rule refuses that.

  Example:
    >>> found = merge(['a', 'b', 'a'], np.array([1., 5., 3.]), ['row 2', 'row 3', 'row 4'], 'auto',
    ...               'a.csv')
    >>> found.kept, found.values.tolist(), found.notes[-1]
    ([0, 1], [2.0, 5.0], '1 molecules have different labels, which are averaged: rows 2 and 4')
  """
  numbers = values.ndim == 1 and np.issubdtype(values.dtype, np.floating)
  if rule == 'average' and not numbers:
    raise UserError('config.data.conflicts=average: expected numbers; classes have no average')
  rows_of: dict[Hashable, list[int]] = {}
  for row, key in enumerate(keys):
    rows_of.setdefault(key, []).append(row)
  kept, merged, conflicts = [], values.copy(), []
  copy_of: dict[int, int] = {}
  for rows in rows_of.values():
    first = rows[0]
    conflict = False
    if len(rows) > 1:
      merged[first], conflict = _one(values[rows])
      if conflict:
        conflicts.append([places[row] for row in rows])
    gone = conflict and values.ndim == 1 and (rule == 'leave_out' or not numbers)
    nothing = values.ndim == 2 and np.isnan(merged[first]).all()
    if not gone and not nothing:
      kept.append(first)
      copy_of |= dict.fromkeys(rows[1:], first)
  if conflicts and rule == 'refuse':
    raise UserError(
      f'{where}: {len(conflicts)} molecules have different labels: {listed(conflicts)}; expected '
      'one, or another config.data.conflicts'
    )
  notes = []
  if copies := len(keys) - len(rows_of):
    notes.append(f'{copies} rows are copies of a molecule: {len(rows_of)} molecules are left')
  if conflicts:
    done = 'averaged' if numbers and rule != 'leave_out' else 'left out'
    if values.ndim == 2:
      done = 'taken as not known'
    notes.append(
      f'{len(conflicts)} molecules have different labels, which are {done}: {listed(conflicts)}'
    )
  return Merged(kept, merged[kept], copy_of, tuple(notes))


def _one(values: np.ndarray) -> tuple[np.ndarray, bool]:
  """The label of several rows [rows] or [rows, C], and whether they differ."""
  if values.ndim == 2:
    known = ~np.isnan(values)
    low = np.where(known, values, np.inf).min(axis=0)
    high = np.where(known, values, -np.inf).max(axis=0)
    differs = known.any(axis=0) & (low != high)
    return np.where(low == high, low, np.nan), bool(differs.any())
  mean = values.mean(dtype=np.float64).astype(values.dtype)
  return mean, bool((values != values[0]).any())
