"""Cells that no spreadsheet takes for a formula.

A file name or a label such as ``=cmd|...`` would be run by a spreadsheet that opens the table. As
OWASP advises, such a cell gets an apostrophe before it, which spreadsheets take for "this is text";
``read`` takes it off again, so that a table that was written is read as it was. Names of columns
are cells as well: they hold names of classes. Every table that medjax writes is written here.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

# With the wide forms of these signs, which some spreadsheets take for the signs.
_SIGNS = '=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20'
_FORMULA = re.compile(f"[{_SIGNS}].|'[{_SIGNS}']", re.DOTALL)


class Writer:
  """A table whose cells no spreadsheet runs; its header is written at once.

  Args:
    file: opened with ``newline=''``.
    columns: names of the columns.
    others: whether rows may have further cells, which are left out.

  Raises:
    ValueError: a row has a cell of another column, and ``others`` is not given.

  Example:
    >>> import io
    >>> file = io.StringIO()
    >>> Writer(file, ['p(=1+1)', '=2']).rows([{'p(=1+1)': -0.5, '=2': '@x'}])
    >>> file.getvalue()
    "p(=1+1),'=2\\r\\n-0.5,'@x\\r\\n"
  """

  def __init__(self, file: IO[str], columns: Sequence[str], *, others: bool = False):
    self._writer = csv.DictWriter(file, columns, extrasaction='ignore' if others else 'raise')
    self._writer.writerow({name: write(name) for name in columns})

  def rows(self, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes rows, each with its cells by column."""
    self._writer.writerows(map(write_row, rows))


def write_lines(file: IO[str], lines: Iterable[Iterable[Any]]) -> None:
  """Writes lines of cells, of which the first is the header."""
  csv.writer(file).writerows(map(write, line) for line in lines)


def write(cell: Any) -> Any:
  """What stands for a cell in a file; numbers and harmless texts are as they are.

  Example:
    >>> write('=1+1'), write('-1.5'), write('scan.png')
    ("'=1+1", '-1.5', 'scan.png')
  """
  if not isinstance(cell, str) or not _FORMULA.match(cell):
    return cell
  try:
    float(cell)
  except ValueError:
    return f"'{cell}"
  return cell


def write_row(row: Mapping[str, Any]) -> dict[str, Any]:
  """The cells of a row by column, each as ``write`` gives it."""
  return {name: write(cell) for name, cell in row.items()}


def read(cell: str) -> str:
  """The cell that ``write`` was given.

  Example:
    >>> read("'=1+1"), read("it's")
    ('=1+1', "it's")
  """
  return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell
