"""One form for each molecule: without its salt, neutral, and as RDKit's standardiser writes it.

Metals are disconnected, groups normalised, the largest organic fragment taken (by all its atoms,
with hydrogens) and charges neutralised, unless they are to be kept: what
``rdMolStandardize.ChargeParent``, or ``FragmentParent``, does, with tools that are made once.
Radicals, isotopes, unknown atoms and metals that are left stay as they are and are remarked on.

Source:
  Swain, M. (2016), MolVS; RDKit's rdMolStandardize, by Greg Landrum and others.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal

from medjax.data.molecules import ordinary, structures, toolkit
from medjax.errors import UserError

_NO_METALS = frozenset(
  {0, 1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 32, 33, 34, 35, 36, 51, 52, 53, 54, 85, 86}
)
_CARBON = 6
# What is said of a molecule, and what was done with it.
REMARKS = {
  'salt': 'have several fragments: the largest organic one is taken',
  'mixture': 'are mixtures of molecules of similar size: the largest is taken',
  'charge': 'are charged: neutralised',
  'ion': 'are charged: kept as they are',
  'radical': 'are radicals: kept as they are',
  'isotope': 'have isotopes: kept as they are',
  'metal': 'hold a metal: kept',
  'unknown': 'hold an unknown atom (*): kept',
}


@dataclasses.dataclass(frozen=True)
class Molecule:
  """A molecule in its standard form.

  Attributes:
    mol: an ``rdkit.Chem.Mol``.
    smiles: canonical.
    remarks: keys of ``REMARKS`` that hold for it.
  """

  mol: Any
  smiles: str
  remarks: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class Standard:
  """How structures become molecules.

  Attributes:
    tautomers: whether tautomers stay as they are written.
    stereo: whether stereochemistry stays.
    max_atoms: heavy atoms of a molecule, at most.
    charges: whether charges stay.

  Example:
    >>> Standard().molecule('[Na+].[O-]C(=O)c1ccccc1').smiles
    'O=C(O)c1ccccc1'
  """

  tautomers: Literal['keep', 'canonical'] = 'keep'
  stereo: Literal['keep', 'drop'] = 'keep'
  max_atoms: int = 500
  charges: Literal['neutral', 'keep'] = 'neutral'

  def molecule(self, structure: str) -> Molecule:
    """The molecule of a SMILES, or of a mol block, which has several lines.

    Raises:
      UserError: why there is none, without saying where.
    """
    read = structures.of_block if '\n' in structure else structures.of_smiles
    given = read(structure, self.max_atoms)
    # Most molecules are, and to ask the tools about them takes milliseconds each.
    unchanged = self.tautomers == 'keep' and ordinary.is_standard(given)
    try:
      made, charged = (given, False) if unchanged else self._parent(given)
      if self.stereo == 'drop':
        toolkit.chem().RemoveStereochemistry(made)
        toolkit.chem().SanitizeMol(made)
    except (RuntimeError, ValueError) as error:  # as RDKit's exceptions are
      reason = ' '.join(str(error).split())
      raise UserError(f'cannot be standardised: {reason}') from None
    remarks: set[str] = set()
    if not unchanged:
      remarks = _of_fragments(given) | _of_atoms(made)
      remarks |= {'charge' if self.charges == 'neutral' else 'ion'} if charged else set()
    return Molecule(made, toolkit.chem().MolToSmiles(made), frozenset(remarks))

  def _parent(self, mol: Any) -> tuple[Any, bool]:
    """The standard form, and whether it has, or had, a charge that can be taken from it."""
    disconnect, normalize, choose, uncharge, reionize = _tools()
    cleaned = normalize(disconnect(mol))
    fragment = choose(cleaned)
    neutral = reionize(uncharge(fragment))
    charged = _charges(fragment) > _charges(neutral)
    made = neutral if self.charges == 'neutral' else choose(reionize(cleaned))
    if self.tautomers == 'canonical':
      made = _tautomers().Canonicalize(made)
    toolkit.chem().SanitizeMol(made)
    return made, charged


@functools.cache
def _tools() -> Sequence[Callable[[Any], Any]]:
  """The steps, each molecule -> molecule."""
  toolkit.chem()
  from rdkit.Chem.MolStandardize import rdMolStandardize

  parameters: Any = rdMolStandardize.CleanupParameters()
  parameters.preferOrganic = True
  return (
    rdMolStandardize.MetalDisconnector().Disconnect,
    rdMolStandardize.Normalizer().normalize,
    rdMolStandardize.LargestFragmentChooser(parameters).choose,
    rdMolStandardize.Uncharger().uncharge,
    rdMolStandardize.Reionizer().reionize,
  )


@functools.cache
def _tautomers() -> Any:
  from rdkit.Chem.MolStandardize import rdMolStandardize

  return rdMolStandardize.TautomerEnumerator()


def _of_atoms(mol: Any) -> set[str]:
  found = set()
  for atom in mol.GetAtoms():
    if atom.GetNumRadicalElectrons():
      found.add('radical')
    if atom.GetIsotope():
      found.add('isotope')
    if atom.GetAtomicNum() not in _NO_METALS:
      found.add('metal')
    if not atom.GetAtomicNum():
      found.add('unknown')
  return found


def _charges(mol: Any) -> int:
  """Charged atoms, each as often as it is charged."""
  return sum(abs(atom.GetFormalCharge()) for atom in mol.GetAtoms())


def _of_fragments(mol: Any) -> set[str]:
  chem = toolkit.chem()
  fragments = chem.GetMolFrags(mol, asMols=True, sanitizeFrags=False)
  if len(fragments) < 2:
    return set()
  organic = {
    chem.MolToSmiles(fragment): fragment.GetNumHeavyAtoms()
    for fragment in fragments
    if any(atom.GetAtomicNum() == _CARBON for atom in fragment.GetAtoms())
  }
  sizes = sorted(organic.values())
  alike = len(sizes) > 1 and 2 * sizes[-2] >= sizes[-1]
  return {'mixture'} if alike else {'salt'}
