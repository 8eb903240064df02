"""Data of another site, read by what a run's data.json says and never fitted to."""

import csv
import dataclasses
import json

import numpy as np
import pytest
from test_new_loader import Config as CloudConfig
from test_new_loader import load as load_clouds

from medjax.data import external, molecules, sequences, tabular
from medjax.data.split import EXTERNAL
from medjax.errors import UserError


def described(data):
  """What data.json of a run with these data would hold."""
  return json.loads(json.dumps(data.summary()))


def rows(count, seed, **changes):
  random = np.random.default_rng(seed)
  made = []
  for i in range(count):
    ill = i % 2
    row = {
      'age': f'{50 + 10 * ill + random.normal(0, 5):.1f}',
      'sex': 'fm'[int(random.integers(2))],
      'label': ('healthy', 'ill')[ill],
    }
    made.append(row | {name: change(row) for name, change in changes.items()})
  return made


def write(path, made):
  with open(path, 'w', newline='', encoding='utf-8') as file:
    writer = csv.DictWriter(file, list(made[0]))
    writer.writeheader()
    writer.writerows(made)
  return str(path)


@pytest.fixture
def run(tmp_path):
  config = tabular.Config(source=write(tmp_path / 'own.csv', rows(40, 0)))
  return config, described(tabular.load(config))


def read(run, source, classes=''):
  config, stored = run
  return tabular.load(external.settings(config, source, stored, classes))


def test_rows_are_scaled_as_in_the_run_and_all_are_taken(run, tmp_path):
  made = rows(12, 1, age=lambda row: str(float(row['age']) + 20), split=lambda row: 'site A')
  found = read(run, write(tmp_path / 'there.csv', made))
  own = tabular.load(run[0])
  assert list(found.splits) == [EXTERNAL]
  cases = found.splits[EXTERNAL]
  assert len(cases) == 12
  age = own.modality.preprocessing.columns[0]
  values = cases.read(np.arange(12))['values']
  assert values[:, 0] == pytest.approx(
    [(float(row['age']) - age.mean) / age.scale for row in made], abs=1e-5
  )
  assert values[:, 0].mean() > 1  # and not 0, as it would be if it were fitted to these rows
  assert found.details == run[1]['details']
  assert found.examples('train') == own.examples('train')
  assert cases.metadata['split'] == ['site A'] * 12


def test_classes_are_the_runs_whatever_their_order_and_case(run, tmp_path):
  made = rows(10, 2, label=lambda row: {'healthy': 'HEALTHY', 'ill': 'Ill'}[row['label']])
  found = read(run, write(tmp_path / 'there.csv', made))
  assert found.classes == ('healthy', 'ill')
  assert found.splits[EXTERNAL].label.tolist() == [0, 1] * 5


def test_other_names_are_refused_or_told(run, tmp_path):
  made = rows(10, 3, label=lambda row: {'healthy': 'zebra', 'ill': 'ant'}[row['label']])
  source = write(tmp_path / 'there.csv', made)
  with pytest.raises(
    UserError, match=r'ant, zebra are no classes of the run, which has healthy, ill'
  ):
    read(run, source)
  found = read(run, source, 'ill=ant, healthy=ZEBRA')
  assert found.splits[EXTERNAL].label.tolist() == [0, 1] * 5
  with pytest.raises(UserError, match=r'--classes: sick is no class of the run'):
    read(run, source, 'sick=ant,healthy=zebra')
  with pytest.raises(UserError, match=r"--classes=ill: 'ill' is no pair"):
    read(run, source, 'ill')
  with pytest.raises(UserError, match='ant stands twice'):
    read(run, source, 'ill=ant,healthy=ant')


def test_several_names_may_be_one_class(run, tmp_path):
  made = rows(12, 4)
  for number, row in enumerate(made):
    row['label'] = row['label'] if number % 2 == 0 else ('mild', 'grave')[number % 4 // 2]
  source = write(tmp_path / 'there.csv', made)
  found = read(run, source, 'ill=mild,ill=grave')
  assert found.splits[EXTERNAL].label.tolist() == [0, 1] * 6


def test_a_column_that_lacks_and_a_source_of_nothing_are_one_line(run, tmp_path):
  made = [{'sex': row['sex'], 'label': row['label']} for row in rows(10, 5)]
  with pytest.raises(UserError, match=r"row 2: no column 'age'; the model was trained with it"):
    read(run, write(tmp_path / 'there.csv', made))
  with pytest.raises(UserError, match='expected labelled data of another site'):
    read(run, 'simulated')
  with pytest.raises(UserError, match='no source of their own'):
    external.settings(object(), 'there.csv', run[1])


def test_few_different_numbers_are_numbers_where_the_run_predicts_some(tmp_path):
  made = rows(40, 6, label=lambda row: row['age'])
  made = [row | {'other': str(number)} for number, row in enumerate(made)]
  config = tabular.Config(source=write(tmp_path / 'own.csv', made), label_column='label')
  stored = described(tabular.load(config))
  few = [row | {'label': str(60 + number % 3)} for number, row in enumerate(made[:9])]
  there = external.settings(config, write(tmp_path / 'there.csv', few), stored)
  found = tabular.load(there)
  assert found.splits[EXTERNAL].label.tolist() == [60.0, 61.0, 62.0] * 3
  assert not found.classes


def fasta(path, sequences):
  text = ''.join(f'>s{i} class:{i % 2}\n{letters}\n' for i, letters in enumerate(sequences))
  path.write_text(text)
  return str(path)


def test_sequences_have_the_letters_and_the_length_of_the_run(tmp_path):
  random = np.random.default_rng(7)

  def drawn(count, length):
    return [''.join(random.choice(list('ACGT'), length)) for _ in range(count)]

  own = fasta(tmp_path / 'own.fa', drawn(40, 30))
  config = sequences.Config(source=own, label_pattern='class:([01])')
  stored = described(sequences.load(config))
  there = fasta(tmp_path / 'there.fa', [*drawn(3, 44), *drawn(3, 12)])
  found = sequences.load(external.settings(config, there, stored))
  tokens = found.splits[EXTERNAL].read(np.arange(6))['tokens']
  assert tokens.shape == (6, 30)
  assert (tokens[3:, 12:] == 0).all()
  assert found.modality.encode.letters.name == 'DNA'
  protein = fasta(tmp_path / 'protein.fa', ['MKVLAAGIVGLLLAQWERTYP'] * 4)
  with pytest.raises(UserError, match='protein'):
    sequences.load(external.settings(config, protein, stored))


def test_molecules_have_the_descriptors_and_the_domain_of_the_run(tmp_path):
  pytest.importorskip('rdkit')
  own = tmp_path / 'own.csv'
  chains = [f'{"C" * n}{end},{n}.5' for n in range(2, 16) for end in ('O', 'N')]
  own.write_text('\n'.join(['smiles,label', *chains]) + '\n')
  config = molecules.Config(
    source=str(own), descriptors=True, labels='numbers', bits=64, split='random'
  )
  data = molecules.load(config)
  there = tmp_path / 'there.csv'
  there.write_text('smiles,label\nc1ccccc1,3\nc1ccccc1O,4\nCCCCO,5.5\n')
  found = molecules.load(external.settings(config, str(there), described(data)))
  assert found.modality.features == data.modality.features
  assert found.modality.domain == data.modality.domain
  same = found.splits[EXTERNAL].read([2])['descriptors'][0]
  place = next(
    (split, list(split.metadata['smiles']).index('CCCCO'))
    for split in data.splits.values()
    if 'CCCCO' in split.metadata['smiles']
  )
  assert same == pytest.approx(place[0].read([place[1]])['descriptors'][0])


def clouds(folder, label, count, points=8):
  folder.mkdir()
  lines = ['file,label']
  for i in range(count):
    random = np.random.default_rng([i, count])
    np.save(folder / f'{i}.npy', random.normal(i % 2, 1, (points, 3)).astype(np.float32))
    lines.append(f'{i}.npy,{label[i % 2]}')
  (folder / 'labels.csv').write_text('\n'.join(lines) + '\n')
  return str(folder)


def test_a_loader_that_knows_nothing_of_other_sites_is_read_or_refused(tmp_path):
  config = CloudConfig(source=clouds(tmp_path / 'own', ('no', 'yes'), 40))
  stored = described(load_clouds(config))
  there = clouds(tmp_path / 'there', ('no', 'yes'), 6)
  found = load_clouds(external.settings(config, there, stored))
  assert found.splits[EXTERNAL].label.tolist() == [0, 1] * 3
  stored['details']['points'] = 9
  with pytest.raises(UserError, match=r'points differs \(8 there, 9 in the run\)'):
    load_clouds(external.settings(config, there, stored))
  stored['details']['points'] = 8
  stored['example']['cloud'] = 'float32[9,3]'
  with pytest.raises(UserError, match=r'cloud has shape \(8, 3\); the run expects \(9, 3\)'):
    load_clouds(external.settings(config, there, stored))


def labels(label, here, run, called=None):
  return external._labels(np.array(label), here, run, called or {}, 'there')


def test_of_several_labels_what_the_site_does_not_tell_is_not_known():
  found, notes = labels(
    [[1.0, 0.0, 1.0], [0.0, np.nan, 0.0]], ('mass', 'edema', 'gout'), ('Edema', 'hernia', 'mass')
  )
  assert np.array_equal(found, [[0, np.nan, 1], [np.nan, np.nan, 0]], equal_nan=True)
  assert notes == [
    'hernia: not told there, and so not known',
    'classes that the run does not know, left out: gout',
  ]


def test_states_keep_what_is_not_known_and_a_class_may_have_no_case():
  found, notes = labels([[0, 1, -1], [1, 1, 0]], ('H', 'C'), ('C', 'E', 'H'))
  assert found.tolist() == [[2, 0, -1], [0, 0, 2]]
  assert notes == ['no case of E there']


def test_trees_of_labels_are_taken_as_they_are():
  label = {'time': np.array([1.0])}
  assert external._labels(label, (), (), {}, 'there') == (label, [])
  with pytest.raises(UserError, match='its classes are a, b; those of the run b, a'):
    external._labels(label, ('a', 'b'), ('b', 'a'), {}, 'there')


def test_without_another_site_nothing_changes(run):
  config, stored = run
  again = dataclasses.replace(external.settings(config, config.source, stored))
  assert again.external
  assert again.stored['source'] == 'own'
  config.stored = stored
  assert not config.external
  assert tabular.load(config).splits == {}
