"""WFDB records: counted against a parser of their own, segmented, resampled; and bad files."""

import builtins
import dataclasses
import shutil

import numpy as np
import pytest

from medjax.data.signals import records
from medjax.errors import UserError

CODES = {1: 'N', 5: 'V', 8: 'A', 28: '+'}  # of ecgcodes.h, those of record 100


def mit_annotations(path):
  """(sample, code) of a file in MIT format, after annot(5) of the WFDB Applications Guide.

  Each annotation is two bytes, least first: a code of six bits over an interval of ten. SKIP (59)
  puts a longer interval in four bytes, high half first; SUB, CHN and NUM (61 to 63 less one) carry
  no time, AUX (63) is followed by text, padded to even length; zero ends the file.
  """
  data, place, sample, found = path.read_bytes(), 0, 0, []
  while place + 1 < len(data):
    word = data[place] | data[place + 1] << 8
    place += 2
    code, interval = word >> 10, word & 0x3FF
    if word == 0:
      return found
    if code == 59:
      high = data[place] | data[place + 1] << 8
      sample += (high << 16) + (data[place + 2] | data[place + 3] << 8)
      place += 4
    elif code == 63:
      place += interval + interval % 2
    elif code < 60:
      sample += interval
      found.append((sample, code))
  raise AssertionError('no end')


def mit_samples(path, count):
  """Format 212: two samples of twelve bits in three bytes."""
  raw = np.fromfile(path, np.uint8).reshape(-1, 3).astype(int)[:count]
  first, second = raw[:, 0] + ((raw[:, 1] & 0xF) << 8), raw[:, 2] + ((raw[:, 1] >> 4) << 8)
  both = np.stack([first, second], axis=1)
  return both - 4096 * (both >= 2048)


def record(signal, peaks, symbols=None, rate=100.0):
  return records.Record(
    'a', 'a.hea', np.asarray(signal, np.float32), ('MLII',), rate, np.asarray(peaks),
    tuple(symbols or 'N' * len(peaks)),
  )  # fmt: skip


def test_record_100_of_mit_bih_is_read_exactly(shared_data):
  folder = shared_data('series_ecg')
  found = records.read(folder / '100.hea')
  truth = [(sample, CODES[code]) for sample, code in mit_annotations(folder / '100.atr')]
  beats = [(sample, symbol) for sample, symbol in truth if symbol != '+']
  assert len(truth) == len(beats) + 1 == 2274
  assert list(zip(found.peaks.tolist(), found.symbols, strict=True)) == beats
  counts = {symbol: found.symbols.count(symbol) for symbol in set(found.symbols)}
  assert counts == {'N': 2239, 'A': 33, 'V': 1}
  assert (found.name, found.rate, found.leads) == ('100', 360.0, ('MLII', 'V5'))
  millivolts = (mit_samples(folder / '100.dat', 5000) - 1024) / 200
  np.testing.assert_allclose(found.signal[:5000], millivolts, atol=1e-6)
  cut = records.segment(found, 0.25, 0.45)
  assert cut.signal.shape == (2273 - cut.at_edge, 252, 2)
  # The first beat is 77 samples in, less than a quarter of a second; the last is 7 before the end.
  assert (cut.at_edge, cut.missing) == (2, 0)
  peak = found.peaks[cut.number[10]]
  np.testing.assert_array_equal(cut.signal[10], found.signal[peak - 90 : peak + 162])


def test_symbols_of_beats_and_their_classes():
  assert {s: records.aami(s) for s in 'NLRejAaJSVEF/fQ'} == {
    **dict.fromkeys('NLRej', 'N'), **dict.fromkeys('AaJS', 'S'), 'V': 'V', 'E': 'V', 'F': 'F',
    **dict.fromkeys('/fQ', 'Q'),
  }  # fmt: skip
  with pytest.raises(KeyError):
    records.aami('+')


def test_beats_at_edges_and_with_missing_samples_are_counted():
  signal = np.arange(100.0)[:, None]
  signal[52] = np.nan
  cut = records.segment(record(signal, [4, 20, 50, 95, 99], 'NNVNN', rate=10), 1.0, 0.5)
  assert (cut.at_edge, cut.missing) == (2, 1)
  assert cut.number.tolist() == [1, 3]
  assert cut.signal[1, :, 0].tolist() == list(range(85, 100))


def test_resampling_keeps_waves_and_peaks_in_place():
  time = np.arange(3600) / 360
  wave = np.sin(2 * np.pi * 3 * time)[:, None] + 5
  new = records.resample(record(wave, [360, 1800], rate=360.0), 250.0)
  assert len(new.signal) == 2500
  assert new.peaks.tolist() == [250, 1250]
  expected = np.sin(2 * np.pi * 3 * np.arange(2500) / 250) + 5
  np.testing.assert_allclose(new.signal[50:-50, 0], expected[50:-50], atol=0.01)
  assert records.resample(new, 250.0) is new
  wave[1000:1100] = np.nan
  holes = np.isnan(records.resample(record(wave, [360], rate=360.0), 250.0).signal[:, 0])
  assert abs(holes.sum() - 100 * 250 / 360) <= 1
  assert holes[700:760].all()


def test_normalised_leads_and_flat_ones():
  rng = np.random.default_rng(0)
  signal = np.concatenate([rng.normal(3, 2, (1000, 1)), np.full((1000, 1), 7.0)], axis=1)
  found = records.normalise(record(signal, [5])).signal
  assert abs(np.median(found[:, 0])) < 1e-6
  assert found[:, 0].std() == pytest.approx(1, abs=1e-5)
  assert not found[:, 1].any()


def test_peaks_are_detected_where_no_one_annotated_them(shared_data, tmp_path):
  folder = shared_data('series_ecg')
  for ending in ('hea', 'dat'):
    shutil.copy(folder / f'100.{ending}', tmp_path)
  with pytest.raises(UserError, match=r'100\.atr: no such file; expected annotations'):
    records.read(tmp_path / '100.hea')
  found = records.read(tmp_path / '100', detect=True)
  assert found.detected
  assert set(found.symbols) == {''}
  truth = records.read(folder / '100').peaks
  gap = np.abs(truth[:, None] - found.peaks).min(axis=1)
  assert (gap <= 0.15 * 360).mean() > 0.99
  assert len(found.peaks) < 1.01 * len(truth)


@pytest.mark.parametrize(
  ('damage', 'said'),
  [
    (lambda f: (f / '100.dat').unlink(), r'100\.dat: no such file; 100\.hea names it for samples'),
    (lambda f: (f / '100.hea').unlink(), r'100\.hea: no such file; expected the header'),
    (lambda f: (f / '100.hea').write_text('100 two 360\n'), r"hea line 1: number 'two'"),
    (lambda f: (f / '100.hea').write_bytes(b'\xff\x00' * 40), r'100\.hea: is no text'),
    (lambda f: (f / '100.hea').write_text(''), r'100\.hea: '),
    (lambda f: (f / '100.dat').write_bytes(b'12345'), r'100\.dat: has 5 bytes; expected 1950000'),
    (lambda f: (f / '100.atr').write_bytes(b''), r'100\.atr: cut off'),
    (
      lambda f: (f / '100.atr').write_bytes((f / '100.atr').read_bytes()[:2000]),
      r'100\.atr: cut off',
    ),
    (lambda f: (f / '100.atr').write_bytes(b'\0\0'), r'100\.atr: '),
  ],
)
def test_files_that_cannot_be_used(shared_data, tmp_path, damage, said):
  for path in shared_data('series_ecg').glob('100.*'):
    shutil.copyfile(path, tmp_path / path.name)
  damage(tmp_path)
  with pytest.raises(UserError, match=said) as raised:
    records.read(tmp_path / '100.hea')
  assert '\n' not in str(raised.value)


def test_a_lead_that_is_not_there():
  with pytest.raises(UserError, match=r"a\.hea: no lead 'V5' \(it has MLII\); config.data.leads"):
    records.select(record(np.zeros((9, 1)), [4]), ('V5',))


def test_leads_of_one_name_are_told_apart_by_place_or_refused():
  twice = dataclasses.replace(record(np.arange(18).reshape(9, 2), [4]), leads=('ECG', 'ECG'))
  np.testing.assert_array_equal(records.select(twice, ('ECG', 'ECG')).signal, twice.signal)
  with pytest.raises(UserError, match=r"a\.hea: several leads are called 'ECG'"):
    records.select(twice, ('ECG',))


def test_without_the_package_the_extra_is_named(monkeypatch, tmp_path):
  real = builtins.__import__

  def refuse(name, *args, **more):
    if name.startswith('wfdb'):
      raise ImportError("No module named 'wfdb'")
    return real(name, *args, **more)

  monkeypatch.setattr(builtins, '__import__', refuse)
  with pytest.raises(UserError, match=r"pip install 'medjax\[bio\]'"):
    records.read(tmp_path / '100.hea')
