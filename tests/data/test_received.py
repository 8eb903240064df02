"""Cases of files in memory and of JSON are those of the same files on the disk."""

import gzip
import json

import numpy as np
import PIL.Image
import pytest

from medjax.data import received, tabular, text_file
from medjax.data.images import Images
from medjax.data.residues import Residues
from medjax.data.sequences import Sequences
from medjax.data.sequences.alphabet import DNA
from medjax.data.sequences.encoder import Encoder
from medjax.data.signals import Signals
from medjax.data.tabular import preprocess
from medjax.errors import UserError

DNA_READER = Sequences(Encoder(DNA, 6))
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
