"""A folder of images: a table ``labels.csv`` beside them, or one sub-folder a class."""

import concurrent.futures
import csv
import hashlib
import io
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax.config import nearest
from medjax.data import decode, split
from medjax.data.prepare import Record, Source
from medjax.errors import UserError

SUFFIXES = {'.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.gif', '.webp', '.pgm', '.ppm'}
# Names of the class that means "nothing found"; of two classes the other is the positive one.
_NEGATIVE = {
  '0', '0.0', 'false', 'no', 'none', 'negative', 'neg', 'normal', 'normals', 'healthy', 'control',
  'controls', 'benign', 'clean', 'absent', 'no finding', 'no findings', 'no_finding', 'no_findings',
  'no cancer', 'non-cancer', 'noncancer', 'no_cancer', 'no tumor', 'no tumour', 'no_tumor',
}  # fmt: skip


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
  if not folder.is_dir():
    raise UserError(f'config.data.source={folder}: no such folder; expected a folder of images')
  table = folder / 'labels.csv'
  if table.exists():
    rows = _read_table(table, file_column, label_column, group_column, split_column)
  else:
    rows = _read_subfolders(folder)
  digests = _digests([row['path'] for row in rows])
  notes = []
  if not any(row['group'] for row in rows):
    notes.append('no patient column: every image counts as its own patient')
  # Identical files go to one split even where nothing says that they are one patient's.
  groups = [row['group'] or digest for row, digest in zip(rows, digests, strict=True)]
  labels = [row['label'] for row in rows]
  classes = _classes(labels, positive, table if table.exists() else folder)
  given = [row['split'] for row in rows]
  if any(row['group'] for row in rows):
    notes += split.check_groups(groups, given, allow_group_overlap)
  splits, more = split.assign(labels, groups, given, seed)
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
  return Source(folder.resolve().name, records, classes, content.hexdigest(), notes=tuple(notes))


def _reader(row: dict[str, Any]) -> Any:
  def read(size: int, channels: int) -> tuple[np.ndarray, str, dict[str, str]]:
    return decode.decode(row['path'], size, channels), row['label'], row['metadata']

  return read


def _read_table(
  table: pathlib.Path, file_column: str, label_column: str, group_column: str, split_column: str
) -> list[dict[str, Any]]:
  try:
    text = table.read_bytes().decode('utf-8-sig')
  except (OSError, UnicodeDecodeError) as error:
    raise UserError(f'{table}: cannot be read as UTF-8 text: {error}') from None
  if not text.strip():
    raise UserError(f'{table}: is empty; expected a header with {file_column},{label_column}')
  delimiter = max(',;\t', key=text.splitlines()[0].count)
  # StringIO keeps line breaks as they are: a quoted cell may hold some.
  lines = io.StringIO(text, newline='')
  reader = csv.DictReader(lines, delimiter=delimiter, skipinitialspace=True)
  header = [name.strip() for name in reader.fieldnames or []]
  reader.fieldnames = header
  for column, needed in [
    (file_column, True),
    (label_column, True),
    (group_column, group_column not in ('', 'patient')),
    (split_column, split_column not in ('', 'split')),
  ]:
    if needed and column not in header:
      raise UserError(
        f'{table}: no column {column!r}{nearest(column, header)} (it has {", ".join(header)})'
      )
  known = {file_column, label_column, group_column, split_column}
  rows: list[dict[str, Any]] = []
  seen: dict[str, int] = {}
  for cells in reader:
    where = f'{table} row {reader.line_num}'
    if None in cells or None in cells.values():
      raise UserError(f'{where}: expected {len(header)} cells, as in the header')
    cells = {name: value.strip() for name, value in cells.items()}
    name, label = cells[file_column], cells[label_column]
    if not name or not label:
      empty = file_column if not name else label_column
      raise UserError(f'{where}: {empty} is empty; leave the row out or fill it in')
    if name in seen:
      raise UserError(f'{where}: {name} was already in row {seen[name]}; expected each file once')
    seen[name] = reader.line_num
    given = cells.get(split_column, '')
    rows.append(
      {
        'id': name,
        'path': _find(table.parent, name, where),
        'label': label,
        'group': cells.get(group_column, ''),
        'split': split.canonical(given, where) if given else '',
        'metadata': {k: v for k, v in cells.items() if k not in known},
      }
    )
  if not rows:
    raise UserError(f'{table}: has a header and no rows')
  grouped = [row for row in rows if row['group']]
  if grouped and len(grouped) < len(rows):
    missing = next(row['id'] for row in rows if not row['group'])
    raise UserError(
      f'{table}: {missing} has no {group_column}; expected one in every row or in none'
    )
  return rows


def _find(folder: pathlib.Path, name: str, where: str) -> pathlib.Path:
  for spelled in (name, name.replace('\\', '/')):  # tables are made on Windows too
    for path in (folder / spelled, folder / 'images' / spelled):
      if path.is_file():
        return path
  raise UserError(f'{where}: {name} is neither in {folder} nor in {folder / "images"}')


def _read_subfolders(folder: pathlib.Path) -> list[dict[str, Any]]:
  tops = _folders(folder)
  splits = {p: split._NAMES[p.name.lower()] for p in tops if p.name.lower() in split._NAMES}
  parents = list(splits.items()) if splits else [(folder, '')]
  rows = []
  for parent, where in parents:
    for sub in _folders(parent):
      for path in sorted(sub.rglob('*')):
        hidden = path.name.startswith('.')
        if path.suffix.lower() in SUFFIXES and path.is_file() and not hidden:
          name = path.relative_to(folder).as_posix()
          rows.append(
            {
              'id': name,
              'path': path,
              'label': sub.name,
              'group': '',
              'split': where,
              'metadata': {},
            }
          )
  if not rows:
    raise UserError(f'{folder}: expected labels.csv or one sub-folder of images for each class')
  return rows


def _folders(parent: pathlib.Path) -> list[pathlib.Path]:
  """Sub-folders, without what macOS leaves in archives."""
  return sorted(
    p for p in parent.iterdir() if p.is_dir() and not p.name.startswith(('.', '__MACOSX'))
  )


def _classes(labels: Sequence[str], positive: str, where: pathlib.Path) -> tuple[str, ...]:
  """Class names in label order."""
  try:  # numbers in their own order, so that 10 comes after 9
    names = sorted(set(labels), key=float)
  except ValueError:
    names = sorted(set(labels))
  if len(names) < 2:
    raise UserError(f'{where}: every example is {names[0]!r}; expected at least two classes')
  if len(names) > 1000:
    raise UserError(f'{where}: {len(names)} different labels; expected classes, at most 1000')
  if positive:
    if len(names) != 2 or positive not in names:
      close = nearest(positive, names)
      raise UserError(f'config.data.positive={positive}: expected one of two classes{close}')
    names.sort(key=lambda name: name == positive)
  elif len(names) == 2 and names[1].lower() in _NEGATIVE:
    names.reverse()
  return tuple(names)


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
