"""Whatever stands in a file, it is read or refused: in one line, soon, and in little memory.

In the suite some cases of each, always the same. By hand for longer, and other cases every time:

    MEDJAX_FUZZ=5000 python -m pytest -n0 tests/fuzz -k DICOM
"""

import contextlib
import os
import pathlib
import signal
import tempfile

import hypothesis
import pytest
from damage import damaged, little_memory
from hypothesis import strategies as st

pytest.importorskip('pydicom')
pytest.importorskip('nibabel')
pytest.importorskip('pyrage')
pytest.importorskip('rdkit')
pytest.importorskip('safetensors')

import parsers

COUNT = int(os.environ.get('MEDJAX_FUZZ', '0'))
SETTINGS = hypothesis.settings(
  max_examples=COUNT or 40,
  deadline=None,
  derandomize=not COUNT,
  database=None,
  suppress_health_check=list(hypothesis.HealthCheck),
)
PARSERS = parsers.all_parsers()
SECONDS = 20
LONGEST = 1300  # characters of an error
# Pieces that readers of texts look for, and that careless exports and attackers write.
PIECES = st.sampled_from([
  '\n', '\r\n', ',', ';', '\t', '"', "'", '\0', '\ufeff', '\x85', '\u2028', '\ud7ff', '>', '#', '{',
  '}', '[', ']', ':', '1e999', '-1', '9' * 400, 'NaN', '[' * 3000, '=1+1', '../../x', '%s',
])  # fmt: skip
pytestmark = [
  pytest.mark.filterwarnings('ignore'),
]


class TooLongError(BaseException):
  """A reader took longer than it may."""


@contextlib.contextmanager
def soon(seconds):
  """Ends what takes longer, unless it is in C all the time."""

  def late(*_):
    raise TooLongError

  before = signal.signal(signal.SIGALRM, late)
  signal.setitimer(signal.ITIMER_REAL, seconds)
  try:
    yield
  finally:
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def check(parser, content):
  """Whether it is read; an assertion fails, or another error passes, where it is not refused."""
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / parser.name
    for name, more in {**parser.beside, parser.name: content}.items():
      path.with_name(name).write_bytes(more)
    with contextlib.chdir(folder), little_memory(), soon(SECONDS):
      try:
        parser.read(path)
      except parsers.REFUSED as error:
        message = str(error)
        assert 0 < len(message) < LONGEST, message
        assert len(message.splitlines()) == 1, message
        return False
  return True


@st.composite
def mixed_texts(draw, seed):
  """The lines of a text, with pieces put in and lines in another order."""
  text = seed.decode(errors='replace')
  for _ in range(draw(st.integers(0, 6))):
    place = draw(st.integers(0, len(text)))
    end = min(len(text), place + draw(st.integers(0, 5)))
    text = text[:place] + draw(PIECES) + text[end:]
  return text.encode(errors='surrogatepass')


@pytest.mark.parametrize('name', PARSERS)
def test_whole_files_are_read(name):
  for seed in PARSERS[name].seeds[:1]:
    assert check(PARSERS[name], seed) or name in ('vault.json',)


@pytest.mark.parametrize('name', PARSERS)
@SETTINGS
@hypothesis.given(data=st.data())
def test_any_bytes(name, data):
  check(PARSERS[name], data.draw(st.binary(max_size=2000)))


@pytest.mark.parametrize('name', PARSERS)
@SETTINGS
@hypothesis.given(data=st.data())
def test_damaged_files(name, data):
  parser = PARSERS[name]
  seed = data.draw(st.sampled_from(parser.seeds))
  if parser.text and data.draw(st.booleans()):
    content = data.draw(mixed_texts(seed))
  else:
    content = data.draw(damaged(seed))
    if content and data.draw(st.integers(0, 3)) == 0:
      content = data.draw(damaged(content))
  check(parser, content)
