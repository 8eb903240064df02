"""Image files that a user names, and all files of folders; read when they are asked for."""

import dataclasses
import os
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from medjax.data import received, source_files
from medjax.data.images import contents, decode
from medjax.data.images.contents import Content
from medjax.data.images.messages import one_line
from medjax.data.images.options import Options
from medjax.data.images.resize import Picture, from_square, to_square
from medjax.data.modality import Case, opened
from medjax.errors import UserError

_USUAL = Options()


def find(names: Sequence[str], size: int, channels: int, options: Options = _USUAL) -> list[Case]:
  """Files by name, and every file of folders: what is no image becomes a case that says so.

  Files named outright come as they are, also when they are missing: loading them says so. Hidden
  files of folders are passed over.

  Args:
    names: files and folders.
    size: height and width in pixels that the network sees.
    channels: 1 or 3.
    options: how files become pictures; one of which several are taken is several cases.
  """

  def of_file(name: str) -> list[Case]:
    try:
      held = contents.of(name, options)
    except UserError:  # reading it says the same, at its place among the others
      held = Content()
    received.require_cases(len(held.places))
    return [case(name, suffix, place, held.note) for suffix, place in held.places]

  def case(name: str, suffix: str, place: int, note: str) -> Case:
    found: list[Picture] = []
    sent = received.content(name)
    file = name if sent is None else sent

    def load() -> dict[str, np.ndarray]:
      picture = decode.picture(file, size, name, place=place, options=options)
      pixels = to_square(picture, size, channels, options.resize)
      # The size is kept, and not the pixels.
      found[:] = [dataclasses.replace(picture, image=Image.new('1', picture.size))]
      return {'image': pixels}

    def restore(mask: np.ndarray) -> np.ndarray:
      return from_square(mask, found[0], options.resize)

    return Case(f'{name}{suffix}', load, note, restore)

  def cases(name: str) -> list[Case]:
    if not received.is_folder(name):
      return of_file(name)
    return [case for path in sorted(walk(pathlib.Path(name))) for case in of_file(str(path))]

  return opened(names, cases)


def walk(folder: pathlib.Path) -> Iterator[pathlib.Path]:
  """All files anywhere below a folder, through symbolic links too, but for hidden ones.

  Raises:
    UserError: a folder cannot be read.
  """

  def fail(error: OSError) -> None:
    raise UserError(f'{one_line(str(error.filename))}: cannot be read: {error.strerror}')

  if source_files.within(folder):
    yield from _walk_encrypted(folder)
    return
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


def _walk_encrypted(folder: pathlib.Path) -> Iterator[pathlib.Path]:
  """As ``walk``, in an encrypted set, which has no links."""
  for path in source_files.below(folder):
    if not _hidden(path.name):
      if source_files.is_folder(path):
        yield from _walk_encrypted(path)
      else:
        yield path


def folders(parent: pathlib.Path) -> list[pathlib.Path]:
  """Sub-folders, without hidden ones."""
  below = source_files.below(parent)
  return sorted(path for path in below if source_files.is_folder(path) and not _hidden(path.name))


def _hidden(name: str) -> bool:
  """Also what macOS leaves in archives."""
  return name.startswith(('.', '__MACOSX'))
