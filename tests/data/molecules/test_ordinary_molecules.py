"""Molecules that need no standardiser are told from the others, and become the same without it."""

import csv

import pytest

pytest.importorskip('rdkit')

from rdkit import Chem

from medjax.data.molecules import ordinary
from medjax.data.molecules.features import Features
from medjax.data.molecules.standard import Standard

# What the tools change, or what is remarked on.
CHANGED = (
  'CC(=O)[O-].[Na+]', 'CCO.CC', 'C[NH3+]', 'CS(C)=O', 'C[S+](C)[O-]', 'C[N+](=O)[O-]',
  'O=P(=O)C', '[13CH4]', 'C[CH2]', '*CC', 'C[Si](C)(C)C', 'OB(O)c1ccccc1', 'C[Hg]C', 'CN=[N+]=[N-]',
  'c1cc[n+]([O-])cc1', '[H][H]', '[Na]Cl', 'CI(Cl)Cl',
)  # fmt: skip
KEPT = (
  'CCO', 'c1ccsc1', 'CS(=O)(=O)N', 'COP(=O)(O)O', 'C[C@H](N)C(=O)O', r'C/C=C\C', 'FC(Cl)(Br)I',
  'O=c1[nH]cnc2[nH]cnc12', 'CSC', 'O', 'N#Cc1ccccc1', 'CC(=O)C=C(C)O',
)  # fmt: skip


@pytest.fixture
def asked(monkeypatch):
  """A molecule as the standardiser gives it, however ordinary."""

  def standard(smiles, how):
    with monkeypatch.context() as patch:
      patch.setattr(ordinary, 'is_standard', lambda mol: False)
      return how.molecule(smiles)

  return standard


def test_what_may_change_is_not_called_standard():
  assert not [one for one in CHANGED if ordinary.is_standard(Chem.MolFromSmiles(one))]
  assert all(ordinary.is_standard(Chem.MolFromSmiles(one)) for one in KEPT)
  assert not ordinary.is_standard(Chem.MolFromSmarts('[#6]-[#8]'))


@pytest.mark.parametrize('how', [Standard(), Standard(stereo='drop')])
def test_ordinary_molecules_are_what_the_standardiser_gives(asked, how):
  for smiles in (*KEPT, *CHANGED):
    quick, slow = how.molecule(smiles), asked(smiles, how)
    assert (quick.smiles, quick.remarks) == (slow.smiles, slow.remarks)
    assert (Features().fingerprint(quick.mol) == Features().fingerprint(slow.mol)).all()


def test_drugs_are_what_the_standardiser_gives(asked, shared_data):
  with open(shared_data('drug_chembl') / 'chembl_drugs.csv', newline='') as file:
    drugs = [row['smiles'] for row in csv.DictReader(file)][::10]
  ordinary_ones = 0
  for smiles in drugs:
    quick, slow = Standard().molecule(smiles), asked(smiles, Standard())
    ordinary_ones += ordinary.is_standard(Chem.MolFromSmiles(smiles))
    assert (quick.smiles, quick.remarks) == (slow.smiles, slow.remarks)
  assert ordinary_ones > 0.7 * len(drugs)


def test_canonical_tautomers_are_asked_for_all(asked):
  how = Standard(tautomers='canonical')
  assert how.molecule('CC(O)=CC(C)=O').smiles == asked('CC(O)=CC(C)=O', how).smiles
