"""Files that are there whole or not at all, and digests of what they hold."""

import contextlib
import errno
import hashlib
import os
import pathlib
import re
import secrets
import stat
import sys
from collections.abc import Iterator

from medjax.errors import DiskFullError, UserError


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[pathlib.Path]:
  """A file to write to, which takes the place of ``path`` when all of it is written.

  Whatever happens in between, ``path`` is the old file or the new one, and nothing else is left.

  Args:
    path: the file to write; its folder is made if need be.

  Raises:
    DiskFullError: there was no space for it.
    UserError: it cannot be written.

  Example:
    >>> with replacing(pathlib.Path('report.html')) as new:        # doctest: +SKIP
    ...   new.write_text(page)
  """
  # Hidden, so that what a killed process leaves is taken for no file of a run.
  # Of a name that nobody can guess: a link put there would lead what is written elsewhere.
  new = path.with_name(f'.{path.name}.{os.getpid()}-{secrets.token_hex(4)}')
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    yield new
    os.replace(new, path)
  except OSError as error:
    raise unwritable(path, error) from None
  finally:
    with contextlib.suppress(OSError):
      new.unlink()


def unwritable(path: pathlib.Path, error: OSError) -> UserError:
  """What to say of a file that could not be written."""
  kind = DiskFullError if is_full(error) else UserError
  return kind(f'{path}: cannot be written: {error.strerror or error}')


def is_full(error: OSError) -> bool:
  """Whether the disk, or what a user may have of it, is full."""
  return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def keep(path: pathlib.Path) -> None:
  """Waits until a file, and that it stands where it does, would outlive a power cut."""
  for one in (path, path.parent):
    handle = os.open(one, os.O_RDONLY)
    try:
      with contextlib.suppress(OSError):  # folders of some systems
        os.fsync(handle)
    finally:
      os.close(handle)


@contextlib.contextmanager
def locked(path: pathlib.Path, busy: str = '') -> Iterator[None]:
  """Lets one process at a time past; the system takes the lock off one that is killed.

  On a file system without locks, or on Windows, everyone passes, which a line on standard error
  says.

  Args:
    path: the file to lock. It stays: to remove it would give the next two processes a lock each.
    busy: the error where another process is past; '' waits for it.

  Raises:
    UserError: another process is past, and ``busy`` says so.
    OSError: the file cannot be made.
  """
  # Not through a link, and nothing is cut off: it may lie in a folder that others can write.
  handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, 'O_NOFOLLOW', 0), 0o666)
  with open(handle, 'r+') as file:
    try:
      import fcntl  # not on Windows

      fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
    except BlockingIOError:
      raise UserError(busy) from None
    except (ImportError, OSError) as error:
      print(f'{path.parent}: others cannot be kept out here: {error}', file=sys.stderr)
    yield


def keep_to_owner() -> None:
  """What this process writes from now on only this user can open, or whom MEDJAX_UMASK lets.

  Run folders hold predictions of patients, and the cache prepared images.

  Raises:
    UserError: MEDJAX_UMASK is no mask of three octal digits.
  """
  given = os.environ.get('MEDJAX_UMASK', '077')
  if not re.fullmatch('0?[0-7]{3}', given):
    raise UserError(f'MEDJAX_UMASK={given!r}: expected three octal digits, such as 027')
  os.umask(os.umask(0o077) | int(given, 8))


def make_own(folder: pathlib.Path) -> None:
  """Makes a folder, and those above it that are not there, that only this user can look into.

  Folders that are there stay as they are.

  Raises:
    OSError: it cannot be made.
  """
  lacking = [one for one in (folder, *folder.parents) if not one.exists()]
  for one in reversed(lacking):
    one.mkdir(mode=0o700, exist_ok=True)
  if not lacking:
    folder.mkdir(exist_ok=True)  # which fails where it is a file


def make_private(folder: pathlib.Path) -> None:
  """Makes a folder whose files are run as code, or sees that nobody else can change them.

  Raises:
    UserError: it is another user's, or others can write in it.
    OSError: it cannot be made.
  """
  make_own(folder)
  require_own(folder)


def require_own(path: pathlib.Path) -> None:
  """Sees that nobody else can change what is run as code; errors as of ``make_private``."""
  if not hasattr(os, 'getuid'):  # Windows, where a user's folders are the user's own
    return
  found = path.stat()
  if found.st_uid not in (os.getuid(), 0):
    raise UserError(f'{path}: belongs to another user, whose code it may hold')
  if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
    expected = 'a folder' if path.is_dir() else 'a file'
    raise UserError(f'{path}: others can write code there; expected {expected} of your own (0700)')


def digest(path: pathlib.Path) -> str:
  """'sha256:' and 64 hexadecimal digits, of the bytes of a file.

  Raises:
    OSError: it cannot be read.
  """
  with open(path, 'rb') as file:
    return f'sha256:{hashlib.file_digest(file, "sha256").hexdigest()}'
