"""Tables with a header, separated by commas, semicolons or tabs, as people export them."""

import csv
import io
import math
import pathlib
import re
from collections import Counter
from collections.abc import Sequence

from medjax.config import nearest
from medjax.data import numerals, patients, received
from medjax.data.missing import Missing
from medjax.data.text import clean
from medjax.errors import UserError

ENDINGS = ('.csv', '.tsv', '.txt', '.csv.gz', '.tsv.gz', '.txt.gz')
LARGEST = 1e30
"""Largest number that is read: float32 holds it, and its square fits a float64."""
Row = tuple[int, dict[str, str]]
_USUAL = Missing()
_BLANK = ' \t\f\v,;"'  # of which a line before the header may be
_LINE = re.compile(r'[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+')  # as of ``str.splitlines``
_TOLD = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)  # Excel's first line, where it has one


def parse(text: str, table: pathlib.Path) -> tuple[list[str], list[Row]]:
  """The header and the rows of a table.

  Args:
    text: the whole table; its first line that is not blank is the header and tells the delimiter.
    table: where the text is from, for errors.

  Returns:
    The names of the columns, and the rows, each with the number of its last line; cells as
    ``text.clean`` gives them. Rows of empty cells are left out.

  Raises:
    UserError: the table is empty, a name stands over two columns, a row has too few or too many
      cells, a quote is not closed, or there are NUL bytes.

  Example:
    >>> parse('id;label\\na;1', pathlib.Path('labels.csv'))
    (['id', 'label'], [(2, {'id': 'a', 'label': '1'})])
  """
  if '\0' in text:
    line = text.count('\n', 0, text.index('\0')) + 1
    raise UserError(f'{table} row {line}: holds NUL bytes; expected text')
  first = _first_line(text)
  if not first:
    raise UserError(f'{table}: is empty; expected a header and rows')
  between = delimiter(text)
  if _TOLD.fullmatch(first.strip()):
    text = text.replace(first, '', 1)  # the line stays, so that rows keep their numbers
  # StringIO keeps line breaks as they are: a quoted cell may hold some. Without ``strict`` a quote
  # that is never closed would swallow the rows after it.
  lines = io.StringIO(text, newline='')
  reader = csv.reader(lines, delimiter=between, skipinitialspace=True, strict=True)
  header: list[str] = []
  blank: str | None = _BLANK
  line = 1
  rows = []
  try:
    for cells in reader:
      if not any(cell.strip(blank) for cell in cells):
        continue
      if not header:
        header, blank = [clean(name) for name in cells], None
        continue
      if len(cells) != len(header):
        raise UserError(
          f'{table} row {reader.line_num}: expected {len(header)} cells, as in the header'
        )
      line = reader.line_num
      rows.append((line, dict(zip(header, map(clean, cells), strict=True))))
      received.require_cases(len(rows))
  except csv.Error as error:
    raise UserError(
      f'{table} row {line + 1}: {error}; expected each quote closed at the end of its '
      f'cell and at most {csv.field_size_limit()} characters in a cell'
    ) from None
  repeated = [name for name, count in Counter(header).items() if name and count > 1]
  if repeated:
    raise UserError(f'{table}: has several columns {repeated[0]!r}; expected each name once')
  return header, rows


def delimiter(text: str) -> str:
  """What separates the cells of a table, by its first line.

  Example:
    >>> delimiter('id;crp'), delimiter('sep=,')
    (';', ',')
  """
  first = _first_line(text)
  told = _TOLD.fullmatch(first.strip())
  return told[1] if told else max(',;\t', key=first.count)


def _first_line(text: str) -> str:
  """The first one that is not blank, '' where there is none."""
  lines = (found[0] for found in _LINE.finditer(text))
  return next((line for line in lines if line.strip(_BLANK)), '')


def column(
  table: pathlib.Path,
  header: Sequence[str],
  name: str,
  optional: bool = False,
  setting: str = '',
) -> str:
  """The header's spelling of a column; '' where an optional one is missing.

  A column is found by its name, or else by its name but for case.

  Args:
    table: where the header is from, for errors.
    header: names of the columns.
    name: the column asked for.
    optional: whether it may be missing.
    setting: what names it, for the error.

  Raises:
    UserError: there is no such column, or several but for case.
  """
  alike = [other for other in header if name and other.casefold() == name.strip().casefold()]
  if name in alike:
    return name
  if len(alike) > 1:
    raise UserError(
      f'{table}: columns {alike[0]!r} and {alike[1]!r} are both {name!r} but for case'
    )
  if not alike and not optional:
    hint = f'; {setting} names it' if setting else ''
    raise UserError(
      f'{table}: no column {name!r}{nearest(name, header)} (it has {", ".join(header)}){hint}'
    )
  return alike[0] if alike else ''


def optional_column(table: pathlib.Path, header: Sequence[str], name: str, usual: str) -> str:
  """As ``column`` for a setting of a column that need not be there.

  Args:
    table: where the header is from, for errors.
    header: names of the columns.
    name: the setting; '' for no column.
    usual: its default, under which a column may be missing.
  """
  return column(table, header, name, optional=name in ('', usual))


def patient_column(
  table: pathlib.Path, header: Sequence[str], name: str, usual: str = 'patient'
) -> str:
  """The column of patients; '' where there is none.

  Args:
    table: where the header is from, for errors.
    header: names of the columns.
    name: the setting; '' for no column.
    usual: its default, for which any name that is in use for patients will do.
  """
  found = optional_column(table, header, name, usual)
  if found or name != usual:
    return found
  return next((other for other in header if patients.is_column(other)), '')


def parse_number(cell: str, missing: Missing | None = None) -> float | None:
  """The number in a cell, NaN where it is missing, None where it is a text or beyond ``LARGEST``.

  Args:
    cell: as ``parse`` gives it.
    missing: which words mean a missing value; None for the usual ones.
  """
  missing, cell = missing or _USUAL, cell.strip()
  if missing.number(cell):
    return math.nan
  number = numerals.real(cell)
  return None if number is None or abs(number) > LARGEST else number
