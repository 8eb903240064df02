"""Splits of molecules against RDKit, the splits of MoleculeNet, and closed forms."""

import csv
import json

import numpy as np
import pytest

pytest.importorskip('rdkit')

from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from rdkit.Chem.Scaffolds import MurckoScaffold
from rdkit.ML.Cluster import Butina

from medjax.data.molecules import dates, groups, rules, similarity, split_file
from medjax.data.molecules.standard import Molecule, Standard
from medjax.data.simulate import assay
from medjax.errors import UserError


@pytest.fixture(scope='module')
def mols():
  return [Chem.MolFromSmiles(row['smiles']) for row in assay.simulate(3, 90)]


def _fingerprints(mols):
  return list(
    rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048).GetFingerprints(mols)
  )


def test_similarities_are_rdkits(mols):
  bits, expected = similarity.ecfp4(mols), _fingerprints(mols)
  nearest = [max(DataStructs.BulkTanimotoSimilarity(one, expected[:40])) for one in expected[40:]]
  np.testing.assert_allclose(similarity.nearest(bits[40:], bits[:40]), nearest, rtol=1e-5)


@pytest.mark.parametrize('threshold', [0.35, 0.5, 1.0])
def test_clusters_are_rdkits(mols, threshold):
  fingerprints = _fingerprints(mols)
  distances = [
    1 - similarity
    for i, one in enumerate(fingerprints)
    for similarity in DataStructs.BulkTanimotoSimilarity(one, fingerprints[:i])
  ]
  expected = Butina.ClusterData(distances, len(mols), 1 - threshold + 1e-9, isDistData=True)
  found = similarity.butina(similarity.ecfp4(mols), threshold)
  assert {frozenset(np.flatnonzero(found == k).tolist()) for k in set(found)} == set(
    map(frozenset, expected)
  )
  assert len(set(found)) > 1


def test_too_many_molecules_to_cluster_are_refused(monkeypatch):
  monkeypatch.setattr(similarity, 'MOST', 2)
  with pytest.raises(UserError, match='compares every pair of 3 molecules; expected at most 2'):
    similarity.butina(np.eye(3, dtype=np.uint8), 0.5)


@pytest.mark.parametrize('name', ['bace.csv', 'freesolv.csv'])
def test_largest_first_makes_the_splits_of_moleculenet(shared_data, name):
  folder = shared_data('drug_moleculenet')
  with open(folder / name, newline='') as file:
    given = [row[0] for row in csv.reader(file)][1:]
  molecules = [Molecule(Chem.MolFromSmiles(one), one) for one in given]
  found = rules.largest_first(groups.together(groups.scaffolds(molecules)).tolist())
  path = folder / 'scaffold_splits.json'
  assert found == split_file.read(path, '', folder / name, len(given))


def test_scaffolds_are_rdkits_without_stereo(mols):
  expected = [MurckoScaffold.MurckoScaffoldSmiles(mol=mol, includeChirality=False) for mol in mols]
  assert groups.scaffolds([Molecule(mol, '') for mol in mols]) == expected


def test_near_copies_have_one_key():
  standard = Standard()
  same = ('C[C@H](N)C(=O)O', 'C[C@@H](N)C(=O)O', 'CC(N)C(=O)[O-].[Na+]', '[2H]C(N)(C)C(=O)O')
  keys = groups.near_copies([standard.molecule(one) for one in (*same, 'CCN', '*C[C@H](O)F')])
  assert keys == ['QNAYBMKLOCPYGJ'] * 4 + ['QUSNBJAOOMFDIB', '*CC(O)F']


def test_groups_hold_together_in_chains():
  assert groups.together('abcad', [1, 2, 2, 3, 4], 'vwxyz').tolist() == [0, 1, 1, 0, 2]
  assert groups.together('aa').tolist() == [0, 0]


def test_rules_keep_groups_and_shares():
  random = np.random.default_rng(0)
  of = random.geometric(0.05, 1000).tolist()
  for splits in (rules.largest_first(of), rules.balanced(of, 0), rules.balanced(of, 1)):
    assert all(len({s for s, g in zip(splits, of, strict=True) if g == k}) == 1 for k in set(of))
    assert [splits.count(name) for name in ('train', 'val', 'test')] == pytest.approx(
      [800, 100, 100], abs=40
    )
  assert rules.balanced(of, 0) == rules.balanced(of, 0) != rules.balanced(of, 1)
  of = [0] * 60 + list(range(1, 41))  # larger than half of val: always in train
  assert {rules.balanced(of, seed)[0] for seed in range(9)} == {'train'}


def test_the_latest_are_tested():
  times = np.random.default_rng(0).permutation(100)
  splits = np.array(rules.by_time(times))
  assert sorted(times[splits == 'test']) == list(range(90, 100))
  assert sorted(times[splits == 'val']) == list(range(80, 90))
  assert rules.by_time([1] * 7 + [2, 2, 3]) == ['train'] * 7 + ['val', 'val', 'test']


def test_dates_in_order():
  cells = [
    '2019',
    '2020-02',
    '2020-02-03',
    '4.2.2020',
    '20200205',
    '2020/2/6 10:30',
    '2020-02-07T1',
  ]
  found = dates.moments(cells)
  assert found == sorted(found)
  assert len(set(found)) == 7
  assert dates.moments(['12', '7.5']) == [12, 7.5]
  assert dates.moments(['x', '3/4/2020', '2020-13-01', '']) == [None] * 4


def test_split_files_by_name_or_alone(tmp_path):
  path, source = tmp_path / 's.json', tmp_path / 'bace.csv.gz'
  parts = {'train': [0, 1], 'valid': [2], 'test': [4], 'n_scaffolds': 3}
  for content, name in (
    (parts, ''),
    ({'bace': parts, 'x': {}}, ''),
    ({'bace.csv': parts}, ''),
    ({'bace.csv.gz': parts}, ''),
    ({'other': parts}, 'other'),
  ):
    path.write_text(json.dumps(content))
    found = split_file.read(path, name, source, 5)
    assert found == ['train', 'train', 'val', '', 'test']


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    ('{', 'is no JSON'),
    ('[1]', 'holds no object; expected an object with the rows of train, val and test'),
    ('{"lipo": {"train": [0]}}', 'no splits of a.csv'),
    ('{"a": {"x": [0]}}', 'a has no splits; expected an object'),
    ('{"train": 3}', 'train is no list; expected row numbers from 0'),
    ('{"train": [0, 5]}', 'train has 5; expected a row of'),
    ('{"train": [-1]}', 'train has -1; expected a row of'),
    ('{"train": [true]}', 'train has true; expected a row of'),
    ('{"train": [1], "test": [1]}', 'row 1 is in train and test; expected one'),
  ],
)
def test_damaged_split_files_are_named(tmp_path, content, message):
  path = tmp_path / 's.json'
  path.write_text(content)
  with pytest.raises(UserError) as error:
    split_file.read(path, '', tmp_path / 'a.csv', 5)
  assert message in str(error.value)
  assert str(error.value).startswith(str(path))
