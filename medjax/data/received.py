"""Files that a request brought: readers find their bytes in memory, and nothing on the disk.

Readers take names. Inside ``only`` the names are those of files that somebody sent, so that no
reader writes what it was sent to a disk, and no name that a stranger chose opens a file here.
"""

import contextlib
import contextvars
import pathlib
from collections.abc import Iterator, Mapping

_FILES: contextvars.ContextVar[Mapping[str, bytes] | None] = contextvars.ContextVar(
  'received', default=None
)


@contextlib.contextmanager
def only(files: Mapping[str, bytes]) -> Iterator[None]:
  """Inside, in this thread, there are these files and no others.

  Args:
    files: bytes by name.

  Example:
    >>> with only({'rows.csv': b'age'}):
    ...   content('rows.csv'), exists('/etc/passwd')
    (b'age', False)
  """
  token = _FILES.set(files)
  try:
    yield
  finally:
    _FILES.reset(token)


def inside() -> bool:
  """Whether files are those that somebody sent."""
  return _FILES.get() is not None


def content(name: str | pathlib.Path) -> bytes | None:
  """The bytes of a file that was sent; None where files are those on the disk.

  Raises:
    FileNotFoundError: no such file was sent.
  """
  files = _FILES.get()
  if files is None:
    return None
  found = files.get(str(name))
  if found is None:
    raise FileNotFoundError(2, 'no such file was sent', str(name))
  return found


def read_bytes(path: pathlib.Path) -> bytes:
  """The bytes of a file, sent or on the disk.

  Raises:
    OSError: it is not there, or cannot be read.
  """
  sent = content(path)
  return path.read_bytes() if sent is None else sent


def exists(name: str | pathlib.Path) -> bool:
  """Whether there is such a file, sent or on the disk, or a folder on the disk."""
  files = _FILES.get()
  if files is not None:
    return str(name) in files
  try:
    return pathlib.Path(name).exists()
  except (OSError, ValueError):  # a name may be longer than any file's, or hold NUL
    return False


def is_folder(name: str | pathlib.Path) -> bool:
  """Whether it is a folder; none was sent."""
  return not inside() and pathlib.Path(name).is_dir()
