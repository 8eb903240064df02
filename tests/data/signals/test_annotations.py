"""Annotated beats: against the package wfdb, with a time resolution of their own, and damaged."""

import made_record
import numpy as np
import pytest
import wfdb
from wfdb.io.annotation import ann_label_table

from medjax.data.signals import annotations, records
from medjax.errors import UserError

BEATS = [(100, 'N'), (180, 'V'), (5000, 'A'), (70_000, 'N')]


def test_codes_are_those_of_the_format():
  table = {row.label_store: row.symbol for row in ann_label_table.itertuples()}
  assert {code: table[code] for code in annotations.BEATS} == annotations.BEATS
  assert set(annotations.BEATS.values()) == set(''.join(records.AAMI.values()))


def test_beats_as_wfdb_reads_them(tmp_path):
  data = made_record.annotations([*BEATS[:2], (200, '+'), *BEATS[2:]])
  (tmp_path / 'a.atr').write_bytes(data)
  found = annotations.read(tmp_path / 'a.atr')
  theirs = wfdb.rdann(str(tmp_path / 'a'), 'atr')
  assert list(zip(found.time.tolist(), found.symbols, strict=True)) == BEATS
  beats = [i for i, symbol in enumerate(theirs.symbol) if symbol != '+']
  assert found.time.tolist() == theirs.sample[beats].tolist()
  assert found.resolution == 0
  assert found.samples(360.0) is found.time


@pytest.mark.parametrize('resolution', [100, 1000, 128.5])
def test_a_time_resolution_of_its_own_counts(tmp_path, resolution):
  rate, samples = 250, np.array([232, 477, 733, 74_999])
  times = np.floor(samples * resolution / rate + 0.5).astype(int)
  wfdb.wrann('a', 'atr', times, list('NVNN'), fs=resolution, write_dir=str(tmp_path))
  found = annotations.read(tmp_path / 'a.atr')
  assert (found.resolution, found.symbols) == (resolution, tuple('NVNN'))
  # No finer than the file: half a unit of it, and half a sample.
  apart = np.abs(found.samples(rate) - samples)
  assert apart.max() <= 0.5 * rate / resolution + 0.5
  assert found.samples(resolution).tolist() == times.tolist()


def test_records_are_read_at_their_annotations_resolution(tmp_path):
  beats = [(100, 'N'), (900, 'V'), (2000, 'N')]
  lead = made_record.steps(peaks=[time for time, _ in beats])
  times = [(time // 5, symbol) for time, symbol in beats]
  path = made_record.write(
    tmp_path, leads=[lead], beats=times, notes=['## time resolution: 20'], rate='100'
  )
  found = records.read(path)
  assert found.peaks.tolist() == [100, 900, 2000]
  assert (found.signal[found.peaks, 0] > 2).all()  # at the spikes
  assert found.notes == (
    'annotations have a time resolution of their own, of which samples were made',
  )
  same = made_record.write(tmp_path, 'b', notes=['## time resolution: 100'])
  assert (records.read(same).peaks.tolist(), records.read(same).notes) == ([100, 900, 2000], ())


@pytest.mark.parametrize('case', [f'r{number:02d}' for number in range(0, 14, 4)])
def test_beats_of_two_resolutions_are_one_sample_apart(shared_data, case):
  folder = shared_data('../cases/wfdb_time_resolution')
  exact = records.read(folder / 'atr_in_samples' / f'{case}.hea')
  found = records.read(folder / 'atr_at_100_per_second' / f'{case}.hea')
  assert found.symbols == exact.symbols
  assert np.abs(found.peaks - exact.peaks).max() <= 1  # 2.5 samples are a unit


def test_codes_that_a_file_defines_count(tmp_path):
  notes = [
    '## annotation type definitions', '42 N normal, by another name', '5 x no beat here',
    '## end of definitions', '## time resolution: 50',
  ]  # fmt: skip
  data = made_record.annotations([(100, 'V'), (200, 'N')], notes)
  (tmp_path / 'a.atr').write_bytes(data[:-2] + bytes([50, 42 << 2]) + b'\0\0')
  found = annotations.read(tmp_path / 'a.atr')
  assert list(zip(found.time.tolist(), found.symbols, strict=True)) == [(200, 'N'), (250, 'N')]
  assert found.resolution == 50


def test_steps_back_and_other_notes(tmp_path):
  data = made_record.annotations([(5000, 'N'), (100, 'V')], ['## anything', 'else'])
  (tmp_path / 'a.atr').write_bytes(data)
  found = annotations.read(tmp_path / 'a.atr')
  assert (found.time.tolist(), found.symbols) == ([100, 5000], ('V', 'N'))


@pytest.mark.parametrize(
  ('data', 'said'),
  [
    (b'', 'cut off; expected annotations that end with two zero bytes'),
    (made_record.annotations(BEATS)[:-2], 'cut off'),
    (made_record.annotations(BEATS)[:-1], 'cut off'),
    (made_record.annotations(BEATS)[:10], 'cut off'),
    (made_record.annotations(BEATS) + b'x', 'goes on after two zero bytes'),
    (b'\0\0', 'annotates no beat; expected symbols such as N and V'),
    (made_record.annotations([(5, '+')]), 'annotates no beat'),
    (
      made_record.annotations(BEATS, ['## time resolution: 0']),
      "'## time resolution: 0'; expected",
    ),
    (
      made_record.annotations(BEATS, ['## time resolution: -9']),
      'expected units a second, above 0',
    ),
    (made_record.annotations(BEATS, ['## time resolution: nan']), 'expected units a second'),
    (made_record.annotations(BEATS, ['## time resolution: 1e300']), 'expected units a second'),
    (
      made_record.annotations(BEATS, ['## annotation type definitions', 'x y z']),
      "'x y z'; expected a code, its symbol and its meaning",
    ),
  ],
)
def test_files_that_cannot_be_used(tmp_path, data, said):
  (tmp_path / 'a.atr').write_bytes(data)
  with pytest.raises(UserError, match=said) as raised:
    annotations.read(tmp_path / 'a.atr')
  assert '\n' not in str(raised.value)
  with pytest.raises(UserError, match=r'none\.atr: cannot be read: No such file'):
    annotations.read(tmp_path / 'none.atr')
