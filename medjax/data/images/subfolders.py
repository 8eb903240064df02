"""One sub-folder of images a class, or train, val and test folders of those."""

import os
import pathlib
from collections.abc import Iterator
from typing import Any

from medjax.data import split
from medjax.data.images.decode import SUFFIXES
from medjax.errors import UserError


def read(folder: pathlib.Path) -> tuple[list[dict[str, Any]], list[str], str]:
  """One row an image, notes for the user, and what gives the splits.

  Raises:
    UserError: there are no images.
  """
  tops = _folders(folder)
  splits = {p: split.known(p.name) for p in tops if split.known(p.name)}
  notes = []
  # A class may be called 'valid': next to other classes and without 'train' it is no split.
  if 'train' in splits.values() or len(splits) == len(tops):
    parents = list(splits.items())
    others = ', '.join(readable(p.name) for p in tops if p not in splits)
    if others:
      notes.append(f'folders left out, which name no split: {others}')
  else:
    parents = [(folder, '')]
  rows: list[dict[str, Any]] = [
    {
      'id': readable(path.relative_to(folder).as_posix()),
      'path': path,
      'label': readable(sub.name),
      'group': '',
      'split': where,
      'metadata': {},
    }
    for parent, where in parents
    for sub in _folders(parent)
    for path in sorted(_images(sub))
  ]
  if not rows:
    raise UserError(f'{folder}: expected labels.csv or one sub-folder of images for each class')
  return rows, notes, f'the folders in {folder}'


def _images(folder: pathlib.Path) -> Iterator[pathlib.Path]:
  """Image files anywhere below a class folder, through symbolic links too."""
  root = folder.resolve()
  seen = {root}
  for parent, folders, names in os.walk(folder, followlinks=True):
    for name in names:
      path = pathlib.Path(parent, name)
      if path.suffix.lower() in SUFFIXES and path.is_file() and not name.startswith('.'):
        yield path
    below = {name: pathlib.Path(parent, name).resolve() for name in sorted(folders)}
    folders.clear()
    for name, real in below.items():
      # A link upwards would bring in the other classes, a second way to a folder its images twice.
      if real not in seen and not root.is_relative_to(real):
        seen.add(real)
        folders.append(name)


def readable(name: str) -> str:
  """A file name as valid text: bytes in it that are not UTF-8 become escapes."""
  return name.encode(errors='backslashreplace').decode()


def _folders(parent: pathlib.Path) -> list[pathlib.Path]:
  """Sub-folders, without what macOS leaves in archives."""
  return sorted(
    p for p in parent.iterdir() if p.is_dir() and not p.name.startswith(('.', '__MACOSX'))
  )
