"""Folders that are in memory alone, and are gone when their process is (Linux)."""

import contextlib
import os
import pathlib
import subprocess
import tempfile
from collections.abc import Iterator

from medjax.errors import UserError
from medjax.security import private_files

_VARIABLE = 'MEDJAX_MEMORY'
_IN_MEMORY = ('tmpfs', 'ramfs')


@contextlib.contextmanager
def folder(name: str) -> Iterator[pathlib.Path]:
  """A new, empty folder of that name in memory, which only this user can open.

  It is removed at the end; where the process is killed, by another one that waits for that.

  Raises:
    UserError: there is no file system in memory here.

  Example:
    >>> with folder('runs') as path:                               # doctest: +SKIP
    ...   (path / 'report.html').write_text(page)
  """
  base = _base()
  own = base / f'medjax-{os.getuid()}'
  if own.is_symlink():  # of somebody who can write there as well
    raise UserError(f'{own}: is a link; expected a folder of your own, or {_VARIABLE} to name one')
  private_files.make_folder(own)
  above = pathlib.Path(tempfile.mkdtemp(dir=own))
  guard = _guard(above)
  try:
    made = above / name
    made.mkdir(mode=private_files.FOLDER)
    yield made
  finally:
    assert guard.stdin is not None
    guard.stdin.close()  # which it waits for
    guard.wait()


def _guard(path: pathlib.Path) -> 'subprocess.Popen[bytes]':
  """Removes a folder when this process ends, however it does, or closes the guard's input."""
  command = ['/bin/sh', '-c', 'cat >/dev/null; rm -rf -- "$0"', str(path)]
  return subprocess.Popen(
    command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
  )


def _base() -> pathlib.Path:
  given = os.environ.get(_VARIABLE)
  run = os.environ.get('XDG_RUNTIME_DIR', '')
  for path in [given] if given else ['/dev/shm', run]:
    if path and os.access(path, os.W_OK) and _kind(path) in _IN_MEMORY:
      return pathlib.Path(path)
  raise UserError(
    f'{given or "/dev/shm"}: is no folder in memory (tmpfs), where the files of an encrypted run '
    f'can be while it is at work; expected {_VARIABLE} to name one'
  )


def _kind(path: str) -> str:
  """The file system that holds a folder; '' where that cannot be told."""
  try:
    mounts = pathlib.Path('/proc/self/mounts').read_text().splitlines()
  except OSError:
    return ''
  real, best, kind = os.path.realpath(path), '', ''
  for line in mounts:
    _, point, system, *_ = line.split(' ')
    point = point.encode().decode('unicode_escape')  # a space is \\040 there
    inside = pathlib.PurePath(real).is_relative_to(point)
    if inside and len(point) >= len(best):
      best, kind = point, system
  return kind
