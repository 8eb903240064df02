"""Tables with a header, separated by commas, semicolons or tabs, as people export them."""

import csv
import io
import math
import pathlib
import re
from collections.abc import Sequence

from medjax.config import nearest
from medjax.errors import UserError

_WITH_COMMA = re.compile(r'[+-]?\d+(,\d+)?([eE][+-]?\d+)?|[nN][aA]([nN])?')
ENDINGS = ('.csv', '.tsv', '.txt', '.csv.gz', '.tsv.gz', '.txt.gz')
Row = tuple[int, dict[str, str]]
# What spreadsheets and data frames write where there is no value.
MISSING = frozenset({'', 'nan', 'na', 'n/a', 'null', 'none', '?'})


def parse(
  text: str, table: pathlib.Path, *, decimal_comma: bool = False
) -> tuple[list[str], list[Row]]:
  """The header and the rows of a table.

  Args:
    text: the whole table; its first line is the header and tells the delimiter.
    table: where the text is from, for errors.
    decimal_comma: where cells are not separated by commas, read 1,5 as 1.5 in columns that hold
      nothing but such numbers, as spreadsheets in many countries write them.

  Returns:
    The names of the columns, and the rows, each with the number of its last line; cells without
    outer spaces.

  Raises:
    UserError: a name stands over two columns, a row has too few or too many cells, or a quote is
      not closed.

  Example:
    >>> parse('id;label\\na;1', pathlib.Path('labels.csv'))
    (['id', 'label'], [(2, {'id': 'a', 'label': '1'})])
  """
  delimiter = max(',;\t', key=text.splitlines()[0].count)
  # StringIO keeps line breaks as they are: a quoted cell may hold some. Without ``strict`` a quote
  # that is never closed would swallow the rows after it.
  lines = io.StringIO(text, newline='')
  reader = csv.DictReader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
  rows = []
  try:
    reader.fieldnames = header = [name.strip() for name in reader.fieldnames or []]
    repeated = [name for name in header if name and header.count(name) > 1]
    if repeated:
      raise UserError(f'{table}: has several columns {repeated[0]!r}; expected each name once')
    for cells in reader:
      if None in cells or None in cells.values():
        raise UserError(
          f'{table} row {reader.line_num}: expected {len(header)} cells, as in the header'
        )
      rows.append((reader.line_num, {name: value.strip() for name, value in cells.items()}))
  except csv.Error as error:
    raise UserError(
      f'{table} row {reader.line_num + 1}: {error}; expected each quote closed at the end of its '
      f'cell and at most {csv.field_size_limit()} characters in a cell'
    ) from None
  if decimal_comma and delimiter != ',':
    for name in header:
      filled = [row[name] for _, row in rows if row[name]]
      if any(',' in cell for cell in filled) and all(map(_WITH_COMMA.fullmatch, filled)):
        for _, row in rows:
          row[name] = row[name].replace(',', '.')
  return header, rows


def column(table: pathlib.Path, header: Sequence[str], name: str, optional: bool = False) -> str:
  """The header's spelling of a column; '' where an optional one is missing.

  A column is found by its name, or else by its name but for case.

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
    raise UserError(
      f'{table}: no column {name!r}{nearest(name, header)} (it has {", ".join(header)})'
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


def parse_number(cell: str) -> float | None:
  """The number in a cell, NaN where it is missing, None where it is a text."""
  if cell.strip().lower() in MISSING:
    return math.nan
  try:
    number = float(cell) if '_' not in cell else math.inf  # Python reads 1_2 as 12
  except ValueError:
    return None
  return number if math.isfinite(number) else None
