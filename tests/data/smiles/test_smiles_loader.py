"""Molecules from files as rows of tokens: what is taken, what is left out, and why."""

import dataclasses
import itertools

import pytest
import reseal

pytest.importorskip('rdkit')

from medjax.data import smiles
from medjax.data.simulate import assay
from medjax.data.smiles.reading import canonical
from medjax.errors import UserError

ALKANES = ['C' * length for length in range(1, 41)]


@pytest.fixture
def table(tmp_path):
  def write(molecules, column=None):
    path = tmp_path / 'molecules.csv'
    header, cells = ('smiles', molecules)
    if column:
      header, cells = f'smiles,{column[0]}', map(','.join, zip(molecules, column[1], strict=True))
    path.write_text('\n'.join([header, *cells]))
    return smiles.Config(source=str(path))

  return write


def written(data):
  return {name: part.metadata['smiles'] for name, part in data.splits.items()}


def test_every_different_molecule_is_there_once_as_tokens(table):
  data = smiles.load(table([*ALKANES, 'OCC', 'CCO', '[Na+].[O-]C=O']))
  parts = written(data)
  assert sorted(itertools.chain(*parts.values())) == sorted([*ALKANES, 'CCO', 'O=CO'])
  assert '1 molecules are there before, left out' in data.notes
  vocabulary = data.modality.vocabulary('')
  for part in data.splits.values():
    batch = part.read(range(len(part)))
    assert [vocabulary.spell(row) for row in batch['tokens']] == part.metadata['smiles']
  assert data.details['typical'] == pytest.approx(data.splits['train'].sizes['positions'].mean())
  assert len(parts['val']) == len(parts['test']) == 2


def test_a_limit_takes_a_part_that_the_seed_draws(table):
  config = dataclasses.replace(table(ALKANES), limit=10)
  first, again = smiles.load(config), smiles.load(config)
  other = smiles.load(dataclasses.replace(config, seed=1))
  assert sum(map(len, written(first).values())) == 10
  assert written(first) == written(again) != written(other)
  assert first.fingerprint == again.fingerprint
  assert '10 of 40 molecules, drawn with config.data.seed=0' in first.notes


def test_given_splits_are_taken_and_unknown_tokens_of_others_left_out(table):
  split = ['train'] * 30 + ['val'] * 6 + ['test'] * 4
  config = table([*ALKANES[:-1], 'CBr'], ('split', split))
  data = smiles.load(config)
  assert written(data)['test'] == ALKANES[36:39]
  assert data.modality.names == ('C',)
  (note,) = [note for note in data.notes if 'no training molecule has' in note]
  assert note.startswith('1 molecules of val and test')
  assert 'row-41' in note


def test_long_and_unreadable_molecules_are_left_out_with_a_note(table):
  config = dataclasses.replace(table([*ALKANES, 'C1CC', 'CC']), max_tokens=30, max_broken=0.1)
  data = smiles.load(config)
  assert sum(map(len, written(data).values())) == 30
  assert any('10 molecules have more than 30 tokens' in note for note in data.notes)
  assert list(data.details['left_out']) == ['row 42']
  with pytest.raises(UserError, match=r'row 42: SMILES .C1CC. cannot be read.*max_broken=0\.01'):
    smiles.load(dataclasses.replace(config, max_broken=0.01))
  with pytest.raises(UserError, match='2 molecules cannot be used'):
    smiles.load(dataclasses.replace(table([*ALKANES, 'C1CC', 'C1']), max_broken=0.0))
  with pytest.raises(UserError, match='no molecule has at most 5 tokens'):
    smiles.load(dataclasses.replace(table(ALKANES[10:]), max_tokens=5))


def test_folds_test_each_molecule_once(table):
  rounds = [
    written(smiles.load(dataclasses.replace(table(ALKANES), folds=2, fold=fold)))['test']
    for fold in range(2)
  ]
  assert sorted(itertools.chain(*rounds)) == sorted(ALKANES)


def test_stereochemistry_is_kept_or_dropped():
  assert canonical(['C[C@H](F)Cl'])[0][0] == 'C[C@H](F)Cl'
  assert canonical(['C[C@H](F)Cl', '[CH3:1]O'], stereo=False) == [('CC(F)Cl', ''), ('CO', '')]


def test_a_run_opens_new_molecules_from_its_folder_alone(tmp_path):
  config = smiles.Config(simulated_molecules=100)
  data = smiles.load(config, simulator=assay.simulate)
  config.stored = reseal.described(tmp_path, data)
  later = smiles.load(config)
  assert later.modality == data.modality
  assert later.example['tokens'].shape == data.example['tokens'].shape
  good, unknown, broken = later.modality.open(['c1ccccc1', 'C[Si](C)C', 'C1CC'])
  assert later.modality.vocabulary('').spell(good.load()['tokens']) == 'c1ccccc1'
  with pytest.raises(UserError, match=r'C\[Si\]\(C\)C: .* no training molecule has .\[Si\]'):
    unknown.load()
  with pytest.raises(UserError, match=r'C1CC: SMILES .* cannot be read'):
    broken.load()
