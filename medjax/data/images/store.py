"""Images in a TFDS data set of ArrayRecord files, keyed by their content, made once."""

import concurrent.futures
import contextlib
import errno
import functools
import io
import itertools
import json
import os
import pathlib
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds

from medjax import files, runtime, sealed
from medjax.data import dataset, examples
from medjax.data.images import decode
from medjax.data.images.messages import for_all
from medjax.data.images.source import Record, Source
from medjax.errors import DiskFullError, UserError

# Part of every key: raise it when the stored form changes.
_FORMAT = '4'
_ALL = 'examples'  # what TFDS calls its one split; ours select from it


class MedicalImages(tfds.core.GeneratorBasedBuilder):
  """The stored form: PNG images with label, id, group, and other columns as JSON."""

  VERSION = tfds.core.Version('1.0.0')

  def __init__(self, source: Source, size: int, channels: int, **kwargs: Any):
    self._source, self._size, self._channels = source, size, channels
    super().__init__(file_format='array_record', **kwargs)

  def _info(self) -> tfds.core.DatasetInfo:
    features = tfds.features.FeaturesDict(
      {
        'image': tfds.features.Image(
          shape=(self._size, self._size, self._channels), encoding_format='png'
        ),
        'label': tfds.features.ClassLabel(names=list(self._source.classes)),
        'id': tfds.features.Text(),
        'group': tfds.features.Text(),
        'metadata': tfds.features.Text(),
      }
    )
    return tfds.core.DatasetInfo(
      builder=self, features=features, supervised_keys=('image', 'label')
    )

  def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
    return {_ALL: self._generate_examples()}

  def _generate_examples(self) -> Iterator[tuple[str, dict[str, Any]]]:
    records = iter(self._source.records)

    def store(record: Record) -> tuple[str, dict[str, Any]]:
      pixels, label, metadata = record.read(self._size, self._channels)
      return record.id, {
        'image': io.BytesIO(decode.encode(pixels)),
        'label': label,
        'id': record.id,
        'group': record.group,
        'metadata': json.dumps(metadata),
      }

    # Pillow and NumPy let go of the interpreter lock, so threads share the cores; the window
    # bounds how many decoded images wait.
    with concurrent.futures.ThreadPoolExecutor() as pool:
      for chunk in iter(lambda: list(itertools.islice(records, 64)), []):
        try:
          yield from pool.map(store, chunk)
        except UserError:
          raise self._unreadable(pool) from None

  def _unreadable(self, pool: concurrent.futures.Executor) -> UserError:
    """One error for all images that cannot be read, so that they can be fixed at once."""

    def attempt(record: Record) -> UserError | None:
      try:
        record.read(self._size, self._channels)
      except UserError as error:
        return error
      return None

    errors = [error for error in pool.map(attempt, self._source.records) if error]
    return for_all(errors, 'cannot be used')


def rows(source: Source, size: int, channels: int, cache: pathlib.Path) -> dataset.Readable:
  """All stored rows, with 'image' as PNG bytes, 'label', 'id', 'group' and 'metadata' as JSON.

  Args:
    source: examples; their splits are not stored.
    size: height and width in pixels to store.
    channels: 1 or 3.
    cache: folder for prepared data; the data set goes to ``cache/<key>``, where the key follows
      from the content and the stored form, and is left there complete or not at all.

  Raises:
    UserError: images cannot be read (the first ten are named), or the data set is not stored yet
      and the cache folder cannot be written.
    DiskFullError: there is no space for it.
  """
  about = [_FORMAT, source.content or source.fingerprint, source.classes, size, channels]
  folder = cache / examples.digest(about)
  if not _is_complete(folder):  # a complete one may be on a disk that cannot be written
    try:
      folder.mkdir(parents=True, exist_ok=True)
      with files.locked(folder / 'lock'):
        if not _is_complete(folder):  # nor made by another process meanwhile
          _store(source, size, channels, folder)
    except (OSError, RuntimeError) as error:
      full = 'No space left' in str(error)  # TFDS makes a RuntimeError of ArrayRecord's
      if not full and not isinstance(error, OSError):
        raise
      reason = os.strerror(errno.ENOSPC) if full else getattr(error, 'strerror', None) or error
      kind = DiskFullError if full else UserError
      raise kind(f'{folder}: the cache cannot be written: {reason}') from None
  builder = MedicalImages(source, size, channels, data_dir=folder)
  skip = {'image': tfds.decode.SkipDecoding()}
  return builder.as_data_source(split=_ALL, decoders=skip)


def _store(source: Source, size: int, channels: int, folder: pathlib.Path) -> None:
  """Writes the data set, in place of what may be left of one, and last its list of files."""
  shutil.rmtree(folder / MedicalImages.name, ignore_errors=True)
  builder = MedicalImages(source, size, channels, data_dir=folder)
  print(f'preparing {len(source.records)} images, once', file=sys.stderr, flush=True)
  runtime.quiet_tfds()
  with contextlib.redirect_stdout(io.StringIO()):  # TFDS announces where it writes
    builder.download_and_prepare()
  written = sorted(pathlib.Path(builder.data_dir).iterdir())
  digests = {path.relative_to(folder).as_posix(): files.digest(path) for path in written}
  about = {'name': source.name, 'fingerprint': source.fingerprint, 'files': digests}
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
