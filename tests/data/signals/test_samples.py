"""Samples of records: checksums, sizes, segments; numbers from records written byte by byte."""

import struct

import made_record
import numpy as np
import pytest
import wfdb

from medjax.data.signals import records, samples
from medjax.data.signals.header import BYTES
from medjax.errors import UserError

NO_CHECKSUM = 'no checksum in the header, so that damage to the samples would not be seen'


def test_samples_in_units(tmp_path):
  leads = [made_record.steps(height=900, peaks=[50]), [-32768, *made_record.steps()[1:]]]
  path = made_record.write(tmp_path, leads=leads, gain='150.5(-20)/mV')
  found = records.read(path)
  expected = (np.array(leads, float).T + 20) / 150.5
  expected[0, 1] = np.nan  # the lowest step says that nothing was measured
  np.testing.assert_allclose(found.signal, expected, rtol=1e-6)
  assert found.notes == ()


@pytest.mark.parametrize('seed', range(4))
def test_every_flipped_bit_of_the_samples_is_seen(tmp_path, seed):
  path = made_record.write(tmp_path)
  dat = path.with_suffix('.dat')
  whole = bytearray(dat.read_bytes())
  random = np.random.default_rng(seed)
  for place, bit in zip(random.integers(0, len(whole), 20), random.integers(0, 8, 20), strict=True):
    damaged = whole.copy()
    damaged[place] ^= 1 << int(bit)
    dat.write_bytes(damaged)
    with pytest.raises(
      UserError, match=r"a\.dat: lead '(MLII|V1)' adds up to \d+, and a\.hea says"
    ):
      records.read(path)
  dat.write_bytes(whole)
  assert records.read(path).notes == ()


@pytest.mark.parametrize('form', ['16', '212', '80', '24', '32'])
def test_checksums_of_every_format_that_wfdb_writes(tmp_path, form):
  random = np.random.default_rng(0)
  signal = random.integers(-100, 100, (300, 2)).astype(np.int64)
  wfdb.wrsamp(
    'a', 100, ['mV'] * 2, ['I', 'II'], d_signal=signal, fmt=[form] * 2, adc_gain=[10.0] * 2,
    baseline=[0] * 2, write_dir=str(tmp_path),
  )  # fmt: skip
  wfdb.wrann('a', 'atr', np.array([50]), ['N'], write_dir=str(tmp_path))
  path = tmp_path / 'a.hea'
  found = records.read(path)
  np.testing.assert_allclose(found.signal, signal / 10, rtol=1e-6)
  assert found.notes == ()
  size = int(np.ceil(600 * BYTES[form]))
  dat = path.with_suffix('.dat')
  assert size <= dat.stat().st_size <= size + 4
  dat.write_bytes(dat.read_bytes()[: size - 1])
  with pytest.raises(
    UserError, match=rf'a\.dat: has {size - 1} bytes; expected {size} for the 300'
  ):
    records.read(path)


def test_a_format_that_wfdb_only_reads(tmp_path):
  lead = made_record.steps()
  path = made_record.write(tmp_path, leads=[lead], names=['I'])
  path.write_text(path.read_text().replace('.dat 16', '.dat 160'))
  path.with_suffix('.dat').write_bytes(struct.pack(f'<{len(lead)}H', *(v + 32768 for v in lead)))
  found = records.read(path)
  np.testing.assert_allclose(found.signal[:, 0], np.array(lead) / 200, rtol=1e-6)
  assert found.notes == ()


@pytest.mark.parametrize('sums', [[], [0, 0]])
def test_headers_without_checksums_are_noted(tmp_path, sums):
  leads = [made_record.steps(), made_record.steps(peaks=[9])]
  path = made_record.write(tmp_path, leads=leads, sums=sums or None)
  if not sums:
    lines = path.read_text().splitlines()
    path.write_text(
      '\n'.join([lines[0], *(' '.join(line.split()[:6]) for line in lines[1:])]) + '\n'
    )
  assert NO_CHECKSUM in records.read(path).notes


@pytest.mark.parametrize('count', [99_999_999_999, 3001])
def test_more_samples_than_there_are_are_not_made_room_for(tmp_path, count):
  path = made_record.write(tmp_path)
  path.write_text(path.read_text().replace('100 3000', f'100 {count}'))
  with pytest.raises(
    UserError, match=rf'a\.dat: has 12000 bytes; expected {4 * count} for the {count}'
  ):
    records.read(path)


def test_fewer_samples_are_seen_by_the_checksum(tmp_path):
  path = made_record.write(tmp_path)
  path.write_text(path.read_text().replace('100 3000', '100 2999'))
  with pytest.raises(UserError, match='one of them is damaged'):
    records.read(path)


def test_frames_of_several_samples_are_averaged_and_late_leads_are_moved(tmp_path):
  fast, slow = made_record.steps(40), made_record.steps(20, peaks=[4])
  rows = [(fast[2 * i], fast[2 * i + 1], slow[i]) for i in range(20)]
  sums = [made_record.checksum(fast), made_record.checksum(slow)]
  text = f'a 2 100 20\na.dat 16x2 10 16 0 0 {sums[0]} 0 I\na.dat 16:3 10 16 0 0 {sums[1]} 0 II\n'
  (tmp_path / 'a.hea').write_text(text)
  (tmp_path / 'a.dat').write_bytes(made_record.words([v for row in rows for v in row]))
  (tmp_path / 'a.atr').write_bytes(made_record.annotations([(5, 'N')]))
  found = records.read(tmp_path / 'a.hea').signal
  np.testing.assert_allclose(found[:, 0], np.reshape(fast, (20, 2)).mean(axis=1) / 10, rtol=1e-6)
  np.testing.assert_allclose(found[:17, 1], np.array(slow[3:]) / 10, rtol=1e-6)
  assert np.isnan(found[17:, 1]).all()


def segments(folder, *, layout, lengths=(300, 200), gap=100):
  """A record of two segments with a gap between them; with a layout, one lacks a lead."""
  leads = [made_record.steps(lengths[0]), made_record.steps(lengths[0], peaks=[7])]
  made_record.write(folder, 'a_1', leads)
  if layout:
    made_record.write(folder, 'a_2', [made_record.steps(lengths[1], peaks=[9])], names=['V1'])
    text = 'a_0 2 100 0\n~ 0 200(0)/mV 16 0 0 0 0 MLII\n~ 0 200(0)/mV 16 0 0 0 0 V1\n'
    (folder / 'a_0.hea').write_text(text)
  else:
    leads = [made_record.steps(lengths[1]), made_record.steps(lengths[1], peaks=[9])]
    made_record.write(folder, 'a_2', leads)
  parts = ['a_0 0'] * layout + [f'a_1 {lengths[0]}'] + [f'~ {gap}'] * bool(gap)
  parts.append(f'a_2 {lengths[1]}')
  text = '\n'.join([f'a/{len(parts)} 2 100 {sum(lengths) + gap}', *parts, ''])
  (folder / 'a.hea').write_text(text)
  (folder / 'a.atr').write_bytes(made_record.annotations([(50, 'N')]))
  return folder / 'a.hea'


@pytest.mark.parametrize(('layout', 'gap'), [(False, 0), (True, 100)])
def test_segments_are_joined_as_wfdb_joins_them(tmp_path, layout, gap):
  path = segments(tmp_path, layout=layout, gap=gap)
  found = records.read(path)
  expected = wfdb.rdrecord(str(path.with_suffix('')))
  assert (found.leads, found.signal.shape) == (tuple(expected.sig_name), (500 + gap, 2))
  np.testing.assert_allclose(found.signal, expected.p_signal, rtol=1e-6)
  assert np.isnan(found.signal[300 : 300 + gap]).all()


@pytest.mark.parametrize(
  ('file', 'old', 'new', 'said'),
  [
    ('a.hea', 'a_2 200', 'a_2 201', r'a_2\.hea: is no segment of 201 samples at 100 a second'),
    ('a.hea', '100 600', '100 601', 'names 601 samples, and its segments have 600'),
    ('a.hea', '100 600', '50 600', r'a_1\.hea: is no segment of 300 samples at 50 a second'),
    ('a.hea', 'a_2 200', 'a_3 200', r'a_3\.hea: no such file'),
    ('a_2.hea', 'V1', 'V9', r"a_2\.hea: lead 'V9'; expected some of those of the first"),
  ],
)
def test_segments_that_do_not_fit(tmp_path, file, old, new, said):
  path = segments(tmp_path, layout=False)
  damaged = tmp_path / file
  damaged.write_text(damaged.read_text().replace(old, new))
  with pytest.raises(UserError, match=said):
    records.read(path)


def test_a_gap_that_no_file_fills_is_bounded(tmp_path):
  path = segments(tmp_path, layout=False)
  path.write_text(path.read_text().replace('~ 100', '~ 99999999999').replace('600', '0'))
  with pytest.raises(UserError, match='100000000499 samples; expected at most'):
    records.read(path)


@pytest.mark.parametrize(
  ('old', 'new', 'said'),
  [
    ('a.dat 16', 'b.dat 16', r'b\.dat: no such file; a\.hea names it for samples'),
    ('a.dat 16', '../a.dat 16', r'a\.dat: no such file; a\.hea names it'),
    ('a.dat 16', 'a.dat 212', r'a\.hea: a\.dat has several formats; expected one a file'),
    ('a.dat 16', 'a.dat 16x2', r'a\.dat: has 12000 bytes; expected 18000'),
    ('200(0)/mV', '1e-300', r'a\.hea: values beyond 1e\+18; expected another gain'),
    ('a.dat 16', 'a.dat 16:99999', 'a skew beyond the 3000 samples'),
  ],
)
def test_headers_that_do_not_fit_their_files(tmp_path, old, new, said):
  path = made_record.write(tmp_path)
  path.write_text(path.read_text().replace(old, new, 1))
  with pytest.raises(UserError, match=said) as raised:
    records.read(path)
  assert '\n' not in str(raised.value)


def test_compressed_samples_are_bounded(tmp_path):
  path = made_record.write(tmp_path)
  text = path.read_text().replace('.dat 16', '.dat 516')
  path.write_text(text.replace('100 3000', f'100 {samples._MOST_UNSEEN}'))
  with pytest.raises(UserError, match=r'a\.hea: \d+ samples; expected at most'):
    records.read(path)
  path.write_text(text)
  with pytest.raises(UserError, match='cannot be read as part of a WFDB record'):
    records.read(path)
