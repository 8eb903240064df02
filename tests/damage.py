"""Damaged forms of files, and what a reader may do with one: read it, or say so in one line."""

import contextlib
import pathlib
import resource
import tempfile
from collections.abc import Callable, Iterator, Mapping

import hypothesis
from hypothesis import strategies as st

from medjax.errors import UserError

# The same cases in every run; each of them soon.
bounded = hypothesis.settings(max_examples=100, deadline=2000, derandomize=True, database=None)
_LONGEST_MESSAGE = 500
_MEMORY = 2**29  # bytes that a reader of a small file may take


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
  """Makes what takes much more memory than there is now fail with MemoryError, on Linux."""
  statm = pathlib.Path('/proc/self/statm')
  if not statm.exists():
    yield
    return
  before = resource.getrlimit(resource.RLIMIT_AS)
  used = int(statm.read_text().split()[0]) * resource.getpagesize()
  resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, before[1]))
  try:
    yield
  finally:
    resource.setrlimit(resource.RLIMIT_AS, before)


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
  """The content with flipped bits, cut off, zeroed, or with a part that is lost or there twice."""
  first, last = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
  match draw(st.sampled_from(['flip', 'cut', 'zero', 'lose', 'double'])):
    case 'flip':
      new = bytearray(content)
      for place in draw(st.lists(st.integers(0, 8 * len(content) - 1), min_size=1, max_size=8)):
        new[place // 8] ^= 1 << place % 8
      return bytes(new)
    case 'cut':
      return content[:first]
    case 'zero':
      return content[:first] + bytes(last - first) + content[last:]
    case 'lose':
      return content[:first] + content[last:]
  return content[:last] + content[first:]


def check(
  read: Callable[[pathlib.Path], object], content: bytes, beside: Mapping[str, bytes] | None = None
) -> bool:
  """Whether a file with this content can be read, in little memory; if not, the error is one line.

  Args:
    read: takes the path of the file, ``a``.
    content: of the file.
    beside: content of further files in its folder, by name.
  """
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / 'a'
    for name, more in {'a': content, **(beside or {})}.items():
      path.with_name(name).write_bytes(more)
    with contextlib.chdir(folder), little_memory():
      try:
        read(path)
      except UserError as error:
        message = str(error)
        assert len(message) < _LONGEST_MESSAGE, message[:1000]
        assert len(message.splitlines()) == 1
        return False
  return True
