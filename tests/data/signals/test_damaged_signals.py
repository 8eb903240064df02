"""Damaged WFDB records and tables of series: the right signal, or one short line; and soon."""

import gzip

import made_record
import numpy as np
import pytest
from damage import bounded, check, damaged
from hypothesis import given
from hypothesis import strategies as st

from medjax.data.signals import records, series_table

BEATS = [(100, 'N'), (190, 'V'), (250, '+'), (260, 'N')]
LEADS = [made_record.steps(300, peaks=[100, 190, 260]), made_record.steps(300)]
FILES = {
  'r.hea': made_record.header('r', LEADS).encode(),
  'r.dat': made_record.words([v for row in zip(*LEADS, strict=True) for v in row]),
  'r.atr': made_record.annotations(BEATS, ['## time resolution: 100']),
}
RIGHT = np.array(LEADS).T / 200
SERIES = b'1,0.5,-1e-3,2.5,NaN\n2,0.25,3,1,0\n-1,7,8,9,10\n'


def read_record(path):
  """Whatever is read is cut into windows as for training."""
  found = records.read(path.with_name('r.hea'))
  assert (np.diff(found.peaks) >= 0).all()
  records.segment(records.normalise(records.resample(found, 50.0)), 0.2, 0.3)
  return found


def read_series(path):
  length = 0
  for row in series_table.read(path):
    assert series_table.label(row)
    values = series_table.samples(row, 1, length)
    assert np.isfinite(values).all()
    length = len(values)


def test_the_whole_record_and_the_whole_table():
  assert check(read_record, b'', FILES)
  assert check(read_series, SERIES)


@pytest.mark.parametrize('ending', FILES)
@bounded
@given(data=st.data())
def test_damaged_records(ending, data):
  check(read_record, b'', FILES | {ending: data.draw(damaged(FILES[ending]))})


@bounded
@given(data=st.data())
def test_damaged_samples_are_never_another_signal(data):
  """Any of three flipped bits; the sum stays the same only where they cancel each other."""
  flips = st.lists(st.integers(0, 8 * len(FILES['r.dat']) - 1), min_size=1, max_size=3, unique=True)
  new = bytearray(FILES['r.dat'])
  for place in data.draw(flips):
    new[place // 8] ^= 1 << place % 8
  change = np.frombuffer(bytes(new), '<i2').reshape(300, 2).astype(int) - np.array(LEADS).T
  cancelled = not (change.sum(axis=0) % 65536).any()
  assert check(read_record, b'', FILES | {'r.dat': bytes(new)}) == cancelled


@pytest.mark.parametrize('ending', FILES)
def test_records_cut_anywhere_give_the_right_signal_or_none(ending):
  def read(path):
    found = read_record(path)
    np.testing.assert_allclose(found.signal, RIGHT, rtol=1e-6)
    assert (found.peaks.tolist(), found.symbols) == ([100, 190, 260], ('N', 'V', 'N'))

  whole = FILES[ending]
  lengths = range(0, len(whole), 7 if ending == 'r.dat' else 1)
  accepted = [n for n in lengths if check(read, b'', FILES | {ending: whole[:n]})]
  # Only the name of the last lead may be cut, with a note.
  assert all(ending == 'r.hea' and n >= len(whole) - len(' 0 V1\n') for n in accepted)


@pytest.mark.parametrize(
  'word', ['9' * 100_000, 'A' * 100_000, '1e' + '9' * 5000, '/' * 100_000, '\t' * 100_000]
)
def test_absurdly_long_fields(word):
  fields = made_record.header('r', LEADS).split(' ')
  for place in range(len(fields)):
    text = ' '.join([*fields[:place], word, *fields[place + 1 :]])
    check(read_record, b'', FILES | {'r.hea': text.encode()})
  check(read_series, SERIES + word.encode())
  check(read_series, word.encode() + SERIES)


@pytest.mark.parametrize('packed', [False, True])
@bounded
@given(data=st.data())
def test_damaged_tables_of_series(packed, data):
  check(read_series, data.draw(damaged(gzip.compress(SERIES, mtime=0) if packed else SERIES)))


@bounded
@given(header=st.binary(max_size=60), samples=st.binary(max_size=60), beats=st.binary(max_size=60))
def test_any_bytes(header, samples, beats):
  check(read_record, b'', FILES | {'r.hea': header})
  check(read_record, b'', FILES | {'r.dat': samples})
  check(read_record, b'', FILES | {'r.atr': beats + b'\0\0'})
  check(read_series, header + samples)
