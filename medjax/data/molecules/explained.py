"""Explanations of molecules by name: what each atom adds."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from medjax.data.molecules import toolkit
from medjax.data.molecules.presence import Presence
from medjax.explain import Method, Notes, Score, players

_SUBSTRUCTURE = 'substructures'
# Numbers of a program's largest array, at most.
_NUMBERS = 2**22


def methods(presence: Presence) -> dict[str, Method]:
  """The methods: (score, molecules, class numbers) -> what each atom adds, [atoms] a molecule.

  Args:
    presence: what the network sees of molecules some of whose atoms are absent.
  """

  def each(of_one: Callable[[Score, int, Any, int], np.ndarray]) -> Method:
    def method(
      score: Score, mols: Sequence[Any], target: np.ndarray
    ) -> tuple[list[np.ndarray], Notes]:
      found = []
      for mol, number in zip(mols, np.asarray(target).tolist(), strict=True):
        if mol is None:
          found.append(np.full(1, np.nan))
        else:
          found.append(of_one(*presence.score(score, mol), mol, number))
      return found, {}

    return method

  def of_shap(score: Score, width: int, mol: Any, target: int) -> np.ndarray:
    chunk = max(1, min(256, _NUMBERS // width**2))
    return players.player_values(score, mol.GetNumAtoms(), width, target, chunk=chunk)

  def of_parts(score: Score, width: int, mol: Any, target: int) -> np.ndarray:
    return players.part_removal(score, substructures(mol), width, target)

  def of_gradient(score: Score, width: int, mol: Any, target: int) -> np.ndarray:
    return players.presence_gradient(score, mol.GetNumAtoms(), width, target)

  return {
    'kernel_shap': each(of_shap),
    _SUBSTRUCTURE: each(of_parts),
    'gradient': each(of_gradient),
  }


def substructures(mol: Any) -> np.ndarray:
  """The part of a molecule that each atom is in, int64 [atoms].

  Parts are what is left between the bonds that BRICS would break, and between rings and what hangs
  on them.

  Example:
    >>> from rdkit import Chem
    >>> substructures(Chem.MolFromSmiles('CCc1ccccc1')).tolist()
    [0, 0, 1, 1, 1, 1, 1, 1]

  Source:
    Degen, J. et al. (2008), On the art of compiling and using 'drug-like' chemical fragment spaces,
    ChemMedChem 3(10):1503-1507.
  """
  toolkit.chem()
  from rdkit import Chem
  from rdkit.Chem import BRICS

  broken = {mol.GetBondBetweenAtoms(*ends).GetIdx() for ends, _ in BRICS.FindBRICSBonds(mol)}
  broken |= {
    bond.GetIdx()
    for bond in mol.GetBonds()
    if not bond.IsInRing() and (bond.GetBeginAtom().IsInRing() or bond.GetEndAtom().IsInRing())
    if bond.GetBondType() == Chem.BondType.SINGLE
  }
  part = np.arange(mol.GetNumAtoms())
  for bond in mol.GetBonds():
    if bond.GetIdx() not in broken:
      one, other = part[bond.GetBeginAtomIdx()], part[bond.GetEndAtomIdx()]
      part[part == max(one, other)] = min(one, other)
  return np.unique(part, return_inverse=True)[1]


def caption(method: str) -> str:
  """What a reader sees in a picture."""
  what = (
    'what the substructure around each atom adds: parts between rings, chains and bonds that '
    'retrosynthesis breaks'
    if method == _SUBSTRUCTURE
    else 'what each atom adds'
  )
  seen = ' What trees or a Gaussian process add, where they are beside a network, is not seen.'
  return (
    f'By {method}: {what}, to the class that the case is called or to the number predicted; red '
    'speaks for it, blue against. Descriptors, where the network has them, stay those of the whole '
    f'molecule.{seen if method == "gradient" else ""}'
  )
