"""A folder of images: a table ``labels.csv`` beside them, or one sub-folder a class."""

import concurrent.futures
import functools
import hashlib
import os
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from medjax.data import labels, patients, source_files
from medjax.data.examples import Examples
from medjax.data.images import (
  bids,
  decode,
  dicom_patients,
  formats,
  identical,
  label_sets,
  labels_table,
  mask_files,
  mask_table,
  pictures,
  subfolders,
)
from medjax.data.images.config import BACKGROUND, NO_LABEL, Config, ImageSettings, MaskConfig
from medjax.data.images.messages import for_all, one_line, readable
from medjax.data.images.options import Options
from medjax.data.images.resize import mask_to_square, to_square
from medjax.data.images.source import Record, Source
from medjax.errors import UserError


def load(
  folder: pathlib.Path, config: Config | MaskConfig, structures: Sequence[str] = ()
) -> Source:
  """Reads the table or the sub-folders of ``folder``; images are read later.

  A file that stands several times, byte by byte, is one image: with two labels, or in two given
  splits, it is refused, and otherwise counted once, with a note.

  Args:
    folder: holds ``labels.csv``, or class sub-folders, or train/val/test folders of those.
    config: names of columns, the positive class, how splits are chosen, and whether one image may
      be in two of them.
    structures: what masks show, where labels are masks; the table then names them.

  Returns:
    The source, its splits complete.

  Raises:
    UserError: names the file, row or column and what was expected.
  """
  _require_folder(folder)
  table = folder / 'labels.csv'
  if isinstance(config, MaskConfig):
    rows, notes, origin = mask_table.read(table, config)
    _name_masks(rows)
  elif source_files.exists(table):
    rows, notes, origin = labels_table.read(table, config, config.label_column)
  else:
    if config.labels == 'several':
      raise UserError(
        f'config.data.labels=several: {table} is missing; expected the findings there'
      )
    read_folders = subfolders.unlabelled if config.labels == 'none' else subfolders.read
    rows, notes, origin = read_folders(folder)
  named = source_files.exists(table)
  where = table if named else folder
  options = Options.of(config)
  begun = _digests([row['path'] for row in rows])
  rows, digests, found = pictures.of_files(rows, begun, options, named=named)
  if not rows:
    raise UserError(f'{folder}: expected images; {found[-1]}')
  in_table = any(row['group'] for row in rows)
  rows, of_headers = dicom_patients.described(rows)
  rows, of_names = bids.subjects(rows)
  rows, digests, left_out, copies = _counted_once(rows, digests, where, config)
  has_patients = any(row['group'] for row in rows)
  if in_table:
    people = len({patients.key(row['group']) for row in rows})
    notes.append(f'{people} patients in {len(rows)} images')
  elif not has_patients:
    each = 'image' if len({row['file'] for row in rows}) == len(rows) else 'file'
    notes.append(f'no patient column: every {each} is taken by itself')
  several = isinstance(config, Config) and config.labels == 'several'
  ids, texts, given = ([row[name] for row in rows] for name in ('id', 'label', 'split'))
  # Folds draw other splits than those that were given; in drawn ones each image is once.
  kept_splits = [''] * len(rows) if config.splits_anew else given
  if not in_table and not config.allow_group_overlap:
    dicom_patients.require_one_split(rows, kept_splits)
  leaks = identical.between_splits(ids, digests, kept_splits, config.allow_group_overlap)
  read = Examples(
    readable(folder.resolve().name),
    ids,
    texts,
    identical.groups([row['group'] or row['file'] for row in rows], digests),
    given,
    [row['metadata'] for row in rows],
    (BACKGROUND, *structures) if isinstance(config, MaskConfig) else _classes(texts, where, config),
    origin=origin,
    known_groups=has_patients,
    strata=_strata(texts, several, bool(structures)),
    train_all=not (several or structures),
    notes=(*notes, *found, *of_headers, *of_names, *left_out, *leaks),
  ).with_splits(config)
  # Digests of patients and studies differ from machine to machine; what they stand for does not.
  groups = read.group if in_table or not has_patients else _numbered(read.group)
  columns = [repr(_but_study(row)) for row in rows]
  return Source(
    read.name,
    [
      Record(row['id'], where, group, _reader(row, options, len(structures)), of)
      for row, where, group, of in zip(rows, read.split, read.group, kept_splits, strict=True)
    ],
    tuple(read.classes),
    _digest(read.id, texts, digests, read.split, groups, columns),
    notes=read.notes,
    content=_digest(read.id, texts, digests, groups, columns),
    several=several,
    copies=copies,
    masks=bool(structures),
    apart=not source_files.within(folder),
  )


def _classes(texts: Sequence[str], where: pathlib.Path, config: Config) -> tuple[str, ...]:
  """Names of the classes: of findings as they were asked for, or else by the alphabet."""
  if config.labels == 'none':
    return (NO_LABEL,)
  if config.labels == 'classes':
    return labels.class_names(
      texts, config.positive, where, joined=config.joined_names, external=config.external
    )
  names = config.findings or label_sets.names(texts)
  if len(names) < 2:
    raise UserError(
      f'{where}: {len(names)} findings ({", ".join(names)}); expected two or more, or '
      'config.data.labels=classes'
    )
  return tuple(names)


def _strata(texts: Sequence[str], several: bool, masks: bool) -> list[str] | None:
  """What drawn splits are alike in; None for the classes themselves."""
  if masks:  # which are not read yet
    return [''] * len(texts)
  return label_sets.strata(texts) if several else None


def _numbered(groups: Sequence[str]) -> list[str]:
  """Groups by their number, in the order in which they first stand there."""
  number: dict[str, int] = {}
  return [str(number.setdefault(group, len(number))) for group in groups]


def _but_study(row: dict[str, Any]) -> dict[str, str]:
  """Metadata without the digest of the study, if it is one."""
  study = row['header'].study if row['header'] else ''
  return {k: v for k, v in row['metadata'].items() if k != 'study' or v != study}


def _require_folder(folder: pathlib.Path) -> None:
  if source_files.is_folder(folder):
    return
  where = f'config.data.source={folder}'
  if not source_files.exists(folder):
    raise UserError(f'{where}: no such folder; expected a folder of images')
  what = formats.kind_of(folder) or 'other'
  raise UserError(
    f'{where}: is no folder but a file ({what}); expected a folder of images in {formats.NAMES}'
  )


def _counted_once(
  rows: list[dict[str, Any]], digests: list[str], where: pathlib.Path, config: ImageSettings
) -> tuple[list[dict[str, Any]], list[str], list[str], dict[str, str]]:
  """Rows and digests without the copies that are on one side of a split, a note and their names.

  Raises:
    UserError: copies have different labels.
  """
  names, texts = [row['id'] for row in rows], [row['label'] for row in rows]
  problem = identical.labels_differ(names, texts, digests, where)
  if problem:
    raise UserError(problem)
  # Folds draw other splits than those that were given.
  kept = identical.once(digests, ['' if config.splits_anew else row['split'] for row in rows])
  if len(kept) == len(rows):
    return rows, digests, [], {}
  note = identical.copies_note(names, digests, kept)
  copies = identical.left_out(names, digests, kept)
  return [rows[number] for number in kept], [digests[number] for number in kept], [note], copies


def _name_masks(rows: list[dict[str, Any]]) -> None:
  """Gives each row a label that is the same for the same mask, byte by byte, and no other."""
  digests = [digest for digest, _ in _digests([row['mask'] for row in rows])]
  first = dict(zip(reversed(digests), reversed([row['label'] for row in rows]), strict=True))
  for row, digest in zip(rows, digests, strict=True):
    row['label'] = f'mask {first[digest]} ({digest[:16]})'


def _reader(row: dict[str, Any], options: Options, structures: int) -> Any:
  if structures:
    return functools.partial(_read_both, row, options, structures)
  return functools.partial(_read, row, options)


def _read(
  row: dict[str, Any], options: Options, size: int, channels: int
) -> tuple[np.ndarray, str, dict[str, str]]:
  pixels = decode.decode(row['path'], size, channels, place=row['place'], options=options)
  return pixels, row['label'], row['metadata']


def _read_both(
  row: dict[str, Any], options: Options, structures: int, size: int, channels: int
) -> tuple[np.ndarray, np.ndarray, dict[str, str]]:
  picture = decode.picture(row['path'], size, place=row['place'], options=options)
  mask = mask_files.read(row['mask'], structures, place=row['place'], axis=options.slice_axis)
  mask_files.require_alike(mask, picture, row['mask'])
  return (
    to_square(picture, size, channels, options.resize),
    mask_to_square(mask, picture, size, options.resize),
    row['metadata'],
  )


def _digest(*columns: Iterable[str]) -> str:
  content = hashlib.blake2b(digest_size=16)
  for parts in zip(*columns, strict=True):
    for part in parts:
      content.update(part.encode() + b'\0')
  return content.hexdigest()


def _digests(paths: Sequence[os.PathLike[str]]) -> list[tuple[str, bytes]]:
  """Digest of each file's bytes, and the first of them.

  Raises:
    UserError: some cannot be read.
  """

  def digest(path: os.PathLike[str]) -> tuple[str, bytes] | UserError:
    try:
      with source_files.open_file(path) as file:
        head = file.read(formats.HEAD)
        file.seek(0)
        content = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
        return content.hexdigest(), head
    except OSError as error:
      return UserError(f'{one_line(str(path))}: cannot be read: {error.strerror}')

  with concurrent.futures.ThreadPoolExecutor() as pool:
    found = list(pool.map(digest, paths))
  errors = [part for part in found if isinstance(part, UserError)]
  if errors:
    raise for_all(errors, 'cannot be read')
  return [part for part in found if not isinstance(part, UserError)]
