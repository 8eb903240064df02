"""From a SMILES or a mol block to RDKit's molecule, or one line that says why there is none."""

from typing import Any

from medjax.data import text as text_lib
from medjax.data.molecules import toolkit
from medjax.data.quote import short
from medjax.errors import UserError

# Characters that a SMILES has for each atom, at most: more than isotope, chirality, charge, map
# number, brackets, bonds and rings of any real one.
_CHARACTERS = 50


def of_smiles(text: str, max_atoms: int) -> Any:
  """The molecule of a SMILES, sanitised, as ``rdkit.Chem.Mol``.

  Args:
    text: one SMILES; a part in bars may follow it after a blank (CXSMILES).
    max_atoms: heavy atoms that it may have.

  Raises:
    UserError: why there is none, without saying where.

  Example:
    >>> of_smiles('OCC', 500).GetNumAtoms()
    3
  """
  smiles = text_lib.clean(text)
  if not smiles:
    raise UserError('no SMILES; expected one')
  if not smiles.isascii():
    odd = next(letter for letter in smiles if not letter.isascii())
    raise UserError(f'SMILES {short(smiles)!r} holds {odd!r}; expected ASCII')
  _, _, rest = smiles.partition(' ')
  if rest and not rest.lstrip().startswith('|'):
    raise UserError(f'SMILES {short(smiles)!r} holds a blank; expected one molecule')
  chem = toolkit.chem()
  if len(smiles) > _CHARACTERS * max_atoms:
    raise UserError(
      f'SMILES of {len(smiles)} characters; expected a molecule of at most {max_atoms} heavy atoms'
    )
  if len(smiles) > max_atoms:  # counted first, as the rest takes long for large ones
    rough = chem.MolFromSmiles(smiles, sanitize=False)
    if rough is not None:
      _require_small(rough, max_atoms)
  toolkit.forget()
  mol = chem.MolFromSmiles(smiles)
  if mol is None:
    raise UserError(f'SMILES {short(smiles)!r} cannot be read: {toolkit.problem()}')
  if not mol.GetNumAtoms():
    raise UserError(f'SMILES {short(smiles)!r} has no atom')
  _require_small(mol, max_atoms)
  return mol


def of_block(block: str, max_atoms: int) -> Any:
  """The molecule of a mol block of an SD file, V2000 or V3000; see ``of_smiles``."""
  chem = toolkit.chem()
  toolkit.forget()
  try:
    mol = chem.MolFromMolBlock(block)
  except (RuntimeError, ValueError) as error:
    raise UserError(f'mol block cannot be read: {short(" ".join(str(error).split()))}') from None
  if mol is None:
    raise UserError(f'mol block cannot be read: {toolkit.problem()}')
  if not mol.GetNumAtoms():
    raise UserError('mol block has no atom')
  _require_small(mol, max_atoms)
  return mol


def _require_small(mol: Any, max_atoms: int) -> None:
  count = mol.GetNumHeavyAtoms()
  if count > max_atoms:
    raise UserError(f'{count} heavy atoms; expected at most {max_atoms} (config.data.max_atoms)')
