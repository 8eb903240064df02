"""Who is at work on a study: each process has a numbered place, which is free when it dies.

A process that was killed cannot say so. On its own host others see at once that its lock is gone;
from other hosts that is told by the storage's heartbeat alone.
"""

import contextlib
import json
import pathlib
import platform
import uuid
from collections.abc import Iterator
from typing import IO

_MOST = 10_000


@contextlib.contextmanager
def taken(folder: pathlib.Path) -> Iterator['Place']:
  """The first free place in a folder, for as long as this process lives.

  Raises:
    OSError: the folder cannot be written.
  """
  folder.mkdir(parents=True, exist_ok=True)
  for number in range(_MOST):
    path = folder / f'{number}.json'
    with contextlib.ExitStack() as held:
      new = True
      try:
        file: IO[str] = held.enter_context(open(path, 'x+'))
      except FileExistsError:
        new = False
        if _read(path).get('host') not in (platform.node(), None):
          continue
        file = held.enter_context(open(path, 'r+'))
      if not _locked(file, unsure=new):  # without locks a place that somebody had stays theirs
        continue
      place = Place(folder, number, uuid.uuid4().hex)
      file.seek(0)
      file.truncate()
      file.write(json.dumps({'host': platform.node(), 'token': place.token}))
      file.flush()
      yield place
      return
  raise OSError(f'{folder}: more than {_MOST} processes')


class Place:
  """One process's place.

  Attributes:
    number: from 0, of no other process that is alive.
    token: of this process, which trials are marked with.
  """

  def __init__(self, folder: pathlib.Path, number: int, token: str):
    self._folder, self.number, self.token = folder, number, token

  def mark(self) -> dict[str, str | int]:
    """What a trial of this process is marked with, for ``dead``."""
    return {'host': platform.node(), 'place': self.number, 'token': self.token}

  def dead(self, mark: dict[str, str | int]) -> bool:
    """Whether the process that marked a trial is known to be dead; no where nobody can tell."""
    if not mark or mark.get('host') != platform.node():
      return False
    path = self._folder / f'{mark["place"]}.json'
    if _read(path).get('token') != mark['token']:
      return True  # another process has its place
    try:
      with open(path, 'r+') as file:
        return mark['token'] != self.token and _locked(file, unsure=False)
    except OSError:
      return False


def _read(path: pathlib.Path) -> dict[str, str]:
  try:
    found = json.loads(path.read_text())
  except (OSError, ValueError):
    return {}
  return found if isinstance(found, dict) else {}


def _locked(file: IO[str], unsure: bool) -> bool:
  """Locks a file unless another process has; ``unsure`` where there are no locks."""
  try:
    import fcntl  # not on Windows

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError:
    return False
  except (ImportError, OSError):
    return unsure
  return True
