"""Digests in place of the ids of patients and studies.

A digest is made with a random key of 32 bytes that is kept in the cache folder and that its owner
alone can read. One patient then has one digest in all data sets that are read on this machine, so
that groups and splits are right, and who has the digests without the key (a report, a predictions
table, a run folder that was sent away) cannot look up an id, nor try all ids there are.

What this does not protect: who can read the key can try ids. Digests link the images of a patient
with each other, and what else stands in a table may identify somebody. It is pseudonymisation, as
the GDPR calls it, and no anonymisation. Names of files are kept as they are.
"""

import functools
import hashlib
import os
import pathlib
import secrets
import stat

from medjax import files
from medjax.errors import UserError

_BYTES = 32
_NAME = 'pseudonym.key'


class KeyFileError(UserError):
  """Nobody can be given a pseudonym, whatever file is read."""


class Pseudonyms:
  """Makes digests; the key is read, or made, when the first one is asked for.

  Args:
    folder: where the key is kept.

  Example:
    >>> digest = Pseudonyms(pathlib.Path('~/.cache/medjax').expanduser())     # doctest: +SKIP
    >>> digest('patient', '123')                                              # doctest: +SKIP
    'patient-5d1be6ac4f61e0b2'
  """

  def __init__(self, folder: pathlib.Path):
    self._path = folder / _NAME

  def __call__(self, kind: str, name: str) -> str:
    """The digest of a name; ``kind`` stands before it, and equal names of two kinds differ.

    Args:
      kind: such as 'patient'.
      name: the id.

    Raises:
      KeyFileError: the key cannot be read or made, others can read it, or it is none.
    """
    content = f'{kind}\0{name}'.encode(errors='surrogatepass')
    return f'{kind}-{hashlib.blake2b(content, digest_size=8, key=self._key).hexdigest()}'

  @functools.cached_property
  def _key(self) -> bytes:
    return _key(self._path)


def key(folder: pathlib.Path) -> bytes:
  """The key that is kept in a folder, 32 bytes, which is made if need be; raises KeyFileError."""
  return _key(folder / _NAME)


def _key(path: pathlib.Path) -> bytes:
  """As ``key``.

  Raises:
    KeyFileError: it cannot be read or made, others can read it, or it is no key.
  """
  try:
    files.make_own(path.parent)
    with files.locked(path.with_suffix('.lock')):
      if not path.exists():
        _make(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    key = path.read_bytes()
  except OSError as error:
    raise KeyFileError(
      f'{path}: the key of pseudonyms cannot be read or made: {error.strerror or error}'
    ) from None
  if os.name == 'posix' and mode & 0o077:
    raise KeyFileError(
      f'{path}: others can read the key of pseudonyms; expected mode 0600 (chmod 600 does it)'
    )
  if len(key) != _BYTES:
    raise KeyFileError(
      f'{path}: {len(key)} bytes; expected a key of {_BYTES} (remove it to have another made, with '
      'which patients get other pseudonyms)'
    )
  return key


def _make(path: pathlib.Path) -> None:
  with files.replacing(path) as new:
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(file, 'wb') as opened:
      opened.write(secrets.token_bytes(_BYTES))
