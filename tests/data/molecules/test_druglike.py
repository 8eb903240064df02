"""Rules of thumb, on molecules of which they are known."""

import pytest

pytest.importorskip('rdkit')

from rdkit import Chem

from medjax.data.molecules import druglike


def of(smiles):
  return druglike.of(Chem.MolFromSmiles(smiles))


def test_aspirin():
  found = of('CC(=O)Oc1ccccc1C(=O)O')
  assert found.weight == pytest.approx(180.16, abs=0.01)
  assert (found.donors, found.acceptors, found.broken_rules) == (1, 4, 0)
  assert found.tpsa == pytest.approx(63.6, abs=0.01)  # Ertl et al. (2000)
  assert found.qed == pytest.approx(0.550, abs=0.001)
  assert found.synthetic == pytest.approx(1.58, abs=0.01)
  assert found.lipinski
  assert found.veber
  assert found.brenk == ('phenol_ester',)
  assert not found.passes


def test_rules_are_kept_up_to_their_ends():
  assert of('C' * 12).rotatable == 9
  assert of('C' * 13).veber
  assert not of('C' * 14).veber  # 11 rotatable bonds
  one = of('C' * 20)  # logP above 5 alone: one broken rule is allowed
  assert (one.broken_rules, one.lipinski) == (1, True)
  two = of('C' * 40)
  assert (two.broken_rules, two.lipinski) == (2, False)
  assert not of('OCC(O)C(O)C(O)C(O)C(O)C(O)CO').veber  # 162 square angstroms of polar surface


def test_alerts_are_named():
  rhodanine = of('O=C1NC(=S)SC1=Cc1ccccc1')
  assert any('rhod' in name for name in rhodanine.pains)
  assert 'nitro_group' in of('O=[N+]([O-])c1ccccc1C').brenk
  clean = of('Cc1ccc(C(=O)N2CCCC2)cc1')
  assert clean.passes
  assert (clean.pains, clean.brenk) == ((), ())
