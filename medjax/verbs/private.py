"""Commands on encrypted data: what they write is in memory, and encrypted on the disk."""

import contextlib
import os
import pathlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from absl import flags

from medjax import config as config_lib
from medjax import runtime
from medjax.data import source_files
from medjax.errors import UserError
from medjax.security import keys, manifest, private_files, sealed_run, seen
from medjax.security.identity import Person
from medjax.security.snapshot import Keeping, Snapshot
from medjax.security.vault import Vault
from medjax.workdir import Workdir

_ABOVE = 2  # folders between one of several runs and theirs
_PROGRAMS = 'programs'


class Private:
  """What a command does before and after its verb where its data or its run are encrypted.

  Args:
    held: is left after the verb.
    values: parsed flags.
  """

  def __init__(self, held: contextlib.ExitStack, values: flags.FlagValues):
    self._held, self._values = held, values
    self._live: dict[pathlib.Path, pathlib.Path] = {}  # of an encrypted run on the disk
    self._runs: list[sealed_run.SealedRun] = []
    if values.data_key:
      keys.split(values.data_key)  # what is no reference may be a key, and goes no further
      runtime.use_key(values.data_key)

  def begun(self, workdir: Workdir) -> Workdir:
    """The folder in memory of a run that is encrypted on the disk; other folders as they are.

    Raises:
      UserError: the key cannot read it.
    """
    folder = workdir.folder
    for above in (folder, *folder.parents[:_ABOVE]):
      if sealed_run.is_sealed(above):
        return Workdir(self._at_work(above) / folder.relative_to(above))
      if above.exists():
        seen.require_unknown(above)
    return workdir

  def opened(
    self, workdir: Workdir, config: Any, verb: str, words: Sequence[str]
  ) -> tuple[Workdir, list[str]]:
    """The folder and the words for a verb.

    Args:
      workdir: of ``begun``, or the usual folder of these settings.
      config: settings.
      verb: its name.
      words: files and folders after the verb.

    Raises:
      UserError: something would be written in clear.
    """
    if not self._live:
      workdir = self.begun(workdir)  # the usual one, of which nobody has asked yet
    read = [word for word in words if source_files.is_encrypted(word)]
    sets = _sets(config)
    if verb == 'federate':
      sets += _encrypted(self._values.sites)
    if not (read or sets or self._live or any(map(_is_run, words))):
      return workdir, list(words)
    given = self._values
    if given.num_processes > 1 or given.coordinator:
      raise UserError('--num_processes: encrypted data are trained on by one process alone')
    if given.model:
      raise UserError(
        f'--model={given.model}: what {verb} writes of encrypted data would be in clear; expected '
        'the --workdir of an encrypted run'
      )
    if verb == 'tune' and (given.storage or os.environ.get('MEDJAX_TUNE_STORAGE')):
      raise UserError('--storage: would be in clear, and the data are encrypted; leave it out')
    if given['output'].present:
      raise UserError(
        f'--output={given.output}: would be in clear; leave it out, and read what {verb} writes '
        'with python -m medjax.security report RUN --decrypt FILE --output=FOLDER'
      )
    self._held.enter_context(runtime.kept_to_owner())
    if not self._live:
      if read and not sets and workdir.config.exists():
        raise UserError(
          f'{read[0]}: is encrypted and the run is not, in which {verb} would write in clear'
        )
      workdir = self._begin(workdir, [*sets, *map(pathlib.Path, read)])
    self._require_readers([*sets, *map(pathlib.Path, read)])
    used: dict[str, Vault] = {}
    for path in dict.fromkeys([*sets, *map(pathlib.Path, read)]):
      if found := source_files.vault_of(source_files.source(path)):
        used[found.manifest.set] = found
    for found in used.values():
      found.note_use()
    self._keep_programs(sets)
    words = [str(self.begun(Workdir(word)).folder) if _is_run(word) else word for word in words]
    return workdir, words

  def _begin(self, workdir: Workdir, sets: Sequence[pathlib.Path]) -> Workdir:
    """Makes an encrypted run that all may read who may read the sets."""
    people: list[Person] | None = None
    for path in sets:
      found = source_files.vault_of(source_files.source(path))
      assert found is not None
      may = [one.person for one in found.manifest.grants if one.role != manifest.AUDITOR]
      people = may if people is None else [one for one in people if one in may]
    sealed_run.begin(workdir.folder, people or [])
    return Workdir(self._at_work(workdir.folder))

  def _require_readers(self, sets: Sequence[pathlib.Path]) -> None:
    """Sees that nobody can read the run who may not read the sets that it is written from.

    Raises:
      UserError: somebody can, such as who was revoked since the run began.
    """
    for path in sets:
      found = source_files.vault_of(source_files.source(path))
      assert found is not None
      may = {one.person.sign for one in found.manifest.grants if one.role != manifest.AUDITOR}
      for run in self._runs:
        others = [name for sign, name in run.readers.items() if sign not in may]
        if others:
          raise UserError(
            f'{run.folder}: {", ".join(others)} can read this run and may not read {path}; '
            'expected a new run folder'
          )

  def _at_work(self, folder: pathlib.Path) -> pathlib.Path:
    if folder not in self._live:
      run = sealed_run.open_run(folder)
      self._held.enter_context(_of_disk(folder, self._live))
      self._live[folder] = self._held.enter_context(sealed_run.at_work(run))
      self._runs.append(run)
      self._held.enter_context(contextlib.redirect_stdout(_Named(self._live)))
      people = ', '.join(run.readers.values())
      print(
        f'run folder: encrypted in {folder} by {run.by.name}, for {people}; '
        f'python -m medjax.security report {folder} --decrypt '
        '--output=report.html gives the report in clear',
        file=sys.stderr,
      )
    return self._live[folder]

  def _keep_programs(self, sets: Sequence[pathlib.Path]) -> None:
    """Keeps compiled programs encrypted: what they hold as constants may come from the data."""
    live = next(iter(self._live.values())).parent / _PROGRAMS
    live.mkdir(mode=0o700, exist_ok=True)
    found = source_files.vault_of(source_files.source(sets[0])) if sets else None
    if found is not None:
      key, name = found.subkey(_PROGRAMS), found.manifest.set
      disk = runtime.cache_folder() / 'encrypted-programs' / f'{name}-{found.manifest.epoch}'
      private_files.make_folder(disk)  # programs are code
      copy = Snapshot(disk, live, key, name)
      with contextlib.suppress(UserError):  # a damaged cache is made again
        copy.restore()
      self._held.enter_context(Keeping(copy, pause=60.0))
    self._held.enter_context(runtime.programs_in(live))


class _Named:
  """Standard output that names folders on the disk instead of those in memory."""

  def __init__(self, live: Mapping[pathlib.Path, pathlib.Path]):
    self._live, self._stream = live, sys.stdout

  def write(self, text: str) -> int:
    for disk, live in self._live.items():
      text = text.replace(str(live), f'{disk} (encrypted)')
    return self._stream.write(text)

  def __getattr__(self, name: str) -> Any:
    return getattr(self._stream, name)


@contextlib.contextmanager
def _of_disk(folder: pathlib.Path, live: dict[pathlib.Path, pathlib.Path]) -> Iterator[None]:
  """Errors of what is inside name the folder on the disk, and not the one in memory."""
  try:
    yield
  except UserError as error:
    if folder in live and str(live[folder]) in str(error):
      error.args = (str(error).replace(str(live[folder]), str(folder)), *error.args[1:])
    raise


def _is_run(word: str) -> bool:
  try:
    return sealed_run.is_sealed(pathlib.Path(word))
  except (OSError, ValueError):  # a word may be longer than any file's name
    return False


def _sets(config: Any) -> list[pathlib.Path]:
  """The encrypted sets that settings name."""
  texts = (leaf.value for leaf in config_lib.leaves(config) if isinstance(leaf.value, str))
  return [path for text in texts for path in _encrypted(text)]


def _encrypted(joined: str) -> list[pathlib.Path]:
  """Those of names joined by commas that are encrypted sets."""
  names = filter(None, (part.strip() for part in joined.split(',')))
  return [pathlib.Path(name).expanduser() for name in names if source_files.is_encrypted(name)]
