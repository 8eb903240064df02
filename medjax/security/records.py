"""ArrayRecord files whose every record is encrypted and bound to its place.

A record is sealed together with the set that it is of, the number of the key, its own number and
how many records the set has. One that is dropped, repeated, swapped, of an earlier key or of
another set does not open.
"""

import dataclasses
import os
import pathlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from medjax import files
from medjax.errors import UserError
from medjax.security import aead, private_files
from medjax.security.aead import TamperedError

MOST_BYTES = 2**30
"""Of one record."""

_WRITING = 'group_size:1,uncompressed'  # what is encrypted cannot become smaller
_READING = 'readahead_buffer_size:0'  # records are read in any order


@dataclasses.dataclass(frozen=True)
class Place:
  """What the records of a set are bound to.

  Attributes:
    set: 32 hexadecimal digits.
    epoch: number of the key.
    count: records of the set, at most.
  """

  set: str
  epoch: int
  count: int

  def of(self, number: int) -> bytes:
    """The bytes that a record is sealed together with."""
    counts = [part.to_bytes(8, 'big') for part in (self.epoch, number, self.count)]
    return b''.join([b'medjax record 1\0', bytes.fromhex(self.set), *counts])


def write(
  path: pathlib.Path, key: bytes, place: Place, first: int, contents: Iterator[bytes]
) -> int:
  """Writes a file of records; it is there whole, on the disk, or not at all.

  Args:
    path: the file.
    key: of the set, or of one of its parts.
    place: of all records.
    first: number of the first record in the file.
    contents: of the records.

  Returns:
    How many there are.

  Raises:
    DiskFullError: there was no space for it.
    UserError: it cannot be written.
  """
  from array_record.python import array_record_module

  cipher, count = aead.cipher(key), 0
  try:
    with files.replacing(path) as new:
      writer = array_record_module.ArrayRecordWriter(str(new), _WRITING)
      try:
        for content in contents:
          writer.write(aead.seal_with(cipher, place.of(first + count), content))
          count += 1
      finally:
        writer.close()
      with open(new, 'rb+') as written:
        os.fsync(written.fileno())
  except RuntimeError as error:  # ArrayRecord's own, such as for want of space
    full = 'No space left' in str(error)
    raise files.unwritable(path, OSError(28 if full else 5, str(error).splitlines()[0])) from None
  private_files.sync_folder(path.parent)
  return count


class Records:
  """The records of a file, each decrypted when it is read.

  Args:
    path: the file.
    key: it was written with.
    place: see ``write``.
    first: see ``write``.
    count: records in the file.
    digest: of the file, as ``files.digest`` gives it.
  """

  def __init__(
    self, path: pathlib.Path, key: bytes, place: Place, first: int, count: int, digest: str
  ):
    self._path, self._place, self._first, self._count = path, place, first, count
    self._digest, self._cipher = digest, aead.cipher(key)
    self._reader: Any = None
    self._lock = threading.Lock()

  def __len__(self) -> int:
    return self._count

  def __getstate__(self) -> dict[str, Any]:
    raise TypeError('records with their key are not written anywhere')

  def read(self, numbers: Sequence[int]) -> list[bytes]:
    """Records by their numbers in the file.

    Raises:
      TamperedError: the file is not what was written.
    """
    from_file = self._opened()
    try:
      sealed = from_file.read(list(numbers)) if len(numbers) else []
    except (RuntimeError, ValueError, IndexError):
      raise TamperedError(f'{self._path}: is damaged; restore it from a copy') from None
    if len(sealed) != len(numbers):
      raise TamperedError(f'{self._path}: records are missing; restore it from a copy')
    return [
      aead.unseal_with(
        self._cipher, self._place.of(self._first + number), content,
        f'{self._path} record {self._first + number}',
      )
      for number, content in zip(numbers, sealed, strict=True)
    ]  # fmt: skip

  def _opened(self) -> Any:
    with self._lock:
      if self._reader is None:
        self._reader = self._open()
    return self._reader

  def _open(self) -> Any:
    from array_record.python import array_record_module

    # First its digest: the reader of a damaged file may end the process.
    try:
      found = files.digest(self._path)
    except OSError as error:
      raise TamperedError(
        f'{self._path}: cannot be read: {error.strerror}; restore it from a copy'
      ) from None
    if found != self._digest:
      raise TamperedError(f'{self._path}: is not what was written; restore it from a copy')
    reader = array_record_module.ArrayRecordReader(str(self._path), _READING)
    if reader.num_records() != self._count:
      raise TamperedError(
        f'{self._path}: has {reader.num_records()} records, expected {self._count}; restore it '
        'from a copy'
      )
    return reader


def require_size(name: str, size: int) -> None:
  """Refuses what does not fit into a record.

  Raises:
    UserError: it is larger than ``MOST_BYTES``.
  """
  if size > MOST_BYTES:
    raise UserError(f'{name}: has {size} bytes; expected at most {MOST_BYTES} in an encrypted file')
