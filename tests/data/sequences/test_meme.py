"""Motif files: there and back, as others write them, and what is said when they are wrong."""

import gzip
import time

import numpy as np
import pytest

from medjax.data.sequences import meme
from medjax.data.sequences.alphabet import DNA, PROTEIN, RNA
from medjax.errors import UserError

HEAD = 'MEME version 4\n\nALPHABET= ACGT\n\n'
MATRIX = 'letter-probability matrix: alength= 4 w= 2 nsites= 20 E= 0\n'
ROWS = '0.1 0.2 0.3 0.4\n1 0 0 0\n'


@pytest.fixture
def write(tmp_path):
  def make(text):
    path = tmp_path / 'm.meme'
    path.write_text(text)
    return path

  return make


@pytest.mark.parametrize('alphabet', [DNA, RNA, PROTEIN], ids=lambda a: a.name)
def test_there_and_back(tmp_path, alphabet):
  rng = np.random.default_rng(0)
  motifs = {f'M{w}': rng.dirichlet([0.3] * len(alphabet.letters), w) for w in (1, 8, 12)}
  path = tmp_path / 'motifs.meme'
  meme.write(path, motifs, alphabet)
  again = meme.read(path, alphabet)
  assert list(again) == list(motifs)
  for name, pwm in motifs.items():
    assert again[name].dtype == np.float64
    np.testing.assert_allclose(again[name], pwm, atol=1e-8)
    np.testing.assert_allclose(again[name].sum(1), 1, rtol=1e-15)


def test_as_others_write_them(write):
  path = write(
    'MEME version 5.5.0\r\n\nALPHABET= ACGT\n\nstrands: + -\n\n'
    'Background letter frequencies (from uniform background):\nA 0.25 C 0.25 G 0.25 T 0.25\n\n'
    'MOTIF MA0001.1 AGL3\nlog-odds matrix: alength= 4 w= 1 E= 0\n -100 12 4 -3\n'
    'letter-probability matrix: alength= 4 w= 2 nsites= 97 E= 0\n'
    '  0.333\t0.333\t0.333\t0.000\n  0.000000  0.969072  0.000000  0.030928\n'
    'URL http://jaspar.genereg.net/matrix/MA0001.1\n\n'
    'MOTIF second\nletter-probability matrix:\n1 0 0 0\n'
  )
  motifs = meme.read(path)
  assert list(motifs) == ['MA0001.1', 'second']
  np.testing.assert_allclose(motifs['MA0001.1'][0], [1 / 3, 1 / 3, 1 / 3, 0])
  assert motifs['second'].tolist() == [[1, 0, 0, 0]]
  assert list(meme.read(path, RNA)) == ['MA0001.1', 'second']


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('MOTIF a\n', r'm.meme: has no line "MEME version"; expected motifs in MEME format'),
    (HEAD, r'm.meme: has no motifs; expected lines that begin with MOTIF'),
    (
      HEAD.replace('ACGT', 'ACDEFGHIKLMNPQRSTVWY'),
      r"m.meme line 3: 'ALPHABET= ACDEFGHIKLMNPQRSTVWY'; expected ALPHABET= ACGT",
    ),
    (HEAD.replace('= ACGT', ' "MINE"'), r'm.meme line 3: .*expected ALPHABET= ACGT'),
    (HEAD + 'MOTIF \n', r'm.meme line 5: expected a name after MOTIF'),
    (HEAD + MATRIX + ROWS, r'm.meme line 5: expected a line MOTIF with a name before each matrix'),
    (HEAD + 'MOTIF a\n' + (MATRIX + ROWS) * 2, r'm.meme line 9: expected a line MOTIF'),
    (HEAD + ('MOTIF a\n' + MATRIX + ROWS) * 2, r'm.meme line 9: motif a was there before'),
    (HEAD + 'MOTIF a\n\nMOTIF b\n' + MATRIX + ROWS, r'm.meme line 5: motif a has no letter-prob'),
    (HEAD + 'MOTIF a\n', r'm.meme line 5: motif a has no letter-probability matrix'),
    (HEAD + 'MOTIF a\n' + MATRIX + '1 0 0 0\n', r'line 6: has 1 rows below; expected w= 2'),
    (HEAD + 'MOTIF a\nletter-probability matrix:\n', r'has 0 rows below; expected at least one'),
    (
      HEAD + 'MOTIF a\n' + MATRIX + '1 0 0\n',
      r'm.meme line 7: has 3 numbers; expected 4, one a letter of ACGT',
    ),
    (HEAD + 'MOTIF a\n' + MATRIX + '1_0 0 0 0\n', r"line 7: '1_0'; expected probabilities"),
    (HEAD + 'MOTIF a\n' + MATRIX + '١ 0 0 0\n', r"line 7: '١'; expected probabilities"),
    (HEAD + 'MOTIF a\n' + MATRIX.replace('w= 2', 'w= 0'), r"line 6: w= '0'; expected the number"),
    (HEAD + 'MOTIF a\n' + MATRIX.replace('w= 2', f'w= {"9" * 5000}'), r"line 6: w= '9{60}\.\.\."),
    (HEAD + f'MOTIF {"a" * 5000}\n', r'motif a{60}\.\.\. \(5000 characters\) has no letter'),
    (HEAD + 'MOTIF a\n' + MATRIX + '1 0 0 x\n', r"line 7: 'x'; expected prob"),
    (HEAD + 'MOTIF a\n' + MATRIX + '1 0 0 1\n', r'line 7: adds up to 2; expected probabilities'),
    (HEAD + 'MOTIF a\n' + MATRIX + '1 0 -1 1\n', r"line 7: '-1'; expected probabilities"),
    (HEAD + 'MOTIF a\n' + MATRIX + '1 0 0 nan\n', r"line 7: 'nan'; expected prob"),
  ],
)
def test_what_is_wrong_is_said_in_one_line(write, text, message):
  with pytest.raises(UserError, match=message) as caught:
    meme.read(write(text))
  assert '\n' not in str(caught.value)
  assert len(str(caught.value)) < 300


def test_packed_motifs(write):
  path = write(HEAD + 'MOTIF a\n' + MATRIX + ROWS)
  path.write_bytes(gzip.compress(path.read_bytes()))
  assert meme.read(path)['a'].tolist() == [[0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0]]


def test_many_motifs_take_time_in_proportion(write):
  text = HEAD + ''.join(f'MOTIF {i}\n{MATRIX}{ROWS}' for i in range(20_000))
  started = time.perf_counter()
  assert len(meme.read(write(text))) == 20_000
  assert time.perf_counter() - started < 5


def test_files_that_cannot_be_read(tmp_path):
  with pytest.raises(UserError, match=r'm.meme: no such file; expected motifs in MEME format'):
    meme.read(tmp_path / 'm.meme')
  with pytest.raises(UserError, match='cannot be read: Is a directory; expected motifs'):
    meme.read(tmp_path)


@pytest.mark.parametrize(
  ('name', 'pwm', 'message'),
  [
    ('a b', np.eye(4), "expected a name without spaces, got 'a b'"),
    ('', np.eye(4), 'expected a name without spaces'),
    ('a', np.eye(5), r'a: expected shape \[W, 4\], got \(5, 5\)'),
    ('a', np.eye(4) * 2, 'a: expected rows of probabilities that add up to 1'),
  ],
)
def test_what_is_not_written(tmp_path, name, pwm, message):
  with pytest.raises(ValueError, match=message):
    meme.write(tmp_path / 'm.meme', {name: pwm})
