"""From the structures of a file to canonical SMILES, in several processes where these are many."""

import functools
from collections.abc import Sequence

from medjax.data.molecules import many, structures, toolkit
from medjax.data.molecules.standard import Standard
from medjax.data.smiles.tokens import tokens
from medjax.errors import UserError

_MANY = 20_000  # structures that are worth the start of processes

Found = tuple[str, str]
"""The canonical SMILES, or '' and why there is none."""


def canonical(
  molecules: Sequence[str], *, stereo: bool = True, max_atoms: int = 500
) -> list[Found]:
  """The canonical SMILES of each structure, and '' or why there is none.

  Unlike what a network of activities sees, charges and groups stay as they are written: RDKit's
  standardiser takes far longer, and a language is learned as it is spoken. Of several
  fragments the largest organic one is taken, neutral (see ``Standard``).

  Args:
    molecules: SMILES or mol blocks.
    stereo: whether stereochemistry is written.
    max_atoms: heavy atoms that a molecule may have.

  Example:
    >>> canonical(['OCC', '[Na+].[O-]C=O', 'C1CC'])[:2]
    [('CCO', ''), ('O=CO', '')]
  """
  work = functools.partial(_canonical, stereo, max_atoms)
  return many.spread(work, molecules, _MANY)


def _canonical(stereo: bool, max_atoms: int, molecules: Sequence[str]) -> list[Found]:
  chem = toolkit.chem()
  standard = Standard(max_atoms=max_atoms)
  found = []
  for structure in molecules:
    try:
      read = structures.of_block if '\n' in structure else structures.of_smiles
      mol = read(structure, max_atoms)
      if len(chem.GetMolFrags(mol)) > 1:
        mol = standard.molecule(structure).mol
      for atom in mol.GetAtoms():
        atom.SetAtomMapNum(0)
      smiles = chem.MolToSmiles(mol, isomericSmiles=stereo)
      tokens(smiles)  # such as no dative bond is
      found.append((smiles, ''))
    except UserError as error:
      found.append(('', str(error)))
  return found
