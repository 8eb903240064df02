"""One sub-folder of images a class, or images in any folders; in train, val and test, or not."""

import pathlib
from collections import Counter
from typing import Any

from medjax.data import source_files, split, text
from medjax.data.images import files, formats
from medjax.data.images.config import NO_LABEL
from medjax.data.images.messages import one_line, readable
from medjax.errors import UserError


def read(folder: pathlib.Path) -> tuple[list[dict[str, Any]], list[str], str]:
  """One row an image, notes for the user, and what gives the splits.

  Folders whose names look alike, in whatever form of Unicode, are one class.

  Raises:
    UserError: there are no images.
  """
  tops = files.folders(folder)
  splits = {p: where for p in tops if (where := split.known(text.clean(p.name)))}
  notes = []
  # A class may be called 'valid': next to other classes and without 'train' it is no split.
  if 'train' in splits.values() or len(splits) == len(tops):
    parents = list(splits.items())
    others = ', '.join(one_line(p.name) for p in tops if p not in splits)
    if others:
      notes.append(f'folders left out, which name no split: {others}')
  else:
    parents = [(folder, '')]
  rows: list[dict[str, Any]] = []
  left = []
  for parent, where in parents:
    left += [path for path in source_files.below(parent) if formats.is_named(path)]
    subs = files.folders(parent)
    for sub in subs:
      label = class_name(sub)
      for path in sorted(files.walk(sub)):
        if not (formats.is_named(path) and source_files.is_file(path)):
          left.append(path)
          continue
        name = readable(path.relative_to(folder).as_posix())
        rows.append(
          {'id': name, 'path': path, 'label': label, 'group': '', 'split': where, 'metadata': {}}
        )
    named = Counter(map(class_name, subs))
    notes += [
      f'{count} folders look alike and are one class: {one_line(name)}'
      for name, count in named.items()
      if count > 1
    ]
  if not rows:
    found = formats.summary(sorted(files.walk(folder))) or 'no files'
    raise UserError(
      f'{folder}: expected labels.csv or one sub-folder of images for each class, in '
      f'{formats.NAMES}; found {found}'
    )
  if left:
    notes.append(f'{len(left)} files left out, which are no images of a class by their names and '
                 f'places: {formats.summary(left)}')  # fmt: skip
  return rows, notes, f'the folders in {folder}'


def unlabelled(folder: pathlib.Path) -> tuple[list[dict[str, Any]], list[str], str]:
  """As ``read``, of images in folders of any names and depth, which say nothing of them.

  Folders ``train``, ``val`` and ``test`` at the top are splits where there are no others.

  Raises:
    UserError: there are no images.
  """
  splits = {path.name: split.known(text.clean(path.name)) for path in files.folders(folder)}
  rows: list[dict[str, Any]] = []
  left = []
  for path in sorted(files.walk(folder)):
    if not (formats.is_named(path) and source_files.is_file(path)):
      left.append(path)
      continue
    inside = path.relative_to(folder)
    where = splits.get(inside.parts[0], '') if all(splits.values()) else ''
    row = {'id': readable(inside.as_posix()), 'path': path, 'label': NO_LABEL}
    rows.append({**row, 'group': '', 'split': where, 'metadata': {}})
  if not rows:
    found = formats.summary(left) or 'no files'
    raise UserError(f'{folder}: expected images in {formats.NAMES}; found {found}')
  notes = []
  if left:
    notes.append(f'{len(left)} files left out, which are no images by their names: '
                 f'{formats.summary(left)}')  # fmt: skip
  return rows, notes, f'the folders in {folder}'


def class_name(folder: pathlib.Path) -> str:
  """The class that a folder is called."""
  return text.clean(readable(folder.name))
