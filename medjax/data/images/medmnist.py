"""MedMNIST files (.npz): images and labels of its three splits as arrays.

Yang et al. 2023, MedMNIST v2, https://doi.org/10.1038/s41597-022-01721-8.
"""

import functools
import hashlib
import pathlib
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from medjax.data import labels, source_files, text_file
from medjax.data.examples import Examples
from medjax.data.images import label_sets, limits, medmnist_names
from medjax.data.images.config import Config
from medjax.data.images.options import Options
from medjax.data.images.resize import Picture, to_square
from medjax.data.images.source import Record, Source
from medjax.errors import UserError

_NEVER_TOO_MUCH = 2**24  # bytes that may be packed as well as they can
# What archives and arrays make of damaged bytes; a missing member is a KeyError, and one that is
# encrypted a RuntimeError.
_DAMAGED = (
  OSError, ValueError, EOFError, KeyError, RuntimeError, SyntaxError, TypeError, zipfile.BadZipFile,
  zlib.error,
)  # fmt: skip
_SPLITS = ('train', 'val', 'test')


def load(path: pathlib.Path, config: Config) -> Source:
  """A MedMNIST file as a source, with its own splits; images are read later.

  Labels are one class an image, or a row of 0 and 1 for the classes that it may be of, as in
  ChestMNIST. Grades, as in RetinaMNIST, are taken as classes.

  Args:
    path: the file, with train_images, train_labels, val_... and test_...; images are uint8
      [N, H, W] or [N, H, W, 3], labels integers [N, 1], [N] or [N, classes].
    config: the positive class, and how images become squares.

  Raises:
    UserError: names the file and the array, and what was expected.
  """
  try:
    with source_files.open_file(path) as file, zipfile.ZipFile(file) as archive:
      shapes = {split: _shape(archive, path, f'{split}_images') for split in _SPLITS}
      for split in _SPLITS:
        _shape(archive, path, f'{split}_labels')
  except _DAMAGED as error:
    raise UserError(f'{path}: cannot be read as a MedMNIST file: {error}') from None
  numbers = {split: _labels(path, split, shapes[split][0]) for split in _SPLITS}
  widths = {array.shape[1] for array in numbers.values()}
  if len(widths) > 1:
    raise UserError(f'{path}: labels of the splits have {sorted(widths)} columns; expected one')
  label = np.concatenate(list(numbers.values()))
  given = [split for split in _SPLITS for _ in numbers[split]]
  ids = [f'{split}/{i}' for split in _SPLITS for i in range(len(numbers[split]))]
  of_set = medmnist_names.set_name(path.stem)
  several = label.shape[1] > 1
  texts, classes = _named(label, of_set, config, path)
  notes = []
  if of_set == 'retinamnist':
    notes.append('grades are taken as classes without an order')
  read = Examples(
    path.name,
    ids,
    texts,
    ids,
    given,
    [{}] * len(ids),
    classes,
    origin=str(path),
    known_groups=False,
    strata=label_sets.strata(texts) if several else None,
    train_all=not several,
    notes=(*notes, 'a MedMNIST file names no patients: every image is taken by itself'),
  ).with_splits(config)
  with source_files.open_file(path) as file:
    content = f'sha256:{hashlib.file_digest(file, "sha256").hexdigest()}'
  images = functools.cache(lambda split: _array(path, f'{split}_images'))
  options = Options.of(config)
  starts = dict(zip(_SPLITS, np.cumsum([0, *map(len, numbers.values())]), strict=False))
  return Source(
    read.name,
    [
      Record(
        name,
        where,
        name,
        _reader(images, of, i - int(starts[of]), text, options),
        '' if config.folds else of,
      )
      for i, (name, where, of, text) in enumerate(zip(ids, read.split, given, texts, strict=True))
    ],
    classes,
    f'{content} {config.folds} {config.fold} {config.seed}' if config.folds else content,
    notes=read.notes,
    content=content,
    mendable=False,
    several=several,
  )


def _shape(archive: zipfile.ZipFile, path: pathlib.Path, name: str) -> tuple[int, ...]:
  """Of an array, whose kind is looked at before it is read."""
  if f'{name}.npy' not in archive.namelist():
    found = ', '.join(sorted(n.removesuffix('.npy') for n in archive.namelist())[:8]) or 'nothing'
    raise UserError(f'{path}: has no {name}, as MedMNIST files have; it has {found}')
  with archive.open(f'{name}.npy') as file:
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else (
      np.lib.format.read_array_header_2_0
    )  # fmt: skip
    shape, _, dtype = header(file)
    start = file.tell()
  if name.endswith('_images'):
    _require_images(f'{path}: {name}', shape, dtype)
  about = archive.getinfo(f'{name}.npy')
  held = about.file_size - start
  if held > max(_NEVER_TOO_MUCH, text_file.MOST_TIMES * about.compress_size):
    raise UserError(
      f'{path}: {name} is more than {text_file.MOST_TIMES} times larger than in the file; expected '
      'images'
    )
  if np.prod(shape, dtype=float) * dtype.itemsize != held:
    raise UserError(f'{path}: {name} is cut off: expected {dtype} numbers of {list(shape)}')
  return shape


def _require_images(where: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
  if len(shape) == 5 or (len(shape) == 4 and shape[3] not in (1, 3)):
    raise UserError(
      f'{where} are volumes, {list(shape)}; expected images [N, H, W] or [N, H, W, 3], as no '
      'experiment reads the sets of volumes'
    )
  if len(shape) not in (3, 4) or dtype != np.uint8:
    raise UserError(
      f'{where} are {dtype} numbers of {list(shape)}; expected uint8 of [N, H, W] or [N, H, W, 3]'
    )
  limits.require(where, shape[2], shape[1])


def _array(path: pathlib.Path, name: str) -> Any:
  try:
    with source_files.open_file(path) as file, np.load(file, allow_pickle=False) as arrays:
      return arrays[name]
  except MemoryError:
    raise UserError(f'{path}: {name} is larger than there is memory') from None
  except Exception as error:  # zlib, zipfile and NumPy have many for damaged bytes
    reason = (str(error).splitlines() or [''])[0] or type(error).__name__
    raise UserError(f'{path}: {name} cannot be read: {reason}') from None


def _labels(path: pathlib.Path, split: str, count: int) -> np.ndarray:
  """Labels of a split, integers [N, columns]."""
  found = _array(path, f'{split}_labels')
  label = found[:, None] if found.ndim == 1 else found
  if label.ndim != 2 or not label.shape[1] or len(label) != count or label.dtype.kind not in 'iub':
    raise UserError(
      f'{path}: {split}_labels are {found.dtype} numbers of {list(found.shape)}; expected integers '
      f'of [{count}, 1] or [{count}, classes]'
    )
  low, high = (int(label.min()), int(label.max())) if label.size else (0, 0)
  most = 1 if label.shape[1] > 1 else 999
  if low < 0 or high > most:
    raise UserError(f'{path}: {split}_labels are from {low} to {high}; expected 0 to {most}')
  return label.astype(np.int32)


def _named(
  label: np.ndarray, of_set: str, config: Config, path: pathlib.Path
) -> tuple[list[str], tuple[str, ...]]:
  """The label of each image as a text, and the names of the classes."""
  if label.shape[1] > 1:
    classes = medmnist_names.names(of_set, label.shape[1])
    return [
      label_sets.SEPARATOR.join(classes[i] for i in np.flatnonzero(row)) for row in label
    ], classes
  names = medmnist_names.names(of_set, int(label.max(initial=0)) + 1)
  texts = [names[number] for number in label[:, 0]]
  there = set(texts)
  classes = tuple(name for name in names if name in there)
  if len(classes) < 3:  # of two, it matters which is the positive one
    classes = labels.class_names(
      texts, config.positive, path, joined=True, external=config.external
    )
  return texts, classes


def _reader(
  images: Callable[[str], np.ndarray], split: str, number: int, text: str, options: Options
) -> Callable[[int, int], tuple[np.ndarray, str, dict[str, str]]]:
  def read(size: int, channels: int) -> tuple[np.ndarray, str, dict[str, str]]:
    pixels = images(split)[number]
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)
    return to_square(Picture(image), size, channels, options.resize), text, {}

  return read
