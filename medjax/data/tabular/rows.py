"""The rows of a CSV file, cells as texts."""

import pathlib

from medjax.data import tables
from medjax.errors import UserError


def parsed(path: pathlib.Path) -> tuple[list[str], list[tables.Row]]:
  """Header and numbered rows; raises UserError for what is no CSV file."""
  return tables.parse(_text(path), path, decimal_comma=True)


def _text(path: pathlib.Path) -> str:
  try:
    text = path.read_bytes().decode('utf-8-sig')
  except (OSError, UnicodeDecodeError) as error:
    reason = getattr(error, 'strerror', None) or error
    raise UserError(f'{path}: cannot be read as a CSV file in UTF-8: {reason}') from None
  if not text.strip():
    raise UserError(f'{path}: is empty; expected a header and rows')
  return text
