"""A folder in memory and, on the disk, encrypted copies of what was in it at one moment.

On the disk there are an index and a file for each file, all under names that say nothing. A copy is
valid when the index that names its files is in place, which is one step; before that the old index
names the old ones. Files are sealed in pieces, together with their name and their place.
"""

import contextlib
import json
import logging
import pathlib
import re
import secrets
import threading
from collections.abc import Iterable
from typing import Any

from medjax.security import aead, private_files
from medjax.security.aead import TamperedError

_INDEX = 'index'
_PIECE = 2**24
_ATTEMPTS = 5
_BLOB = re.compile('[0-9a-f]{32}')


def _is_inside(name: str) -> bool:
  """Whether a file's name leads nowhere but below the folder."""
  parts = name.split('/')
  plain = '\\' not in name and '\0' not in name
  return plain and not any(part in ('', '.', '..') for part in parts)


class Snapshot:
  """The encrypted copies of a folder.

  Attributes:
    disk: where they are.
    live: the folder in memory.
    version: of the copy that is valid, 0 before the first.

  Example:
    >>> copy = Snapshot(pathlib.Path('runs/a/sealed'), live, key, 'run 1')  # doctest: +SKIP
    >>> copy.restore()                                                      # doctest: +SKIP
    >>> copy.save()                                                         # doctest: +SKIP
  """

  def __init__(self, disk: pathlib.Path, live: pathlib.Path, key: bytes, name: str):
    self.disk, self.live, self.version = disk, live, 0
    self._key, self._name = key, name
    self._kept: dict[str, dict[str, Any]] = {}
    self._lock = threading.Lock()

  def restore(self, wanted: Iterable[str] | None = None) -> None:
    """Decrypts the copy into the folder in memory.

    Args:
      wanted: names of files; all without it.

    Raises:
      TamperedError: it is not what was written.
      OSError: the memory is full.
    """
    self.load()
    names = self._kept if wanted is None else wanted
    for name in names:
      path = self.live / name
      path.parent.mkdir(parents=True, exist_ok=True)
      path.write_bytes(self.content(name))
      found = path.stat()
      self._kept[name]['state'] = [found.st_size, found.st_mtime_ns]

  def load(self) -> list[str]:
    """The names of the files that the copy holds."""
    path = self.disk / _INDEX
    if path.exists():
      index = json.loads(self._unsealed(path, _INDEX))
      if not all(_is_inside(name) for name in index['files']) or not all(
        _BLOB.fullmatch(about['blob']) for about in index['files'].values()
      ):  # whoever has the key of a run could name any file of its readers
        raise TamperedError(f'{path}: names files outside of the run')
      self._kept, self.version = index['files'], index['version']
    return list(self._kept)

  def content(self, name: str) -> bytes:
    """The bytes of a file of the copy; raises TamperedError."""
    blob = self._kept[name]['blob']
    return self._unsealed(self.disk / blob, f'{blob} {name}')

  def save(self) -> bool:
    """Encrypts what has changed in memory, and makes that the valid copy.

    Returns:
      Whether something had changed. Where files come and go meanwhile it waits for the next time.

    Raises:
      DiskFullError: there was no space for it; the copy before is valid.
      UserError: it cannot be written.
    """
    with self._lock:
      for _ in range(_ATTEMPTS):
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile: this was no moment
          return self._save()
    return False

  def _save(self) -> bool:
    before = {name: about['state'] for name, about in self._kept.items()}
    now = self._states()
    if now == before:
      return False
    kept = {name: self._kept[name] for name in now if before.get(name) == now[name]}
    self.disk.mkdir(parents=True, exist_ok=True)
    for name, state in now.items():
      if name in kept:
        continue
      content = (self.live / name).read_bytes()
      blob = secrets.token_hex(16)
      self._seal(self.disk / blob, f'{blob} {name}', content)
      kept[name] = {'blob': blob, 'state': state}
    index = json.dumps({'version': self.version + 1, 'files': kept}).encode()
    self._seal(self.disk / _INDEX, _INDEX, index)
    self._kept, self.version = kept, self.version + 1
    valid = {_INDEX, *(about['blob'] for about in kept.values())}
    for path in self.disk.iterdir():
      if path.name not in valid:
        path.unlink(missing_ok=True)
    return True

  def _states(self) -> dict[str, list[int]]:
    """Size and time of each file that is whole: not hidden, nor of a checkpoint under way."""
    found = {}
    for path in sorted(self.live.rglob('*')):
      name = path.relative_to(self.live)
      if any(part.startswith('.') or 'checkpoint-tmp' in part for part in name.parts):
        continue
      try:
        if path.is_file():
          state = path.stat()
          found[name.as_posix()] = [state.st_size, state.st_mtime_ns]
      except FileNotFoundError:
        continue
    return found

  def _about(self, name: str, number: int, count: int) -> bytes:
    return f'medjax copy 1\0{self._name}\0{name}\0{number}\0{count}'.encode()

  def _seal(self, path: pathlib.Path, name: str, content: bytes) -> None:
    cipher = aead.cipher(self._key)
    pieces = [content[at : at + _PIECE] for at in range(0, len(content), _PIECE)] or [b'']
    sealed = [len(pieces).to_bytes(8, 'big')]
    for number, piece in enumerate(pieces):
      sealed.append(aead.seal_with(cipher, self._about(name, number, len(pieces)), piece))
    private_files.write(path, b''.join(sealed), private_files.FILE)

  def _unsealed(self, path: pathlib.Path, name: str) -> bytes:
    try:
      sealed = path.read_bytes()
    except OSError as error:
      raise TamperedError(f'{path}: cannot be read: {error.strerror}') from None
    cipher, count = aead.cipher(self._key), int.from_bytes(sealed[:8], 'big')
    size = _PIECE + aead.OVERHEAD
    rest = sealed[8:]
    if not 0 < count <= len(rest) // aead.OVERHEAD or len(rest) > count * size:
      raise TamperedError(f'{path}: is not what was written; restore it from a copy')
    pieces = (rest[number * size : (number + 1) * size] for number in range(count))
    return b''.join(
      aead.unseal_with(cipher, self._about(name, number, count), piece, str(path))
      for number, piece in enumerate(pieces)
    )


class Keeping:
  """Saves a snapshot every few seconds from a thread, and at the end.

  Args:
    snapshot: what to save.
    saved: is called after each time with the version.
    pause: seconds.
  """

  def __init__(self, snapshot: Snapshot, saved: Any = None, pause: float = 5.0):
    self._snapshot, self._saved, self._pause = snapshot, saved, pause
    self._ended = threading.Event()
    self._thread = threading.Thread(target=self._work, daemon=True)

  def __enter__(self) -> 'Keeping':
    self._thread.start()
    return self

  def __exit__(self, *_: object) -> None:
    self._ended.set()
    self._thread.join()
    self._save()

  def _work(self) -> None:
    while not self._ended.wait(self._pause):
      try:
        self._save()
      except Exception as error:  # said again at the end, where it can still be mended
        logging.warning('%s', error)

  def _save(self) -> None:
    if self._snapshot.save() and self._saved:
      self._saved(self._snapshot.version)
