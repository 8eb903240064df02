"""Images in a TFDS data set of ArrayRecord files, keyed by their content, made once."""

import concurrent.futures
import contextlib
import dataclasses
import errno
import functools
import io
import itertools
import json
import os
import pathlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from medjax import files, runtime, sealed
from medjax.data import dataset, examples
from medjax.data.images import decode, packages
from medjax.data.images.messages import EmptySliceError, for_all
from medjax.data.images.modality import Images
from medjax.data.images.source import Record, Source
from medjax.errors import DiskFullError, UserError

# Part of every key: raise it when the stored form changes.
_FORMAT = '4'
_ALL = 'examples'  # what TFDS calls its one split; ours select from it


class MedicalImages(tfds.core.GeneratorBasedBuilder):
  """The stored form: PNG images with label (PNG too, if it is a mask), id, group, and other
  columns as JSON."""

  VERSION = tfds.core.Version('1.0.0')

  def __init__(
    self, source: Source, size: int, channels: int, max_broken: float = 0.0, **kwargs: Any
  ):
    self._source, self._size, self._channels = source, size, channels
    self._max_broken = max_broken
    self.broken: dict[str, str] = {}
    self.empty: list[str] = []
    super().__init__(file_format='array_record', **kwargs)

  def _info(self) -> tfds.core.DatasetInfo:
    features = tfds.features.FeaturesDict(
      {
        'image': tfds.features.Image(
          shape=(self._size, self._size, self._channels), encoding_format='png'
        ),
        'label': self._label(),
        'id': tfds.features.Text(),
        'group': tfds.features.Text(),
        'metadata': tfds.features.Text(),
      }
    )
    return tfds.core.DatasetInfo(
      builder=self, features=features, supervised_keys=('image', 'label')
    )

  def _label(self) -> Any:
    if self._source.masks:
      shape = (self._size, self._size, 1)
      return tfds.features.Image(shape=shape, encoding_format='png')
    if self._source.several:
      return tfds.features.Text()
    return tfds.features.ClassLabel(names=list(self._source.classes))

  def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
    return {_ALL: self._generate_examples()}

  def _generate_examples(self) -> Iterator[tuple[str, dict[str, Any]]]:
    records = iter(self._source.records)

    def store(record: Record) -> dict[str, Any] | UserError:
      try:
        pixels, label, metadata = record.read(self._size, self._channels)
      except packages.MissingPackageError:  # no file of the format can be read
        raise
      except UserError as error:
        return error
      return {
        'image': io.BytesIO(decode.encode(pixels)),
        'label': io.BytesIO(decode.encode(label)) if isinstance(label, np.ndarray) else label,
        'id': record.id,
        'group': record.group,
        'metadata': json.dumps(metadata),
      }

    # Pillow and NumPy let go of the interpreter lock, so threads share the cores; the window
    # bounds how many decoded images wait.
    with concurrent.futures.ThreadPoolExecutor() as pool:
      for chunk in iter(lambda: list(itertools.islice(records, 64)), []):
        for record, made in zip(chunk, pool.map(store, chunk), strict=True):
          if not isinstance(made, UserError):
            yield record.id, made
          elif isinstance(made, EmptySliceError):
            self.empty.append(record.id)
          else:
            self.broken[record.id] = str(made)
        if len(self.broken) > _allowed(self._source, self._max_broken):
          raise self._unreadable(pool)
    if len(self.broken) + len(self.empty) == len(self._source.records):
      raise UserError(f'{self._source.name}: no image has anything to be seen in it')

  def _unreadable(self, pool: concurrent.futures.Executor) -> UserError:
    """One error for all images that cannot be read, so that they can be fixed at once."""

    def attempt(record: Record) -> UserError | None:
      try:
        record.read(self._size, self._channels)
      except EmptySliceError:
        return None
      except UserError as error:
        return error
      return None

    errors = [error for error in pool.map(attempt, self._source.records) if error]
    return too_many(errors, self._source, self._max_broken)


def _allowed(source: Source, max_broken: float) -> int:
  """How many images may be unreadable."""
  return int(max_broken * len(source.records))


def too_many(errors: Sequence[UserError], source: Source, max_broken: float) -> UserError:
  """One error for more images that cannot be read than may be left out."""
  of = ''
  if max_broken:
    of = (
      f' (of {len(source.records)}; config.data.max_broken={max_broken:g} leaves out at most '
      f'{_allowed(source, max_broken)})'
    )
  if len(errors) == 1:
    return UserError(f'{errors[0]}{of}')
  return for_all(errors, f'cannot be used{of}')


@dataclasses.dataclass(frozen=True)
class Stored:
  """What is stored of a source.

  Attributes:
    rows: all of them.
    broken: why each image that could not be read is left out, by id.
    empty: ids of slices in which nothing is to be seen.
  """

  rows: dataset.Readable
  broken: dict[str, str]
  empty: list[str]


def rows(
  source: Source, modality: Images, cache: pathlib.Path, *, max_broken: float = 0.0
) -> Stored:
  """All stored rows, with 'image' as PNG bytes, 'label', 'id', 'group' and 'metadata' as JSON.

  A label that is a mask is PNG bytes too.

  Args:
    source: examples; their splits are not stored.
    modality: the size, channels and options of what is stored.
    cache: folder for prepared data; the data set goes to ``cache/<key>``, where the key follows
      from the content and the stored form, and is left there complete or not at all.
    max_broken: share of the images that may be unreadable, and are left out.

  Raises:
    UserError: more images than that cannot be read (the first ten are named), or the data set is
      not stored yet and the cache folder cannot be written.
    DiskFullError: there is no space for it.
  """
  size, channels = modality.height, modality.channels
  about: list[Any] = [_FORMAT, source.content or source.fingerprint, source.classes, size, channels]
  about += ['masks'] if source.masks else []
  folder = cache / examples.digest([*about, *modality.options.unusual])
  if not _is_complete(folder):  # a complete one may be on a disk that cannot be written
    try:
      folder.mkdir(parents=True, exist_ok=True)
      with files.locked(folder / 'lock'):
        if not _is_complete(folder):  # nor made by another process meanwhile
          _store(source, size, channels, folder, max_broken)
    except (OSError, RuntimeError) as error:
      full = 'No space left' in str(error)  # TFDS makes a RuntimeError of ArrayRecord's
      if not full and not isinstance(error, OSError):
        raise
      reason = os.strerror(errno.ENOSPC) if full else getattr(error, 'strerror', None) or error
      kind = DiskFullError if full else UserError
      raise kind(f'{folder}: the cache cannot be written: {reason}') from None
  builder = MedicalImages(source, size, channels, data_dir=folder)
  left_out = sealed.read(folder / 'dataset.json')[0].get('left_out', {'broken': {}, 'empty': []})
  if len(left_out['broken']) > _allowed(source, max_broken):  # another share was allowed then
    raise too_many([UserError(why) for why in left_out['broken'].values()], source, max_broken)
  skip = {'image': tfds.decode.SkipDecoding()}
  if source.masks:
    skip['label'] = tfds.decode.SkipDecoding()
  return Stored(builder.as_data_source(split=_ALL, decoders=skip), **left_out)


def _store(
  source: Source, size: int, channels: int, folder: pathlib.Path, max_broken: float
) -> None:
  """Writes the data set, in place of what may be left of one, and last its list of files."""
  shutil.rmtree(folder / MedicalImages.name, ignore_errors=True)
  builder = MedicalImages(source, size, channels, max_broken, data_dir=folder)
  print(f'preparing {len(source.records)} images, once', file=sys.stderr, flush=True)
  runtime.quiet_tfds()
  with contextlib.redirect_stdout(io.StringIO()):  # TFDS announces where it writes
    builder.download_and_prepare()
  written = sorted(pathlib.Path(builder.data_dir).iterdir())
  digests = {path.relative_to(folder).as_posix(): files.digest(path) for path in written}
  about: dict[str, Any] = {
    'name': source.name, 'fingerprint': source.fingerprint, 'files': digests
  }  # fmt: skip
  if builder.broken or builder.empty:
    about['left_out'] = {'broken': builder.broken, 'empty': builder.empty}
  sealed.write(folder / 'dataset.json', about)


def _is_complete(folder: pathlib.Path) -> bool:
  """Whether every file is there as it was written; what TFDS does with another one is no matter."""
  try:
    about, _ = sealed.read(folder / 'dataset.json')
    with concurrent.futures.ThreadPoolExecutor() as pool:  # digests let go of the interpreter lock
      found = pool.map(lambda name: _digest(folder / name), about['files'])
      return list(found) == list(about['files'].values())
  except (OSError, UserError, KeyError):
    return False


def _digest(path: pathlib.Path) -> str:
  """Of a file's content; read once in a process while its size and time stay as they are."""
  found = path.stat()
  return _digest_of(path, found.st_size, found.st_mtime_ns)


@functools.lru_cache(maxsize=100_000)
def _digest_of(path: pathlib.Path, size: int, changed: int) -> str:
  return files.digest(path)
