"""Run folders of encrypted sets: in clear in memory while a command is at work, encrypted on disk.

Each run has a key of its own, wrapped to whoever could read the sets when it began. ``run.json``
says so, signed by who began the run; everything else lies encrypted in ``sealed``.
"""

import contextlib
import dataclasses
import pathlib
import secrets
from collections.abc import Iterator, Sequence

from medjax import files
from medjax.errors import UserError
from medjax.security import aead, keys, manifest, memory, seen, signed
from medjax.security.identity import Identity, Person
from medjax.security.snapshot import Keeping, Snapshot

NAME = 'run.json'
_SEALED = 'sealed'
_FORMAT = 1
_EPOCH = 1  # a run keeps its key


@dataclasses.dataclass(frozen=True)
class SealedRun:
  """An encrypted run folder.

  Attributes:
    folder: on the disk.
    id: 32 hexadecimal digits.
    by: who began it.
    readers: keys with which those sign who may read it, and their names.
  """

  folder: pathlib.Path
  id: str
  by: Person
  readers: dict[str, str]
  _key: bytes = dataclasses.field(repr=False)

  def snapshot(self, live: pathlib.Path) -> Snapshot:
    """Its encrypted copy, for a folder in memory.

    Raises:
      TamperedError: it is older than this user knows it.
    """
    found = Snapshot(self.folder / _SEALED, live, self._key, self.id)
    found.load()
    seen.check(self._state(found.version), self.by)
    seen.remember(self._state(found.version))
    return found

  def remember(self, version: int) -> None:
    """Notes that this version is there."""
    seen.remember(self._state(version))

  def _state(self, version: int) -> seen.State:
    return seen.State(self.id, version, self.by.sign, str(self.folder.resolve()))


def is_sealed(folder: pathlib.Path) -> bool:
  """Whether a folder is an encrypted run."""
  return (folder / NAME).is_file() and (folder / _SEALED).is_dir()


def begin(folder: pathlib.Path, people: Sequence[Person], reference: str = '') -> SealedRun:
  """Makes a new folder an encrypted run.

  Args:
    folder: new, or empty.
    people: who may read it.
    reference: of the key of who begins it; see ``keys.load``.

  Raises:
    UserError: the folder holds files, which would be in clear.
  """
  who = keys.load(reference)
  if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
    raise UserError(
      f'--workdir={folder}: holds files in clear, and the data are encrypted; expected a new folder'
    )
  id, key = secrets.token_hex(16), aead.new_key()
  wrapped = [
    {**dataclasses.asdict(one), 'key': manifest.wrapped(key, one, id, _EPOCH)}
    for one in {one.sign: one for one in (*people, who.person)}.values()
  ]
  seen.forget(str(folder.resolve()))  # of a run that was there and is gone
  (folder / _SEALED).mkdir(parents=True)
  signed.write(folder / NAME, {'format': _FORMAT, 'run': id, 'people': wrapped}, who)
  readers = {str(one['sign']): str(one['name']) for one in wrapped}
  return SealedRun(folder, id, who.person, readers, key)


def open_run(folder: pathlib.Path, reference: str = '') -> SealedRun:
  """An encrypted run, with the key that a reference names.

  Raises:
    UserError: it is none, or the key may not read it.
    TamperedError: it is not what its maker signed.
  """
  if not is_sealed(folder):
    raise UserError(f'{folder}: is no encrypted run; expected a folder with {NAME}')
  who: Identity = keys.load(reference)
  about, by = signed.read(folder / NAME)
  if about.get('format') != _FORMAT:
    raise UserError(f'{folder / NAME}: is of another version of medjax')
  wrapped = next((one['key'] for one in about['people'] if one['age'] == who.person.age), None)
  if wrapped is None:
    names = ', '.join(str(one['name']) for one in about['people'])
    raise UserError(f'{folder}: {who.person.name} may not read this run; {names} may')
  key = manifest.unwrapped(wrapped, who, about['run'], _EPOCH, folder / NAME)
  readers = {str(one['sign']): str(one['name']) for one in about['people']}
  return SealedRun(folder, about['run'], by, readers, key)


@contextlib.contextmanager
def at_work(run: SealedRun) -> Iterator[pathlib.Path]:
  """The run's files in a folder in memory; what changes there is encrypted on the disk.

  That happens every few seconds and at the end, so that a killed process loses no more.

  Raises:
    UserError: there is no folder in memory here, or no space.
    TamperedError: the run is not what was written.
  """
  busy = (
    f'--workdir={run.folder}: another command is at work on this encrypted run; wait for its end'
  )
  with files.locked(run.folder / '.lock', busy), memory.folder(run.folder.resolve().name) as live:
    snapshot = run.snapshot(live)
    snapshot.restore()
    with Keeping(snapshot, run.remember):
      yield live


PAGE = '(page)'  # that of the run, or of several runs
_PAGES = ('report.html', 'crossval.html', 'tune.html', 'federation.html', 'learning-curve.html')


def read(run: SealedRun, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
  """Files of a run by their names, or all of them; with PAGE the page of whatever it is.

  Raises:
    UserError: there is no such file.
    TamperedError: one is not what was written.
  """
  snapshot = run.snapshot(run.folder)
  there = snapshot.load()
  page = next((name for name in _PAGES if name in there), _PAGES[0])
  for name in (page if name == PAGE else name for name in names or there):
    if name not in there:
      raise UserError(f'{run.folder}: has no {name}; it has {", ".join(sorted(there)[:20])}')
    yield name, snapshot.content(name)
