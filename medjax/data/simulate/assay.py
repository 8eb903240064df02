"""A made-up assay: molecules that inhibit a kinase which nobody has, with a known pharmacophore.

Molecules are put together from pieces as chemists do: a core, a linker, a tail and small
substituents. A molecule is active where it has both halves of the pharmacophore: an aminopyrimidine
that binds the hinge, and an amide with a trifluoromethyl phenyl that fills the back pocket; near
misses have one half. One in fifty measurements is wrong. Neither the target nor the rule is real.
"""

from typing import Any

import numpy as np

HINGE = '[NX3;!$(NC=O)]c1nccc(*)n1'
POCKET = 'C(=O)Nc1cccc(C(F)(F)F)c1'
"""SMARTS of the two halves, whose atoms a network should look at."""

_ERRORS = 0.02
# Pieces with the place {0} where the next one is put on, and perhaps {1} for a substituent.
_AMINES = (
  'N', 'CN', 'CCN', 'C9CCN(CC9)', 'O9CCN(CC9)', 'C9CC9N', 'c9ccccc9N', 'c9ccccc9CN', 'c9ccncc9N',
  'C9CCCC9N', 'CN9CCN(CC9)', 'C9CN(C9)', 'c9ccoc9CN', 'c9cnn(C)c9N', 'C9CCOCC9N', 'c9ccc7c(c9)CCN7',
  'C9CCCCC9N', 'c9ncsc9N',
)  # fmt: skip
_HINGE = '{2}c1nc({1})cc({0})n1'
_NO_HINGES = (
  '{2}c1cc({1})cc({0})c1', '{2}c1c({1})cc({0})cn1', 'CC(=O)Nc1nc({1})cc({0})n1',
  'O=C(c7ccccc7)Nc1nc({1})cc({0})n1',
  '{2}C1CCN({0})CC1', 'Cc1nc({1})cc({0})n1', 'c1c({1})cc2[nH]c({0})nc2c1', 'COc1c({1})cc({0})cn1',
)  # fmt: skip
_POCKETS = ('C(=O)Nc8cccc(C(F)(F)F)c8', 'C(=O)Nc8cc(C(F)(F)F)ccc8{1}')
_NO_POCKETS = (
  'C(=O)Nc8ccccc8{1}', 'C(=O)Nc8cccc(C)c8', 'C(=O)NCc8cccc(C(F)(F)F)c8', 'C(=O)N(C)C',
  'C(=O)NC8CCCCC8', 'S(=O)(=O)Nc8cccc(C(F)(F)F)c8', 'C(=O)Oc8ccc({1})cc8', 'C(=O)Nc8ccc({1})cc8',
  'Oc8cccc(C(F)(F)F)c8',
)  # fmt: skip
_LINKERS = (
  'c3ccc({0})cc3', 'c3cccc({0})c3', 'C3CCC({0})CC3', 'C3CCN({0})CC3', 'c3ccc({0})s3',
  'c3ccc({0})o3', 'c3cc({0})n(C)n3', 'c3ccc({0})c({1})c3', 'c3ccc({0})nc3', 'CC({0})',
  'c3cc({1})cc({0})c3', 'CCC({0})', 'c3cnc({0})s3', 'C3CC({0})C3', 'c3ccc4cc({0})ccc4c3',
  'c3ccc({0})nn3', 'C3CC4CC({0})CC4C3', 'c3c[nH]c({0})c3',
)  # fmt: skip
_SUBSTITUENTS = ('F', 'Cl', 'C', 'OC', 'C#N', 'CC', 'N(C)C', 'Br', 'O', 'OCC', 'C(C)C')


def simulate(seed: int, molecules: int) -> list[dict[str, str]]:
  """Molecules and what the assay says of them, cells as text.

  Args:
    seed: of all of them; the first molecules are the same for any number.
    molecules: how many.

  Returns:
    'smiles' and 'label' ('active' or 'inactive'). A few molecules come twice, as in any assay.

  Example:
    >>> sorted(simulate(0, 1)[0])
    ['label', 'smiles']
  """
  return [_molecule(np.random.default_rng([seed, index])) for index in range(molecules)]


def pharmacophore(mol: Any) -> np.ndarray:
  """Which atoms of an ``rdkit.Chem.Mol`` are of the pharmacophore, bool [atoms]; none where a half
  is missing."""
  from rdkit import Chem

  found = np.zeros(mol.GetNumAtoms(), bool)
  halves = [mol.GetSubstructMatches(Chem.MolFromSmarts(half)) for half in (HINGE, POCKET)]
  if all(halves):
    for pattern, matches in zip((HINGE, POCKET), halves, strict=True):
      own = [atom.GetAtomicNum() != 0 for atom in Chem.MolFromSmarts(pattern).GetAtoms()]
      for match in matches:  # without what hangs on the ring, *
        found[[atom for atom, of_pattern in zip(match, own, strict=True) if of_pattern]] = True
  return found


def _molecule(random: np.random.Generator) -> dict[str, str]:
  hinge, pocket = random.random(2) < 0.6
  head = _HINGE if hinge else str(random.choice(_NO_HINGES))
  tail = str(random.choice(_POCKETS if pocket else _NO_POCKETS))
  linker = str(random.choice(_LINKERS))
  first, second, third = random.choice(_SUBSTITUENTS, 3)
  smiles = head.format(linker.format(tail.format('', third), second), first, random.choice(_AMINES))
  active = bool(hinge and pocket) != (random.random() < _ERRORS)
  return {'smiles': smiles, 'label': 'active' if active else 'inactive'}
