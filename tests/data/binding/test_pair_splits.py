"""Cold splits share no drug, no target or neither; what they share is said; domains follow."""

import csv
import dataclasses
import functools

import numpy as np
import pytest

pytest.importorskip('rdkit')

from medjax.data import binding
from medjax.data.binding import store
from medjax.data.binding.domain import PairDomain
from medjax.data.simulate import binding as simulator
from medjax.errors import UserError


@pytest.fixture(scope='module')
def loaded():
  """Loads 30 simulated drugs and 30 targets, split in a way."""

  @functools.cache
  def load(split, **settings):
    config = binding.Config(
      split=split, bits=128, simulated_drugs=30, simulated_targets=30, **settings
    )
    return binding.load(config, simulator=simulator.simulate)

  return load


def _sets(data, column):
  return {name: set(split.metadata[column]) for name, split in data.splits.items()}


def test_cold_splits_share_nothing(loaded):
  drug, target, both, random = map(loaded, ('cold_drug', 'cold_target', 'cold_both', 'random'))
  for data, column in ((drug, 'smiles'), (target, 'target'), (both, 'smiles'), (both, 'target')):
    of = _sets(data, column)
    assert not of['train'] & of['test']
    assert not of['train'] & of['val']
    assert not of['val'] & of['test']
  assert len(_sets(drug, 'target')['train'] & _sets(drug, 'target')['test']) > 20
  assert set(drug.splits['test'].group) == {
    f'drug-{number}' for number in np.unique(_numbers(drug, 'test', 'drug_number'))
  }
  assert all(name.startswith('target-') for name in target.splits['test'].group)
  count = sum(map(len, drug.splits.values()))
  (left,) = [note for note in both.notes if 'left out' in note]
  assert left.startswith(f'{count - sum(map(len, both.splits.values()))} of {count} pairs')
  tested = len(_sets(random, 'smiles')['test'])
  assert f'of which {tested} drugs' in random.notes[-2]
  assert '0 drugs and' in drug.notes[-2]
  pairs = [set(zip(s.metadata['smiles'], s.metadata['target'], strict=True))
           for s in random.splits.values()]  # fmt: skip
  assert not pairs[0] & (pairs[1] | pairs[2])


def _numbers(data, split, name):
  one = data.splits[split]
  return one.read(range(len(one)))[name]


def test_mutants_stay_with_their_kinase(loaded):
  rows = simulator.simulate(0, 30, 30)
  sequence = {row['target']: row['sequence'] for row in rows}
  for similar, parted in (('near', False), ('identical', True)):
    of = _sets(loaded('cold_target', similar=similar), 'target')
    where = {name: split for split, names in of.items() for name in names}
    found = {
      where[one] != where[other]
      for one in sequence
      for other in sequence
      if len(sequence[one]) == len(sequence[other])
      and sum(a != b for a, b in zip(sequence[one], sequence[other], strict=True)) == 1
    }
    assert (True in found) == parted


def test_the_domain_is_that_of_the_split(loaded):
  domains = {}
  for split in ('cold_drug', 'cold_target', 'random'):
    data = loaded(split)
    domains[split] = data.modality.domain
    again = type(data.modality).from_details(data.modality.details())
    assert dataclasses.asdict(again.domain) == dataclasses.asdict(data.modality.domain)
    assert isinstance(again.domain, PairDomain)
    row = {name: array[0] for name, array in data.splits['train'].read([0]).items()}
    cells, inside = again.domain.place(row)
    assert (cells['similarity'], cells['target'], inside) == ('1.000', 'known', True)
    other = row | {'tokens': np.roll(row['tokens'][row['tokens'] > 0], 1)}
    cells, inside = again.domain.place(other)
    assert (cells['target'], inside) == ('new', split == 'cold_target')
  assert domains['random'].drugs.limit > 0.999  # validated on known drugs alone
  assert domains['cold_drug'].drugs.limit < 0.9
  assert 'targets that were trained on' in domains['cold_drug'].about
  assert 'any target' in domains['cold_target'].about


def test_simple_models_see_which_and_what(loaded):
  data = loaded('cold_drug')
  batch = data.splits['train'].read(range(6))
  features = data.modality.simple_features(batch)
  assert features[:, 0].tolist() == batch['drug_number'].tolist()
  assert features[:, 1].tolist() == batch['target_number'].tolist()
  np.testing.assert_array_equal(features[:, 2:130], batch['counts'])
  np.testing.assert_allclose(features[:, 130:150].sum(axis=1), 1, rtol=1e-5)
  assert data.modality.looks(batch).features.shape == (6, features.shape[1] - 2)
  boosting, additive = data.modality.simple_models
  assert boosting.steps((6, 150))[0].transform(features).shape == (6, 149)
  which, one_hot = additive.steps((6, 150))
  shown = one_hot.fit(which.transform(features)).transform([[store.NEW, batch['target_number'][0]]])
  assert shown.sum() == 1


def test_given_splits(tmp_path):
  rows = simulator.simulate(0, 20, 12, share=1.0)
  for i, row in enumerate(rows):
    row['split'] = ('train', 'val', 'test')[max(0, i % 12 - 9)]
  rows.append({**rows[0], 'split': 'test'})

  def load(**settings):
    with open(tmp_path / 'a.csv', 'w', newline='') as file:
      writer = csv.DictWriter(file, list(rows[0]))
      writer.writeheader()
      writer.writerows(rows)
    path = str(tmp_path / 'a.csv')
    return binding.load(binding.Config(source=path, bits=128, similar='identical', **settings))

  data = load()
  assert {name: len(split) for name, split in data.splits.items()} == {
    'train': 200, 'val': 20, 'test': 21
  }  # fmt: skip
  (note,) = [note for note in data.notes if note.startswith('LEAK ALLOWED')]
  assert 'rows 2 and 242' in note
  with pytest.raises(UserError, match='1 pairs stand, but for near copies, in two splits: rows 2'):
    load(allow_group_overlap=False)
  rows.pop()
  assert 'intervals are over targets, each with all its pairs' in load().notes
  rows[7]['split'] = ''
  with pytest.raises(UserError, match=r'a.csv row 9: no split; expected train, val or test'):
    load()
  rows[7]['split'] = 'elsewhere'
  with pytest.raises(UserError, match=r'split is .elsewhere.; expected train, val or test'):
    load()


def test_what_cannot_be_split(loaded):
  with pytest.raises(UserError, match=r'folds and config.data.split=cold_both'):
    binding.Config(folds=5, split='cold_both').validate()
  few = binding.Config(split='cold_both', bits=128, simulated_drugs=20, simulated_targets=2)
  with pytest.raises(UserError, match='split=cold_both leaves no pair in'):
    binding.load(few, simulator=simulator.simulate)
