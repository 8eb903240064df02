"""Tables with one row an example, whatever was predicted, and their CSV files."""

import collections
import csv
import dataclasses
import math
import os
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any, Self, TypeVar

import numpy as np

from medjax import files
from medjax.errors import UserError
from medjax.evaluation import csv_cells


class Rows:
  """A table with an example a row: what dataclasses with the fields ``id`` and ``metadata`` share.

  Fields that are arrays or lists have a value for each row; others are of the whole table.
  """

  id: np.ndarray
  metadata: dict[str, list[str]]

  def __len__(self) -> int:
    return len(self.id)

  def take(self, rows: np.ndarray) -> Self:
    """The rows with these numbers, in this order."""
    table: Any = self
    parts: dict[str, Any] = {}
    for name, column in self._columns():
      parts[name] = column[rows] if isinstance(column, np.ndarray) else [column[i] for i in rows]
    metadata = {name: [column[i] for i in rows] for name, column in self.metadata.items()}
    return dataclasses.replace(table, **parts, metadata=metadata)

  def in_order_of(self, other: 'Rows') -> Self:
    """The rows in the order of another table of the same cases.

    Raises:
      UserError: it is of other cases.
    """
    place = {name: row for row, name in enumerate(self.id.tolist())}
    missing = [name for name in other.id.tolist() if name not in place]
    if missing or len(other) != len(self):
      missing = missing or sorted(set(self.id.tolist()) - set(other.id.tolist()))
      raise UserError(
        f'compare: the runs predicted other cases: {missing[0]} is in one of them only'
      )
    return self.take(np.array([place[name] for name in other.id.tolist()], np.int64))

  def check_rows(self) -> None:
    """Raises ValueError where a column has another number of rows than id, or an id comes twice."""
    for name, column in [*self._columns(), *self.metadata.items()]:
      if len(column) != len(self.id):
        raise ValueError(f'{name} has {len(column)} rows; expected {len(self.id)} as in id')
    twice = [name for name, times in collections.Counter(self.id.tolist()).items() if times > 1]
    if twice:
      raise ValueError(f'id {twice[0]!r} occurs more than once')

  def _columns(self) -> list[tuple[str, Any]]:
    table: Any = self
    values = [(field.name, getattr(self, field.name)) for field in dataclasses.fields(table)]
    return [(name, value) for name, value in values if isinstance(value, np.ndarray | list)]


T = TypeVar('T', bound=Rows)


def concatenated(tables: Sequence[T]) -> T:
  """The rows of all tables, which are of one kind, with the metadata columns of the first."""
  first: Any = tables[0]
  parts: dict[str, Any] = {}
  for name, column in first._columns():
    columns = [getattr(table, name) for table in tables]
    parts[name] = (
      np.concatenate(columns)
      if isinstance(column, np.ndarray)
      else [cell for one in columns for cell in one]
    )
  metadata = {name: [c for one in tables for c in one.metadata[name]] for name in first.metadata}
  return dataclasses.replace(first, **parts, metadata=metadata)


def averaged(tables: Sequence[T], field: str) -> T:
  """One table with every example of several once, and the mean of what they say in one column.

  All other columns are those of the first table that has the example; metadata are left out.

  Args:
    tables: of the same kind.
    field: name of an array [N, ...] of numbers.

  Example:
    >>> averaged([fold_0, fold_1], 'probability')                  # doctest: +SKIP
  """
  every = np.concatenate([table.id for table in tables])
  _, first, number = np.unique(every, return_index=True, return_inverse=True)
  columns = [dict(table._columns()) for table in tables]
  parts: dict[str, Any] = {
    name: np.concatenate([of[name] for of in columns])[first] for name in columns[0]
  }
  values = np.concatenate([of[field] for of in columns])
  total = np.zeros((len(first), *values.shape[1:]))
  np.add.at(total, number, values)
  count = np.bincount(number).reshape(-1, *[1] * (values.ndim - 1))
  table: Any = tables[0]
  return dataclasses.replace(table, **parts | {field: total / count}, metadata={})


def write_rows(
  path: str | os.PathLike[str], header: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
  """Writes a CSV file, replacing ``path`` in one step so that no reader sees half of it."""
  path = pathlib.Path(path)
  with files.replacing(path) as new, open(new, 'w', newline='', encoding='utf-8') as file:
    csv_cells.write_lines(file, [header])
    csv_cells.write_lines(file, rows)


def read_columns(
  path: pathlib.Path, required: Sequence[str] = ('id', 'label')
) -> dict[str, list[str]]:
  """The cells of a CSV table by column, which must have those required.

  Raises:
    UserError: as ``read_csv``.
  """
  try:
    with open(path, newline='', encoding='utf-8-sig') as file:
      lines = [list(map(csv_cells.read, line)) for line in csv.reader(file)]
  except FileNotFoundError:
    raise UserError(f'{path}: no such file; expected a table of predictions') from None
  except (UnicodeDecodeError, csv.Error, OSError) as error:
    raise UserError(f'{path}: cannot be read as CSV in UTF-8 ({error})') from None
  if len(lines) < 2:
    raise UserError(f'{path}: no rows; expected a header and at least one example')
  header, rows = lines[0], lines[1:]
  if len(set(header)) != len(header):
    raise UserError(f'{path} row 1: a column name occurs more than once')
  for number, row in enumerate(rows, start=2):
    if len(row) != len(header):
      raise UserError(f'{path} row {number}: {len(row)} cells; expected {len(header)}')
  columns = {name: list(cells) for name, cells in zip(header, zip(*rows, strict=True), strict=True)}
  for name in required:
    if name not in columns:
      raise UserError(f'{path} row 1: no column {name!r}')
  return columns


def constant(path: pathlib.Path, columns: dict[str, list[str]], name: str, default: str) -> str:
  values = sorted(set(columns.get(name, [default])))
  if len(values) > 1:
    raise UserError(f'{path}: column {name!r} holds {values[:3]}; expected one value in every row')
  return values[0]


def floats(path: pathlib.Path, name: str, cells: Sequence[str], missing: bool) -> np.ndarray:
  """The numbers of a column, float64 [N], NaN for an empty cell where that is allowed.

  Args:
    path: the file, for errors.
    name: of the column, for errors.
    cells: as they stand in the file.
    missing: whether a cell may be empty.

  Raises:
    UserError: a cell is no finite number; names the file and the row (the header is row 1).
  """
  numbers = np.full(len(cells), np.nan)
  for row, cell in enumerate(cells):
    if missing and not cell:
      continue
    try:
      numbers[row] = float(cell)
    except ValueError:
      numbers[row] = np.inf
    if not math.isfinite(numbers[row]):
      raise UserError(f'{path} row {row + 2}: {name} is {cell!r}; expected a number')
  return numbers
