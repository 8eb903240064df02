"""Files of a source, in a folder or in an encrypted set: readers see the same names in both.

An encrypted set is a folder too. Once it is open, paths below it are those of the files that were
encrypted: nothing of that name is on the disk, and what is read is decrypted in memory. All readers
of data ask here, so that every kind of data can be encrypted.
"""

import contextlib
import io
import logging
import os
import pathlib
from collections.abc import Iterator, Sequence

from medjax.security import manifest, memory, seen
from medjax.security import vault as vaults
from medjax.security.vault import Vault

_open: dict[str, Vault] = {}
"""Sets by their absolute path."""


def source(name: str | os.PathLike[str]) -> pathlib.Path:
  """The path that a setting names, with '~' resolved; an encrypted set is opened.

  A set of a single file stands for that file; a path below a set is that of a file in it.

  Raises:
    UserError: the set cannot be read.
    TamperedError: an encrypted set was there, and is not any more.
    RuntimeError: '~name' is of nobody here.

  Example:
    >>> source('patients.csv')
    PosixPath('patients.csv')
  """
  path = pathlib.Path(name).expanduser()
  root = _set_of(path)
  if root is None:
    if path.exists():
      seen.require_unknown(path, *path.parents)
    return path
  found = vault(root)
  if root == path and found is not None and found.contents.is_file:
    return path / next(iter(found.contents.sizes))
  return path


def is_encrypted(name: str | os.PathLike[str]) -> bool:
  """Whether a path is an encrypted set, or lies in one; it is not opened."""
  try:
    return _set_of(pathlib.Path(name).expanduser()) is not None
  except RuntimeError:  # '~name' of nobody here
    return False


def _set_of(path: pathlib.Path) -> pathlib.Path | None:
  """The encrypted set that a path is or lies in."""
  return next((one for one in (path, *path.parents) if manifest.is_vault(one)), None)


def vault(path: str | os.PathLike[str]) -> Vault | None:
  """The encrypted set that a path is, opened if need be; None for other paths.

  Raises:
    UserError: it cannot be read.
  """
  place = os.path.abspath(path)
  if place not in _open:
    if not manifest.is_vault(pathlib.Path(place)):
      return None
    _open[place] = vaults.opened(pathlib.Path(path))
    if _open[place].manifest.stale:
      logging.warning('%s: somebody who was revoked has had its key; rotate it', path)
  return _open[place]


def within(path: str | os.PathLike[str]) -> tuple[Vault, str] | None:
  """The open set in which a path lies and its name there, '' for the set itself; None outside."""
  if not _open:
    return None
  place = os.path.abspath(path)
  for root, found in _open.items():
    if place == root:
      return found, ''
    if place.startswith(root + os.sep):
      return found, place[len(root) + 1 :].replace(os.sep, '/')
  return None


def vault_of(path: str | os.PathLike[str]) -> Vault | None:
  """The open set in which a path lies; None outside."""
  inside = within(path)
  return inside[0] if inside else None


def is_file(path: str | os.PathLike[str]) -> bool:
  """As ``os.path.isfile``."""
  inside = within(path)
  return os.path.isfile(path) if inside is None else inside[1] in inside[0].contents.sizes


def is_folder(path: str | os.PathLike[str]) -> bool:
  """As ``os.path.isdir``."""
  inside = within(path)
  return os.path.isdir(path) if inside is None else inside[1] in inside[0].folders


def exists(path: str | os.PathLike[str]) -> bool:
  """As ``os.path.exists``."""
  return os.path.exists(path) if within(path) is None else is_file(path) or is_folder(path)


def names(folder: str | os.PathLike[str]) -> list[str]:
  """As ``os.listdir``."""
  inside = within(folder)
  if inside is None:
    return os.listdir(folder)
  return list(inside[0].folders.get(inside[1], []))


def below(folder: pathlib.Path) -> Iterator[pathlib.Path]:
  """As ``Path.iterdir``."""
  return (folder / name for name in names(folder))


def size(path: str | os.PathLike[str]) -> int:
  """Bytes of a file.

  Raises:
    OSError: there is no such file.
  """
  inside = within(path)
  if inside is None:
    return os.stat(path).st_size
  found = inside[0].contents.sizes.get(inside[1])
  if found is None:
    raise FileNotFoundError(2, 'No such file or directory', str(path))
  return found


def same(path: str | os.PathLike[str]) -> object:
  """What is the same for all spellings of a file's path.

  Raises:
    OSError: there is no such file.
  """
  if within(path) is not None:
    return os.path.abspath(path)
  found = os.stat(path)
  # Some file systems have no numbers of files.
  return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)


def open_file(path: str | os.PathLike[str]) -> io.BufferedReader | io.BytesIO:
  """As ``open(path, 'rb')``; of an encrypted file all of it is in memory.

  Raises:
    OSError: it is not there, or cannot be read.
    TamperedError: it is not what was encrypted.
  """
  inside = within(path)
  return open(path, 'rb') if inside is None else io.BytesIO(inside[0].read(inside[1]))


def read_bytes(path: str | os.PathLike[str]) -> bytes:
  """All of a file; raises as ``open_file``."""
  with open_file(path) as file:
    return file.read()


@contextlib.contextmanager
def on_a_path(path: pathlib.Path, names: Sequence[str]) -> Iterator[pathlib.Path]:
  """A path for libraries that open files by their names: of encrypted files, one in memory.

  Args:
    path: of a file, or what several names have in common.
    names: files beside it that are opened.

  Raises:
    UserError: there is no folder in memory here.
    OSError: a file is not there.
  """
  if within(path) is None:
    yield path
    return
  with memory.folder('decrypted') as folder:
    for name in names:
      (folder / name).write_bytes(read_bytes(path.with_name(name)))
    yield folder / path.name
