"""Every folder of ../shared/cases: inputs that were handled wrongly once, with what is right."""

import pathlib

import numpy as np
import pytest

from medjax.data import images, sequences, signals, tabular
from medjax.data.images import decode
from medjax.data.sequences import fasta, files, variants
from medjax.data.sequences.alphabet import RNA

FOLDER = pathlib.Path(__file__).resolve().parents[2] / 'shared' / 'cases'


def _splits(data):
  return {name: where for where, split in data.splits.items() for name in split.id.tolist()}


def _groups(data):
  """Groups with the splits that each is in."""
  found: dict[str, set[str]] = {}
  for where, split in data.splits.items():
    for group in split.group.tolist():
      found.setdefault(group, set()).add(where)
  return found


def _same_inputs(one, other):
  assert _splits(one) == _splits(other)
  for where, split in one.splits.items():
    rows = range(len(split))
    np.testing.assert_array_equal(
      split.read(rows)['values'], other.splits[where].read(rows)['values']
    )
    np.testing.assert_array_equal(split.label, other.splits[where].label)


def _table(path):
  return tabular.load(tabular.Config(source=str(path)))


def decimal_comma_null(folder):
  null, blank = _table(folder / 'crp_null.csv'), _table(folder / 'crp_blank.csv')
  assert null.details['inputs'] == ['crp', 'crp (missing)', 'age']
  _same_inputs(null, blank)
  assert any("'crp' is one of numbers" in note and 'missing: 4 NULL' in note for note in null.notes)


def none_category(folder):
  none, never = _table(folder / 'alcohol_none.csv'), _table(folder / 'alcohol_never.csv')
  assert none.details['inputs'][:3] == ['alcohol=Daily', 'alcohol=None', 'alcohol=(missing)']
  _same_inputs(none, never)


def patient_case(folder):
  data = _table(folder / 'visits.csv')
  groups = _groups(data)
  assert len(groups) == 60
  assert all(len(where) == 1 for where in groups.values())
  assert any(note.startswith('60 of 60 groups are spelled') for note in data.notes)


def _images(folder, **more):
  config = images.Config(source=str(folder), image_size=16, channels=1, **more)
  return images.load(config, simulator=None, classes=())


def patient_case_images(folder):
  groups = _groups(_images(folder))
  assert len(groups) == 40
  assert all(len(where) == 1 for where in groups.values())


def nfd_file_names(folder):
  data = _images(folder)
  assert sum(map(len, data.splits.values())) == 40
  assert data.classes == ('normal', 'krank')


def tiff_white_is_zero_16(folder):
  for i in range(8):
    black, white = (decode.decode(folder / f'{c}_{i}.tif', 64, 1) for c in ('black', 'white'))
    assert np.abs(black.astype(int) - white.astype(int)).max() <= 1  # stored in 15 and 16 bits
  eight, sixteen = (decode.decode(folder / f'miw{bits}.tif', 64, 1) for bits in (8, 16))
  assert np.abs(eight.astype(int) - sixteen.astype(int)).max() <= 2


def tiff_float_overshoot(folder):
  plain, over, infinite = (
    decode.decode(folder / f'{name}.tif', 64, 1).astype(int) for name in ('f01', 'f01o', 'finf')
  )
  assert (plain.min(), plain.max()) == (0, 255)
  for other in (over, infinite):
    assert (np.abs(other - plain) > 1).mean() < 0.01  # what a resized odd pixel touches


def wfdb_no_lead_name(folder):
  data = signals.load(signals.Config(source=str(folder / 'records')))
  assert sum(map(len, data.splits.values())) == 840
  assert any('lead 1' in note for note in data.notes)


def wfdb_time_resolution(folder):
  samples, times = (
    signals.load(signals.Config(source=str(folder / name)))
    for name in ('atr_in_samples', 'atr_at_100_per_second')
  )
  assert _splits(samples) == _splits(times)
  for where, split in samples.splits.items():
    other = times.splits[where]
    np.testing.assert_array_equal(split.label, other.label)
    rows = np.arange(len(split))
    one, two = (
      np.asarray(d.modality.inputs(s.read(rows))) for d, s in ((samples, split), (times, other))
    )
    # A hundredth of a second is 2.5 samples: beats are the same but for a shift of one.
    together = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(one, two, strict=True)]
    assert np.median(together) > 0.9


def rna_u_t(folder):
  (sequence,) = fasta.read(folder / 'ref.fa')
  pairs = [
    variants.read(folder / name)[0].apply(sequence.sequence, 60, RNA)
    for name in ('dna_letters.vcf', 'rna_letters.vcf')
  ]
  assert pairs[0] == pairs[1]
  assert pairs[0][0] != pairs[0][1]


def long_sequence_cell(folder):
  found, _ = files.read(sequences.Config(source=str(folder / 'long.csv')))
  assert [len(one.sequence) for one in found] == [140_000] * len(found)
  assert len(found) > 1


CASES = sorted(path.name for path in FOLDER.glob('*') if path.is_dir()) or ['none']


@pytest.mark.parametrize('name', CASES)
def test_case(name, tmp_path, monkeypatch):
  """A folder that has no check here fails."""
  if name == 'none':
    pytest.skip('the cases are not beside this checkout')
  monkeypatch.setenv('MEDJAX_CACHE', str(tmp_path))
  globals()[name](FOLDER / name)
