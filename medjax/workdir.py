"""The run folder: what is written where, by name.

It stands on a low floor although the design first put it beside the command line: training
writes into it and reports read from it, and both must know the names and nothing else of each
other.

Every file that a result rests on is checked when it is read. JSON files carry a digest, and
evaluation.json those of the tables that it was made with. All are tied to the run by a digest of
its config and of its data's fingerprint, so that a file of another run is not taken for its own.
"""

import contextlib
import hashlib
import json
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from medjax import config as config_lib
from medjax import files, sealed
from medjax.errors import UserError

C = TypeVar('C')

PRIVACY = 'privacy'  # what evaluation.json holds beside splits
SEAL = 'digests.json'  # in the folder of a checkpoint, of its other files

_TRAIN_AGAIN = 'restore it, or train again in another --workdir'
# What brings a file back that is damaged or missing, where it is not to run evaluate again.
_REMEDIES = {
  'config.json': _TRAIN_AGAIN,
  'data.json': _TRAIN_AGAIN,
  'environment.json': 'repeat the command that trained',
  'motifs.json': 'run motifs again',
  'privacy.json': 'restore it, as it counts what was told of patients; nobody can count it again',
  'validation.json': 'run validate again',
  'weights.json': _TRAIN_AGAIN,
}


class Workdir:
  """Names of the files of one run, and the few ways to read and write them.

  Attributes:
    folder: the run folder.

  Example:
    >>> Workdir('runs/a').predictions('test')
    PosixPath('runs/a/predictions/test.csv')
  """

  def __init__(self, folder: str | os.PathLike[str]):
    self.folder = pathlib.Path(os.path.expanduser(folder))
    self.config = self.folder / 'config.json'
    self.environment = self.folder / 'environment.json'
    self.data = self.folder / 'data.json'
    self.metrics = self.folder / 'metrics.jsonl'
    self.checkpoints = self.folder / 'checkpoints'
    self.tensorboard = self.folder / 'tensorboard'
    self.evaluation = self.folder / 'evaluation.json'
    self.decision = self.folder / 'decision.json'
    self.baseline = self.folder / 'baseline.json'
    self.coefficients = self.folder / 'coefficients.json'
    self.matched_pairs = self.folder / 'matched_pairs.json'
    self.report = self.folder / 'report.html'
    self.card = self.folder / 'card.md'
    self.motifs = self.folder / 'motifs.json'
    self.motifs_meme = self.folder / 'motifs.meme'
    self.preview = self.folder / 'preview.png'
    self.finished = self.folder / 'finished.json'
    self.several = self.folder / 'several.json'  # of a crossval: the names of its runs
    self.tuning = self.folder / 'tuning.json'  # of a tune: its study and what is searched
    self.weights = self.folder / 'weights.json'
    self.privacy = self.folder / 'privacy.json'  # what was told of private cases beside the plan
    self.audit = self.folder / 'audit.json'
    self.audit_page = self.folder / 'audit.html'
    self.audit_privacy = self.folder / 'audit-privacy.json'
    self.audit_privacy_page = self.folder / 'audit-privacy.html'
    self.audit_new = self.folder / 'audit-new.json'
    self.audit_new_page = self.folder / 'audit-new.html'
    self.launch = self.folder / 'launch'  # the script and the output of a cluster's job

  def predictions(self, split: str) -> pathlib.Path:
    return self.folder / 'predictions' / f'{split}.csv'

  def baseline_predictions(self, learner: str, split: str) -> pathlib.Path:
    """What a simple model predicted."""
    return self.folder / 'baseline' / f'{learner}-{split}.csv'

  def grades(self, method: str) -> pathlib.Path:
    """What ``explain --grade`` found of a method of explanation."""
    return self.folder / f'grades-{method}.json'

  def validation(self, name: str) -> pathlib.Path:
    """The folder of what ``validate`` found with the data of another site."""
    return self.folder / 'validation' / name

  def validations(self) -> list[pathlib.Path]:
    """What ``validate`` found, a file for each other site."""
    return sorted((self.folder / 'validation').glob('*/validation.json'))

  def check(self, config: Any) -> None:
    """Sees that the folder is new or holds a run of this config; writes nothing.

    Settings of how a run is computed, such as the number of devices, may differ: a run may go on
    elsewhere.

    Raises:
      UserError: the folder holds a run of another config, or files that are no run.
    """
    if self.config.exists():
      # Through the config, so that a setting added since the run began has its default.
      other = config_lib.difference(self.stored(type(config)()), config)
      if other:
        raise UserError(
          f'--workdir={self.folder}: holds a run with {other}; choose another folder or repeat the '
          'command that made it'
        )
    elif self.folder.exists() and not self.folder.is_dir():
      raise UserError(f'--workdir={self.folder}: is a file; expected a folder')
    elif self.folder.is_dir():
      # Hidden files are what a killed process was about to rename.
      kept = (p for p in self.folder.iterdir() if not p.name.startswith('.'))
      audits = (self.audit, self.audit_page, self.audit_privacy, self.audit_privacy_page)
      before = {path.name for path in (self.preview, *audits, self.launch)}
      if any(p.name not in before for p in kept):
        raise UserError(
          f'--workdir={self.folder}: holds files that are not of a run; choose another'
        )

  def claim(self, config: Any) -> None:
    """Makes a new folder this config's, or sees that it already is.

    Raises:
      UserError: as ``check``, or the folder cannot be written.
    """
    self.check(config)
    if not self.config.exists():
      self.write(self.config, config_lib.to_dict(config))

  def claim_data(self, summary: dict[str, Any], *, write: bool = True) -> None:
    """Writes data.json, or sees that the run began on the same data.

    Args:
      summary: ``Dataset.summary()``.
      write: whether to write it where there is none.

    Raises:
      UserError: the data have changed.
    """
    if self.data.exists():
      before = self.read(self.data).get('fingerprint')
      if before != summary['fingerprint']:
        raise UserError(
          f'--workdir={self.folder}: the data have changed since this run began, or how this '
          f'version reads them ({before}, now {summary["fingerprint"]}); choose another --workdir'
        )
    elif write:
      self.write(self.data, summary)

  @contextlib.contextmanager
  def alone(self) -> Iterator[None]:
    """Keeps other commands that write into the folder out of it meanwhile.

    Raises:
      UserError: another one is at work there, or the folder cannot be written.
    """
    busy = (
      f'--workdir={self.folder}: another command is training or evaluating there; wait for its '
      'end, or choose another folder'
    )
    with contextlib.ExitStack() as held:
      try:
        self.folder.mkdir(parents=True, exist_ok=True)
        held.enter_context(files.locked(self.folder / '.lock', busy))
      except OSError as error:
        raise files.unwritable(self.folder, error) from None
      yield

  @contextlib.contextmanager
  def one_by_one(self) -> Iterator[None]:
    """Lets processes that share the folder past one after another.

    Raises:
      UserError: the folder cannot be written.
    """
    with contextlib.ExitStack() as held:
      try:
        self.folder.mkdir(parents=True, exist_ok=True)
        held.enter_context(files.locked(self.folder / '.sharing'))
      except OSError as error:
        raise files.unwritable(self.folder, error) from None
      yield

  def stored(self, config: C) -> C:
    """The config of a finished or begun run, of the type of ``config``.

    Raises:
      UserError: there is none, or it is of another experiment.
    """
    if not self.config.exists():
      raise UserError(f'--workdir={self.folder}: no run here (config.json is missing); train first')
    return config_lib.from_dict(config, self.read(self.config))

  def identity(self) -> str:
    """What ties files to this run: 16 hexadecimal digits of its config and of its data.

    Raises:
      UserError: config.json or data.json is missing or damaged.
    """
    return self._tie(self.evaluation)

  def write(
    self, path: pathlib.Path, value: dict[str, Any], *, covers: Sequence[pathlib.Path] = ()
  ) -> None:
    """Writes one of the run's JSON files, which ``read`` knows again.

    Args:
      path: the file.
      value: JSON values.
      covers: files of the run whose digests it holds, for ``verified``.

    Raises:
      UserError: as ``identity``, or it cannot be written.
    """
    digests = {self.name(one): files.digest(one) for one in covers}
    sealed.write(path, value, run=self._tie(path), files=digests)

  def read(self, path: pathlib.Path) -> dict[str, Any]:
    """The values of one of the run's JSON files.

    Raises:
      UserError: it is missing, damaged or of another run; says what brings it back.
    """
    return self._read(path)[0]

  def evaluated(self) -> dict[str, Any]:
    """The metrics of each split in evaluation.json, which may hold ``privacy`` beside them."""
    return {name: part for name, part in self.read(self.evaluation).items() if name != PRIVACY}

  def verified(self, path: pathlib.Path) -> pathlib.Path:
    """``path``, if it is as the last evaluation left it.

    Raises:
      UserError: it is missing or is not; or evaluation.json is missing or damaged.
    """
    _, seal = self._read(self.evaluation)
    remedy = _remedy(path)
    try:
      found = files.digest(path)
    except OSError as error:
      raise UserError(f'{path}: cannot be read: {error.strerror}; {remedy}') from None
    if seal.get('files', {}).get(self.name(path)) != found:
      raise UserError(f'{path}: is not what the last evaluation wrote; {remedy}')
    return path

  def tables(self) -> list[pathlib.Path]:
    """Predictions that are there, and those that the last evaluation wrote."""
    found = set((self.folder / 'predictions').glob('*.csv'))
    if self.evaluation.exists():
      with contextlib.suppress(UserError):  # who reads evaluation.json will say so
        names = self._read(self.evaluation)[1].get('files', {})
        found |= {self.folder / name for name in names if name.endswith('.csv')}
    return sorted(found)

  def _read(self, path: pathlib.Path) -> tuple[dict[str, Any], dict[str, Any]]:
    value, seal = sealed.read(path, _remedy(path))
    if seal.get('run') != self._tie(path):
      raise UserError(f'{path}: is of another run than {self.config.name}; {_remedy(path)}')
    return value, seal

  def _tie(self, path: pathlib.Path) -> str:
    """What a file is tied to: config.json to nothing, data.json to it, and all others to both."""
    if path == self.config:
      return ''
    config, _ = sealed.read(self.config, _remedy(self.config))
    parts = [json.dumps(config)]
    if path != self.data:
      parts.append(str(self.read(self.data).get('fingerprint')))
    return hashlib.sha256('\0'.join(parts).encode()).hexdigest()[:16]

  def name(self, path: pathlib.Path) -> str:
    """Of a file within the folder, such as 'predictions/test.csv'."""
    return path.relative_to(self.folder).as_posix()


def _remedy(path: pathlib.Path) -> str:
  """What a user can do where a file of a run is damaged."""
  if path.name.startswith('grades-'):
    return 'run explain --grade again'
  return _REMEDIES.get(path.name, 'run evaluate again')
