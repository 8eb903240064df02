"""Which column of a table holds the SMILES: by its name, or else by what stands in it."""

import pathlib
import re
from collections.abc import Sequence

from medjax.data import numerals, tables
from medjax.data.molecules import structures
from medjax.errors import UserError

_NAMED = re.compile(r'.*smiles.*|smi|smile')
_LOOKED_AT = 200  # rows
_NEARLY_ALL = 0.9
# Letters such as N and F are molecules too, but a column of these is one of answers.
_ATOMS = 3


def find(
  path: pathlib.Path, header: Sequence[str], rows: Sequence[tables.Row], name: str
) -> tuple[str, list[str]]:
  """The column with the SMILES, and a note where nobody named it.

  Args:
    path: of the table, for errors.
    header: names of the columns.
    rows: number and cells of each.
    name: the setting; '' to find it: the only one whose name holds *smiles*, or else the only one
      in whose first 200 rows at least nine of ten cells are molecules.

  Raises:
    UserError: there is none, or several may be meant.

  Example:
    >>> find(pathlib.Path('a.csv'), ['mol', 'y'], [(2, {'mol': 'CCO', 'y': '1'})], '')[0]
    'mol'
  """
  if name:
    return tables.column(path, header, name), []
  named = [column for column in header if _NAMED.fullmatch(re.sub(r'[\W_]', '', column).lower())]
  found = named or [column for column in header if column and _are_smiles(rows, column)]
  if len(found) > 1:
    raise UserError(
      f'{path}: columns {found[0]!r} and {found[1]!r} both look like SMILES; expected '
      'config.data.smiles_column to name one'
    )
  if not found:
    raise UserError(
      f'{path}: no column with SMILES (it has {", ".join(header)}); expected '
      'config.data.smiles_column to name it'
    )
  return found[0], [] if named else [f'column {found[0]!r} holds the SMILES, as its cells say']


def _are_smiles(rows: Sequence[tables.Row], column: str) -> bool:
  cells = list(dict.fromkeys(row[column] for _, row in rows[:_LOOKED_AT] if row[column]))
  if not cells:
    return False
  sizes = [_atoms(cell) for cell in cells]
  known = [size for size in sizes if size]
  return len(known) >= _NEARLY_ALL * len(cells) and max(known) >= _ATOMS


def _atoms(cell: str) -> int:
  """Heavy atoms of the molecule that a cell is; 0 where it is none."""
  if numerals.real(cell) is not None:
    return 0
  try:
    return structures.of_smiles(cell, 1000).GetNumHeavyAtoms()
  except UserError:
    return 0
