"""What an encrypted set consists of and who has its key, signed by its owner."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

from medjax.errors import UserError
from medjax.security import log, seen, signed
from medjax.security.aead import KEY_BYTES, TamperedError
from medjax.security.identity import Identity, Person
from medjax.security.records import Place

NAME = 'vault.json'
_FORMAT = 1
OWNER, TRAINER, AUDITOR = 'owner', 'trainer', 'auditor'
ROLES = (OWNER, TRAINER, AUDITOR)


@dataclasses.dataclass(frozen=True)
class Shard:
  """A file of records.

  Attributes:
    file: its name.
    first: number of its first record.
    count: records in it.
    digest: of the file.
  """

  file: str
  first: int
  count: int
  digest: str


@dataclasses.dataclass(frozen=True)
class Grant:
  """What somebody may do.

  Attributes:
    person: who.
    role: 'owner', 'trainer' or 'auditor'.
    key: the data key wrapped to the person; '' for an auditor.
  """

  person: Person
  role: str
  key: str


@dataclasses.dataclass(frozen=True)
class Manifest:
  """Of one version of a set.

  Attributes:
    set: 32 hexadecimal digits, as long as the set lives.
    version: counts changes of any kind.
    epoch: number of the data key.
    stale: whether somebody who was revoked has had this key.
    shards: files of records; the last record is the table of contents.
    grants: of everybody, the owner first.
    entries: of the log when this was signed.
    head: of the log then.
  """

  set: str
  version: int
  epoch: int
  stale: bool
  shards: tuple[Shard, ...]
  grants: tuple[Grant, ...]
  entries: int
  head: str

  @property
  def owner(self) -> Person:
    return self.grants[0].person

  @property
  def count(self) -> int:
    """Records of the set."""
    return sum(shard.count for shard in self.shards)

  @property
  def place(self) -> Place:
    """What records are bound to."""
    return Place(self.set, self.epoch, self.count)

  def of(self, who: Person) -> Grant | None:
    """What somebody may do; None for nothing."""
    mine = (one for one in self.grants if (one.person.sign, one.person.age) == (who.sign, who.age))
    return next(mine, None)

  def key(self, who: Identity, where: pathlib.Path) -> bytes:
    """The data key.

    Raises:
      UserError: who may not have it.
      TamperedError: it is of another set.
    """
    grant = self.of(who.person)
    if grant is None:
      raise UserError(f'{where}: {who.person.name} has no grant; ask its owner, {self.owner.name}')
    if grant.role == AUDITOR:
      raise UserError(f'{where}: {who.person.name} is an auditor, who may read the log alone')
    return unwrapped(grant.key, who, self.set, self.epoch, where)


def wrapped(key: bytes, person: Person, set_id: str, epoch: int) -> str:
  """A data key that only a person can unwrap, with what it is the key of."""
  return person.wrap(key + _of(set_id, epoch))


def unwrapped(text: str, who: Identity, set_id: str, epoch: int, where: pathlib.Path) -> bytes:
  """What ``wrapped`` wrapped; raises TamperedError for that of another set or epoch."""
  found = who.unwrap(text, str(where))
  if len(found) < KEY_BYTES or found[KEY_BYTES:] != _of(set_id, epoch):
    raise TamperedError(f'{where}: holds the key of another set or version')
  return found[:KEY_BYTES]


def _of(set_id: str, epoch: int) -> bytes:
  return f'{set_id} {epoch}'.encode()


def granted(
  people: Sequence[tuple[Person, str]], key: bytes, set_id: str, epoch: int
) -> tuple[Grant, ...]:
  """Grants of people in their roles, for a data key."""
  return tuple(
    Grant(one, role, '' if role == AUDITOR else wrapped(key, one, set_id, epoch))
    for one, role in people
  )


def is_vault(path: pathlib.Path) -> bool:
  """Whether a folder is an encrypted set."""
  try:
    return (path / NAME).is_file()
  except (OSError, ValueError):  # a name may be longer than any file's, or hold NUL
    return False


def write(folder: pathlib.Path, manifest: Manifest, owner: Identity) -> None:
  """Signs a manifest and puts it in place of the one before.

  Raises:
    UserError: it cannot be written.
  """
  about = dataclasses.asdict(manifest)
  signed.write(folder / NAME, {'format': _FORMAT, **about}, owner)
  seen.remember(state(folder, manifest))


def read(folder: pathlib.Path) -> Manifest:
  """The manifest of a set, signed by its owner and no older than this user knows it.

  Raises:
    UserError: there is none, or another version of medjax made it.
    TamperedError: it is not what its owner signed, or an old one.
  """
  path = folder / NAME
  if not path.exists():
    raise UserError(f'{folder}: is no encrypted set: it has no {NAME}; encrypt makes one')
  about, signer = signed.read(path)
  if about.get('format') != _FORMAT:
    raise UserError(f'{path}: is of another version of medjax: format {about.get("format")}')
  manifest = _manifest(about, path)
  if manifest.owner != signer or manifest.grants[0].role != OWNER:
    raise TamperedError(f'{path}: is signed by {signer.name}, who is not its owner')
  seen.check(state(folder, manifest), signer)
  return manifest


def read_log(folder: pathlib.Path, manifest: Manifest) -> list[log.Entry]:
  """The log of a set, all that its owner signed and this user has seen of it.

  Raises:
    TamperedError: something in it is another, or it was cut off.
  """
  before = seen.of(manifest.set)
  entries = log.read(folder, manifest.set, manifest.owner.sign)
  where = str(folder / log.NAME)
  owner = f'{manifest.owner.name} signed'
  log.require_head(entries, manifest.entries, manifest.head, where, owner)
  if before:
    log.require_head(entries, before.entries, before.head, where, 'were here before')
  if entries:
    now = dataclasses.replace(manifest, entries=len(entries), head=entries[-1].head)
    seen.remember(state(folder, now))
  return entries


def state(folder: pathlib.Path, manifest: Manifest) -> seen.State:
  """What is remembered of a manifest."""
  return seen.State(
    manifest.set, manifest.version, manifest.owner.sign, str(folder.resolve()),
    manifest.entries, manifest.head,
  )  # fmt: skip


def _manifest(about: dict[str, Any], path: pathlib.Path) -> Manifest:
  try:
    shards = tuple(Shard(**one) for one in about['shards'])
    grants = tuple(
      Grant(Person(**one['person']), one['role'], one['key']) for one in about['grants']
    )
    numbers = (about['version'], about['epoch'], about['entries'])
    bytes.fromhex(about['set'])
    names = {shard.file for shard in shards}
    if any(type(number) is not int for number in numbers) or not grants or len(names) < len(shards):
      raise ValueError
    if any(pathlib.PurePath(name).name != name for name in names):
      raise ValueError
    return Manifest(
      about['set'], about['version'], about['epoch'], bool(about['stale']), shards, grants,
      about['entries'], about['head'],
    )  # fmt: skip
  except (KeyError, TypeError, ValueError):
    raise TamperedError(f'{path}: is not a manifest of an encrypted set') from None
