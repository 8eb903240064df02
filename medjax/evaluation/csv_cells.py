"""Cells that no spreadsheet takes for a formula.

A file name or a label such as ``=cmd|...`` would be run by a spreadsheet that opens the table. As
OWASP advises, such a cell gets an apostrophe before it, which spreadsheets take for "this is text";
``read`` takes it off again, so that a table that was written is read as it was.
"""

import re
from collections.abc import Mapping
from typing import Any

_FORMULA = re.compile(r"[=+\-@\t\r].|'[=+\-@\t\r']", re.DOTALL)


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
