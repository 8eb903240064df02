"""Beats from records, tables and the simulator as examples, and errors in one line."""

import dataclasses
import shutil

import made_record
import numpy as np
import pytest
import reseal
import wfdb

from medjax.data import signals
from medjax.data.signals import beats, records
from medjax.data.simulate import heartbeat
from medjax.errors import UserError

RECORD = {'form': 'record', 'leads': [], 'rate': 30.0, 'before': 0.2, 'after': 0.1}


def load(source, **more):
  return signals.load(signals.Config(source=str(source), **more))


@pytest.fixture
def make_record():
  """Writes a record whose beats are spikes: high at R for 'N', low for 'V'."""

  def make(folder, name, symbols='NVNNVNNNNNV+', rate=100, leads=('MLII', 'V1'), seed=0):
    rng = np.random.default_rng(seed)
    peaks = rate // 2 + rate * np.arange(len(symbols))
    signal = rng.normal(0, 0.05, (peaks[-1] + rate, len(leads)))
    for peak, symbol in zip(peaks, symbols, strict=True):
      signal[peak] += {'N': 1.0, 'V': -1.0, 'A': 0.5}.get(symbol, 0)
    wfdb.wrsamp(
      name, rate, ['mV'] * len(leads), list(leads), signal, fmt=['16'] * len(leads),
      write_dir=str(folder),
    )  # fmt: skip
    wfdb.wrann(name, 'atr', peaks, list(symbols), write_dir=str(folder))
    return folder / f'{name}.hea'

  return make


def many(make_record, folder, count=12, **more):
  folder.mkdir(exist_ok=True)
  for i in range(count):
    make_record(folder, f'r{i:02d}', seed=i, **more)
  return folder


def test_a_folder_of_records_split_by_patient(make_record, tmp_path):
  data = load(many(make_record, tmp_path / 'db'), before=0.3, after=0.2)
  assert (data.classes, data.input_shape) == (('N', 'V'), (50, 2))
  assert data.summary()['groups_in_two_splits'] == 0
  assert sum(len(split) for split in data.splits.values()) == 12 * 11
  assert '132 beats of 12 records, leads MLII, V1, 100 Hz' in data.notes
  for split in data.splits.values():
    batch = split.read(np.arange(len(split)))
    x = np.asarray(data.modality.inputs(batch))
    # The R peak is sample 30, up or down by class; leads have deviation 1 over the record.
    assert ((x[:, 30, 0] > 0) == (batch['label'] == 0)).all()
    assert (np.abs(x[:, 30]) > 2).all()
    assert set(split.metadata['record']) == set(split.group.tolist())
    for i, name in enumerate(split.id):
      place = int(name.split(':')[1]) - 1
      assert split.metadata['seconds'][i] == f'{0.5 + place:.3f}'
      assert split.metadata['rr'][i] == ('1.000' if place else '')


def test_a_test_folder_other_rates_and_edges_are_noted(make_record, tmp_path):
  train = many(make_record, tmp_path / 'train')
  test = tmp_path / 'test'
  test.mkdir()
  make_record(test, 'late', rate=200, seed=99)
  data = load(train, test=str(test), before=0.6, after=0.2)
  assert set(data.splits['test'].group.tolist()) == {'late'}
  assert data.input_shape == (80, 2)
  # The first beat of each is half a second in.
  assert '13 beats left out at the ends of records, and 0 with missing samples' in data.notes
  assert '1 records have another rate and were resampled' in data.notes
  x = data.splits['test'].read(np.arange(10))['signal']
  assert (np.abs(x[:, :, 0]).argmax(axis=1) == 60).all()


def test_leads_and_classes_are_chosen_by_name(make_record, tmp_path):
  folder = many(make_record, tmp_path / 'db', symbols='NVANNVNAAN')
  make_record(folder, 'x', leads=('V1', 'V5'))
  with pytest.raises(UserError, match=r"x\.hea: no lead 'MLII' \(it has V1, V5\)"):
    load(folder)
  data = load(folder, leads=('V1',), keep=('N', 'S'), before=0.3)
  assert data.input_shape[1] == 1
  assert data.classes == ('N', 'S')
  assert any('beats of other classes than N, S left out' in note for note in data.notes)
  assert load(folder, leads=('V1',), classes='symbols', before=0.3).classes == ('A', 'N', 'V')
  with pytest.raises(UserError, match=r'config\.data\.keep=F: expected some of N, S, V'):
    load(folder, leads=('V1',), keep=('N', 'F'))


def test_one_patient_is_split_by_minutes_only_where_asked_for(shared_data):
  path = shared_data('series_ecg') / '100.hea'
  with pytest.raises(UserError, match=r'one patient, 100, .* config\.data\.patients=ignore'):
    load(path)
  data = load(path, patients='ignore', keep=('N', 'S'), before=0.25)
  counts = np.sum([np.bincount(split.label) for split in data.splits.values()], axis=0)
  assert counts.tolist() == [2237, 33]  # of 2239 the first and the last are at the ends
  assert any(note.startswith('PATIENTS IGNORED: minutes of 1 patients') for note in data.notes)
  assert data.summary()['groups_in_two_splits'] == 0
  minutes = {
    name: {int(float(second) // 60) for second in split.metadata['seconds']}
    for name, split in data.splits.items()
  }
  assert sum(map(len, minutes.values())) == len(set.union(*minutes.values()))
  assert '1 beats of other classes than N, S left out' in data.notes


def test_ecg5000(shared_data):
  data = load(shared_data('series_ecg') / 'ecg5000_train.txt.gz', folds=5)
  assert data.classes == ('1', '2', '3', '4', '5')
  assert data.input_shape == (140, 1)
  counts = np.sum([np.bincount(s.label, minlength=5) for s in data.splits.values()], axis=0)
  assert counts.tolist() == [292, 177, 10, 19, 2]
  first = next(s for s in data.splits.values() if 'ecg5000_train.txt.gz:1' in s.id)
  row = first.id.tolist().index('ecg5000_train.txt.gz:1')
  assert first.read([row])['signal'][0, :2, 0].tolist() == pytest.approx([-0.11252183, -2.8272038])


def test_simulated_beats_with_their_truth():
  config = signals.Config(simulated=400)
  data = signals.load(config, simulator=heartbeat.simulate, classes=heartbeat.CLASSES)
  assert data.simulated
  assert data.summary()['groups_in_two_splits'] == 0
  for name, split in data.splits.items():
    for row in range(0, len(split), 9):
      assert data.truth(name, row).any() == bool(split.label[row])
  every = np.concatenate([s.read(np.arange(len(s)))['signal'] for s in data.splits.values()])
  group = np.concatenate([s.group for s in data.splits.values()])
  of = every[group == group[0]]
  assert np.median(of) == pytest.approx(0, abs=1e-5)
  assert of.std() == pytest.approx(1, abs=1e-4)
  again = signals.load(config, simulator=heartbeat.simulate, classes=heartbeat.CLASSES)
  assert again.fingerprint == data.fingerprint
  with pytest.raises(UserError, match='this experiment simulates no signals'):
    load('simulated')


def test_new_records_and_tables_are_opened_as_the_run_saw_them(make_record, tmp_path):
  folder = many(make_record, tmp_path / 'db')
  data = load(folder, before=0.6, after=0.2)
  later = load('', stored=reseal.described(tmp_path, data))
  path = make_record(tmp_path, 'new', 'NVN', rate=250)
  cases = later.modality.open([str(path)])
  assert [case.name for case in cases] == [
    f'{path} beat 1 (0.500 s)', f'{path} beat 2 (1.500 s)', f'{path} beat 3 (2.500 s)'
  ]  # fmt: skip
  with pytest.raises(UserError, match='the record begins, ends or has a gap inside the window'):
    cases[0].load()
  # As when the record is read for training.
  record = records.normalise(records.resample(records.read(path), 100.0))
  expected = records.segment(record, 0.6, 0.2).signal[0]
  np.testing.assert_array_equal(cases[1].load()['signal'], expected)
  (tmp_path / 'a.csv').write_text('1,2\n')
  (case,) = later.modality.open([str(tmp_path / 'a.csv')])
  with pytest.raises(UserError, match=r'a\.csv: has one lead, and the network was trained on MLI'):
    case.load()
  (case,) = later.modality.open([str(tmp_path / 'none.hea')])
  with pytest.raises(UserError, match='no such file; expected the header'):
    case.load()


def test_beats_of_a_record_without_annotations_are_detected(shared_data, tmp_path):
  for ending in ('hea', 'dat'):
    shutil.copyfile(shared_data('series_ecg') / f'100.{ending}', tmp_path / f'100.{ending}')
  details = {'form': 'record', 'leads': ['MLII'], 'rate': 360.0, 'before': 0.25, 'after': 0.45}
  cases = beats.find([str(tmp_path / '100.hea')], details, 252)
  assert 2250 < len(cases) < 2290
  assert ' detected beat 7 (' in cases[6].name
  signal = cases[6].load()['signal']
  assert signal.shape == (252, 1)
  assert abs(int(signal[:, 0].argmax()) - 90) < 8


def test_a_table_with_and_without_classes_is_opened(tmp_path):
  table = tmp_path / 'train.csv'
  table.write_text(''.join(f'{i % 2},{i},{i + 1},0.5\n' for i in range(40)))
  data = load(table)
  (tmp_path / 'new.csv').write_text('7,8,9\n1,7,8,9\nx,8,9\n')
  cases = data.modality.open([str(tmp_path / 'new.csv')])
  (tmp_path / 'short.csv').write_text('1,2\n')
  (case,) = data.modality.open([str(tmp_path / 'short.csv')])
  with pytest.raises(UserError, match=r'short\.csv row 1: 2 samples; expected 3'):
    case.load()
  assert [case.load()['signal'][:, 0].tolist() for case in cases[:2]] == [[7, 8, 9]] * 2
  with pytest.raises(UserError, match=r"new\.csv row 3 column 1: 'x'; expected a number"):
    cases[2].load()
  (case,) = data.modality.open([str(tmp_path / 'a.hea')])
  with pytest.raises(UserError, match='is a record, and the network was trained on tables'):
    case.load()


def test_sources_that_cannot_be_used(make_record, tmp_path):
  one = tmp_path / 'one.csv'
  one.write_text('1,2,3\n1,3,4\n' * 10)
  with pytest.raises(UserError, match=r"one\.csv: every example is '1'; expected at least two"):
    load(one)
  with pytest.raises(UserError, match=r'one\.csv:1: is given twice'):
    load(one, test=str(one))
  record = make_record(tmp_path, 'a')
  with pytest.raises(UserError, match='expected records or tables, not both'):
    load(f'{one},{record}')
  with pytest.raises(UserError, match='a: is given twice'):
    load(record, test=str(record))
  (tmp_path / 'empty').mkdir()
  with pytest.raises(UserError, match=r'empty: no WFDB header \(\.hea\) in this folder'):
    load(tmp_path / 'empty')
  slow = make_record(tmp_path, 'slow', rate=30)
  slow.with_suffix('.atr').unlink()
  (case,) = beats.find([str(slow)], RECORD, 9)
  with pytest.raises(UserError, match=r'slow\.hea: 30 samples a second are too few to find beats'):
    case.load()
  short = make_record(tmp_path, 'short', 'N')
  with pytest.raises(UserError, match='no beat whose whole window is recorded'):
    load(short, before=1.0)
  with pytest.raises(UserError, match=r'config\.data\.test and config\.data\.folds'):
    signals.Config(folds=5, test='x').validate()


def test_a_record_that_cannot_be_read_leaves_the_others(make_record, tmp_path):
  folder = many(make_record, tmp_path / 'db', count=3)
  (folder / 'r01.dat').unlink()
  cases = beats.find([str(folder)], RECORD, 9)
  of = [next(n for n in ('r00', 'r01', 'r02') if n in case.name) for case in cases]
  assert [of.count(name) for name in ('r00', 'r01', 'r02')] == [11, 1, 11]
  with pytest.raises(UserError, match='r01'):
    cases[11].load()


def test_copies_of_a_beat_stay_together(tmp_path):
  beats = [f'{i % 2},{i},{i * i},1\n' for i in range(20)]
  (tmp_path / 'a.csv').write_text(''.join(beats * 4))
  data = load(tmp_path / 'a.csv')
  note = '60 rows are copies of others, with which they stay; 0 beats stand with different labels'
  assert note in data.notes
  assert data.summary()['groups_in_two_splits'] == 0
  assert sum(len(set(split.group)) for split in data.splits.values()) == 20
  (tmp_path / 'b.csv').write_text(beats[0])
  with pytest.raises(UserError, match='1 groups are in two splits'):
    load(tmp_path / 'a.csv', test=str(tmp_path / 'b.csv'))


def test_copies_with_another_label_are_counted(tmp_path):
  beats = [f'{i % 2},{i},{i * i},1\n' for i in range(20)] + ['1,2,4,1\n', '0,3,9,1\n', '1,3,9,1\n']
  (tmp_path / 'a.csv').write_text(''.join(beats))
  note = '3 rows are copies of others, with which they stay; 2 beats stand with different labels'
  assert note in load(tmp_path / 'a.csv').notes


def test_what_was_assumed_of_records_is_counted_in_the_notes(make_record, shared_data, tmp_path):
  folder = many(make_record, tmp_path / 'db', leads=('I',))
  for path in sorted(folder.glob('*.hea'))[:3]:
    path.write_text(path.read_text().replace(' I\n', '\n'))
  with pytest.raises(UserError, match=r"r03\.hea: no lead 'lead 1' \(it has I\)"):
    load(folder)
  for path in folder.glob('*.hea'):
    path.write_text(path.read_text().replace(' I\n', '\n'))
  data = load(folder, before=0.3)
  note = 'leads without a name are called by their place: lead 1, lead 2 and so on'
  assert f'12 of 12 records: {note}' in data.notes
  assert '132 beats of 12 records, leads lead 1, 100 Hz' in data.notes


def test_records_without_names_of_leads(shared_data):
  data = load(shared_data('../cases/wfdb_no_lead_name') / 'records')
  assert data.details['leads'] == ['lead 1']
  assert sum(len(split) for split in data.splits.values()) == 840
  assert data.summary()['groups_in_two_splits'] == 0


@pytest.mark.parametrize('rate', [0.001, 9.9])
def test_rates_without_a_heartbeat_are_refused(rate):
  with pytest.raises(UserError, match=rf'config\.data\.rate={rate}: expected at least 10 samples'):
    signals.Config(rate=rate).validate()


def test_records_whose_rate_is_absurd(make_record, tmp_path):
  path = make_record(tmp_path, 'a')
  record = records.read(path)
  with pytest.raises(UserError, match=r'a\.hea: 100 samples a second cannot be made 0\.01'):
    records.resample(record, 0.01)
  with pytest.raises(UserError, match=r'100 samples a second cannot be made 1e\+06'):
    records.resample(record, 1e6)
  slow = dataclasses.replace(record, rate=0.5)
  with pytest.raises(UserError, match=r'a\.hea: 0 samples around each of \d+ beats; expected two'):
    records.segment(slow, 0.3, 0.2)


@pytest.mark.parametrize('length', [1, 2, 5, 99])
def test_records_too_short_to_find_beats_in(tmp_path, length):
  path = made_record.write(tmp_path, leads=[made_record.steps(length)], names=['I'], beats=[])
  path.with_suffix('.atr').unlink()
  with pytest.raises(UserError, match=rf'a\.hea: {length} samples in the first lead are too few'):
    records.read(path, detect=True)


@pytest.mark.filterwarnings('error')
def test_a_lead_in_which_nothing_was_measured(tmp_path):
  leads = [[-32768] * 3000, made_record.steps()]
  path = made_record.write(tmp_path, leads=leads)
  found = records.normalise(records.resample(records.read(path), 50.0))
  assert np.isnan(found.signal[:, 0]).all()
  assert found.signal[:, 1].std() == pytest.approx(1, abs=1e-5)
  assert records.segment(found, 0.2, 0.2).missing == 3
  path.with_suffix('.atr').unlink()
  with pytest.raises(UserError, match=r'a\.hea: 0 samples in the first lead are too few'):
    records.read(path, detect=True)


def test_rows_of_a_table_without_a_class_are_left_out(tmp_path):
  random = np.random.default_rng(0)
  names = ['ill', 'well', '', 'NA']
  rows = [f'{names[i % 4]},{",".join(map(str, random.normal(size=8)))}' for i in range(80)]
  (tmp_path / 'a.txt').write_text('\n'.join(rows))
  data = load(tmp_path / 'a.txt')
  assert data.classes == ('well', 'ill')
  assert sum(len(split) for split in data.splits.values()) == 40
  assert 'a.txt: 40 rows without class left out (20 empty, 20 NA)' in data.notes
