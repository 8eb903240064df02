"""Every look that a tuning took at its test cases, as who goes on after one may tune on them."""

import datetime
import pathlib
from typing import Any

from medjax import sealed

_NAME = 'looks.json'
_KEEP = 'it is the record of what was seen of the test cases; restore it'


def begin(folder: pathlib.Path, trials: int, seeds: int, winner: int) -> None:
  """Notes a look before any test case is seen, unless the last one was the same.

  Args:
    folder: of the tuning.
    trials: that are finished.
    seeds: of the runs that are tested.
    winner: the number of the best trial.

  Raises:
    UserError: the record is damaged, or cannot be written.
  """
  look = {'trials': trials, 'seeds': seeds, 'winner': winner}
  before = read(folder)
  if not before or any(before[-1][name] != value for name, value in look.items()):
    _write(folder, [*before, {'time': _now(), **look, 'test': None}])


def end(folder: pathlib.Path, test: dict[str, Any]) -> list[dict[str, Any]]:
  """Notes what the look that was begun gave.

  Args:
    folder: of the tuning.
    test: figures of 'default', 'winner' and 'difference', as JSON.

  Returns:
    All looks: the 'time' of each in UTC, 'trials', 'seeds' and 'winner' as of ``begin``, and
    'test'; None of one that was not ended.

  Raises:
    UserError: as of ``begin``.
  """
  *before, last = read(folder)
  if last['test'] is None:
    _write(folder, [*before, last | {'test': test}])
  elif last['test'] != test:  # as where another version evaluated the runs again
    _write(folder, [*before, last, last | {'time': _now(), 'test': test}])
  return read(folder)


def read(folder: pathlib.Path) -> list[dict[str, Any]]:
  """All looks so far, the first one first.

  Raises:
    UserError: the record is damaged.
  """
  path = folder / _NAME
  looks: list[dict[str, Any]] = sealed.read(path, _KEEP)[0]['looks'] if path.exists() else []
  return looks


def _write(folder: pathlib.Path, looks: list[dict[str, Any]]) -> None:
  sealed.write(folder / _NAME, {'looks': looks})


def _now() -> str:
  return datetime.datetime.now(datetime.UTC).isoformat(' ', 'seconds').removesuffix('+00:00')
