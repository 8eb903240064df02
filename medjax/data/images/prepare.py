"""Makes a data set of labelled images that are stored once, whatever their splits.

Splits select rows of what is stored, so that a fold of a cross-validation decodes and stores
nothing that another one did.
"""

import dataclasses
import hashlib
import pathlib
from typing import Any

import numpy as np

from medjax.data import dataset, examples, labels
from medjax.data.dataset import Selected
from medjax.data.examples import Examples
from medjax.data.images import decode, identical, label_sets, masks
from medjax.data.images.modality import Images
from medjax.data.images.source import Source
from medjax.data.settings import Settings
from medjax.data.split import UNUSED
from medjax.errors import UserError

# Part of every fingerprint: raise it when images become other pixels.
_PIXELS = '3'
_AT_ONCE = 1024  # rows
_NAMED = 10  # images that are left out


def prepare(
  source: Source,
  modality: Images,
  cache: pathlib.Path,
  *,
  settings: Settings | None = None,
) -> dataset.Dataset:
  """The data set of these images, stored if the cache lacks them.

  Args:
    source: examples with their splits.
    modality: how large images are stored, and with how many channels.
    cache: see ``store.rows``.
    settings: draw the splits where records have none, by the labels that are stored; and say
      whether one image may be in two. Without them nothing is drawn, and none is counted once.

  Returns:
    The data set; images are decoded when they are read.

  Raises:
    UserError: see ``store.rows``, splits cannot be drawn, or images that are not simulated are the
      same to the pixel and have different labels, or are in two splits.
    DiskFullError: see there.
  """
  from medjax.data.images import store  # here: TFDS takes half a second to load

  size, channels = modality.height, modality.channels
  share = getattr(settings, 'max_broken', 0.0)
  stored = store.rows(source, modality, cache, max_broken=share)
  read, number, digests = _read(source, stored.rows)
  about: list[Any] = [_PIXELS, source.fingerprint, source.classes, size, channels]
  about += modality.options.unusual
  if settings is not None and (settings.external or not any(read.given)):
    read = read.with_splits(settings)
    about.append(read.split)
  else:
    read = dataclasses.replace(read, split=tuple(read.given))
    # Of other sources the loader of records has done so.
    if source.simulated and settings is not None and settings.train_share < 1:
      read = read.partly(settings)
      about.append(read.split)
  read = _without(read, stored.broken, stored.empty, source)
  if settings is not None and not source.simulated:
    read = _counted_once(read, digests, source, settings.allow_group_overlap)
  read = read.in_order(_shuffled(read))

  def pixels(row: dict[str, Any]) -> dict[str, np.ndarray]:
    return {'image': decode.decode(row['image'], size, channels, dataset._text(row['id']))}

  selected = Selected(stored.rows, [number[name] for name in read.id])
  if source.masks:
    label = masks.decoded(selected, size)
    read = read.noting(*masks.notes(label, read, source.classes))
  else:
    label = (label_sets if source.several else labels).encode(read.text, source.classes)
  return read.to_dataset(
    selected,
    label,
    modality,
    decode=pixels,
    fingerprint=examples.digest(about),
  )


def _read(source: Source, stored: dataset.Readable) -> tuple[Examples, dict[str, int], list[str]]:
  """What is stored beside the pixels, in the source's order; the number of each row by id.

  The third is a digest of the pixels of each: the same picture has one form as PNG.
  """
  rows: list[dict[str, Any]] = []
  digest_of: dict[str, str] = {}
  for first in range(0, len(stored), _AT_ONCE):  # a large set's pixels need not fit in memory
    part = stored.__getitems__(range(first, min(first + _AT_ONCE, len(stored))))
    for row in part:
      digest_of[dataset._text(row['id'])] = hashlib.blake2b(row['image']).hexdigest()
      rows.append({name: value for name, value in row.items() if name != 'image'})
  ids, groups, columns = dataset.columns(rows)
  texts = [_label(row['label'], source) for row in rows]
  number = {name: i for i, name in enumerate(ids.tolist())}
  split_of = {record.id: record.split for record in source.records}
  read = Examples(
    source.name,
    ids.tolist(),
    texts,
    groups.tolist(),
    [split_of[name] for name in ids.tolist()],
    [{name: cells[i] for name, cells in columns.items()} for i in range(len(rows))],
    source.classes,
    simulated=source.simulated,
    strata=_strata(texts, source),
    train_all=not source.several and not source.masks,
    notes=source.notes,
    copies=source.copies,
  ).in_order([number[record.id] for record in source.records if record.id in number])
  return read, number, [digest_of[name] for name in read.id]


def _strata(texts: list[str], source: Source) -> list[str] | None:
  if source.masks:
    return [text.partition(masks.OF)[0] for text in texts]
  return label_sets.strata(texts) if source.several else None


def _label(stored: Any, source: Source) -> str:
  if source.masks:
    return masks.described(stored, source.classes)
  return dataset._text(stored) if source.several else source.classes[stored]


def _without(read: Examples, broken: dict[str, str], empty: list[str], source: Source) -> Examples:
  """The examples with notes on what is left out.

  Args:
    read: those that are left.
    broken: why each image that cannot be read is left out, by id.
    empty: slices in which nothing is to be seen.
    source: of all.

  Raises:
    UserError: without the others a split has no images, or no training image is of some class.
  """
  if not broken and not empty:
    return read
  read = dataclasses.replace(read, unreadable=broken)
  there = set(zip(read.split, read.text, strict=True))
  splits = {record.split for record in source.records if record.split}
  lost = [f'in {name}' for name in sorted(splits.difference(read.split))]
  if read.train_all:
    classes = [name for name in source.classes if ('train', name) not in there]
    lost += [f'of class {name!r} in train' for name in classes]
  if lost:
    first = next(iter(broken.values()), empty[0] if empty else '')
    raise UserError(
      f'{len(broken) + len(empty)} images that cannot be used, the first {first}, leave none '
      f'{" and none ".join(lost)}'
    )
  notes = [f'{len(empty)} slices in which nothing is to be seen are left out'] if empty else []
  if broken:
    notes.append(f'{len(broken)} of {len(source.records)} images cannot be read and are left out:')
    notes += list(broken.values())[:_NAMED]
  if len(broken) > _NAMED:
    notes.append(f'and {len(broken) - _NAMED} more')
  return read.noting(*notes)


def _counted_once(read: Examples, digests: list[str], source: Source, allow: bool) -> Examples:
  """The examples, those that are the same to the pixel once, however their files differ.

  Where nobody can leave images out of the source, all stay.

  Raises:
    UserError: they have different labels and can be left out, or they are in two splits.
  """
  if not identical.copies(digests):
    return read
  problem = identical.labels_differ(read.id, read.text, digests, read.name)
  if problem and source.mendable:
    raise UserError(problem)
  notes = [problem] if problem else []
  # From splits that were drawn copies are left out, whatever these are.
  given_of = {record.id: record.given for record in source.records}
  drawn = ['train' if name == UNUSED else name for name in read.split]
  splits = [given_of[name] for name in read.id] if source.mendable else drawn
  notes += identical.between_splits(read.id, digests, splits, allow)
  read = dataclasses.replace(read, group=identical.groups(read.group, digests))
  kept = identical.once(digests, splits) if source.mendable else range(len(digests))
  if len(kept) < len(digests):
    notes.append(identical.copies_note(read.id, digests, kept))
    copies = {**read.copies, **identical.left_out(read.id, digests, kept)}
    read = dataclasses.replace(read, copies=copies)
  return read.noting(*notes).in_order(kept)


def _shuffled(read: Examples) -> list[int]:
  """Numbers of the examples in the order that TFDS would store each split in, by a hash of names.

  Neighbours in a folder are then not neighbours in a split, whatever else is in the other splits.
  """

  def place(number: int) -> bytes:
    name = read.id[number].replace('\\', '/')
    return hashlib.md5(f'{read.split[number]}{name}'.encode(), usedforsecurity=False).digest()

  return sorted(range(len(read.id)), key=place)
