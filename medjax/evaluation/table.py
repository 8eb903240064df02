"""The table of predictions: one row an example, and its CSV file."""

import dataclasses
import os
import pathlib
from typing import Any

import numpy as np

from medjax.errors import UserError
from medjax.evaluation.rows import Rows, constant, read_columns, write_rows

_BINARY_COLUMN = 'probability'
_CLASS_PREFIX = 'probability_'
_FIXED_COLUMNS = ('id', 'label', 'group', 'split', 'negative', 'positive', _BINARY_COLUMN)
# A float32 softmax sums to 1 within about 1e-6; other tools round their tables to a few digits.
_SUM_TOLERANCE = 1e-2


@dataclasses.dataclass(frozen=True, eq=False)
class Predictions(Rows):
  """What a model predicted for each example of one split.

  Attributes:
    id: [N] strings, unique: every example is counted exactly once.
    label: [N] index into `classes`; int64, or float64 with NaN where the label is missing.
    probability: float64 in [0, 1]. With two classes [N], the probability of `classes[1]`; with more
      [N, C], each row summing to 1.
    group: [N] strings: the patient, scaffold or family that the example belongs to.
    split: Name of the split, for example 'test'.
    classes: Names of the classes; with two of them (negative, positive).
    metadata: Further columns by name, [N] strings each.

  Raises:
    ValueError: If lengths, shapes or values break the description above.

  Example:
    >>> table = Predictions(
    ...   id=np.array(['a', 'b']),
    ...   label=np.array([0, 1]),
    ...   probability=np.array([0.2, 0.9]),
    ...   group=np.array(['p1', 'p2']),
    ...   split='test',
    ...   classes=('normal', 'pneumonia'),
    ... )
    >>> len(table), table.is_binary
    (2, True)
  """

  id: np.ndarray
  label: np.ndarray
  probability: np.ndarray
  group: np.ndarray
  split: str
  classes: tuple[str, ...]
  metadata: dict[str, list[str]] = dataclasses.field(default_factory=dict)

  def __post_init__(self):
    if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):
      raise ValueError(f'classes are {self.classes}; expected at least two different names')
    if '' in self.classes:
      raise ValueError('a class has an empty name; in the file that means a missing label')
    shape = (len(self),) if self.is_binary else (len(self), len(self.classes))
    if self.probability.shape != shape:
      raise ValueError(f'probability has shape {self.probability.shape}; expected {shape}')
    self.check_rows()
    for name in self.metadata:
      if name in _FIXED_COLUMNS or name.startswith(_CLASS_PREFIX):
        raise ValueError(f'metadata column {name!r} has a reserved name')
    known = self.label[~np.isnan(self.label)]
    if not np.isin(known, np.arange(len(self.classes))).all():
      raise ValueError(f'a label is not NaN or an index below {len(self.classes)}')
    if not ((self.probability >= 0) & (self.probability <= 1)).all():
      raise ValueError('a probability is NaN or outside [0, 1]')
    if not self.is_binary and (abs(self.probability.sum(axis=1) - 1) > _SUM_TOLERANCE).any():
      raise ValueError('the probabilities of an example do not sum to 1')

  @property
  def is_binary(self) -> bool:
    """Whether there are two classes, and so one probability an example."""
    return len(self.classes) == 2

  def by_class(self) -> np.ndarray:
    """Probability of each class, [N, C], also with two classes."""
    return by_class(self.probability)

  def select(self, keep: np.ndarray) -> 'Predictions':
    """Returns the rows where the boolean [N] array `keep` is true, in order."""
    return self.take(np.flatnonzero(keep))

  def labelled(self) -> 'Predictions':
    """Returns the rows whose label is known, with labels as int64."""
    known = self.select(~np.isnan(self.label))
    return dataclasses.replace(known, label=known.label.astype(np.int64))

  def write_csv(self, path: str | os.PathLike[str]) -> None:
    """Writes the table, replacing `path` in one step so that no reader sees half a file.

    Columns: id, label (name of the class, empty where missing), probability and the names of the
    negative and the positive class (two classes) or probability_<class> for each class, group,
    split, then the metadata. Numbers are written so that `read_csv` returns the same bits.

    Args:
      path: File to write; its folder is made if need be.

    Example:
      >>> table.write_csv('predictions/test.csv')  # doctest: +SKIP
    """
    if self.is_binary:
      probability_names = [_BINARY_COLUMN, 'negative', 'positive']
    else:
      probability_names = [_CLASS_PREFIX + name for name in self.classes]
    header = ['id', 'label', *probability_names, 'group', 'split', *self.metadata]
    write_rows(path, header, map(self._cells, range(len(self))))

  def _cells(self, row: int) -> list[Any]:
    label = self.label[row]
    # tolist() gives Python floats, whose repr is the shortest that reads back the same.
    probability = self.probability[row].tolist()
    return [
      self.id[row],
      '' if np.isnan(label) else self.classes[int(label)],
      *([repr(probability), *self.classes] if self.is_binary else map(repr, probability)),
      self.group[row],
      self.split,
      *(column[row] for column in self.metadata.values()),
    ]


def by_class(probability: np.ndarray) -> np.ndarray:
  """Probability of each class, [N, C], of those of the second of two classes, [N], or of all."""
  return np.stack([1 - probability, probability], axis=1) if probability.ndim == 1 else probability


def read_csv(path: str | os.PathLike[str]) -> Predictions:
  """Reads a table written by `Predictions.write_csv` or by another tool.

  Only id, label and the probability columns are required. Without a group column every example is
  its own group; without a split column the split is the name of the file. A table of two classes
  without the columns negative and positive has labels 0 and 1.

  Args:
    path: CSV file in UTF-8 with a header.

  Returns:
    The table; `label` is int64 where every label is known and float64 otherwise.

  Raises:
    UserError: If the file is missing, or a column or a value is missing or wrong; the message names
      the file and the row (the header is row 1).

  Example:
    >>> read_csv('runs/a/predictions/test.csv').split  # doctest: +SKIP
    'test'
  """
  path = pathlib.Path(path)
  columns = read_columns(path)
  if _BINARY_COLUMN in columns:
    names = [_BINARY_COLUMN]
    classes = tuple(
      constant(path, columns, name, default)
      for name, default in (('negative', '0'), ('positive', '1'))
    )
  else:
    names = [name for name in columns if name.startswith(_CLASS_PREFIX)]
    classes = tuple(name.removeprefix(_CLASS_PREFIX) for name in names)
    if len(classes) < 3:
      raise UserError(
        f'{path} row 1: expected a column {_BINARY_COLUMN!r}, '
        f'or {_CLASS_PREFIX}<class> for three or more classes'
      )
  probability = np.array([_floats(path, name, columns[name]) for name in names]).T
  split = constant(path, columns, 'split', path.stem)
  try:
    return Predictions(
      id=np.array(columns['id']),
      label=_labels(path, columns['label'], classes),
      probability=probability[:, 0].copy() if _BINARY_COLUMN in columns else probability,
      group=np.array(columns.get('group', columns['id'])),
      split=split,
      classes=classes,
      metadata={
        name: column
        for name, column in columns.items()
        if name not in _FIXED_COLUMNS and name not in names
      },
    )
  except ValueError as error:
    raise UserError(f'{path}: {error}') from None


def _floats(path: pathlib.Path, name: str, cells: list[str]) -> list[float]:
  numbers = []
  for row, cell in enumerate(cells, start=2):
    try:
      number = float(cell)
    except ValueError:
      number = float('nan')
    if not 0 <= number <= 1:
      raise UserError(f'{path} row {row}: {name} is {cell!r}; expected a number in [0, 1]')
    numbers.append(number)
  return numbers


def _labels(path: pathlib.Path, cells: list[str], classes: tuple[str, ...]) -> np.ndarray:
  index = {name: float(position) for position, name in enumerate(classes)}
  index[''] = float('nan')
  for row, cell in enumerate(cells, start=2):
    if cell not in index:
      raise UserError(f'{path} row {row}: label is {cell!r}; expected one of {", ".join(classes)}')
  label = np.array([index[cell] for cell in cells])
  return label if np.isnan(label).any() else label.astype(np.int64)
