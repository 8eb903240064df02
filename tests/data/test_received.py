"""Cases of files in memory and of JSON are those of the same files on the disk."""

import gzip
import io
import json

import nibabel
import numpy as np
import PIL.Image
import pytest

from medjax.data import received, tabular, text_file
from medjax.data.images import Images, nifti
from medjax.data.images.options import Options
from medjax.data.molecules import records
from medjax.data.residues import Residues
from medjax.data.sequences import Sequences
from medjax.data.sequences.alphabet import DNA
from medjax.data.sequences.encoder import Encoder
from medjax.data.signals import Signals
from medjax.data.tabular import preprocess
from medjax.errors import UserError

DNA_READER = Sequences(Encoder(DNA, 6))
SERIES = Signals({'form': 'table', 'leads': [], 'rate': 1.0}, 3)
ROWS = [{'age': '40', 'sex': 'f'}, {'age': '60', 'sex': 'm'}, {'age': '51', 'sex': 'f'}]


def table():
  fitted = preprocess.fit(ROWS, ['age', 'sex'])
  return tabular.Table(fitted, np.zeros((2, 2), np.float32))


def loaded(cases):
  return [case.load() for case in cases]


def same(first, second):
  assert len(first) == len(second) > 0
  for one, other in zip(first, second, strict=True):
    assert list(one) == list(other)
    for name in one:
      np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.parametrize(
  ('modality', 'name', 'text', 'values'),
  [
    (DNA_READER, 'a.fa', '>x\nACGTA\n>y\nttt aa\n', ['ACGTA', 'ttt aa']),
    (DNA_READER, 'a.csv', 'sequence\nACGT\n', ['ACGT']),
    (Residues(), 'a.fa', '>x\nMKV\n', ['mkv']),
    (table(), 'a.csv', 'age,sex\n40,m\n61.5,f\n,f\n',
     [{'age': 40, 'sex': 'm'}, {'age': '61.5', 'sex': 'f'}, {'age': None, 'sex': 'f'}]),
    (Signals({'form': 'table', 'leads': [], 'rate': 1.0}, 3), 'a.csv', '1,2,3\n4,5,6.5\n',
     [[1, 2, 3], [4, 5, 6.5]]),
  ],
)  # fmt: skip
def test_text_in_memory_and_json_are_as_on_the_disk(tmp_path, modality, name, text, values):
  (tmp_path / name).write_text(text)
  on_disk = loaded(modality.open([str(tmp_path / name)]))
  with received.only({name: text.encode()}):
    same(on_disk, loaded(modality.open([name])))
    missing = modality.open([str(tmp_path / name)])  # on the disk, and not sent
    with pytest.raises(UserError, match='no such file'):
      missing[0].load()
  packed = gzip.compress(text.encode())
  with received.only({name: packed}):
    same(on_disk, loaded(modality.open([name])))
  same(on_disk, loaded(modality.open_json(json.loads(json.dumps(values)))))
  assert modality.json_schema['type'] in ('array', 'object', 'string')


@pytest.mark.parametrize(
  ('modality', 'value', 'said'),
  [
    (DNA_READER, 3, 'case 1: is a number; expected the letters of a sequence'),
    (DNA_READER, 'ACGJ', 'case 1'),
    (Residues(), None, 'case 1: is null; expected the residues of a chain'),
    (table(), ['x'], 'case 1: is a list; expected an object'),
    (table(), {'age': True, 'sex': 'm'}, 'case 1: age is no number and no text'),
    (table(), {'age': 'old', 'sex': 'm'}, "age is 'old'; expected a number"),
    (table(), {'sex': 'm'}, "no column 'age'"),
    (Signals({'form': 'table', 'leads': [], 'rate': 1.0}, 3), [1, 2], '2 samples; expected 3'),
    (
      Signals({'form': 'table', 'leads': [], 'rate': 1.0}, 3),
      [1, 2, 'x'],
      'sample 3: is no number',
    ),
  ],
)
def test_json_that_is_no_case_says_so(modality, value, said):
  (case,) = modality.open_json([value])
  with pytest.raises(UserError, match='case 1') as error:
    case.load()
  assert said in str(error.value)


def test_images_come_as_files_alone(tmp_path):
  images = Images(8, 8, 1)
  path = tmp_path / 'a.png'
  pixels = np.random.default_rng(0).integers(0, 256, (9, 8), np.uint8)
  PIL.Image.fromarray(pixels).save(path)
  with received.only({'a.png': path.read_bytes(), 'empty.png': b''}):
    cases = images.open(['a.png', 'empty.png'])
  same(loaded(images.open([str(path)])), [cases[0].load()])  # bytes are kept where cases are read
  with pytest.raises(UserError, match=r'empty\.png: the file is empty'):
    cases[1].load()
  assert images.json_schema is None
  with pytest.raises(UserError, match='these are image files; expected a file, not JSON'):
    images.open_json([1])


def test_what_is_sent_unpacks_to_little(tmp_path):
  packed = gzip.compress(b'a' * 2**25)
  (tmp_path / 'a.csv').write_bytes(packed)
  with received.only({'a.csv': packed}), pytest.raises(UserError, match='unpack to more than'):
    text_file.read_text(tmp_path.__class__('a.csv'), 'text')


def test_a_recording_in_json_gives_the_beats_of_its_peaks():
  details = {'form': 'record', 'leads': ['MLII'], 'rate': 100.0, 'before': 0.1, 'after': 0.1}
  signals = Signals(details, 20)
  random = np.random.default_rng(0)
  samples = random.normal(size=300).round(3).tolist()
  value = {'rate': 100, 'signals': {'V1': samples[::-1], 'MLII': samples}, 'peaks': [5, 100, 200]}
  cases = signals.open_json([value])
  assert [case.name for case in cases] == [
    'case 1 beat 1 (0.050 s)', 'case 1 beat 2 (1.000 s)', 'case 1 beat 3 (2.000 s)',
  ]  # fmt: skip
  with pytest.raises(UserError, match='begins, ends or has a gap'):
    cases[0].load()
  found = cases[1].load()['signal'][:, 0]
  of_lead = np.array(samples, np.float32)
  expected = of_lead[90:110]
  # Normalised by one shift and one scale for the whole recording.
  slope, shift = np.polyfit(expected, found, 1)
  np.testing.assert_allclose(found, slope * expected + shift, atol=1e-4)
  for wrong, said in (
    ({**value, 'rate': 'x'}, 'rate is no number'),
    ({**value, 'signals': {'MLII': []}}, 'expected leads of equal length'),
    ({**value, 'signals': {'MLII': [1], 'V1': [1, 2]}}, 'expected leads of equal length'),
    ({**value, 'signals': {'V1': samples}}, 'no lead'),
    ({**value, 'peaks': [5, 5]}, 'peaks; expected numbers of samples'),
    ({**value, 'peaks': []}, 'no beat was found'),
    ({**value, 'signals': {'MLII': [1e9] * 9}}, 'MLII sample 1: is no number within'),
    (3, 'expected an object with rate and signals'),
  ):
    (case,) = signals.open_json([wrong])
    with pytest.raises(UserError) as error:
      case.load()
    assert said in str(error.value)


@pytest.mark.parametrize(
  ('read', 'name', 'text'),
  [
    (DNA_READER.open, 'a.fa', '>x\nACGTAC\n'),
    (DNA_READER.open, 'a.csv', 'sequence\n{}ACGTAC\n'),
    (Residues().open, 'a.fa', '>x\nMKV\n'),
    (table().open, 'a.csv', 'age,sex\n{}40,m\n'),
    (SERIES.open, 'a.csv', '1,2,3\n'),
    (SERIES.open, 'a.txt', '1 2 3\n'),
    (lambda names: records.named(names[0]), 'a.smi', 'CCO ethanol\n'),
    (lambda names: records.named(names[0]), 'a.csv', 'smiles,name\n{}CCO,x\n'),
    (lambda names: records.named(names[0]), 'a.sdf', 'x\n\n\n$$$$\n'),
  ],
)
def test_readers_stop_at_one_case_too_many(monkeypatch, read, name, text):
  """They do not make all rows of a few kB that unpack to many, to count them afterwards."""
  head, _, row = text.rpartition('{}')
  counts = []
  original = received.require_cases
  monkeypatch.setattr(
    received, 'require_cases', lambda count: [counts.append(count), original(count)][1]
  )
  packed = gzip.compress((head + row * 100_000).encode())
  assert len(packed) < 2**14
  with (
    received.only({name: packed}, received.Bounds(5)),
    pytest.raises(received.TooManyCasesError),
  ):
    read([name])
  assert max(counts) == 6
  with received.only({name: (head + row * 5).encode()}, received.Bounds(5)):
    assert len(read([name])) == 5


def test_frames_and_files_are_counted_before_they_are_cases(tmp_path):
  many = io.BytesIO()
  pages = [PIL.Image.new('L', (8, 8), n) for n in range(7)]
  pages[0].save(many, 'TIFF', save_all=True, append_images=pages[1:])
  one = io.BytesIO()
  pages[0].save(one, 'PNG')
  images = Images(8, 8, 1)
  files = {'a.tif': many.getvalue()} | {f'{n}.png': one.getvalue() for n in range(3)}
  for names, most in ((['a.tif'], 6), (['a.tif', '1.png', '2.png'], 8)):
    with (
      received.only(files, received.Bounds(most)),
      pytest.raises(received.TooManyCasesError),
    ):
      images.open(names)
  with received.only(files, received.Bounds(10)):
    assert len(images.open(list(files))) == 10


def test_files_of_a_request_unpack_to_little_together():
  text = 'age,sex\n' + '40,m\n' * 1000
  packed, told = gzip.compress(text.encode()), []
  with received.only({'a.csv': packed, 'b.csv': packed}, received.Bounds(5000, 8000, told.append)):
    cases = table().open(['a.csv', 'b.csv'])
  assert len(cases) == 1001
  with pytest.raises(
    UserError, match=r'b\.csv: .* unpack to more than the 2992 that files of a req'
  ):
    cases[-1].load()
  assert sum(told) == len(text)

  def refuse(size):
    raise MemoryError

  with (
    received.only({'a.csv': packed}, received.Bounds(5000, 8000, refuse)),
    pytest.raises(MemoryError),
  ):
    table().open(['a.csv'])


def test_cells_of_what_is_sent_are_bounded_and_those_of_the_disk_are_not(tmp_path, monkeypatch):
  monkeypatch.setattr(received, 'MOST_PIECES', 1000)
  rows = 'age,sex\n' + '40,m\n' * 600
  wide = 'smiles ' + ' '.join(map(str, range(60))) + '\n' + 'CCO x\n' * 20
  (tmp_path / 'a.csv').write_text(rows)
  (tmp_path / 'a.smi').write_text(wide)
  fields = ''.join(f'x\n\n\nM  END\n> <{n}>\n1\n\n$$$$\n' for n in range(40))
  for name, text, read in (
    ('a.csv', rows, lambda name: text_file.read_text(tmp_path / name, 'text')),
    ('a.smi', wide, lambda name: records.read(tmp_path / name)),
    ('a.sdf', fields, lambda name: records.read(tmp_path / name)),
    ('a.txt', '1 2 3\n' * 600, lambda name: SERIES.open([str(tmp_path / name)])[0].load()),
  ):
    (tmp_path / name).write_text(text)
    read(name)
    with (
      received.only({str(tmp_path / name): text.encode()}),
      pytest.raises(UserError, match='cells or lines; expected at most 1000 in a request'),
    ):
      read(name)


def test_nobody_reads_on_for_a_request_that_was_given_up():
  def gone():
    raise TimeoutError

  with (
    received.only({'a.csv': b'age,sex\n40,m\n'}, received.Bounds(check=gone)),
    pytest.raises(TimeoutError),
  ):
    table().open(['a.csv'])


def test_slices_of_a_packed_volume_are_those_of_the_disk_and_it_is_unpacked_once(
  tmp_path, monkeypatch
):
  images = Images(8, 8, 1, Options(slices=2))
  random = np.random.default_rng(0)
  for number in range(2):
    volume = nibabel.Nifti1Image(random.integers(0, 99, (9, 10, 6)).astype(np.int16), np.eye(4))
    nibabel.save(volume, tmp_path / f'{number}.nii.gz')
  paths = sorted(tmp_path.iterdir())
  on_disk = loaded(images.open(list(map(str, paths))))
  unpacked = []
  original = nifti._read_whole
  monkeypatch.setattr(
    nifti, '_read_whole', lambda *args: [unpacked.append(args), original(*args)][1]
  )
  sent = {path.name: path.read_bytes() for path in paths}
  for count in (2, 4):  # nothing is kept for the next request
    with received.only(sent, received.Bounds(size=1000)):
      same(on_disk, loaded(images.open(list(sent))))
    assert len(unpacked) == count
  with received.only(sent, received.Bounds(size=100)):
    cases = images.open(list(sent))
    with pytest.raises(UserError, match=r'0\.nii\.gz: 1080 bytes of voxels; expected at most 800'):
      cases[0].load()


def test_a_recording_is_bounded_at_the_rate_of_the_run_and_in_its_beats(monkeypatch):
  details = {'form': 'record', 'leads': ['MLII'], 'rate': 360.0, 'before': 0.1, 'after': 0.1}
  signals = Signals(details, 72)
  monkeypatch.setattr('medjax.data.signals.written._MOST', 3000)
  samples = np.random.default_rng(0).normal(size=1000).round(3).tolist()
  value = {'rate': 100, 'signals': {'MLII': samples}, 'peaks': [100, 200, 300]}
  (case,) = signals.open_json([value])
  with pytest.raises(UserError, match='rate 100 becomes 360 samples a second, which are more than'):
    case.load()
  value |= {'rate': 360}
  cut = []
  monkeypatch.setattr('medjax.data.signals.records.resample', lambda *_: cut.append(1))
  with received.only({}, received.Bounds(2)), pytest.raises(received.TooManyCasesError):
    signals.open_json([value])
  assert cut == []
