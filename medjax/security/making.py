"""Makes encrypted sets, and gives them another key; both go on where they were killed.

Files of records of the key that is to be are written beside those that are valid, each whole or not
at all. Then the manifest is replaced, in one step, and names records of one key only. What a killed
command left is used by the same command, or removed by the next one.
"""

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import secrets
from collections.abc import Callable, Iterator, Sequence

from medjax import files
from medjax.errors import UserError
from medjax.security import aead, log, manifest, private_files, records, seen, signed, vault
from medjax.security.aead import TamperedError
from medjax.security.identity import Identity
from medjax.security.manifest import OWNER, Manifest, Shard
from medjax.security.records import Place, Records
from medjax.security.vault import Contents, Vault

_UNDER_WAY = 'under-way.json'
_LOCK = '.lock'
SHARD_BYTES = 2**28  # of the files of a shard; what a killed command does again at most
_SHARD_FILES = 2**16


@dataclasses.dataclass(frozen=True)
class _UnderWay:
  """What is being made: the set, the key that is to be, and of what.

  Attributes:
    set: of the set.
    epoch: number of the key.
    key: the key.
    of: digest of what is encrypted, under that key.
  """

  set: str
  epoch: int
  key: bytes
  of: str


def encrypt(source: pathlib.Path, folder: pathlib.Path, owner: Identity) -> tuple[int, int]:
  """Encrypts a folder or a file; the source stays as it is.

  Args:
    source: hidden files in it are left out.
    folder: of the set; new, or left by this command when it was killed.
    owner: signs it.

  Returns:
    How many files it has, and how many hidden ones were left out.

  Raises:
    UserError: there is nothing to encrypt, something cannot be read or changes meanwhile, or the
      folder holds something else.
  """
  paths, hidden = _files(source)
  root = source if source.is_dir() else source.parent
  _require_room(folder, source)
  folder.mkdir(parents=True, exist_ok=True)
  with alone(folder):
    _require_room(folder, source)
    sizes, times = {}, []
    for path in paths:
      found = path.stat()
      name = path.relative_to(root).as_posix()
      records.require_size(str(path), found.st_size)
      sizes[name] = found.st_size
      times.append(f'{name}\0{found.st_size}\0{found.st_mtime_ns}')
    about = Contents(source.resolve().name, not source.is_dir(), sizes)
    of = '\n'.join(times).encode()
    begun = _begun(folder, owner)
    if begun is None or aead.keyed_digest(aead.subkey(begun.key, 'source'), of) != begun.of:
      _clear(folder, ())
      key = aead.new_key()
      digest = aead.keyed_digest(aead.subkey(key, 'source'), of)
      begun = _UnderWay(secrets.token_hex(16), 1, key, digest)
      _begin(folder, begun, owner)

    def content(number: int) -> bytes:
      if number == len(paths):
        return about.dumps()
      read = paths[number].read_bytes()
      if len(read) != sizes[paths[number].relative_to(root).as_posix()]:
        raise UserError(f'{paths[number]}: changed while it was encrypted; repeat the command')
      return read

    shards = _write(folder, begun, _cut(list(sizes.values())), content)
    entries, head = log.add(
      folder, begun.set, owner.person.sign, owner, 'encrypt', records=len(paths) + 1
    )
    grants = manifest.granted([(owner.person, OWNER)], begun.key, begun.set, 1)
    made = Manifest(begun.set, 1, 1, False, shards, grants, entries, head)
    seen.forget(str(folder.resolve()))  # of a set that was there and is gone
    manifest.write(folder, made, owner)
    _clear(folder, [shard.file for shard in shards])
  return len(paths), hidden


def rotate(folder: pathlib.Path, owner: Identity, why: str = '') -> Manifest:
  """Encrypts every record of a set under a new key, which those get who may have it.

  Args:
    folder: of the set.
    owner: of the set.
    why: for the log.

  Raises:
    UserError: it is somebody else's set, or cannot be written.
    TamperedError: it is not what the owner signed; nothing is changed.
  """
  with alone(folder):
    return rotate_alone(folder, owner, why)


def rotate_alone(folder: pathlib.Path, owner: Identity, why: str = '') -> Manifest:
  """As ``rotate``, inside ``alone``."""
  old = owned(folder, owner)
  source = Vault(folder, owner)
  begun = _begun(folder, owner)
  if begun is None or (begun.set, begun.epoch) != (old.set, old.epoch + 1):
    _clear(folder, [shard.file for shard in old.shards])
    begun = _UnderWay(old.set, old.epoch + 1, aead.new_key(), '')
    _begin(folder, begun, owner)
  shards = _write(folder, begun, [shard.count for shard in old.shards], source.record)
  entries, head = log.add(
    folder, old.set, owner.person.sign, owner, 'rotate', epoch=begun.epoch, why=why
  )
  people = [(one.person, one.role) for one in old.grants]
  new = dataclasses.replace(
    old, version=old.version + 1, epoch=begun.epoch, stale=False, shards=shards,
    grants=manifest.granted(people, begun.key, old.set, begun.epoch), entries=entries, head=head,
  )  # fmt: skip
  manifest.write(folder, new, owner)
  _clear(folder, [shard.file for shard in shards])
  return new


def owned(folder: pathlib.Path, owner: Identity) -> Manifest:
  """The manifest of a set that is somebody's own, with its log checked.

  Raises:
    UserError: it is another's.
    TamperedError: see ``manifest.read`` and ``manifest.read_log``.
  """
  found = manifest.read(folder)
  if found.owner != owner.person:
    raise UserError(
      f'{folder}: belongs to {found.owner.name}; only the owner can change it, and the key is of '
      f'{owner.person.name}'
    )
  manifest.read_log(folder, found)
  return found


def alone(folder: pathlib.Path) -> contextlib.AbstractContextManager[None]:
  """Keeps other commands that change a set out of it meanwhile."""
  return files.locked(folder / _LOCK, f'{folder}: another command is changing it; wait for its end')


def _write(
  folder: pathlib.Path, begun: _UnderWay, counts: Sequence[int], content: Callable[[int], bytes]
) -> tuple[Shard, ...]:
  """The files of records of a key; those that are there whole are read again, and not written."""
  place = Place(begun.set, begun.epoch, sum(counts))
  shards, first = [], 0
  for number, count in enumerate(counts):
    path = folder / f'records-{begun.epoch:04d}-{number:05d}.array_record'

    def of_shard(first: int = first, count: int = count) -> Iterator[bytes]:
      return (content(first + i) for i in range(count))

    if not path.exists() or not _is_whole(path, begun.key, place, first, count):
      records.write(path, begun.key, place, first, of_shard())
      _require_same(path, begun.key, place, first, of_shard())
    shards.append(Shard(path.name, first, count, files.digest(path)))
    first += count
  return tuple(shards)


def _is_whole(path: pathlib.Path, key: bytes, place: Place, first: int, count: int) -> bool:
  try:
    read = Records(path, key, place, first, count, files.digest(path))
    for number in range(count):
      read.read([number])
  except TamperedError:
    return False
  return True


def _require_same(
  path: pathlib.Path, key: bytes, place: Place, first: int, contents: Iterator[bytes]
) -> None:
  """Reads what was written back before anything relies on it."""
  wanted = [hashlib.sha256(content).digest() for content in contents]
  read = Records(path, key, place, first, len(wanted), files.digest(path))
  for number, digest in enumerate(wanted):
    if hashlib.sha256(read.read([number])[0]).digest() != digest:
      raise UserError(f'{path}: what was encrypted changed meanwhile; repeat the command')


def _begun(folder: pathlib.Path, owner: Identity) -> _UnderWay | None:
  """What a killed command of this owner was making, if that is known."""
  path = folder / _UNDER_WAY
  if not path.exists():
    return None
  try:
    about, signer = signed.read(path)
    if signer != owner.person:
      raise TamperedError(f'{path}: is of {signer.name}')
    key = manifest.unwrapped(about['key'], owner, about['set'], about['epoch'], path)
    return _UnderWay(about['set'], about['epoch'], key, about['of'])
  except (UserError, KeyError):  # whatever it is, beginning again loses nothing
    return None


def _begin(folder: pathlib.Path, begun: _UnderWay, owner: Identity) -> None:
  key = manifest.wrapped(begun.key, owner.person, begun.set, begun.epoch)
  about = {'set': begun.set, 'epoch': begun.epoch, 'key': key, 'of': begun.of}
  signed.write(folder / _UNDER_WAY, about, owner)


def _clear(folder: pathlib.Path, valid: Sequence[str]) -> None:
  """Removes files of records that no manifest names, and what says that they are being made."""
  for path in folder.iterdir():
    left = path.name.startswith('.') and '.array_record.' in path.name
    old = path.name.startswith('records-') and path.name not in valid
    if left or old or path.name == _UNDER_WAY:
      path.unlink(missing_ok=True)
  private_files.sync_folder(folder)


def _cut(sizes: Sequence[int]) -> list[int]:
  """Records of each shard, the table of contents in the last one."""
  counts, room = [0], SHARD_BYTES
  for size in sizes:
    if counts[-1] and (size > room or counts[-1] == _SHARD_FILES):
      counts.append(0)
      room = SHARD_BYTES
    counts[-1] += 1
    room -= size
  counts[-1] += 1
  return counts


def _files(source: pathlib.Path) -> tuple[list[pathlib.Path], int]:
  """Files of a folder in the order of their names, or the file; and how many are hidden."""
  if source.is_file():
    return [source], 0
  if not source.is_dir():
    raise UserError(f'{source}: no such folder or file; expected what is to be encrypted')
  found, hidden, seen = [], 0, set[str]()
  for parent, folders, names in os.walk(source, followlinks=True):
    real = os.path.realpath(parent)
    if real in seen:  # by a link, which may lead in a circle
      folders.clear()
      continue
    seen.add(real)
    folders[:] = sorted(name for name in folders if not name.startswith('.'))
    for name in names:
      if name.startswith('.'):
        hidden += 1
      elif (path := pathlib.Path(parent, name)).is_file():
        found.append(path)
  if not found:
    raise UserError(f'{source}: has no files to encrypt')
  return sorted(found), hidden


def _require_room(folder: pathlib.Path, source: pathlib.Path) -> None:
  if manifest.is_vault(folder):
    raise UserError(f'{folder}: is an encrypted set already; expected another folder')
  if folder.is_file():
    raise UserError(f'{folder}: is a file; expected a folder')
  if source.is_dir() and folder.resolve().is_relative_to(source.resolve()):
    raise UserError(f'{folder}: lies in what is to be encrypted; expected a folder outside')
  own = ('records-', '.records-', f'.{_UNDER_WAY}', '.vault.json', '.log', log.NAME)
  known = (*own, _UNDER_WAY, _LOCK)
  if folder.is_dir() and any(not path.name.startswith(known) for path in folder.iterdir()):
    raise UserError(f'{folder}: holds other files; expected a new folder')


def export(folder: pathlib.Path, who: Identity, output: pathlib.Path) -> int:
  """Writes the files of a set in clear, which its log notes; returns how many.

  Raises:
    UserError: who may not read it, the output is there, or cannot be written.
  """
  if output.exists():
    raise UserError(f'{output}: is there; expected a new folder')
  source = vault.Vault(folder, who)
  about = source.manifest
  log.add(folder, about.set, about.owner.sign, who, 'export', records=about.count - 1)
  for name in source.contents.sizes:
    path = output / name
    if not path.resolve().is_relative_to(output.resolve()):
      raise TamperedError(f'{folder}: {name!r} leads out of the folder')
    path.parent.mkdir(parents=True, exist_ok=True, mode=private_files.FOLDER)
    private_files.write(path, source.read(name), private_files.FILE)
  return len(source.contents.sizes)
