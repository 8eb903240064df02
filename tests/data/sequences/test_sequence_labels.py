"""Sequences with labels that are numbers or several classes, given splits, and what is seen."""

import dataclasses

import numpy as np
import pytest
import reseal

from medjax.data import sequences
from medjax.data.sequences.alphabet import PROTEIN
from medjax.data.simulate import sorting
from medjax.errors import UserError

WILD = 'MQYKLILNGKTLKGETTTEA'


def variants(path, rows=60, places=(3, 9), rest='train,'):
  """A table as FLIP writes: sequence, target, set, validation."""
  random = np.random.default_rng(0)
  lines = ['sequence,target,set,validation']
  for i in range(rows):
    letters = list(WILD)
    for place in places:
      letters[place] = random.choice(list('ACDEFGHIKL'))
    given = 'test,' if i % 5 == 0 else 'train,True' if i % 5 == 1 else rest
    lines.append(f'{"".join(letters)},{i / 10},{given}')
  path.write_text('\n'.join(lines))
  return str(path)


def load(source, **more):
  return sequences.load(sequences.Config(source=source, **more))


@pytest.mark.core
def test_numbers_with_the_splits_of_flip_and_the_places_that_differ(tmp_path):
  source = variants(tmp_path / 'a.csv')
  about = {
    'labels': 'numbers', 'label_column': 'target', 'similar': 'identical', 'alphabet': 'protein',
    'allow_group_overlap': True,
  }  # fmt: skip
  data = load(source, varying=True, **about)
  assert {name: len(split) for name, split in data.splits.items()} == {
    'train': 36, 'val': 12, 'test': 12,
  }  # fmt: skip
  assert (data.classes, data.input_shape) == ((), (2, 20))
  assert '2 of 20 places differ in training; the others are left out' in data.notes
  test = data.splits['test']
  np.testing.assert_allclose(test.label, np.arange(0, 60, 5) / 10)
  train = data.splits['train'].label
  assert data.details['label_mean'] == pytest.approx(train.mean(), rel=1e-6)
  assert data.details['label_scale'] == pytest.approx(train.std(), rel=1e-6)
  whole = load(source, **about)
  assert whole.input_shape == (20, 20)
  x, short = (
    np.asarray(d.modality.inputs(d.splits['test'].read(range(12)))) for d in (whole, data)
  )
  np.testing.assert_array_equal(x[:, [3, 9]], short)
  # A run reads new sequences as it read these, from its folder alone.
  described = load('', stored=reseal.described(tmp_path, data), **about)
  (tmp_path / 'new.fa').write_text(f'>one\n{WILD}\n')
  (case,) = described.modality.open([str(tmp_path / 'new.fa')])
  assert case.load()['tokens'].tolist() == PROTEIN.encode(WILD, '')[[3, 9]].tolist()


@pytest.mark.core
def test_splits_in_headers(tmp_path):
  lines = [
    f'>s{i} TARGET={i}.5 SET={"test" if i < 9 else "train"} VALIDATION={i > 29}\n'
    f'{WILD}{"ACDE"[i % 4]}'
    for i in range(40)
  ]
  (tmp_path / 'a.fa').write_text('\n'.join(lines))
  data = load(
    str(tmp_path / 'a.fa'),
    labels='numbers',
    label_pattern=r'TARGET=(\S+)',
    similar='identical',
    allow_group_overlap=True,
  )
  assert [len(data.splits[name]) for name in ('train', 'val', 'test')] == [21, 10, 9]
  assert data.splits['test'].label.tolist() == [i + 0.5 for i in range(9)]


@pytest.mark.core
def test_several_classes_or_only_those_with_one(tmp_path):
  random = np.random.default_rng(0)
  names = ['Nucleus', 'Cytoplasm', 'Cytoplasm-Nucleus', 'Plastid']
  lines = [
    f'>p{i} {names[i % 4]}-U\n' + ''.join(random.choice(list('ACDEFGHIKLMNPQRSTVWY'), 50))
    for i in range(80)
  ]
  (tmp_path / 'a.fa').write_text('\n'.join(lines))
  about = {'label_pattern': r' (\S+)-[MSU]$', 'label_separator': '-'}
  one = load(str(tmp_path / 'a.fa'), **about)
  assert '20 sequences of several classes left out' in one.notes
  assert one.classes == ('Cytoplasm', 'Nucleus', 'Plastid')
  several = load(str(tmp_path / 'a.fa'), labels='several', **about)
  assert several.classes == one.classes
  for split in several.splits.values():
    for name, label in zip(split.id, split.label, strict=True):
      wanted = names[int(name.split(':p')[1]) % 4].split('-')
      assert label.tolist() == [float(c in wanted) for c in several.classes]
  counted = several.summary()['splits']
  assert sum(part['classes']['Nucleus'] for part in counted.values()) == 40
  assert sum(part['classes']['Plastid'] for part in counted.values()) == 20


@pytest.mark.core
def test_the_ends_of_long_sequences():
  data = sequences.load(
    sequences.Config(simulated=60, length=50, keep='ends'),
    simulator=sorting.simulate,
    classes=sorting.CLASSES,
    letters=PROTEIN,
  )
  assert data.input_shape == (50, 20)
  assert any(note.endswith('their ends are taken') for note in data.notes)
  for name, split in data.splits.items():
    for row in range(len(split)):
      case = sorting.simulate(0, int(split.metadata['index'][row]))
      tokens = PROTEIN.encode(case.sequence, '')
      assert split.read([row])['tokens'][0].tolist() == [*tokens[:25], *tokens[-25:]]
      assert data.truth(name, row).tolist() == [*case.mask[:25], *case.mask[-25:]]


@pytest.mark.core
@pytest.mark.parametrize(
  ('more', 'message'),
  [
    ({'labels': 'numbers', 'label_column': 'set'}, "row 2: label 'test' is no number"),
    ({'labels': 'several'}, 'expected config.data.label_separator with it'),
    ({'label_column': 'set', 'label_separator': 't'}, 'stands in every label'),
    ({'labels': 'numbers', 'label_column': 'target', 'varying': True}, 'sequences are the same'),
  ],
)
def test_settings_that_do_not_fit_the_file(tmp_path, more, message):
  source = variants(tmp_path / 'a.csv', places=())
  config = sequences.Config(source=source, alphabet='protein', allow_group_overlap=True)
  config = dataclasses.replace(config, similar='identical', **more)

  def read():
    config.validate()
    sequences.load(config)

  with pytest.raises(UserError, match=message):
    read()


@pytest.mark.core
def test_a_set_that_is_none(tmp_path):
  source = variants(tmp_path / 'a.csv', rest='other,')
  with pytest.raises(UserError, match="row 4: split is 'other'; expected train, val or test"):
    load(source, labels='numbers', label_column='target')


@pytest.mark.core
def test_near_copies_of_one_sequence_cannot_be_split(tmp_path):
  source = variants(tmp_path / 'a.csv')
  text = (tmp_path / 'a.csv').read_text().replace(',set,', ',other,')
  (tmp_path / 'a.csv').write_text(text)
  about = {'labels': 'numbers', 'label_column': 'target', 'alphabet': 'protein'}
  with pytest.raises(
    UserError, match=r'near copies leave 1 groups, .* config\.data\.similar=identical'
  ):
    load(source, **about)
  assert load(source, similar='identical', **about).splits.keys() == {'train', 'val', 'test'}


@pytest.mark.parametrize('label', ['1_0', '1e300', '٣', '1,5', '9' * 5000])
def test_labels_that_are_no_numbers(tmp_path, label):
  rows = ''.join(f'{WILD[i:] + WILD[:i]},{i}.5\n' for i in range(18))
  (tmp_path / 'a.csv').write_text(f'sequence,label\n{rows}{WILD[::-1]},"{label}"\n')
  with pytest.raises(UserError, match=r'a\.csv row 20: label .* is no number within') as raised:
    load(str(tmp_path / 'a.csv'), labels='numbers', similar='identical', alphabet='protein')
  assert len(str(raised.value)) < 300


def test_headers_without_a_class_are_left_out_by_the_rule_of_tables(tmp_path):
  random = np.random.default_rng(0)
  words = ['ill', 'well', 'NA', 'nan']
  entries = [
    f'>s{i} class:{words[i % 4]}\n{"".join(random.choice(list("ACGT"), 30))}' for i in range(80)
  ]
  (tmp_path / 'a.fa').write_text('\n'.join(entries))
  data = load(str(tmp_path / 'a.fa'), label_pattern=r'class:(\w+)', length=30)
  assert data.classes == ('well', 'ill')
  assert sum(len(split) for split in data.splits.values()) == 40
  assert 'a.fa: 40 rows without class left out (20 NA, 20 nan)' in data.notes
  data = load(str(tmp_path / 'a.fa'), label_pattern=r'class:(\w+)', length=30, missing=())
  assert set(data.classes) == set(words)


def test_letters_that_are_not_read_as_they_stand_are_counted(tmp_path):
  random = np.random.default_rng(0)
  texts = [''.join(random.choice(list('ACGT'), 30)) for _ in range(40)]
  texts[3], texts[7] = 'ACGUU' + texts[3][5:], 'NNNRy' + texts[7][5:]
  entries = [f'>s{i} class:{i % 2}\n{text}' for i, text in enumerate(texts)]
  (tmp_path / 'a.fa').write_text('\n'.join(entries))
  notes = load(str(tmp_path / 'a.fa'), label_pattern=r'class:(\w)').notes
  assert '2 of 1200 letters are U, read as T' in notes
  assert '5 of 1200 letters stand for several, in equal shares: 1 R, 1 Y, 3 N' in notes, notes
