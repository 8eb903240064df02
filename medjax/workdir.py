"""The run folder: what is written where, by name.

It stands on the lowest floor although the design first put it beside the command line: training
writes into it and reports read from it, and both must know the names and nothing else of each
other.
"""

import json
import os
import pathlib
from typing import Any, TypeVar

from medjax import config as config_lib
from medjax.errors import UserError

C = TypeVar('C')


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
    self.report = self.folder / 'report.html'
    self.card = self.folder / 'card.md'
    self.motifs = self.folder / 'motifs.json'
    self.motifs_meme = self.folder / 'motifs.meme'
    self.preview = self.folder / 'preview.png'

  def predictions(self, split: str) -> pathlib.Path:
    return self.folder / 'predictions' / f'{split}.csv'

  def baseline_predictions(self, learner: str, split: str) -> pathlib.Path:
    """What a simple model predicted."""
    return self.folder / 'baseline' / f'{learner}-{split}.csv'

  def grades(self, method: str) -> pathlib.Path:
    """What ``explain --grade`` found of a method of explanation."""
    return self.folder / f'grades-{method}.json'

  def check(self, config: Any) -> None:
    """Sees that the folder is new or holds a run of this config; writes nothing.

    Settings of how a run is computed, such as the number of devices, may differ: a run may go on
    elsewhere.

    Raises:
      UserError: the folder holds a run of another config, or files that are no run.
    """
    if self.config.exists():
      # Through the config, so that a setting added since the run began has its default.
      stored = {leaf.name: leaf for leaf in config_lib.leaves(self.stored(type(config)()))}
      for leaf in config_lib.leaves(config):
        before = stored[leaf.name].value
        if leaf.value != before and not leaf.field.metadata.get('execution'):
          raise UserError(
            f'--workdir={self.folder}: holds a run with config.{leaf.name}='
            f'{config_lib.spell(before)}, not {config_lib.spell(leaf.value)}; choose another '
            'folder or repeat the command that made it'
          )
    elif self.folder.exists() and not self.folder.is_dir():
      raise UserError(f'--workdir={self.folder}: is a file; expected a folder')
    elif self.folder.is_dir():
      # Hidden files are what a killed process was about to rename.
      kept = (p for p in self.folder.iterdir() if not p.name.startswith('.'))
      if any(p.name != self.preview.name for p in kept):
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
      try:
        write_json(self.config, config_lib.to_dict(config))
      except OSError as error:
        raise UserError(f'--workdir={self.folder}: cannot be written: {error.strerror}') from None

  def claim_data(self, summary: dict[str, Any], *, write: bool = True) -> None:
    """Writes data.json, or sees that the run began on the same data.

    Args:
      summary: ``Dataset.summary()``.
      write: whether to write it where there is none.

    Raises:
      UserError: the data have changed.
    """
    if self.data.exists():
      before = read_json(self.data).get('fingerprint')
      if before != summary['fingerprint']:
        raise UserError(
          f'--workdir={self.folder}: the data have changed since this run began '
          f'({before}, now {summary["fingerprint"]}); choose another --workdir'
        )
    elif write:
      write_json(self.data, summary)

  def stored(self, config: C) -> C:
    """The config of a finished or begun run, of the type of ``config``.

    Raises:
      UserError: there is none, or it is of another experiment.
    """
    if not self.config.exists():
      raise UserError(f'--workdir={self.folder}: no run here (config.json is missing); train first')
    return config_lib.from_dict(config, read_json(self.config))


def read_json(path: pathlib.Path) -> dict[str, Any]:
  """The JSON object in ``path``.

  Raises:
    UserError: it cannot be read or is not JSON.
  """
  try:
    value = json.loads(path.read_text())
  except (OSError, ValueError) as error:
    raise UserError(f'{path}: cannot be read as JSON: {error}') from None
  if not isinstance(value, dict):
    raise UserError(f'{path}: expected a JSON object, found {type(value).__name__}')
  return value


def write_json(path: pathlib.Path, value: dict[str, Any]) -> None:
  """Writes all of ``value`` or leaves the old file, whatever happens in between."""
  path.parent.mkdir(parents=True, exist_ok=True)
  temporary = path.with_name(f'.{path.name}.{os.getpid()}')
  temporary.write_text(json.dumps(value, indent=2, allow_nan=False) + '\n')
  os.replace(temporary, path)
