"""Tables of series in the form of the UCR archive: a class first, then one sample a column.

Source:
  Dau et al. (2019), The UCR time series archive, IEEE/CAA Journal of Automatica Sinica 6:1293-1305.
"""

import dataclasses
import math
import pathlib

import numpy as np

from medjax.data import numerals, received
from medjax.data.quote import short
from medjax.data.text import clean
from medjax.data.text_file import read_text
from medjax.errors import UserError

_LARGEST = 1e18  # what float32 can square
_PRECISE = 2**53  # whole numbers beyond are not all their own float
_NO_SAMPLE = ('nan', '-nan', '+nan')


@dataclasses.dataclass(frozen=True)
class Row:
  """One line of a table: its file and number for errors, and its cells."""

  where: str
  line: int
  cells: tuple[str, ...]


def read(path: pathlib.Path) -> list[Row]:
  """The lines of a table; cells are separated by commas, or by tabs and spaces.

  A header that counts columns, such as label,0,1,2, is left out.

  Raises:
    UserError: the file cannot be read, or holds nothing.
  """
  text = read_text(path, 'a table with a class and samples in every row')
  received.require_pieces(path, text.count(' '))  # which separate cells too
  rows: list[Row] = []
  for line, content in enumerate(text.splitlines(), 1):
    if content.strip():
      cells = content.split(',') if ',' in content else content.split()
      rows.append(Row(f'{path} row {line}', line, tuple(clean(cell) for cell in cells)))
      received.require_cases(len(rows) - 1)  # one may be a header
  if rows and _is_header(rows[0]):
    del rows[0]
  if not rows:
    raise UserError(f'{path}: has a header and no rows; expected a class and samples in every row')
  return rows


def _is_header(row: Row) -> bool:
  """Whether its cells count columns, as data frames name them; no signal does."""
  places = row.cells[1:]
  start = numerals.whole(places[0]) if places else None
  return (
    start is not None
    and len(places) > 7
    and list(places) == [str(start + i) for i in range(len(places))]
  )


def label(row: Row) -> str:
  """The class in the first cell, '' where it is empty; a whole number is without decimals.

  Example:
    >>> label(Row('a.txt row 1', 1, ('1.0000e+00', '0.5')))
    '1'
  """
  number = numerals.real(row.cells[0])
  whole = number is not None and abs(number) < _PRECISE and number == int(number)
  return str(int(number)) if number is not None and whole else row.cells[0]


def samples(row: Row, first: int, length: int = 0) -> np.ndarray:
  """The samples of a row, float32 [L]; NaN at the end, as in series of unequal length, is zero.

  Args:
    row: as ``read`` gives it.
    first: the cell with the first sample, from 0.
    length: how many samples are expected; 0 for any.

  Raises:
    UserError: a cell is no number or one that float32 cannot square, or there are more or fewer.

  Example:
    >>> samples(Row('a.txt row 1', 1, ('2', '0.5', '-1', 'NaN')), 1).tolist()
    [0.5, -1.0, 0.0]
  """
  cells = row.cells[first:]
  if not cells or (length and len(cells) != length):
    raise UserError(f'{row.where}: {len(cells)} samples; expected {length or "at least one"}')
  values = np.zeros(len(cells), np.float32)
  for column, cell in enumerate(cells):
    number = math.nan if cell.lower() in _NO_SAMPLE else numerals.real(cell)
    if number is None or abs(number) > _LARGEST:
      raise UserError(_wrong(row, first + column, f'a number within {_LARGEST:g} of 0'))
    values[column] = number
  known = np.isfinite(values)
  there = int(np.flatnonzero(known)[-1]) + 1 if known.any() else 0
  if not there or not known[:there].all():
    missing = first + int(np.flatnonzero(~known)[0])
    raise UserError(_wrong(row, missing, 'a number, or NaN after the last sample'))
  return np.where(known, values, 0)


def _wrong(row: Row, column: int, expected: str) -> str:
  return f'{row.where} column {column + 1}: {short(row.cells[column])!r}; expected {expected}'
