"""Matched pairs: molecules that are the same but for one part at the end of one bond.

Each molecule is cut at every bond in turn that rdMMPA.FragmentMol of RDKit cuts by default: single,
in no ring, and with a carbon that has no multiple bond to another element, so that amides, esters
and the like stay whole. Molecules whose larger parts have one SMILES are pairs, found by hashing
it; where the smaller part is a hydrogen, the larger one with it is looked up among the molecules.

Source:
  Hussain, J. and Rea, C. (2010), Computationally efficient algorithm to identify matched molecular
  pairs (MMPs) in large data sets, J. Chem. Inf. Model. 50:339-348: one cut, and hydrogens.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from medjax.data.modality import MatchedPair
from medjax.data.molecules import toolkit

# Heavy atoms of the constant part for each of one that changes, at least.
_CONSTANT = 2
# Molecules of one constant part that are paired, so that a large series has not its square.
MOST_OF_A_SERIES = 100
_CUT = '[#6+0;!$(*=,#[!#6])]!@!=!#[*]'
_MARK = '[1*]'  # where the bond was; in pairs as people write it:
_WRITTEN = '[*:1]'
_MOST_MATCHES = 10_000


@dataclasses.dataclass(frozen=True)
class _Member:
  """A molecule of a series.

  Attributes:
    row: its number.
    part: SMILES of what changes in the series, with the mark.
    atoms: those of it, numbers in the molecule.
  """

  row: int
  part: str
  atoms: tuple[int, ...]


def matched_pairs(mols: Sequence[Any]) -> list[MatchedPair]:
  """The pairs among molecules that are all different.

  Args:
    mols: ``rdkit.Chem.Mol`` each, or None for one that is left out.

  Returns:
    Pairs by the numbers of their molecules; of two molecules one alone, with the largest constant
    part. That has at least two heavy atoms for each one that changes, in both. Of more than 100
    molecules with one constant part, 100 are paired: every so many.

  Example:
    >>> from rdkit import Chem
    >>> (pair,) = matched_pairs([Chem.MolFromSmiles(one) for one in ('Cc1ccccc1', 'Clc1ccccc1')])
    >>> pair.parts, pair.constant
    (('[*:1]C', '[*:1]Cl'), '[*:1]c1ccccc1')
  """
  chem = toolkit.chem()
  series: dict[str, list[_Member]] = {}
  composed: dict[str, tuple[int, ...]] = {}
  for row, mol in enumerate(mols):
    for constant, elements, member in _cuts(mol, row) if mol is not None else ():
      series.setdefault(constant, []).append(member)
      composed[constant] = elements
  whole = {chem.MolToSmiles(mol): row for row, mol in enumerate(mols) if mol is not None}
  known = {_elements(mol, range(mol.GetNumAtoms())) for mol in mols if mol is not None}
  for constant, members in series.items():
    if composed[constant] in known:  # most others have no such molecule, and parsing takes long
      bare = whole.get(_with_hydrogen(constant))
      if bare is not None:
        members.append(_Member(bare, f'[H]{_MARK}', ()))
  found: dict[tuple[int, int], tuple[int, MatchedPair]] = {}
  for constant, members in series.items():
    for one, other in itertools.combinations(_some(members), 2):
      first, second = sorted((one, other), key=lambda member: member.row)
      if first.row == second.row:
        continue
      changed = len(first.atoms) + len(second.atoms)
      key = first.row, second.row
      if key not in found or changed < found[key][0]:
        marks = _marks(mols[first.row], first.atoms), _marks(mols[second.row], second.atoms)
        parts = _written(first.part), _written(second.part)
        found[key] = changed, MatchedPair(*key, parts, _written(constant), marks)
  return [found[key][1] for key in sorted(found)]


def _cuts(mol: Any, row: int) -> Iterator[tuple[str, tuple[int, ...], _Member]]:
  """The constant part of every cut that leaves one, its elements, and what is cut off."""
  chem = toolkit.chem()
  matches = mol.GetSubstructMatches(chem.MolFromSmarts(_CUT), maxMatches=_MOST_MATCHES)
  for bond in sorted({mol.GetBondBetweenAtoms(*ends).GetIdx() for ends in matches}):
    cut = chem.FragmentOnBonds(mol, [bond], dummyLabels=[(1, 1)])
    small, large = sorted(chem.GetMolFrags(cut), key=len)
    atoms, constant = ([i for i in part if i < mol.GetNumAtoms()] for part in (small, large))
    if len(constant) >= _CONSTANT * len(atoms):
      part = chem.MolFragmentToSmiles(cut, small)
      member = _Member(row, part, tuple(atoms))
      yield chem.MolFragmentToSmiles(cut, large), _elements(mol, constant), member


def _elements(mol: Any, atoms: Sequence[int]) -> tuple[int, ...]:
  return tuple(sorted(mol.GetAtomWithIdx(i).GetAtomicNum() for i in atoms))


def _with_hydrogen(constant: str) -> str:
  """SMILES of the molecule that a constant part is with a hydrogen; '' where it is none."""
  chem = toolkit.chem()
  mol = chem.MolFromSmiles(constant.replace(_MARK, '[H]'))
  return '' if mol is None else chem.MolToSmiles(mol)


def _written(smiles: str) -> str:
  return smiles.replace(_MARK, _WRITTEN)


def _some(members: Sequence[_Member]) -> Sequence[_Member]:
  step = -(-len(members) // MOST_OF_A_SERIES)
  return members[::step]


def _marks(mol: Any, atoms: Sequence[int]) -> np.ndarray:
  marks = np.zeros(mol.GetNumAtoms(), np.float32)
  marks[list(atoms)] = 1
  return marks
