"""The run folder: what is written where, by name.

It stands on the lowest floor although the design first put it beside the command line: training
writes into it and reports read from it, and both must know the names and nothing else of each
other.
"""

import json
import os
import pathlib
from typing import Any

from medjax import config as config_lib
from medjax.errors import UserError


class Workdir:
  """Names of the files of one run, and the few ways to read and write them.

  Attributes:
    folder: the run folder.

  Example:
    >>> Workdir('runs/a').predictions('test')
    PosixPath('runs/a/predictions/test.csv')
  """

  def __init__(self, folder: str | os.PathLike[str]):
    self.folder = pathlib.Path(folder)
    self.config = self.folder / 'config.json'
    self.environment = self.folder / 'environment.json'
    self.data = self.folder / 'data.json'
    self.metrics = self.folder / 'metrics.jsonl'
    self.checkpoints = self.folder / 'checkpoints'
    self.tensorboard = self.folder / 'tensorboard'
    self.evaluation = self.folder / 'evaluation.json'
    self.report = self.folder / 'report.html'
    self.preview = self.folder / 'preview.png'

  def predictions(self, split: str) -> pathlib.Path:
    return self.folder / 'predictions' / f'{split}.csv'

  def claim(self, config: Any) -> None:
    """Makes the folder this config's, or sees that it already is.

    Raises:
      UserError: the folder holds a run of another config, or files that are no run, or cannot be
        written.
    """
    wanted = config_lib.to_dict(config)
    if self.config.exists():
      old, new = config_lib.flatten(read_json(self.config)), config_lib.flatten(wanted)
      for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
          raise UserError(
            f'--workdir={self.folder}: holds a run with config.{name}={old.get(name)}, not '
            f'{new.get(name)}; choose another folder or repeat the command that made it'
          )
      return
    if self.folder.exists() and not self.folder.is_dir():
      raise UserError(f'--workdir={self.folder}: is a file; expected a folder')
    if self.folder.is_dir() and any(p.name != self.preview.name for p in self.folder.iterdir()):
      raise UserError(f'--workdir={self.folder}: holds files that are not of a run; choose another')
    try:
      write_json(self.config, wanted)
    except OSError as error:
      raise UserError(f'--workdir={self.folder}: cannot be written: {error.strerror}') from None

  def stored_config(self) -> dict[str, Any]:
    """config.json of a finished or begun run.

    Raises:
      UserError: there is none.
    """
    if not self.config.exists():
      raise UserError(f'--workdir={self.folder}: no run here (config.json is missing); train first')
    return read_json(self.config)


def read_json(path: pathlib.Path) -> dict[str, Any]:
  """The JSON object in ``path``.

  Raises:
    UserError: it cannot be read or is not JSON.
  """
  try:
    return json.loads(path.read_text())
  except (OSError, ValueError) as error:
    raise UserError(f'{path}: cannot be read as JSON: {error}') from None


def write_json(path: pathlib.Path, value: dict[str, Any]) -> None:
  """Writes all of ``value`` or leaves the old file, whatever happens in between."""
  path.parent.mkdir(parents=True, exist_ok=True)
  temporary = path.with_name(f'.{path.name}.{os.getpid()}')
  temporary.write_text(json.dumps(value, indent=2, allow_nan=False) + '\n')
  os.replace(temporary, path)
