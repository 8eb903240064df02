"""A folder of images: a table ``labels.csv`` beside them, or one sub-folder a class."""

import concurrent.futures
import hashlib
import os
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from medjax.data import labels
from medjax.data.examples import Examples
from medjax.data.images import decode, labels_table, subfolders
from medjax.data.images.config import Config
from medjax.data.images.source import Record, Source
from medjax.errors import UserError


def load(folder: pathlib.Path, config: Config) -> Source:
  """Reads the table or the sub-folders of ``folder``; images are read later.

  Args:
    folder: holds ``labels.csv``, or class sub-folders, or train/val/test folders of those.
    config: names of columns, the positive class, and how splits are chosen.

  Returns:
    The source, its splits complete.

  Raises:
    UserError: one line that names the file, row or column and what was expected.
  """
  if not os.path.isdir(folder):  # unlike Path.is_dir, also answers for a name that is too long
    raise UserError(f'config.data.source={folder}: no such folder; expected a folder of images')
  table = folder / 'labels.csv'
  if table.exists():
    rows, notes, origin = labels_table.read(table, config)
  else:
    rows, notes, origin = subfolders.read(folder)
  digests = _digests([row['path'] for row in rows])
  has_patients = any(row['group'] for row in rows)
  if not has_patients:
    notes.append('no patient column: every image counts as its own patient')
  texts = [row['label'] for row in rows]
  read = Examples(
    subfolders.readable(folder.resolve().name),
    [row['id'] for row in rows],
    texts,
    # Identical files go to one split even where nothing says that they are one patient's.
    [row['group'] or digest for row, digest in zip(rows, digests, strict=True)],
    [row['split'] for row in rows],
    [row['metadata'] for row in rows],
    labels.class_names(texts, config.positive, table if table.exists() else folder),
    origin=origin,
    known_groups=has_patients,
    notes=tuple(notes),
  ).with_splits(config)
  read = read.noting(*_duplicates(digests, read.split))
  return Source(
    read.name,
    [
      Record(row['id'], where, group, _reader(row))
      for row, where, group in zip(rows, read.split, read.group, strict=True)
    ],
    tuple(read.classes),
    _digest(read.id, texts, digests, read.split, read.group, map(repr, read.metadata)),
    notes=read.notes,
    content=_digest(read.id, texts, digests, read.group, map(repr, read.metadata)),
  )


def _reader(row: dict[str, Any]) -> Any:
  def read(size: int, channels: int) -> tuple[np.ndarray, str, dict[str, str]]:
    return decode.decode(row['path'], size, channels), row['label'], row['metadata']

  return read


def _digest(*columns: Iterable[str]) -> str:
  content = hashlib.blake2b(digest_size=16)
  for parts in zip(*columns, strict=True):
    for part in parts:
      content.update(part.encode() + b'\0')
  return content.hexdigest()


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
