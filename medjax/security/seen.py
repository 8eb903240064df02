"""What this user last saw of each encrypted set and run, so that older copies are noticed.

Whoever can replace a whole set by an old copy of it replaces its signatures too. Only somebody who
remembers the newer one can tell: this file does, of the sets that this user has opened on this
machine.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from medjax import files
from medjax.errors import UserError
from medjax.security import private_files
from medjax.security.aead import TamperedError
from medjax.security.identity import Person


@dataclasses.dataclass(frozen=True)
class State:
  """Of a set.

  Attributes:
    set: its 32 hexadecimal digits.
    version: the highest that was seen.
    owner: the key with which it is signed.
    where: it was.
    entries: of its log.
    head: digest of the last of them.
  """

  set: str
  version: int
  owner: str
  where: str
  entries: int = 0
  head: str = ''


def folder() -> pathlib.Path:
  """The folder of what is remembered: MEDJAX_STATE, else in the user's state folder."""
  if os.environ.get('MEDJAX_STATE'):
    return pathlib.Path(os.environ['MEDJAX_STATE']).expanduser()
  base = os.environ.get('XDG_STATE_HOME') or '~/.local/state'
  return pathlib.Path(base).expanduser() / 'medjax'


def of(set_id: str) -> State | None:
  """What was seen of a set; None for one that is new here."""
  with _opened() as states:
    return states.get(set_id)


def check(now: State, owner: Person) -> bool:
  """Sees that a set is no older than this user knows it, and of the same owner.

  Args:
    now: of the set.
    owner: who signed it.

  Returns:
    Whether it is new here, so that its owner is taken on trust.

  Raises:
    TamperedError: it is older, is signed by somebody else, or lies where another one was.
  """
  with _opened() as states:
    before = states.get(now.set)
    for other in states.values():
      if other.where == now.where and other.set != now.set:
        key = 'another key' if other.owner != now.owner else 'the same key'
        raise TamperedError(
          f'{now.where}: is another set or run than before, signed by {key} ({owner.name}); ask '
          f'{owner.name}, and if that is right: python -m medjax.security forget {now.where}'
        )
    if before is None:
      return True
    if before.owner != now.owner:
      raise TamperedError(f'{now.where}: is signed by another key than before ({owner.name})')
    if before.version > now.version:
      raise TamperedError(
        f'{now.where}: is version {now.version}, and version {before.version} was here before: '
        'an old copy was put back'
      )
    return False


def require_unknown(*places: str | os.PathLike[str]) -> None:
  """Sees that nothing encrypted was where folders or files in clear are.

  Raises:
    TamperedError: something was: whoever can write there may have put other data in its place.
  """
  if not _path().exists():
    return
  with _opened() as states:
    known = {state.where for state in states.values()}
  for place in places:
    if os.path.realpath(place) in known:
      raise TamperedError(
        f'{place}: was encrypted and is not; if that is right: python -m medjax.security forget '
        f'{place}'
      )


def remember(now: State) -> None:
  """Notes what was seen, if it is newer than what is noted."""
  with _opened() as states:
    before = states.get(now.set)
    if before is not None:
      newer = now if now.entries >= before.entries else before
      now = dataclasses.replace(
        now, version=max(now.version, before.version), entries=newer.entries, head=newer.head
      )
    if now != before:
      states[now.set] = now
      _write(states)


def forget(where: str) -> int:
  """Forgets the sets that were at a place; returns how many."""
  with _opened() as states:
    gone = [name for name, state in states.items() if state.where == where]
    for name in gone:
      del states[name]
    if gone:
      _write(states)
    return len(gone)


@contextlib.contextmanager
def _opened() -> Iterator[dict[str, State]]:
  private_files.make_folder(folder())
  with files.locked(folder() / '.lock'):
    yield _read()


def _path() -> pathlib.Path:
  return folder() / 'seen.json'


def _read() -> dict[str, State]:
  try:
    found: Any = json.loads(_path().read_bytes())
    return {name: State(**about) for name, about in found.items()}
  except FileNotFoundError:
    return {}
  except (OSError, ValueError, TypeError, AttributeError):
    raise UserError(
      f'{_path()}: is damaged, so that old copies of sets would go unnoticed; restore it, or '
      'remove it if you know the sets to be the newest'
    ) from None


def _write(states: dict[str, State]) -> None:
  about = {name: dataclasses.asdict(state) for name, state in states.items()}
  private_files.write(_path(), json.dumps(about, indent=1).encode(), private_files.FILE)
