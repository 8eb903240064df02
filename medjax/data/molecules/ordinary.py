"""Molecules that RDKit's standardiser leaves as they are, told without asking it.

Its tools take milliseconds a molecule, and most molecules of a library are written as they should
be. What the tools change (see their rules in RDKit's ``Normalize``, ``MetalDisconnector`` and
``Uncharger``) has a charge, an unusual element or several fragments, or is a sulfoxide or has a
phosphorus with two double bonds and three neighbours. What has none of these is left alone.
"""

import functools
from typing import Any

from medjax.data.molecules import toolkit

# A charge, a mark of the isotope, another element, or a valence that a rule looks at. Without
# environments in $(), which are slow.
_ODD = '[!+0,!0*,!#6!#7!#8!#9!#15!#16!#17!#35!#53,#16X3,#15!X4,#9!X1,#17!X1,#35!X1,#53!X1]'


def is_standard(mol: Any) -> bool:
  """Whether it is sure that the standardiser would not change an ``rdkit.Chem.Mol``.

  False where it may.

  Example:
    >>> from rdkit import Chem
    >>> [is_standard(Chem.MolFromSmiles(one)) for one in ('CCO', 'CC[O-]', 'CS(C)=O')]
    [True, False, False]
  """
  odd, radical = _odd()
  if mol.HasQuery() or mol.HasSubstructMatch(odd) or mol.GetAtomsMatchingQuery(radical):
    return False
  return len(toolkit.chem().GetMolFrags(mol)) == 1


@functools.cache
def _odd() -> tuple[Any, Any]:
  """Match atoms that the standardiser may change, or that are remarked on."""
  chem = toolkit.chem()
  from rdkit.Chem import rdqueries

  # SMARTS has no word for a radical.
  return chem.MolFromSmarts(_ODD), rdqueries.NumRadicalElectronsGreaterQueryAtom(0)
