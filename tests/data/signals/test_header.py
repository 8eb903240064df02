"""Headers of records: what they say, what they leave out, and every way to be cut short."""

import re

import made_record
import pytest
import wfdb

from medjax.data.signals import header as headers
from medjax.data.signals import records
from medjax.errors import UserError

TEXT = (
  '# a comment\n'
  'a 2 360/1000(0) 650000 10:00:00 1/2/1999\r\n'
  'a.dat 212x2:3+24 200.5(1000)/mV 11 1024 995 -22131 0 MLII and more\n'
  '\n'
  'a.dat 212 -1.5e2 11 1024 1011 20052 0 V5\n'
)


def read(tmp_path, text, name='a.hea'):
  path = tmp_path / name
  path.write_bytes(text if isinstance(text, bytes) else text.encode())
  return headers.read(path)


def test_every_field(tmp_path):
  found = read(tmp_path, TEXT)
  assert (found.rate, found.length, found.segments, found.notes) == (360.0, 650_000, (), ())
  assert found.signals == (
    headers.Signal('MLII and more', 'a.dat', '212', 2, 3, 24, 200.5, 1000, -22131),
    headers.Signal('V5', 'a.dat', '212', 1, 0, 0, -150.0, 1024, 20052),
  )


def test_fields_as_wfdb_reads_them(shared_data):
  path = shared_data('series_ecg') / '100.hea'
  found, theirs = headers.read(path), wfdb.rdheader(str(path.with_suffix('')))
  assert (found.rate, found.length) == (theirs.fs, theirs.sig_len)
  for name, own in [('sig_name', 'lead'), ('fmt', 'format'), ('adc_gain', 'gain')]:
    assert [getattr(one, own) for one in found.signals] == getattr(theirs, name)
  assert [one.baseline for one in found.signals] == theirs.baseline
  assert [one.checksum for one in found.signals] == theirs.checksum


def test_what_is_left_out_is_what_the_format_says(tmp_path):
  found = read(tmp_path, 'a 2\na.dat 16\na.dat 16 0 16 7\n')
  assert (found.rate, found.length) == (250.0, 0)
  assert [(one.gain, one.baseline, one.lead) for one in found.signals] == [
    (200.0, 0, 'lead 1'), (200.0, 7, 'lead 2'),
  ]  # fmt: skip
  assert found.notes == (
    'no rate in the header: 250 samples a second, as the format says',
    'no gain for some leads: 200 a unit, as the format says',
    'leads without a name are called by their place: lead 1, lead 2 and so on',
  )


def test_names_of_leads_have_one_form(tmp_path):
  lines = 'a 2 100 9\na.dat 16 200 16 0 0 0 0 Bru\u0308cke\u200b\na.dat 16 200/µV 16 0 0 0 0 Ⅱ\n'
  for encoding, last in [('utf-8', 'Ⅱ'), ('latin-1', '?')]:
    found = read(tmp_path, lines.encode(encoding, 'replace'))
    assert found.signals[1].lead == last
  assert read(tmp_path, lines).signals[0].lead == 'Brücke'


def test_segments(tmp_path):
  found = read(tmp_path, 'a/3 2 100 60\na_1 20\n~ 10\na_2 30\n')
  assert found.segments == (('a_1', 20), ('~', 10), ('a_2', 30))
  assert (found.rate, found.length, found.signals) == (100.0, 60, ())


@pytest.mark.parametrize(
  ('old', 'new', 'said'),
  [
    ('360/1000(0)', 'nan', "line 2: rate 'nan'; expected samples a second, above 0"),
    ('360/1000(0)', '0', "line 2: rate '0'"),
    ('360/1000(0)', '-360', "line 2: rate '-360'"),
    ('360/1000(0)', '1e300', "line 2: rate '1e300'"),
    ('360/1000(0)', '3_60', "line 2: rate '3_60'"),
    ('360/1000(0)', '3x0', "line 2: rate '3x0'"),
    ('650000', '-5', "line 2: number of samples '-5'; expected a whole number"),
    ('650000', '9' * 5000, r"line 2: number of samples '9{60}\.\.\. \(5000 characters\)'"),
    ('a 2', 'a 3', 'line 2: names 3 leads, and 2 lines follow; expected as many'),
    ('a 2', 'a 1', 'line 2: names 1 leads, and 2 lines follow'),
    ('a 2', 'a 0', 'line 2: names 0 leads'),
    ('a 2', 'a/2 2', 'line 3: expected the name of a segment and its number of samples'),
    ('a 2', 'a/x 2', "line 2: number 'x'; expected a whole number"),
    ('212x2:3+24', '213', "line 3: format '213'; expected one of 8, 16"),
    ('212x2:3+24', '212x0', "line 3: format '212x0'"),
    ('212x2:3+24', '0', "line 3: format '0'"),
    ('200.5(1000)/mV', '2a0', "line 3: gain '2a0'; expected a number, as in 200"),
    ('200.5(1000)/mV', '200(', r"line 3: gain '200\('"),
    ('200.5(1000)/mV', '200(1000', r"line 3: gain '200\(1000'"),
    ('200.5(1000)/mV', 'nan', "line 3: gain 'nan'"),
    ('200.5(1000)/mV', '1e999', "line 3: gain '1e999'"),
    ('200.5', '2\xb2', 'line 3: gain'),
    ('11 1024 995', 'mV 1024 995', "line 3: ADC resolution 'mV'; expected a whole number"),
    ('-22131', '-', "line 3: checksum '-'; expected a whole number"),
    ('V5', 'V\0', 'is no text'),
  ],
)
def test_fields_that_are_damaged(tmp_path, old, new, said):
  with pytest.raises(UserError, match=said) as raised:
    read(tmp_path, TEXT.replace(old, new, 1))
  assert len(str(raised.value)) < 400
  assert '\n' not in str(raised.value)


def test_files_that_are_no_headers(tmp_path):
  for text, said in [
    ('', 'expected a WFDB header'),
    ('#\n', 'expected a WFDB header'),
    ('a\n', 'e'),
  ]:
    with pytest.raises(UserError, match=said):
      read(tmp_path, text)
  with pytest.raises(UserError, match=r'none\.hea: no such file; expected the header'):
    headers.read(tmp_path / 'none.hea')
  (tmp_path / 'd.hea').mkdir()
  with pytest.raises(UserError, match=r'd\.hea: cannot be read: Is a directory'):
    headers.read(tmp_path / 'd.hea')


@pytest.mark.parametrize('gain', ['49103.20902208486(-28816)/mV', '200', '1000.0(0)/mV'])
def test_a_header_cut_anywhere_never_gives_other_amplitudes(tmp_path, gain):
  """Each of its beginnings is refused, or says the same but for the name of the last lead."""
  path = made_record.write(tmp_path, leads=[made_record.steps()], gain=gain, names=['MLII'])
  whole = path.read_bytes()
  expected = records.read(path)
  accepted = []
  for length in range(len(whole)):
    path.write_bytes(whole[:length])
    try:
      found = records.read(path)
    except UserError:
      continue
    accepted.append(length)
    assert (found.signal == expected.signal).all()
    assert (found.rate, found.peaks.tolist()) == (expected.rate, expected.peaks.tolist())
    assert any('the name there may be cut off' in note for note in found.notes)
  name = re.search(rb' MLII', whole)
  assert len(accepted) >= 4
  assert min(accepted) >= name.start() - 3  # the checksum is whole


def test_the_end_of_a_header_may_be_a_comment(tmp_path):
  path = made_record.write(tmp_path)
  expected = records.read(path)
  path.write_text(path.read_text() + '# age: 61')
  assert records.read(path).notes == expected.notes == ()
