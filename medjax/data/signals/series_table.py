"""Tables of series in the form of the UCR archive: a class first, then one sample a column.

Source:
  Dau et al. (2019), The UCR time series archive, IEEE/CAA Journal of Automatica Sinica 6:1293-1305.
"""

import dataclasses
import gzip
import pathlib
import zlib

import numpy as np

from medjax.errors import UserError


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
  try:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.name.lower().endswith('.gz') else data).decode(
      'utf-8-sig'
    )
  except FileNotFoundError:
    raise UserError(f'{path}: no such file') from None
  except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
    raise UserError(f'{path}: cannot be read: {error}') from None
  rows = []
  for line, content in enumerate(text.splitlines(), 1):
    if content.strip():
      cells = content.split(',') if ',' in content else content.split()
      rows.append(Row(f'{path} row {line}', line, tuple(cell.strip() for cell in cells)))
  if rows and _is_header(rows[0]):
    del rows[0]
  if not rows:
    raise UserError(f'{path}: is empty; expected a class and samples in every row')
  return rows


def _is_header(row: Row) -> bool:
  """Whether its cells count columns, as data frames name them; no signal does."""
  places = row.cells[1:]
  start = int(places[0]) if places and places[0].isdecimal() else -1
  return len(places) > 7 and list(places) == [str(start + i) for i in range(len(places))]


def label(row: Row) -> str:
  """The class in the first cell; a whole number is written without decimals.

  Raises:
    UserError: it is empty.

  Example:
    >>> label(Row('a.txt row 1', 1, ('1.0000e+00', '0.5')))
    '1'
  """
  if not row.cells[0]:
    raise UserError(f'{row.where}: its first cell is empty; expected a class')
  try:
    number = float(row.cells[0])
  except ValueError:
    return row.cells[0]
  return str(int(number)) if np.isfinite(number) and number == int(number) else row.cells[0]


def samples(row: Row, first: int, length: int = 0) -> np.ndarray:
  """The samples of a row, float32 [L]; NaN at the end, as in series of unequal length, is zero.

  Args:
    row: as ``read`` gives it.
    first: the cell with the first sample, from 0.
    length: how many samples are expected; 0 for any.

  Raises:
    UserError: a cell is no number, or there are more or fewer.

  Example:
    >>> samples(Row('a.txt row 1', 1, ('2', '0.5', '-1', 'NaN')), 1).tolist()
    [0.5, -1.0, 0.0]
  """
  cells = row.cells[first:]
  if not cells or (length and len(cells) != length):
    raise UserError(f'{row.where}: {len(cells)} samples; expected {length or "at least one"}')
  values = np.zeros(len(cells), np.float32)
  for column, cell in enumerate(cells):
    try:
      values[column] = float(cell)
    except ValueError:
      raise UserError(
        f'{row.where} column {first + column + 1}: {cell!r}; expected a number'
      ) from None
  finite = np.isfinite(values)
  there = int(np.flatnonzero(finite)[-1]) + 1 if finite.any() else 0
  if not there or not finite[:there].all() or np.isinf(values).any():
    column = first + int(np.flatnonzero(~finite)[0]) + 1
    raise UserError(
      f'{row.where} column {column}: {row.cells[column - 1]!r}; expected a number, or NaN after '
      'the last sample'
    )
  return np.where(finite, values, 0)
