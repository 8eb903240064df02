"""What figures of generated molecules are made of: fingerprints, fragments, scaffolds, properties.

All as MOSES (Polykovskiy et al. 2020) has them: Morgan fingerprints of radius 2 and 1024 bits,
fragments of BRICS bonds, Bemis-Murcko scaffolds of two rings or more; see also ``druglike``.

Source:
  Degen, J. et al. (2008), On the art of compiling and using 'drug-like' chemical fragment spaces,
    ChemMedChem 3:1503 (BRICS).
"""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax.data.molecules import druglike, many, toolkit
from medjax.errors import UserError

BITS = 1024
_WORTH = 2000  # molecules from which several processes are started
_RINGS = 2  # of a scaffold that counts, at least


@dataclasses.dataclass(frozen=True)
class Described:
  """N molecules.

  Attributes:
    smiles: of each.
    bits: fingerprints, uint8 [N, 1024] of 0 and 1.
    fragments: how often each fragment is there.
    scaffolds: how often each scaffold of two rings or more is there.
    properties: by name, float64 [N]: ``logp``, ``sa`` (1 is easy to make, 10 is hard), ``qed`` and
      ``weight``.
    alert: whether each has a substructure of PAINS, bool [N].
  """

  smiles: Sequence[str]
  bits: np.ndarray
  fragments: Counter[str]
  scaffolds: Counter[str]
  properties: dict[str, np.ndarray]
  alert: np.ndarray


def describe(smiles: Sequence[str]) -> Described:
  """What is said of molecules, in several processes where they are many.

  Args:
    smiles: each of a molecule.

  Example:
    >>> describe(['c1ccccc1CCc1ccccc1']).scaffolds
    Counter({'c1ccc(CCc2ccccc2)cc1': 1})
  """
  rows = many.spread(_rows, list(smiles), _WORTH)
  packed = np.array([row[0] for row in rows], np.uint8).reshape(len(rows), BITS // 8)
  numbers = np.array([row[3] for row in rows]).reshape(len(rows), len(PROPERTIES))
  return Described(
    smiles,
    np.unpackbits(packed, axis=1),
    Counter(name for row in rows for name in row[1]),
    Counter(row[2] for row in rows if row[2]),
    {name: numbers[:, i] for i, name in enumerate(PROPERTIES)},
    np.array([row[4] for row in rows], bool),
  )


def _rows(smiles: Sequence[str]) -> list[tuple[np.ndarray, list[str], str, list[float], bool]]:
  """Of each molecule: packed bits, fragments, scaffold or '', properties, and an alert."""
  chem = toolkit.chem()
  from rdkit.Chem import rdFingerprintGenerator
  from rdkit.Chem.Scaffolds import MurckoScaffold

  generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=BITS)
  found = []
  for one in smiles:
    mol = chem.MolFromSmiles(one)
    scaffold = MurckoScaffold.GetScaffoldForMol(mol)
    rings = scaffold.GetRingInfo().NumRings()
    found.append(
      (
        np.packbits(generator.GetFingerprintAsNumPy(mol).astype(np.uint8)),
        chem.MolToSmiles(chem.FragmentOnBRICSBonds(mol)).split('.'),
        chem.MolToSmiles(scaffold) if rings >= _RINGS else '',
        [of(mol) for of in PROPERTIES.values()],
        druglike.has_pains(mol),
      )
    )
  return found


def _accessibility(mol: Any) -> float:
  found = druglike.synthetic_accessibility(mol)
  if found is None:
    raise UserError('this RDKit came without its folder Contrib; expected one with it, for SA')
  return found


PROPERTIES = {
  'logp': druglike.logp,
  'sa': _accessibility,
  'qed': druglike.qed,
  'weight': druglike.weight,
}
