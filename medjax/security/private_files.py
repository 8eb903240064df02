"""Files that survive a loss of power whole, and folders that only their owner sees."""

import os
import pathlib

from medjax import files
from medjax.errors import UserError

FOLDER = 0o700
FILE = 0o600


def write(path: pathlib.Path, content: bytes, mode: int = 0o666) -> None:
  """Puts a file in place of the old one, all of it and on the disk, or leaves the old one.

  Args:
    path: the file; its folder is there.
    content: its bytes.
    mode: of the file, from which the process's mask takes.

  Raises:
    UserError: it cannot be written.
  """
  with files.replacing(path) as new:
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, 'O_NOFOLLOW', 0), mode)
    with open(handle, 'wb') as file:
      file.write(content)
      file.flush()
      os.fsync(file.fileno())
  sync_folder(path.parent)


def sync_folder(folder: pathlib.Path) -> None:
  """Has the names in a folder on the disk (not on Windows, which does so by itself)."""
  if os.name == 'nt':
    return
  handle = os.open(folder, os.O_RDONLY)
  try:
    os.fsync(handle)
  finally:
    os.close(handle)


def make_folder(folder: pathlib.Path) -> pathlib.Path:
  """A folder of one's own (0700), made if need be.

  Raises:
    UserError: it cannot be made, or others can see into it.
  """
  try:
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER)
    require_private(folder)
  except OSError as error:
    raise files.unwritable(folder, error) from None
  return folder


def require_private(path: pathlib.Path) -> None:
  """Sees that only the owner can read and change a file or folder.

  Raises:
    UserError: others can, or it belongs to another user.
    OSError: it is not there.
  """
  if not hasattr(os, 'getuid'):  # Windows, where a user's folders are the user's own
    return
  found = path.stat()
  if found.st_uid != os.getuid():
    raise UserError(f'{path}: belongs to another user; expected one of your own')
  if found.st_mode & 0o077:
    wanted = '0700' if path.is_dir() else '0600'
    raise UserError(f'{path}: others can open it; expected chmod {wanted[1:]} {path}')
