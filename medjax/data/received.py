"""Files that a request brought: readers find their bytes in memory, and nothing on the disk.

Readers take names. Inside ``only`` the names are those of files that somebody sent, so that no
reader writes what it was sent to a disk, and no name that a stranger chose opens a file here.

A few kB can unpack to much, and a few MB of text can be millions of cases. Readers therefore ask on
their way whether a request may become so large, and not once all is in memory. Of files on the disk
they may.
"""

import contextlib
import contextvars
import dataclasses
import math
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from medjax.data import source_files
from medjax.errors import UserError

MOST_PIECES = 2**22
"""Cells, lines or JSON values of one file, each of which is an object in memory."""


class TooManyCasesError(Exception):
  """A request has more cases than it may have; no error of one file, so that readers stop."""


@dataclasses.dataclass(frozen=True)
class Bounds:
  """What a request may become.

  Attributes:
    cases: at most.
    size: bytes that its packed files become together, at most.
    grow: is told bytes before they are unpacked, and raises where there is no memory for them.
    check: raises where nobody waits for the request any more; asked between cases.
  """

  cases: float = math.inf
  size: float = math.inf
  grow: Callable[[int], None] = lambda size: None
  check: Callable[[], None] = lambda: None


@dataclasses.dataclass
class _Request:
  files: Mapping[str, bytes]
  bounds: Bounds
  kept: dict[str, Any] = dataclasses.field(default_factory=dict)
  unpacked: int = 0


_REQUEST: contextvars.ContextVar[_Request | None] = contextvars.ContextVar('received', default=None)


@contextlib.contextmanager
def only(files: Mapping[str, bytes], bounds: Bounds | None = None) -> Iterator[None]:
  """Inside, in this thread, there are these files and no others.

  Args:
    files: bytes by name.
    bounds: what they may become; None for anything.

  Example:
    >>> with only({'rows.csv': b'age'}):
    ...   content('rows.csv'), exists('/etc/passwd')
    (b'age', False)
  """
  token = _REQUEST.set(_Request(files, bounds or Bounds()))
  try:
    yield
  finally:
    _REQUEST.reset(token)


def inside() -> bool:
  """Whether files are those that somebody sent."""
  return _REQUEST.get() is not None


def content(name: str | pathlib.Path) -> bytes | None:
  """The bytes of a file that was sent; None where files are those on the disk.

  Raises:
    FileNotFoundError: no such file was sent.
  """
  request = _REQUEST.get()
  if request is None:
    return None
  found = request.files.get(str(name))
  if found is None:
    raise FileNotFoundError(2, 'no such file was sent', str(name))
  return found


def read_bytes(path: pathlib.Path) -> bytes:
  """The bytes of a file, sent or on the disk.

  Raises:
    OSError: it is not there, or cannot be read.
  """
  sent = content(path)
  return source_files.read_bytes(path) if sent is None else sent


def exists(name: str | pathlib.Path) -> bool:
  """Whether there is such a file, sent or on the disk, or a folder on the disk."""
  request = _REQUEST.get()
  if request is not None:
    return str(name) in request.files
  try:
    return source_files.exists(name)
  except (OSError, ValueError):  # a name may be longer than any file's, or hold NUL
    return False


def is_folder(name: str | pathlib.Path) -> bool:
  """Whether it is a folder; none was sent."""
  return not inside() and source_files.is_folder(name)


def require_cases(count: int) -> None:
  """Sees that a request may have so many cases, and that somebody still waits for them.

  Raises:
    TooManyCasesError: it may not.
  """
  request = _REQUEST.get()
  if request is None:
    return
  request.bounds.check()
  if count > request.bounds.cases:
    raise TooManyCasesError


def require_pieces(where: str | pathlib.Path, count: int) -> None:
  """Sees that a file that was sent has no more than ``MOST_PIECES`` cells, lines or values.

  Args:
    where: the file, for the error.
    count: how many it has at most, such as its commas.

  Raises:
    UserError: it has more.
  """
  if inside() and count > MOST_PIECES:
    raise UserError(
      f'{where}: has {count} cells or lines; expected at most {MOST_PIECES} in a request'
    )


def room() -> float:
  """Bytes that packed files of a request may still become; infinite for files on the disk."""
  request = _REQUEST.get()
  return math.inf if request is None else request.bounds.size - request.unpacked


def unpacked(size: int) -> None:
  """Counts bytes that a file of a request is unpacked to; see ``Bounds.grow``."""
  request = _REQUEST.get()
  if request is not None:
    request.bounds.grow(size)
    request.unpacked += size


def kept() -> dict[str, Any]:
  """What readers keep between cases of one request, and no longer; of the disk always empty."""
  request = _REQUEST.get()
  return {} if request is None else request.kept
