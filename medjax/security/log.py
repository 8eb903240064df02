"""Who did what with a set: entries that are only added, each signed and chained to all before.

An entry holds the digest of the one before it and is signed by who made it, so that none can be
changed, left out, put elsewhere or made up. Cutting off the last ones is noticed by the head that
the owner signs in the manifest, and by whoever has seen more of the log (see ``seen``).
"""

import dataclasses
import datetime
import hashlib
import json
import pathlib
from typing import Any

from medjax import files
from medjax.errors import UserError
from medjax.security import private_files
from medjax.security.aead import TamperedError
from medjax.security.identity import Identity, Person

NAME = 'log.jsonl'
_LOCK = '.log-lock'
START = ''  # the head of an empty log
BY_OWNER = ('encrypt', 'grant', 'revoke', 'rotate')


@dataclasses.dataclass(frozen=True)
class Entry:
  """One thing that was done.

  Attributes:
    number: from 1.
    time: of the clock of who made it, in UTC.
    who: made it.
    what: 'encrypt', 'grant', 'revoke', 'rotate', 'open' or 'export'.
    about: JSON values.
    head: digest of this entry, and so of all before.
  """

  number: int
  time: str
  who: Person
  what: str
  about: dict[str, Any]
  head: str


def read(folder: pathlib.Path, set_id: str, owner: str) -> list[Entry]:
  """The entries of a set's log, each checked.

  Args:
    folder: of the set.
    set_id: of the set.
    owner: the key with which its owner signs.

  Raises:
    TamperedError: it is not as it was written.
  """
  path = folder / NAME
  try:
    content = path.read_bytes()
  except FileNotFoundError:
    return []
  except OSError as error:
    raise TamperedError(f'{path}: cannot be read: {error.strerror}') from None
  if content and not content.endswith(b'\n'):
    raise TamperedError(f'{path}: its last entry is cut off; restore it from a copy')
  entries: list[Entry] = []
  granted: dict[str, str] = {}  # the key of each by name
  head = START
  for number, line in enumerate(content.split(b'\n')[:-1], start=1):
    entry = _entry(line, f'{path} entry {number}', number, head, set_id)
    head = entry.head
    allowed = {owner} if entry.what in BY_OWNER else {owner, *granted.values()}
    if entry.who.sign not in allowed:
      raise TamperedError(f'{path} entry {number}: {entry.who.name} may not {entry.what}')
    if entry.who.sign != owner and granted.get(entry.who.name) != entry.who.sign:
      raise TamperedError(f'{path} entry {number}: is signed in the name of another')
    if entry.what == 'grant':
      granted[str(entry.about.get('to'))] = str(entry.about.get('sign'))
    elif entry.what == 'revoke':
      granted.pop(str(entry.about.get('to')), None)
    entries.append(entry)
  return entries


def _entry(line: bytes, where: str, number: int, before: str, set_id: str) -> Entry:
  wrong = TamperedError(f'{where}: is not what was written there; restore the log from a copy')
  try:
    value = json.loads(line)
    if _spell(value) != line:
      raise wrong
    signature = value.pop('signature')
    who = Person(*(str(value['who'][part]) for part in ('name', 'age', 'sign')))
    who.verify(signature, _spell(value), where)
    if (value['number'], value['before'], value['set']) != (number, before, set_id):
      raise wrong
    return Entry(
      number, str(value['time']), who, str(value['what']), dict(value['about']), _head(line)
    )
  except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
    raise wrong from None


def add(
  folder: pathlib.Path, set_id: str, owner: str, who: Identity, what: str, **about: Any
) -> tuple[int, str]:
  """Adds an entry; the log is there with it, whole and on the disk, or as it was.

  Args:
    folder: of the set.
    set_id: of the set.
    owner: see ``read``.
    who: makes it.
    what: see ``Entry``.
    **about: JSON values.

  Returns:
    The number of entries and the head.

  Raises:
    TamperedError: the log is not as it was written, so that nothing is added.
    UserError: it cannot be written.
  """
  path = folder / NAME
  try:
    with files.locked(folder / _LOCK):
      entries = read(folder, set_id, owner)
      value = {
        'number': len(entries) + 1,
        'time': datetime.datetime.now(datetime.UTC).isoformat(timespec='seconds'),
        'who': dataclasses.asdict(who.person),
        'what': what,
        'about': about,
        'set': set_id,
        'before': entries[-1].head if entries else START,
      }
      _require_allowed(entries, who.person, what, owner, str(folder))
      line = _spell({**value, 'signature': who.sign(_spell(value))})
      old = path.read_bytes() if entries else b''
      private_files.write(path, old + line + b'\n')
      return len(entries) + 1, _head(line)
  except OSError as error:
    raise files.unwritable(path, error) from None


def _require_allowed(entries: list[Entry], who: Person, what: str, owner: str, where: str) -> None:
  """Refuses an entry that ``read`` would refuse, before it is there for good."""
  granted: dict[str, str] = {}
  for entry in entries:
    if entry.what == 'grant':
      granted[str(entry.about.get('to'))] = str(entry.about.get('sign'))
    elif entry.what == 'revoke':
      granted.pop(str(entry.about.get('to')), None)
  if who.sign != owner and (what in BY_OWNER or granted.get(who.name) != who.sign):
    raise UserError(f'{where}: {who.name} may not {what} any more, by its log; ask its owner')


def require_head(entries: list[Entry], count: int, head: str, where: str, who: str) -> None:
  """Sees that a log holds what somebody saw of it.

  Args:
    entries: of it.
    count: entries that there were.
    head: digest of the last of them.
    where: the log is.
    who: says so, for the error.

  Raises:
    TamperedError: it does not.
  """
  if count and (len(entries) < count or entries[count - 1].head != head):
    raise TamperedError(
      f'{where}: has {len(entries)} entries and not the {count} that {who}; it was cut off or '
      'written anew'
    )


def _spell(value: Any) -> bytes:
  return json.dumps(value, sort_keys=True, separators=(',', ':')).encode()


def _head(line: bytes) -> str:
  return hashlib.sha256(line).hexdigest()
