"""SMILES and mol blocks become molecules in one form, as RDKit's own standardiser makes them."""

import pytest

pytest.importorskip('rdkit')

from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

from medjax.data.molecules import structures
from medjax.data.molecules.standard import Standard
from medjax.errors import UserError

GIVEN = (
  '[Na+].[O-]C(=O)c1ccccc1', 'CC[NH3+].[Cl-]', 'C[N+](C)(C)C.[O-]C(C)=O', 'OC(=O)C[NH3+]',
  '[Cu+2].[O-]C(=O)CC(=O)[O-]', 'F[P-](F)(F)(F)(F)F.C[n+]1ccccc1', 'CN(=O)=O', 'CC[Hg]C',
  'C[S+](C)[O-]', 'C[C@H](N)C(=O)O', '[2H]C([2H])Cl', '[CH3]', '*CCO', 'OC1=CC=CC=N1',
  'CC(=O)[O-].[Ca+2].CC(=O)[O-]', 'OC(=O)c1ccc([O-])cc1', 'OC(=O)c1ccccc1[O-]',
  'C1=C(C=CC(=C1)[S]([O-])=O)[S](O)(=O)=O',
)  # fmt: skip


@pytest.mark.parametrize('smiles', GIVEN)
def test_the_standard_form_is_rdkits_charge_parent(smiles):
  parameters = rdMolStandardize.CleanupParameters()
  parameters.preferOrganic = True
  expected = rdMolStandardize.ChargeParent(Chem.MolFromSmiles(smiles), parameters)
  assert Standard().molecule(smiles).smiles == Chem.MolToSmiles(expected)


@pytest.mark.parametrize('smiles', GIVEN)
def test_with_its_charges_it_is_rdkits_fragment_parent(smiles):
  parameters = rdMolStandardize.CleanupParameters()
  parameters.preferOrganic = True
  expected = rdMolStandardize.FragmentParent(Chem.MolFromSmiles(smiles), parameters)
  kept, neutral = (Standard(charges=how).molecule(smiles) for how in ('keep', 'neutral'))
  assert kept.smiles == Chem.MolToSmiles(expected)
  assert ('ion' in kept.remarks) == ('charge' in neutral.remarks) == (kept.smiles != neutral.smiles)


@pytest.mark.parametrize(
  ('smiles', 'remarks'),
  [
    ('CCO', set()),
    ('[Na+].[O-]C(=O)C', {'salt', 'charge'}),
    ('C[N+](C)(C)C.[Cl-]', {'salt'}),
    ('CCO.O', {'salt'}),
    ('c1ccccc1O.CCCCN', {'mixture'}),
    ('CC(=O)[O-].[Ca+2].CC(=O)[O-]', {'salt', 'charge'}),
    ('[CH3]', {'radical'}),
    ('[13CH4]', {'isotope'}),
    ('C[Hg]C', {'metal'}),
    ('*CC', {'unknown'}),
  ],
)
def test_what_is_unusual_is_remarked_on(smiles, remarks):
  assert Standard().molecule(smiles).remarks == remarks


def test_tautomers_and_stereo_by_setting():
  pyridone, hydroxypyridine = 'O=c1cccc[nH]1', 'Oc1ccccn1'
  kept = {Standard().molecule(one).smiles for one in (pyridone, hydroxypyridine)}
  made = {Standard('canonical').molecule(one).smiles for one in (pyridone, hydroxypyridine)}
  assert (len(kept), len(made)) == (2, 1)
  assert Standard(stereo='drop').molecule('C[C@H](N)C(=O)O').smiles == 'CC(N)C(=O)O'
  assert '@' in Standard().molecule('C[C@H](N)C(=O)O').smiles


def test_mol_blocks_are_the_same_molecules():
  for smiles in ('CCO', 'C[C@H](N)C(=O)O', '[Na+].[O-]C(=O)c1ccccc1', 'C/C=C/C'):
    block = Chem.MolToMolBlock(Chem.MolFromSmiles(smiles))
    assert Standard().molecule(block).smiles == Standard().molecule(smiles).smiles


@pytest.mark.parametrize(
  ('smiles', 'message'),
  [
    ('', 'no SMILES; expected one'),
    ('C1CC', "SMILES 'C1CC' cannot be read: SMILES Parse Error: unclosed ring"),
    ('CCO)', 'extra close parentheses'),
    ('C(C)(C)(C)(C)C', 'Explicit valence for atom # 0 C, 5, is greater than permitted'),
    ('c1cccc1', "Can't kekulize mol"),
    ('Caf\u00e9', "holds '\u00e9'; expected ASCII"),
    ('C is methane', 'holds a blank; expected one molecule'),
    ('C' * 501, '501 heavy atoms; expected at most 500 (config.data.max_atoms)'),
    ('C' * 5000, '5000 heavy atoms; expected at most 500'),
    ('(' * 10**6, 'SMILES of 1000000 characters; expected a molecule of at most 500 heavy atoms'),
    ('\n  x\n\nrubbish\nM  END\n', 'mol block cannot be read'),
    ('\n\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n', 'mol block has no atom'),
  ],
)
def test_structures_that_are_none_say_why_and_nothing_else(smiles, message, capfd):
  with pytest.raises(UserError) as error:
    Standard().molecule(smiles)
  assert message in str(error.value)
  assert '\n' not in str(error.value)
  assert capfd.readouterr() == ('', '')


def test_dashes_of_word_processors_and_extensions_are_read():
  assert structures.of_smiles('C\u2010C', 10).GetNumAtoms() == 2
  assert structures.of_smiles('CC |$a;b$|', 10).GetNumAtoms() == 2
