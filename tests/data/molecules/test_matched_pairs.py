"""Matched pairs, against RDKit's own fragmentation and pairs of every two molecules."""

import collections
import itertools

import numpy as np
import pytest

from medjax.data.molecules import matched_pairs

Chem = pytest.importorskip('rdkit.Chem')
rdMMPA = pytest.importorskip('rdkit.Chem.rdMMPA')

SMILES = [
  'c1ccc2ccccc2c1',
  'Cc1ccc2ccccc2c1',
  'Clc1ccc2ccccc2c1',
  'CCc1ccc2ccccc2c1',
  'CC(=O)Nc1ccc(OC)cc1',
  'CC(=O)Nc1ccc(F)cc1',
  'CC(=O)Nc1ccc(F)cc1F',
  'C[C@H](N)C(=O)Nc1ccc(F)cc1',
  'C[C@@H](N)C(=O)Nc1ccc(F)cc1',
  'O=C(O)c1ccc(-n2cccc2)cc1',
  'O=C(O)c1ccc(Cl)cc1',
  'CN1CCN(Cc2ccccc2)CC1',
  'CN1CCN(Cc2ccccc2Br)CC1',
  'C1CN(Cc2ccccc2)CCN1',
  'OC1CCN(Cc2ccccc2)CC1',
]


def mols(smiles):
  return [Chem.MolFromSmiles(one) for one in smiles]


def of_rdkit(molecules):
  """Pairs by what is constant, with hydrogens, as Hussain and Rea have them."""
  series = collections.defaultdict(set)
  for row, mol in enumerate(molecules):
    cuts = rdMMPA.FragmentMol(mol, minCuts=1, maxCuts=1, maxCutBonds=100, resultsAsMols=False)
    for _, parts in cuts:
      both = parts.split('.')
      for constant, part in (both, both[::-1]):
        kept, cut = (Chem.MolFromSmiles(one).GetNumHeavyAtoms() for one in (constant, part))
        if kept >= 2 * cut:
          series[constant].add((row, part))
  whole = {Chem.MolToSmiles(mol): row for row, mol in enumerate(molecules)}
  for constant, members in series.items():
    bare = Chem.MolToSmiles(Chem.MolFromSmiles(constant.replace('[*:1]', '[H]')))
    if bare in whole:
      members.add((whole[bare], 'H'))
  rows = (sorted({row for row, _ in members}) for members in series.values())
  return {pair for members in rows for pair in itertools.combinations(members, 2)}


def test_pairs_are_those_of_rdkit():
  molecules = mols(SMILES)
  found = {(one.first, one.second) for one in matched_pairs.matched_pairs(molecules)}
  assert found == of_rdkit(molecules)
  assert {(0, 1), (1, 2), (5, 6), (11, 13)} <= found  # two of them by a hydrogen
  assert not found & {(4, 7), (10, 14)}


def test_the_order_of_atoms_says_nothing():
  shuffle = np.random.default_rng(0).permutation
  moved = [Chem.RenumberAtoms(mol, shuffle(mol.GetNumAtoms()).tolist()) for mol in mols(SMILES)]
  first, second = (matched_pairs.matched_pairs(each) for each in (mols(SMILES), moved))
  assert [one[:4] for one in first] == [one[:4] for one in second]


def test_marks_are_what_differs_in_the_smallest_change():
  pairs = matched_pairs.matched_pairs(mols(['CC(=O)Nc1ccc(OC)cc1', 'CC(=O)Nc1ccc(F)cc1']))
  (pair,) = pairs
  assert pair.parts == ('[*:1]OC', '[*:1]F')
  assert [mark.nonzero()[0].tolist() for mark in pair.marks] == [[8, 9], [8]]


def test_a_hydrogen_has_no_mark():
  (pair,) = matched_pairs.matched_pairs(mols(['c1ccccc1', 'Fc1ccccc1']))
  assert pair.parts == ('[H][*:1]', '[*:1]F')
  assert [int(mark.sum()) for mark in pair.marks] == [0, 1]


def test_molecules_that_are_left_out_keep_the_numbers():
  (pair,) = matched_pairs.matched_pairs([None, *mols(['Fc1ccccc1', 'Clc1ccccc1']), None])
  assert (pair.first, pair.second) == (1, 2)


def test_a_large_series_has_not_its_square(monkeypatch):
  monkeypatch.setattr(matched_pairs, 'MOST_OF_A_SERIES', 4)
  halogens = [f'{one}c1ccc2ccccc2c1' for one in ('F', 'Cl', 'Br', 'I', 'C', 'S', 'N', 'O')]
  assert len(matched_pairs.matched_pairs(mols(halogens))) == 6
