"""Image files that a user names, and all files of folders; read when they are asked for."""

import os
import pathlib
from collections.abc import Iterator, Sequence

from medjax.data.images import decode
from medjax.data.images.messages import one_line
from medjax.data.modality import Case, opened
from medjax.errors import UserError


def find(names: Sequence[str], size: int, channels: int) -> list[Case]:
  """Files by name, and every file of folders: what is no image becomes a case that says so.

  Files named outright come as they are, also when they are missing: loading them says so. Hidden
  files of folders are passed over.

  Args:
    names: files and folders.
    size: height and width in pixels that the network sees.
    channels: 1 or 3.
  """

  def case(name: str) -> Case:
    return Case(name, lambda: {'image': decode.decode(name, size, channels)})

  def cases(name: str) -> list[Case]:
    if not os.path.isdir(name):
      return [case(name)]
    return [case(str(path)) for path in sorted(walk(pathlib.Path(name)))]

  return opened(names, cases)


def walk(folder: pathlib.Path) -> Iterator[pathlib.Path]:
  """All files anywhere below a folder, through symbolic links too, but for hidden ones.

  Raises:
    UserError: a folder cannot be read.
  """

  def fail(error: OSError) -> None:
    raise UserError(f'{one_line(str(error.filename))}: cannot be read: {error.strerror}')

  root = folder.resolve()
  seen = {root}
  for parent, folders, names in os.walk(folder, onerror=fail, followlinks=True):
    yield from (pathlib.Path(parent, name) for name in names if not _hidden(name))
    below = {name: pathlib.Path(parent, name).resolve() for name in sorted(folders)}
    folders.clear()
    for name, real in below.items():
      # A link upwards would bring in what lies beside, a second way to a folder its files twice.
      if not _hidden(name) and real not in seen and not root.is_relative_to(real):
        seen.add(real)
        folders.append(name)


def folders(parent: pathlib.Path) -> list[pathlib.Path]:
  """Sub-folders, without hidden ones."""
  return sorted(path for path in parent.iterdir() if path.is_dir() and not _hidden(path.name))


def _hidden(name: str) -> bool:
  """Also what macOS leaves in archives."""
  return name.startswith(('.', '__MACOSX'))
