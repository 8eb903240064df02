"""Images in a TFDS data set of ArrayRecord files, keyed by their content, made once."""

import concurrent.futures
import contextlib
import errno
import functools
import io
import os
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds

from medjax import files, runtime, sealed
from medjax.data import examples
from medjax.data.images.made import Made, Stored, allowed, announce, too_many
from medjax.data.images.modality import Images
from medjax.data.images.source import Source
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
    self.made = Made(source, size, channels, max_broken)
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
    for name, row in self.made:
      yield name, {k: io.BytesIO(v) if isinstance(v, bytes) else v for k, v in row.items()}


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
  if source.vault is not None:
    from medjax.data.images import sealed_store

    return sealed_store.rows(source, modality, cache, max_broken)
  size, channels = modality.height, modality.channels
  about: list[Any] = [_FORMAT, source.content or source.fingerprint, source.classes, size, channels]
  about += ['masks'] if source.masks else []
  folder = cache / examples.digest([*about, *modality.options.unusual])
  if not _is_complete(folder):  # a complete one may be on a disk that cannot be written
    try:
      files.make_own(folder)
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
  if len(left_out['broken']) > allowed(source, max_broken):  # another share was allowed then
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
  announce(source)
  runtime.quiet_tfds()
  with contextlib.redirect_stdout(io.StringIO()):  # TFDS announces where it writes
    builder.download_and_prepare()
  written = sorted(pathlib.Path(builder.data_dir).iterdir())
  digests = {path.relative_to(folder).as_posix(): files.digest(path) for path in written}
  about: dict[str, Any] = {
    'name': source.name, 'fingerprint': source.fingerprint, 'files': digests
  }  # fmt: skip
  if builder.made.broken or builder.made.empty:
    about['left_out'] = {'broken': builder.made.broken, 'empty': builder.made.empty}
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
