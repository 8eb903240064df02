"""Aligned FASTA files of residues, states and masks."""

import gzip

import numpy as np
import pytest

from medjax.data import residues
from medjax.data.simulate import chains
from medjax.errors import UserError


@pytest.fixture
def files(tmp_path, monkeypatch):
  """Thirty chains in three files; returns a function that writes them with changes."""
  monkeypatch.chdir(tmp_path)
  cases = [chains.simulate(0, index) for index in range(30)]

  def write(header='SET={split} VALIDATION={validates}', **changed):
    texts = {'chains': '', 'states': '', 'mask': ''}
    for i, case in enumerate(cases):
      split = 'test' if i % 5 == 0 else 'train'
      name = f'c{i}'
      texts['chains'] += f'>{name}\n{case.sequence}\n'
      head = header.format(split=split, validates=str(i % 5 == 1))
      texts['states'] += f'>{name} {head}\n{case.states}\n'
      mask = ''.join('0' if letter == '-' else '1' for letter in case.observed)
      texts['mask'] += f'>{name}\n{mask}\n'
    for name, text in (texts | changed).items():
      (tmp_path / f'{name}.fasta').write_text(text)
    return cases

  return write


def config(**changes):
  values = {'source': 'chains.fasta', 'labels': 'states.fasta', 'mask': 'mask.fasta'}
  return residues.Config(**(values | changes))


def test_aligned_files_give_labels_and_splits(files):
  cases = files()
  data = residues.load(config())
  assert data.classes == ('H', 'E', 'C')
  assert {name: len(split) for name, split in data.splits.items()} == {
    'train': 18, 'val': 6, 'test': 6,
  }  # fmt: skip
  for split in data.splits.values():
    for row, name in enumerate(split.id):
      case = cases[int(name[1:])]
      length = split.sizes['positions'][row]
      assert length == len(case.sequence)
      spelled = ''.join('HEC-'[i] for i in split.label[row, :length])
      assert spelled == case.observed
      assert (split.label[row, length:] == -1).all()
      batch = split.read([row], split.widths(np.array([row])))
      assert batch['tokens'].shape == batch['label'].shape
      inputs = np.asarray(data.modality.inputs(batch))
      assert inputs[0, :length].sum() == pytest.approx(length)
      assert not inputs[0, length:].any()
  summary = data.summary()['splits']['test']
  assert summary['positions'] == sum(summary['classes'].values())


def test_without_a_mask_all_count_and_compressed_files_are_read(files, tmp_path):
  cases = files()
  packed = tmp_path / 'chains.fasta.gz'
  packed.write_bytes(gzip.compress((tmp_path / 'chains.fasta').read_bytes()))
  data = residues.load(config(source='chains.fasta.gz', mask=''))
  known = sum((split.label >= 0).sum() for split in data.splits.values())
  assert known == sum(len(case.sequence) for case in cases)


def test_states_are_joined_and_renamed(files, tmp_path):
  files()
  data = residues.load(config(states='H=a, E=b, C=b'))
  assert data.classes == ('A', 'B')


def test_a_dash_may_be_said_to_be_a_state(files, tmp_path):
  """As in DSSP, whose coil has no letter."""
  cases = files()
  dashed = ''.join(f'>c{i} SET=train\n{c.states.replace("C", "-")}\n' for i, c in enumerate(cases))
  (tmp_path / 'states.fasta').write_text(dashed)
  data = residues.load(config(states='H=H,E=E,-=C', mask=''))
  assert data.classes == ('H', 'E', 'C')
  known = sum(int((split.label >= 0).sum()) for split in data.splits.values())
  assert known == sum(len(case.sequence) for case in cases)


def test_a_pattern_says_the_split(files):
  files(header='part:{split}')
  data = residues.load(config(split_pattern=r'part:(\w+)'))
  assert len(data.splits['test']) == 6
  assert 'no val split given' in ' '.join(data.notes)


def test_splits_are_drawn_by_group_and_folds_test_each_chain_once(files):
  files(header='')
  data = residues.load(config())
  assert set(data.splits) == {'train', 'val', 'test'}
  tested = [
    name for fold in range(3)
    for name in residues.load(config(folds=3, fold=fold)).splits['test'].id.tolist()
  ]  # fmt: skip
  assert len(tested) == len(set(tested)) == 30


@pytest.mark.parametrize(
  ('changes', 'settings', 'expected'),
  [
    ({}, {'labels': ''}, 'nothing says the states'),
    ({'states': '>c0\nHEC\n'}, {}, 'c0 has 3 state letters and'),
    ({'mask': '>c0\n111\n'}, {}, 'c0 has 3 mask letters and'),
    ({'mask': '>other\n111\n'}, {}, 'c0 of chains.fasta line 1 is missing'),
    ({'chains': '>c0\nMKV\n', 'states': '>c0\nHHC\n>x\nH\n', 'mask': ''}, {'mask': ''},
     'x is not in chains.fasta'),
    ({'chains': '>c0\nMKV\n', 'states': '>c0\nHHC\n', 'mask': '>c0\n1x1\n'}, {},
     "c0 has 'X' at position 2"),
    ({'chains': '>c0\nMKV\n', 'states': '>c0\nHHH\n'}, {'mask': ''}, 'one state only, H'),
    ({'chains': '>c0\nMKV\n', 'states': '>c0\n---\n'}, {'mask': ''}, 'no states'),
    ({}, {'states': 'H=H,E=E'}, "has the state 'C'"),
    ({}, {'states': 'helix=H'}, "'helix=H' is not a letter"),
    ({}, {'split_pattern': '('}, 'no regular expression'),
    ({}, {'split_pattern': 'SET'}, 'has 0 groups'),
    ({}, {'split_pattern': 'fold=(.)'}, 'does not match'),
    ({}, {'split_pattern': 'VALIDATION=(.*)'}, 'expected train, val or test'),
    ({'chains': '>c0\nMK1\n', 'states': '>c0\nHHC\n'}, {'mask': ''}, "position 3 is '1'"),
  ],
)  # fmt: skip
def test_a_wrong_file_is_one_line(files, changes, settings, expected):
  files(**changes)
  with pytest.raises(UserError) as error:
    residues.load(config(**settings))
  assert expected in str(error.value)
  assert '\n' not in str(error.value)


def test_near_copies_in_two_splits_are_refused_unless_allowed(files):
  cases = files()
  texts = {'chains': '', 'states': ''}
  for i, case in enumerate(cases):
    sequence = cases[0].sequence if i == 1 else case.sequence
    states = cases[0].states if i == 1 else case.states
    texts['chains'] += f'>c{i}\n{sequence}\n'
    texts['states'] += f'>c{i} SET={"test" if i % 5 == 0 else "train"}\n{states}\n'
  files(**texts)
  with pytest.raises(UserError, match='groups are in two splits'):
    residues.load(config(mask=''))
  data = residues.load(config(mask='', allow_group_overlap=True))
  assert any('LEAK ALLOWED' in note for note in data.notes)


def test_new_chains_keep_their_length(files):
  files()
  cases = residues.load(config()).modality.open(['chains.fasta', 'absent.fasta'])
  assert len(cases) == 31
  assert cases[0].load()['tokens'].ndim == 1
  assert len(cases[0].load()['tokens']) != len(cases[1].load()['tokens'])
  with pytest.raises(UserError, match='no such file'):
    cases[-1].load()


def test_simulated_chains_are_known_as_such():
  data = residues.load(residues.Config(simulated=60), simulator=chains.simulate)
  assert data.simulated
  assert data.splits['train'].metadata['fold'][0] in chains.FOLDS
  with pytest.raises(UserError, match='simulates no chains'):
    residues.load(residues.Config())


def test_the_set_of_flip_is_read(shared_data, tmp_path):
  import zipfile

  with zipfile.ZipFile(shared_data('protein_flip') / 'secondary_structure.zip') as archive:
    names = {name.rsplit('/', 1)[-1]: name for name in archive.namelist()}
    paths = {}
    for name in ('sequences.fasta', 'sampled.fasta', 'mask.fasta'):
      paths[name] = tmp_path / name
      paths[name].write_bytes(archive.read(names[name]))
  data = residues.load(
    residues.Config(
      source=str(paths['sequences.fasta']),
      labels=str(paths['sampled.fasta']),
      mask=str(paths['mask.fasta']),
      allow_group_overlap=True,
    )
  )
  assert {name: len(split) for name, split in data.splits.items()} == {
    'train': 9712, 'val': 1080, 'test': 364,
  }  # fmt: skip
  assert data.input_shape == (1632, 20)


def test_a_chain_with_two_series_of_states_is_counted(files, tmp_path):
  files()
  for name, letters in [('chains', 'ACDEFGHIKL'), ('mask', '1' * 10)]:
    with open(tmp_path / f'{name}.fasta', 'a') as file:
      file.write(f'>x\n{letters}\n>y\n{letters}\n')
  with open(tmp_path / 'states.fasta', 'a') as file:
    file.write('>x SET=train\nHHHHHCCCCC\n>y SET=train\nHHHHHEEEEE\n')
  note = '1 sequences stand with different labels, in 2 rows: all of them are kept'
  assert note in residues.load(config()).notes


def test_long_names_make_no_long_messages(files, tmp_path):
  files()
  with open(tmp_path / 'chains.fasta', 'a') as file:
    file.write(f'>{"x" * 5000}\nACD\n')
  with pytest.raises(
    UserError, match=r'x{60}\.\.\. \(5000 characters\) of .* is missing'
  ) as raised:
    residues.load(config())
  assert len(str(raised.value)) < 300
