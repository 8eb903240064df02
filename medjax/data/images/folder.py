"""A folder of images: a table ``labels.csv`` beside them, or one sub-folder a class."""

import concurrent.futures
import hashlib
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from medjax.data import labels as labels_lib
from medjax.data import split, tables
from medjax.data.images import decode
from medjax.data.images.prepare import Record, Source
from medjax.errors import UserError

# What spreadsheets and data frames write where there is no value.
_MISSING = {'', 'nan', 'na', 'n/a', 'null', 'none'}


def load(
  folder: pathlib.Path,
  *,
  file_column: str,
  label_column: str,
  group_column: str,
  split_column: str,
  positive: str,
  seed: int,
  allow_group_overlap: bool,
) -> Source:
  """Reads the table or the sub-folders of ``folder``; images are read later.

  A column is found by its name, or else by its name but for case.

  Args:
    folder: holds ``labels.csv``, or class sub-folders, or train/val/test folders of those. Files
      named in the table are looked for in ``folder`` and in ``folder/images``.
    file_column: column with the image's path.
    label_column: column with the class.
    group_column: column with the patient; may be missing when it is the default; '' for none.
    split_column: column with train, val or test; may be missing when it is the default; '' to draw
      splits whatever the table says.
    positive: the positive one of two classes; '' to tell it from the names.
    seed: draws the split where none is given.
    allow_group_overlap: accept a patient in two splits.

  Returns:
    The source, its splits complete.

  Raises:
    UserError: one line that names the file, row or column and what was expected.
  """
  if not os.path.isdir(folder):  # unlike Path.is_dir, also answers for a name that is too long
    raise UserError(f'config.data.source={folder}: no such folder; expected a folder of images')
  table = folder / 'labels.csv'
  if table.exists():
    rows, notes, origin = _read_table(table, file_column, label_column, group_column, split_column)
  else:
    rows, notes, origin = _read_subfolders(folder)
  digests = _digests([row['path'] for row in rows])
  if not any(row['group'] for row in rows):
    notes.append('no patient column: every image counts as its own patient')
  # Identical files go to one split even where nothing says that they are one patient's.
  groups = [row['group'] or digest for row, digest in zip(rows, digests, strict=True)]
  labels = [row['label'] for row in rows]
  classes = labels_lib.class_names(labels, positive, table if table.exists() else folder)
  given = [row['split'] for row in rows]
  if any(row['group'] for row in rows):
    notes += split.check_groups(groups, given, allow_group_overlap)
  splits, more = split.assign(labels, groups, given, seed, origin)
  notes += more + _duplicates(digests, splits)
  if len(classes) == 2:
    notes.append(f'positive class: {classes[1]}')
  records = [
    Record(row['id'], where, group, _reader(row))
    for row, where, group in zip(rows, splits, groups, strict=True)
  ]
  content = hashlib.blake2b(digest_size=16)
  for row, digest, where, group in zip(rows, digests, splits, groups, strict=True):
    for part in (row['id'], row['label'], digest, where, group, repr(row['metadata'])):
      content.update(part.encode() + b'\0')
  name = _readable(folder.resolve().name)
  return Source(name, records, classes, content.hexdigest(), notes=tuple(notes))


def _reader(row: dict[str, Any]) -> Any:
  def read(size: int, channels: int) -> tuple[np.ndarray, str, dict[str, str]]:
    return decode.decode(row['path'], size, channels), row['label'], row['metadata']

  return read


def _read_table(
  table: pathlib.Path, file_column: str, label_column: str, group_column: str, split_column: str
) -> tuple[list[dict[str, Any]], list[str], str]:
  """Rows of the table, notes for the user, and what gives the splits."""
  try:
    text = table.read_bytes().decode('utf-8-sig')
  except (OSError, UnicodeDecodeError) as error:
    raise UserError(f'{table}: cannot be read as UTF-8 text: {error}') from None
  if not text.strip():
    raise UserError(f'{table}: is empty; expected a header with {file_column},{label_column}')
  header, lines = tables.parse(text, table)
  file = tables.column(table, header, file_column)
  label = tables.column(table, header, label_column)
  group = tables.column(table, header, group_column, optional=group_column in ('', 'patient'))
  given = tables.column(table, header, split_column, optional=split_column in ('', 'split'))
  taken = {file: file_column, label: label_column, group: group_column, given: split_column}
  notes = [
    f'column {name!r} is taken for {as_!r}' for name, as_ in taken.items() if name not in ('', as_)
  ]
  rows: list[dict[str, Any]] = []
  seen: dict[str, int] = {}
  for line, cells in lines:
    where = f'{table} row {line}'
    name = cells[file]
    if not name:
      raise UserError(f'{where}: {file} is empty; leave the row out or fill it in')
    if cells[label].lower() in _MISSING:
      found = f'is {cells[label]!r}, a missing value' if cells[label] else 'is empty'
      raise UserError(f'{where}: {label} {found}; leave the row out or name its class')
    if name in seen:
      raise UserError(
        f'{where}: {_short(name)} was already in row {seen[name]}; expected each file once'
      )
    seen[name] = line
    rows.append(
      {
        'id': name,
        'path': _find(table.parent, name, where, file),
        'label': cells[label],
        'group': cells[group] if group and cells[group].lower() not in _MISSING else '',
        'split': split.canonical(cells[given], where) if given and cells[given] else '',
        'metadata': {k: v for k, v in cells.items() if not k or k not in taken},
      }
    )
  if not rows:
    raise UserError(f'{table}: has a header and no rows')
  grouped = [row for row in rows if row['group']]
  if grouped and len(grouped) < len(rows):
    missing = next(row['id'] for row in rows if not row['group'])
    raise UserError(f'{table}: {missing} has no {group}; expected one in every row or in none')
  return rows, notes, f'column {given!r} of {table}'


def _find(folder: pathlib.Path, name: str, where: str, column: str) -> pathlib.Path:
  for spelled in (name, name.replace('\\', '/')):  # tables are made on Windows too
    for path in (folder / spelled, folder / 'images' / spelled):
      if os.path.isfile(path):  # unlike Path.is_file, also answers for a name that is too long
        return path
  raise UserError(
    f'{where}: {_short(name)} is neither in {folder} nor in {folder / "images"}; expected an image '
    f'in column {column!r}'
  )


def _short(text: str) -> str:
  """At most 80 characters in one line."""
  text = ' '.join(text.split())
  return text if len(text) <= 80 else f'{text[:77]}...'


def _read_subfolders(folder: pathlib.Path) -> tuple[list[dict[str, Any]], list[str], str]:
  """One row an image, notes for the user, and what gives the splits."""
  tops = _folders(folder)
  splits = {p: split._NAMES[p.name.lower()] for p in tops if p.name.lower() in split._NAMES}
  notes = []
  # A class may be called 'valid': next to other classes and without 'train' it is no split.
  if 'train' in splits.values() or len(splits) == len(tops):
    parents = list(splits.items())
    others = ', '.join(_readable(p.name) for p in tops if p not in splits)
    if others:
      notes.append(f'folders left out, which name no split: {others}')
  else:
    parents = [(folder, '')]
  rows: list[dict[str, Any]] = [
    {
      'id': _readable(path.relative_to(folder).as_posix()),
      'path': path,
      'label': _readable(sub.name),
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
      if path.suffix.lower() in decode.SUFFIXES and path.is_file() and not name.startswith('.'):
        yield path
    below = {name: pathlib.Path(parent, name).resolve() for name in sorted(folders)}
    folders.clear()
    for name, real in below.items():
      # A link upwards would bring in the other classes, a second way to a folder its images twice.
      if real not in seen and not root.is_relative_to(real):
        seen.add(real)
        folders.append(name)


def _readable(name: str) -> str:
  """A file name as valid text: bytes in it that are not UTF-8 become escapes."""
  return name.encode(errors='backslashreplace').decode()


def _folders(parent: pathlib.Path) -> list[pathlib.Path]:
  """Sub-folders, without what macOS leaves in archives."""
  return sorted(
    p for p in parent.iterdir() if p.is_dir() and not p.name.startswith(('.', '__MACOSX'))
  )


def _digests(paths: Sequence[os.PathLike[str]]) -> list[str]:
  """Digest of each file's bytes."""

  def digest(path: os.PathLike[str]) -> str:
    try:
      with open(path, 'rb') as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
      raise UserError(f'{path}: cannot be read: {error.strerror}') from None

  with concurrent.futures.ThreadPoolExecutor() as pool:
    return list(pool.map(digest, paths))


def _duplicates(digests: Sequence[str], splits: Sequence[str]) -> list[str]:
  """A note when the same file stands in two splits under different patients."""
  where: dict[str, set[str]] = {}
  for digest, name in zip(digests, splits, strict=True):
    where.setdefault(digest, set()).add(name)
  shared = sum(len(names) > 1 for names in where.values())
  return [f'LEAK: {shared} identical images are in more than one split'] if shared else []
