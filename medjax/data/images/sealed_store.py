"""Prepared images of an encrypted set, encrypted record by record under a key made of the set's.

They lie in the cache under a name that nobody without the key can compare with a guess. What was
left out, how many there are and the digest of the file are in a file of their own, encrypted too.
"""

import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from medjax import files
from medjax.data import examples
from medjax.data.images.made import Made, Stored, allowed, announce, too_many
from medjax.data.images.modality import Images
from medjax.data.images.source import Source
from medjax.errors import UserError
from medjax.security import aead, private_files
from medjax.security.aead import TamperedError
from medjax.security.records import Place, Records, write

_FORMAT = '1'
_RECORDS, _ABOUT = 'images.array_record', 'about'
_BYTES = ('image', 'label')  # of a row, where they are PNG


def rows(source: Source, modality: Images, cache: pathlib.Path, max_broken: float) -> Stored:
  """As ``store.rows``, of a source that is encrypted.

  Args:
    source: examples of an encrypted set.
    modality: the size, channels and options of what is stored.
    cache: folder for prepared data.
    max_broken: share of the images that may be unreadable, and are left out.

  Raises:
    UserError: more images than that cannot be read, or the cache cannot be written.
    DiskFullError: there is no space for it.
  """
  vault = source.vault
  assert vault is not None
  key, size, channels = vault.subkey('images'), modality.height, modality.channels
  about: list[Any] = [_FORMAT, source.content, source.classes, size, channels, source.masks]
  name = aead.keyed_digest(
    key, examples.digest([*about, *modality.options.unusual, len(source.records)]).encode()
  )
  folder = cache / f'encrypted-{name}'
  place = Place(name, vault.manifest.epoch, len(source.records))
  found = _complete(folder, key, place)
  if found is None:
    try:
      files.make_own(folder)
      with files.locked(folder / 'lock'):
        found = _complete(folder, key, place)
        if found is None:
          announce(source)
          made = Made(source, size, channels, max_broken)
          found = _store(source, made, folder, key, place)
    except OSError as error:
      raise files.unwritable(folder, error) from None
  if len(found['broken']) > allowed(source, max_broken):  # another share was allowed then
    raise too_many([UserError(why) for why in found['broken'].values()], source, max_broken)
  read = Records(folder / _RECORDS, key, place, 0, found['count'], found['digest'])
  return Stored(_Rows(read), found['broken'], found['empty'])


class _Rows:
  """Stored rows, decrypted when they are read."""

  def __init__(self, records: Records):
    self._records = records

  def __len__(self) -> int:
    return len(self._records)

  def __getitems__(self, keys: Sequence[int]) -> list[dict[str, Any]]:
    return [_loads(record) for record in self._records.read(keys)]


def _store(
  source: Source, made: Made, folder: pathlib.Path, key: bytes, place: Place
) -> dict[str, Any]:
  several = source.several or source.masks  # whose labels are no numbers
  number = {} if several else {name: i for i, name in enumerate(source.classes)}

  def contents() -> Iterator[bytes]:
    return (_dumps({**row, 'label': number.get(row['label'], row['label'])}) for _, row in made)

  path = folder / _RECORDS
  (folder / _ABOUT).unlink(missing_ok=True)
  count = write(path, key, place, 0, contents())
  about = {'count': count, 'digest': files.digest(path), 'broken': made.broken, 'empty': made.empty}
  sealed = aead.seal(key, place.of(place.count), json.dumps(about).encode())
  private_files.write(folder / _ABOUT, sealed, private_files.FILE)
  return about


def _complete(folder: pathlib.Path, key: bytes, place: Place) -> dict[str, Any] | None:
  """What is stored there; None where that is not all, or not as it was written."""
  try:
    sealed = (folder / _ABOUT).read_bytes()
    about = json.loads(aead.unseal(key, place.of(place.count), sealed, str(folder / _ABOUT)))
    Records(folder / _RECORDS, key, place, 0, about['count'], about['digest']).read([])
    return dict(about)
  except (OSError, TamperedError):
    return None


def _dumps(row: dict[str, Any]) -> bytes:
  """A row as one record: JSON, with the lengths of what follows it as it is."""
  packed = {name: row[name] for name in _BYTES if isinstance(row[name], bytes)}
  about = {name: value for name, value in row.items() if name not in packed}
  about['packed'] = {name: len(value) for name, value in packed.items()}
  header = json.dumps(about).encode()
  return b''.join([len(header).to_bytes(4, 'big'), header, *packed.values()])


def _loads(record: bytes) -> dict[str, Any]:
  start = 4 + int.from_bytes(record[:4], 'big')
  row = json.loads(record[4:start])
  for name, size in row.pop('packed').items():
    row[name] = record[start : start + size]
    start += size
  return row
