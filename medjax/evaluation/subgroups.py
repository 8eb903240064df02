"""Does the model work for everyone? Metrics within each value of a metadata column."""

import dataclasses

import numpy as np

from medjax.evaluation.delong import auroc_interval
from medjax.evaluation.estimate import Estimate
from medjax.evaluation.proportions import proportion
from medjax.evaluation.table import Predictions

SMALLEST = 20  # cases of a class below which a subgroup is flagged
_VALUES = 8  # distinct values of a column that is taken as it is
_LARGEST = 30  # distinct texts of a column whose most frequent values are taken
_EMPTY = {'', 'na', 'n/a', 'nan', 'none', 'null', '?', 'unknown'}
_TELLING = 5  # cases of a value from which it counts that all are of one class
_PARTS = 3  # of a column of numbers, with as many cases each


@dataclasses.dataclass(frozen=True)
class Subgroup:
  """Cases with one value of a column.

  Attributes:
    column: of the metadata.
    value: as it stands there, or a range of numbers; 'unknown' for empty cells.
    cases: how many are labelled.
    positives: how many of them are of the second of two classes; None with more classes.
    groups: patients among them.
    metrics: with two classes auroc, sensitivity and specificity; with more, accuracy.
    small: whether there are too few cases to say much.
  """

  column: str
  value: str
  cases: int
  positives: int | None
  groups: int
  metrics: dict[str, Estimate]
  small: bool


def subgroups(
  table: Predictions, called: np.ndarray, columns: tuple[str, ...] = ()
) -> list[Subgroup]:
  """Metrics for each value of metadata columns.

  A column of at most eight different values is taken as it is; one of more numbers is cut in three
  parts with as many cases each; of up to thirty texts the seven most frequent are taken, and the
  others together. Any other column is left out (``left_out``), as is one that says what the label
  says (``following``). Cells such as NA are unknown.

  Args:
    table: Predictions.
    called: [N], the class number that each case is called; see ``Decision.calls``.
    columns: Names of the columns; all that can be taken otherwise.

  Raises:
    ValueError: If there is no such column, or a column that was asked for cannot be taken.
  """
  known = ~np.isnan(table.label)
  called, table = np.asarray(called)[known], table.labelled()
  for name in columns:
    if name not in table.metadata:
      raise ValueError(f'no column {name!r}; there are {", ".join(table.metadata) or "none"}')
  rows = []
  same = [] if columns else following(table)
  for name in columns or [name for name in table.metadata if name not in same]:
    parts = _parts(table.metadata[name])
    if columns and not parts:
      raise ValueError(f'column {name!r} has one value only, or too many different ones')
    for value, members in parts:
      rows.append(_subgroup(table.select(members), called[members], name, value))
  return rows


def left_out(table: Predictions) -> list[str]:
  """Names of the metadata columns that ``subgroups`` does not take by itself."""
  return [name for name, column in table.labelled().metadata.items() if not _parts(column)]


def following(table: Predictions) -> list[str]:
  """Names of the metadata columns that follow from the label, or it from them.

  Each value of such a column has cases of one class only, as of one that the label was made from.
  Values with fewer than five cases say nothing of that.
  """
  table = table.labelled()
  names = []
  for name, column in table.metadata.items():
    labels = [
      set(table.label[members].tolist())
      for _, members in _parts(column)
      if members.sum() >= _TELLING
    ]
    if len(set().union(*labels)) > 1 and all(len(seen) == 1 for seen in labels):
      names.append(name)
  return names


def _subgroup(table: Predictions, called: np.ndarray, column: str, value: str) -> Subgroup:
  groups = len(np.unique(table.group))
  right = called == table.label
  if not table.is_binary:
    accuracy = proportion(right, table.group, 'case')
    small = len(table) < SMALLEST
    return Subgroup(column, value, len(table), None, groups, {'accuracy': accuracy}, small)
  positive = table.label == 1
  return Subgroup(
    column,
    value,
    len(table),
    int(positive.sum()),
    groups,
    {
      'auroc': auroc_interval(table.label, table.probability, group=table.group),
      'sensitivity': proportion(right[positive], table.group[positive], 'positive case'),
      'specificity': proportion(right[~positive], table.group[~positive], 'negative case'),
    },
    any(count < SMALLEST for count in np.bincount(table.label) if count),
  )


def _parts(column: list[str]) -> list[tuple[str, np.ndarray]]:
  """Values and who has them, bool [N]; none for a column that cannot be taken."""
  cells = np.array([cell.strip() for cell in column])
  empty = np.array([cell.lower() in _EMPTY for cell in cells.tolist()], bool)
  values = sorted(set(cells[~empty].tolist()))
  unknown = [('unknown', empty)] if empty.any() else []
  if len(values) < 2:
    return []
  if len(values) <= _VALUES:
    return [(value, cells == value) for value in values] + unknown
  try:
    numbers = np.array(
      [np.nan if none else _number(cell) for cell, none in zip(cells, empty, strict=True)]
    )
  except ValueError:
    if len(values) > _LARGEST:
      return []
    names, counts = np.unique(cells[~empty], return_counts=True)
    largest = names[np.argsort(-counts, kind='stable')][: _VALUES - 1]
    parts = [(str(name), cells == name) for name in sorted(largest.tolist())]
    return [*parts, ('other', ~empty & ~np.isin(cells, largest)), *unknown]
  whole = numbers[~empty]
  if not np.isfinite(whole).all() or (len(values) == len(whole) and _is_count(whole)):
    return []  # a running number is no property of a patient
  edges = np.unique(np.quantile(whole, np.linspace(0, 1, _PARTS + 1)[1:-1], method='lower'))
  number = np.searchsorted(edges, numbers, side='left')
  parts = []
  for part in range(len(edges) + 1):
    members = (number == part) & ~empty
    if members.any():
      low, high = numbers[members].min(), numbers[members].max()
      parts.append((f'{low:.4g} to {high:.4g}', members))
  return parts + unknown


def _number(cell: str) -> float:
  """The number in a cell; ages that would identify somebody are cut off, as 90+."""
  return float(cell.removesuffix('+'))


def _is_count(numbers: np.ndarray) -> bool:
  return bool((np.diff(np.sort(numbers)) == 1).all())
