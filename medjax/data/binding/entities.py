"""The drugs and the targets of a table, each read once however many rows it stands in."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from medjax.data.molecules.standard import REMARKS, Molecule, Standard
from medjax.data.sequences import fasta
from medjax.data.sequences.alphabet import GAPS, PROTEIN
from medjax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Drugs:
  """The drugs of N cells.

  Attributes:
    number: of the drug in each cell, int64 [N]; -1 where there is none.
    molecules: each different drug, by number.
    broken: why a cell is none, by what stands in it.
    notes: what was decided, one line each.
  """

  number: np.ndarray
  molecules: list[Molecule]
  broken: dict[str, str]
  notes: list[str]


@dataclasses.dataclass(frozen=True)
class Targets:
  """The targets of N cells.

  Attributes:
    number: of the target in each cell, int64 [N]; -1 where there is none.
    tokens: of each different target, uint8 [residues], by number; gaps are left out.
    broken: why a cell is none, by what stands in it.
    notes: what was decided, one line each.
  """

  number: np.ndarray
  tokens: list[np.ndarray]
  broken: dict[str, str]
  notes: list[str]


def drugs(cells: Sequence[str], standard: Standard) -> Drugs:
  """The drugs of a column of SMILES; cells with one standard form are one drug.

  Args:
    cells: SMILES, [N].
    standard: how they become molecules.

  Example:
    >>> drugs(['OCC', 'CCO', 'C1CC'], Standard()).number.tolist()
    [0, 0, -1]
  """
  of_cell: dict[str, int] = {}
  of_smiles: dict[str, int] = {}
  molecules: list[Molecule] = []
  broken: dict[str, str] = {}
  for cell in dict.fromkeys(cells):
    try:
      molecule = standard.molecule(cell)
    except UserError as error:
      broken[cell] = str(error)
      continue
    of_cell[cell] = of_smiles.setdefault(molecule.smiles, len(molecules))
    if of_cell[cell] == len(molecules):
      molecules.append(molecule)
  notes = []
  for key, text in REMARKS.items():
    with_it = [one.smiles for one in molecules if key in one.remarks]
    if with_it:
      notes.append(f'{len(with_it)} drugs {text}, such as {with_it[0]}')
  return Drugs(_numbers(cells, of_cell), molecules, broken, notes)


def targets(cells: Sequence[str]) -> Targets:
  """The targets of a column of protein sequences; cells that are read alike are one target.

  Args:
    cells: letters in either case, with gaps and a stop at the end or without, [N].

  Example:
    >>> found = targets(['MK-U*', 'mkc', 'MK*C'])
    >>> found.number.tolist(), found.broken['MK*C'][:24]
    ([0, 0, -1], 'protein: position 3 is ')
  """
  of_cell: dict[str, int] = {}
  of_tokens: dict[bytes, int] = {}
  tokens: list[np.ndarray] = []
  broken: dict[str, str] = {}
  spelled: list[str] = []
  for cell in dict.fromkeys(cells):
    letters = fasta.letters(cell)
    try:
      one = PROTEIN.encode(letters, 'protein', drop_gaps=True)
    except UserError as error:
      broken[cell] = str(error)
      continue
    spelled.append(letters)
    of_cell[cell] = of_tokens.setdefault(one.tobytes(), len(tokens))
    if of_cell[cell] == len(tokens):
      tokens.append(one)
  notes = PROTEIN.remarks(spelled)
  gapped = sum(any(gap in letters for gap in GAPS) for letters in spelled)
  if gapped:
    notes.append(f'{gapped} sequences have gaps, as of an alignment, which are left out')
  return Targets(_numbers(cells, of_cell), tokens, broken, notes)


def _numbers(cells: Sequence[str], of_cell: dict[str, int]) -> np.ndarray:
  return np.array([of_cell.get(cell, -1) for cell in cells], np.int64)
