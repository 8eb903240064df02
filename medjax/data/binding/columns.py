"""Which columns of a table hold the protein and the affinity."""

import pathlib
import re
from collections.abc import Sequence

from medjax.data import tables
from medjax.data.sequences import fasta
from medjax.data.sequences.alphabet import PROTEIN
from medjax.errors import UserError

_SEQUENCE = re.compile(r'.*sequence.*|protein|fasta')
_AFFINITY = re.compile(r'.*affinity.*|label|y|p?(kd|ki|ic50|ec50)(nm)?|kiba(score)?')
_LOOKED_AT = 200  # rows
_NEARLY_ALL = 0.9
_RESIDUES = 20  # of a cell that is a protein: words are shorter


def sequence(
  path: pathlib.Path, header: Sequence[str], cells: Sequence[dict[str, str]], name: str
) -> str:
  """The column with the protein sequences.

  Args:
    path: of the table, for errors.
    header: names of the columns that may be it.
    cells: of each row, by column.
    name: the setting; '' to find it: the only one whose name says sequence and, or else that, in
      whose first 200 rows at least nine of ten cells are chains of 20 residues or more.

  Raises:
    UserError: there is none, or several may be meant.

  Example:
    >>> sequence(pathlib.Path('a.csv'), ['Target'], [{'Target': 'MKTAYIAKQRQISFVKSHFSRQ'}], '')
    'Target'
  """
  if name:
    return tables.column(path, header, name)
  named = [one for one in header if _SEQUENCE.fullmatch(_bare(one))]
  found = named if len(named) == 1 else []
  found = found or [one for one in named or header if one and _are_proteins(cells, one)]
  if len(found) > 1:
    raise UserError(
      f'{path}: columns {found[0]!r} and {found[1]!r} both look like proteins; expected '
      'config.data.sequence_column to name one'
    )
  if not found:
    raise UserError(
      f'{path}: no column with protein sequences (it has {", ".join(header)}); expected '
      'config.data.sequence_column to name it'
    )
  return found[0]


def affinity(path: pathlib.Path, header: Sequence[str], name: str) -> str:
  """The column with the affinities.

  Args:
    path: of the table, for errors.
    header: names of the columns that may be it.
    name: the setting; '' for the only one with a usual name, or else the only one.

  Raises:
    UserError: there is none, or several may be meant.

  Example:
    >>> affinity(pathlib.Path('a.csv'), ['Target_ID', 'Kd (nM)'], '')
    'Kd (nM)'
  """
  if name:
    return tables.column(path, header, name)
  named = [one for one in header if _AFFINITY.fullmatch(_bare(one))]
  found = named or list(header)
  if len(found) == 1:
    return found[0]
  if not found:
    raise UserError(f'{path}: no column beside SMILES and sequence; expected one with affinities')
  raise UserError(
    f'{path}: which column is the affinity? expected config.data.affinity_column to name it (it '
    f'has {", ".join(found)})'
  )


def _bare(name: str) -> str:
  return re.sub(r'[\W_]', '', name).lower()


def _are_proteins(cells: Sequence[dict[str, str]], column: str) -> bool:
  there = list(dict.fromkeys(row[column] for row in cells[:_LOOKED_AT] if row[column]))
  are = [_is_protein(cell) for cell in there]
  return bool(there) and sum(are) >= _NEARLY_ALL * len(there)


def _is_protein(cell: str) -> bool:
  letters = fasta.letters(cell)
  if len(letters) < _RESIDUES or not letters.rstrip('*').isalpha():
    return False
  try:
    PROTEIN.encode(letters, 'cell')
  except UserError:
    return False
  return True
