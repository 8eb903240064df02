"""An encrypted set that is open for reading: the files that were encrypted, by name."""

import bisect
import dataclasses
import functools
import json
import pathlib
import sys
from collections.abc import Iterator

from medjax.errors import UserError
from medjax.security import aead, keys, log, manifest, seen
from medjax.security.aead import TamperedError
from medjax.security.identity import Identity
from medjax.security.records import Records


@dataclasses.dataclass(frozen=True)
class Contents:
  """What the last record of a set says.

  Attributes:
    name: of the folder or file that was encrypted.
    is_file: whether it was a single file.
    sizes: bytes of each file by its path in the folder, in the order of the records.
  """

  name: str
  is_file: bool
  sizes: dict[str, int]

  def dumps(self) -> bytes:
    """As a record."""
    return json.dumps(dataclasses.asdict(self)).encode()


def contents(record: bytes, where: pathlib.Path) -> Contents:
  """What ``Contents.dumps`` gave; raises TamperedError."""
  try:
    return Contents(**json.loads(record))
  except (ValueError, TypeError):
    raise TamperedError(f'{where}: its table of contents is none') from None


class Vault:
  """The files of an encrypted set.

  Nothing is decrypted but what is read, in the thread that reads it, and none of it is kept.

  Attributes:
    folder: of the set.
    manifest: of it.
    contents: names and sizes of its files.

  Example:
    >>> vault = Vault(pathlib.Path('chest.vault'), keys.load())    # doctest: +SKIP
    >>> vault.read('labels.csv')[:10]                              # doctest: +SKIP
    b'file,label'
  """

  def __init__(self, folder: pathlib.Path, who: Identity):
    """Opens a set.

    Raises:
      UserError: it is none, or who may not read it.
      TamperedError: it is not what its owner signed.
    """
    self.folder, self.manifest = folder, manifest.read(folder)
    self._who = who
    self._key = self.manifest.key(who, folder)
    place = self.manifest.place
    self._shards = [
      Records(folder / one.file, self._key, place, one.first, one.count, one.digest)
      for one in self.manifest.shards
    ]
    self._firsts = [one.first for one in self.manifest.shards]
    if self._firsts != _added([one.count for one in self.manifest.shards]):
      raise TamperedError(f'{folder}: its files of records do not follow each other')
    self.contents = contents(self.record(self.manifest.count - 1), folder)
    if len(self.contents.sizes) != self.manifest.count - 1:
      raise TamperedError(f'{folder}: its table of contents is of another set')
    self._numbers = {name: number for number, name in enumerate(self.contents.sizes)}
    seen.remember(manifest.state(folder, self.manifest))

  def record(self, number: int) -> bytes:
    """A record by its number.

    Raises:
      TamperedError: it is not what was written there.
    """
    shard = bisect.bisect_right(self._firsts, number) - 1
    return self._shards[shard].read([number - self._firsts[shard]])[0]

  def read(self, name: str) -> bytes:
    """The bytes of a file.

    Raises:
      FileNotFoundError: there is no such file.
      TamperedError: it is not what was encrypted.
    """
    if name not in self._numbers:
      raise FileNotFoundError(2, 'no such file in the encrypted set', str(self.folder / name))
    content = self.record(self._numbers[name])
    if len(content) != self.contents.sizes[name]:
      raise TamperedError(f'{self.folder / name}: has another size than it had')
    return content

  def subkey(self, purpose: str) -> bytes:
    """A key for what is made of the set, which changes with the set's key."""
    return aead.subkey(self._key, f'{self.manifest.set} {self.manifest.epoch} {purpose}')

  @functools.cached_property
  def folders(self) -> dict[str, list[str]]:
    """Names in each folder of the set, '' for the set itself."""
    found: dict[str, dict[str, None]] = {'': {}}
    for path in self.contents.sizes:
      parts = path.split('/')
      for depth in range(len(parts)):
        found.setdefault('/'.join(parts[:depth]), {})[parts[depth]] = None
    return {folder: list(names) for folder, names in found.items()}

  def note_use(self) -> None:
    """Adds to the log that the set was opened to be worked with; not where nobody may write."""
    about = self.manifest
    try:
      log.add(self.folder, about.set, about.owner.sign, self._who, 'open', epoch=about.epoch)
    except TamperedError:
      raise
    except UserError as error:
      print(f'{self.folder}: the log does not note this use: {error}', file=sys.stderr)

  def check(self) -> Iterator[str]:
    """Reads every file; the names of those that were checked.

    Raises:
      TamperedError: something is not what was encrypted.
    """
    for name in self.contents.sizes:
      self.read(name)
      yield name


def opened(folder: pathlib.Path, reference: str = '') -> Vault:
  """A set, with the key that a reference names; see ``keys.load``.

  Raises:
    UserError: see ``Vault`` and ``keys.load``.
  """
  if not manifest.is_vault(folder):
    raise UserError(f'{folder}: is no encrypted set; python -m medjax.security encrypt makes one')
  return Vault(folder, keys.load(reference))


def _added(counts: list[int]) -> list[int]:
  firsts, total = [], 0
  for count in counts:
    firsts.append(total)
    total += count
  return firsts
