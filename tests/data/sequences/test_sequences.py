"""Sequences from files as examples, and what is said of files that cannot be used."""

import gzip
import pathlib

import numpy as np
import pytest
import reseal

from medjax.data import sequences
from medjax.data.sequences import loader
from medjax.data.simulate import motifs
from medjax.errors import UserError


def letters(count, length=30, seed=0, of='ACGT'):
  random = np.random.default_rng(seed)
  return [''.join(random.choice(list(of), length)) for _ in range(count)]


def fasta(path, found, header='s{i} class:{label}', first=0):
  text = ''.join(
    f'>{header.format(i=i + first, label=i % 2)}\n{s[:20]}\n{s[20:]}\n' for i, s in enumerate(found)
  )
  path.write_bytes(gzip.compress(text.encode()) if path.suffix == '.gz' else text.encode())
  return str(path)


def load(source, **more):
  return sequences.load(sequences.Config(source=source, **more))


def test_labels_from_the_header_and_inputs_as_one_hot(tmp_path):
  found = letters(80)
  found[3] = found[3][:20] + 'N' * 5
  data = load(fasta(tmp_path / 'a.fa.gz', found), label_pattern='class:([01])')
  assert data.classes == ('0', '1')
  assert isinstance(data.modality, sequences.Sequences)
  assert data.input_shape == (30, 4)
  seen = 0
  for split in data.splits.values():
    batch = split.read(np.arange(len(split)))
    inputs = np.asarray(data.modality.inputs(batch))
    for name, label, x in zip(split.id, batch['label'], inputs, strict=True):
      number = int(name.split(':s')[1])
      seen += 1
      assert label == number % 2
      text = found[number]
      for letter, row in zip(text, x, strict=False):
        assert row.tolist() == (
          [0.25] * 4 if letter == 'N' else np.eye(4)['ACGT'.index(letter)].tolist()
        )
      assert not x[len(text) :].any()
  assert seen == 80


def test_a_file_a_class_and_a_test_file(tmp_path):
  one = fasta(tmp_path / 'background.fa', letters(60, seed=1), 'n{i}')
  other = fasta(tmp_path / 'promoter.fa', letters(60, seed=2), 'p{i}')
  data = load(f'{one},{other}')
  assert data.classes == ('background', 'promoter')
  assert sum(len(s) for s in data.splits.values()) == 120
  train = fasta(tmp_path / 'train.fa', letters(60, seed=3))
  test = fasta(tmp_path / 'test.fa', letters(20, seed=4))
  data = load(train, test=test, label_pattern='class:(.)')
  assert len(data.splits['test']) == 20
  assert all(name.startswith('test.fa') for name in data.splits['test'].id)
  assert len(data.splits['train']) + len(data.splits['val']) == 60


def test_near_copies_stay_together_and_leaks_are_said(tmp_path):
  found = letters(60, 60)
  copies = [s[:-3] + 'AAA' for s in found]
  path = fasta(tmp_path / 'a.fa', found + copies)
  data = load(path, label_pattern='class:(.)')
  where = {name: split for split, part in data.splits.items() for name in part.id}
  for i in range(60):
    assert where[f'a.fa:s{i}'] == where[f'a.fa:s{i + 60}']
  assert any('120 of 120 sequences have near copies: 60 groups' in note for note in data.notes)
  other = fasta(tmp_path / 'b.fa', copies[:10])
  with pytest.raises(UserError, match=r'10 groups are in two splits.*allow_group_overlap=true'):
    load(path, test=other, label_pattern='class:(.)')
  data = load(path, test=other, label_pattern='class:(.)', allow_group_overlap=True)
  assert any(note.startswith('LEAK ALLOWED: 10 groups') for note in data.notes)
  assert data.summary()['groups_in_two_splits'] >= 10


def test_tables_lengths_and_folds(tmp_path):
  found = letters(50, 40, of='ACDEFGHIKLMNPQRSTVWY')
  found[0] = found[0][:10]
  rows = [f'p{i};{s};{("in", "out")[i % 2]};{i}' for i, s in enumerate(found)]
  path = tmp_path / 'proteins.csv'
  path.write_text('\ufeffid;sequence;label;weight\n' + '\n'.join(rows) + '\n')
  data = load(str(path), length=24, folds=5, fold=1)
  assert data.details['alphabet'] == 'protein'
  assert data.input_shape == (24, 20)
  assert any('49 sequences are longer than 24 letters' in note for note in data.notes)
  tested = [set(load(str(path), folds=5, fold=f).splits['test'].id) for f in range(5)]
  assert sorted(name for part in tested for name in part) == sorted(f'p{i}' for i in range(50))
  split = data.splits['train']
  row = int(np.flatnonzero(split.id == split.id[0])[0])
  number = int(split.id[row][1:])
  from medjax.data.sequences.alphabet import PROTEIN

  shown = PROTEIN.decode(split.read([row])['tokens'][0]).rstrip('-')
  assert shown == (found[number][8:32] if number else found[0])


def test_new_sequences_are_read_as_the_run_read_its_own(tmp_path):
  data = load(fasta(tmp_path / 'a.fa', letters(60)), label_pattern='class:(.)')
  again = load('', stored=reseal.described(tmp_path, data))
  new = fasta(tmp_path / 'new.fa', ['ACGTAC', 'A' * 50, 'ACGZ'], 'new{i}')
  missing = str(tmp_path / 'none.fa')
  cases = again.modality.open([new, missing])
  assert [case.name.rsplit('/', 1)[-1] for case in cases] == [
    'new.fa new0', 'new.fa new1', 'new.fa new2', 'none.fa',
  ]  # fmt: skip
  assert cases[0].load()['tokens'].tolist() == [1, 2, 3, 4, 1, 2] + [0] * 24
  assert cases[1].load()['tokens'].tolist() == [1] * 30
  with pytest.raises(UserError, match=r'new\.fa new2'):
    cases[2].load()
  with pytest.raises(UserError, match=r'none\.fa'):
    cases[3].load()


def test_simulated_sequences_tell_where_the_sites_are():
  config = sequences.Config(simulated=60)
  data = sequences.load(config, simulator=motifs.simulate, classes=('no', 'yes'))
  assert data.simulated
  split = data.splits['test']
  for row in range(len(split)):
    mask = data.truth('test', row)
    assert mask.any() == bool(split.label[row])
    case = motifs.simulate(0, int(split.metadata['index'][row]))
    np.testing.assert_array_equal(mask, case.mask)


@pytest.mark.parametrize(
  ('more', 'message'),
  [
    ({}, 'nothing that says its classes'),
    ({'label_pattern': 'kind:(.)'}, 'a.fa line 1'),
    ({'label_pattern': '(['}, 'label pattern'),
    ({'label_pattern': 'class:(.)', 'fold': 7, 'folds': 5}, 'config.data.fold=7'),
    ({'label_pattern': 'class:(.)', 'alphabet': 'DNA'}, 'a.fa line 1'),
  ],
)
def test_mistakes_are_one_line(tmp_path, more, message):
  found = letters(40, of='ACDEFGHIKL') if 'alphabet' in more else letters(40)
  with pytest.raises(UserError, match=message.replace('(', r'\(')) as error:
    load(fasta(tmp_path / 'a.fa', found), **more)
  assert '\n' not in str(error.value)


def test_settings_that_contradict_each_other():
  with pytest.raises(UserError, match='expected one of them'):
    sequences.Config(test='b.fa', folds=5).validate()
  with pytest.raises(UserError, match='simulates no sequences'):
    sequences.load(sequences.Config())


def test_real_binding_sites(shared_data):
  folder = shared_data('genome_promoters')
  source = f'{folder}/ecoli_non_prom.fa.gz,{folder}/ecoli_prom.fa.gz'
  data = load(source, similar='identical')
  counts = data.summary()['splits']
  assert sum(part['examples'] for part in counts.values()) == 3839
  assert sum(part['classes']['ecoli_prom'] for part in counts.values()) == 839


def test_given_splits_are_kept_beside_a_test_file_and_whatever_their_case(tmp_path):
  found = letters(90)
  lines = [f'{s},{i % 2},{("train", "Val", "test")[i // 30]}' for i, s in enumerate(found[:80])]
  (tmp_path / 'a.csv').write_text('\n'.join(['sequence,label,Split', *lines]))
  rows = [f'{s},{i % 2}' for i, s in enumerate(found[80:])]
  (tmp_path / 'b.csv').write_text('\n'.join(['sequence,label', *rows]))
  sizes = {n: len(s) for n, s in load(str(tmp_path / 'a.csv')).splits.items()}
  assert sizes == {'train': 30, 'val': 30, 'test': 20}
  both = load(str(tmp_path / 'a.csv'), test=str(tmp_path / 'b.csv'))
  assert {n: len(s) for n, s in both.splits.items()} == {'train': 30, 'val': 30, 'test': 30}


def test_validation_is_found_anywhere_in_a_header(tmp_path):
  found = letters(80)
  header = 's{i} SET=train TARGET={label} VALIDATION=True class:{label}'
  text = pathlib.Path(fasta(tmp_path / 'v.fa', found[:20], header, 100)).read_text()
  text += pathlib.Path(
    fasta(tmp_path / 't.fa', found[20:], 's{i} SET=train class:{label}')
  ).read_text()
  (tmp_path / 'a.fa').write_text(text)
  data = load(str(tmp_path / 'a.fa'), label_pattern='class:([01])')
  assert {n: len(s) for n, s in data.splits.items()} == {'train': 60, 'val': 20}


@pytest.mark.parametrize('absent', ['', 'NaN'])
def test_rows_without_label_are_left_out(tmp_path, absent):
  found = letters(80)
  lines = [f'{s},{absent if i < 7 else i % 2}' for i, s in enumerate(found)]
  (tmp_path / 'a.csv').write_text('\n'.join(['sequence,label', *lines]))
  data = load(str(tmp_path / 'a.csv'))
  assert data.classes == ('0', '1')
  assert sum(map(len, data.splits.values())) == 73
  assert f'a.csv: 7 rows without label left out (7 {absent or "empty"})' in data.notes


def test_names_of_test_files_may_be_those_of_training_files(tmp_path):
  for part, seed in (('train', 0), ('test', 1)):
    (tmp_path / part).mkdir()
    for name, more in (('neg', 0), ('pos', 10)):
      fasta(tmp_path / part / f'{name}.fa', letters(40, seed=seed + more))
  source, test = (
    f'{tmp_path / part / "neg.fa"},{tmp_path / part / "pos.fa"}' for part in ('train', 'test')
  )
  data = load(source, test=test)
  assert data.classes == ('neg', 'pos')
  assert len(data.splits['test']) == 80
  assert 'pos.fa:s3 (test)' in data.splits['test'].id


def test_an_entry_without_sequence_leaves_the_others(tmp_path):
  data = load(fasta(tmp_path / 'a.fa', letters(80)), label_pattern='class:([01])')
  (tmp_path / 'new.fa').write_text('>a\nACGT\n>b\n>c\nGGTT\n')
  (tmp_path / 'new.csv').write_text('sequence,x\nACGT,1\n,2\nGGTT,3\n')
  for name in ('new.fa', 'new.csv'):
    first, empty, last = data.modality.open([str(tmp_path / name)])
    assert (first.load()['tokens'] > 0).sum() == (last.load()['tokens'] > 0).sum() == 4
    with pytest.raises(UserError, match='the sequence is empty'):
      empty.load()


def test_proteins_have_one_strand(tmp_path):
  path = fasta(tmp_path / 'a.fa', letters(80, of='ACDEFGHIKLMNPQRSTVWY'))
  with pytest.raises(
    UserError, match=r'protein has one strand; expected config\.data\.both_strands'
  ):
    load(path, label_pattern='class:([01])', both_strands=True)


def test_repeats_with_other_labels_are_counted_and_kept(tmp_path):
  found = letters(40, seed=5)
  text = ''.join(f'>s{i} class:{i % 2}\n{s}\n' for i, s in enumerate(found))
  text += f'>s3 class:0\n{found[3]}\n>s4 class:1\n{found[4]}\n>s5 class:1\n{found[5]}\n'
  (tmp_path / 'a.fa').write_text(text)
  data = load(str(tmp_path / 'a.fa'), label_pattern='class:([01])')
  assert 'a.fa: 3 names are of 6 sequences, told apart by numbers: #2' in data.notes
  assert '2 sequences stand with different labels, in 4 rows: all of them are kept' in data.notes
  assert sum(len(split) for split in data.splits.values()) == 43
  assert data.summary()['groups_in_two_splits'] == 0
  rows = ''.join(f'x{i // 2},{s},{i % 2}\n' for i, s in enumerate(found))
  (tmp_path / 'a.csv').write_text(f'id,sequence,label\n{rows}')
  data = load(str(tmp_path / 'a.csv'))
  assert 'a.csv: 20 names are of 40 sequences, told apart by numbers: #2' in data.notes
  assert not any('different labels' in note for note in data.notes)
  ids = [name for split in data.splits.values() for name in split.id]
  assert sorted(ids) == sorted(f'x{i}{number}' for i in range(20) for number in ('', ' #2'))


def test_t_and_u_are_one_sequence_with_two_labels(tmp_path):
  found = letters(40, seed=6)
  text = ''.join(f'>s{i} class:{i % 2}\n{s}\n' for i, s in enumerate(found))
  (tmp_path / 'a.fa').write_text(text + f'>u class:1\n{found[0].replace("T", "U")}\n')
  data = load(str(tmp_path / 'a.fa'), label_pattern='class:([01])', alphabet='DNA')
  assert '1 sequences stand with different labels, in 2 rows: all of them are kept' in data.notes


def test_sequences_that_padding_makes_too_large(tmp_path, monkeypatch):
  monkeypatch.setattr(loader, '_MOST', 80 * 30)
  source = fasta(tmp_path / 'a.fa', letters(80))
  load(source, label_pattern='class:([01])')
  with pytest.raises(UserError, match='80 sequences of 31 letters each; expected at most 2400'):
    load(source, label_pattern='class:([01])', length=31)
