"""The trials of a study as users count them: one that was interrupted and taken up again is one."""

import dataclasses
from collections.abc import Sequence
from typing import Any

DEATHS = 3  # of processes at work on one trial, after which it is given up
# What a trial of Optuna says beside its parameters.
DEFAULT, ROOT, MARK, ASKED, DIED = 'default', 'continues', 'mark', 'asked_to_end', 'deaths'
VALUES, REASON, EPOCH, SECONDS = 'values', 'reason', 'epoch', 'seconds'

WAITING, RUNNING, INTERRUPTED = 'waiting', 'running', 'interrupted'
COMPLETE, PRUNED, FAILED = 'complete', 'pruned', 'failed'
_STATES = {'COMPLETE': COMPLETE, 'PRUNED': PRUNED, 'WAITING': WAITING, 'RUNNING': RUNNING}


@dataclasses.dataclass(frozen=True)
class Tried:
  """One trial.

  Attributes:
    number: of it; its folder is ``folder_name(number)``.
    state: one of those above.
    values: of the settings that are searched; empty before it began.
    score: of validation, the best of its epochs; None where there is none.
    curve: (epochs from 1, scores).
    epoch: that of the score.
    seconds: of its training.
    reason: why it failed.
    latest: the trial of Optuna that is the last attempt at it.
    deaths: of processes, so far.
  """

  number: int
  state: str
  values: dict[str, Any]
  score: float | None
  curve: tuple[list[int], list[float]]
  epoch: int | None
  seconds: float
  reason: str
  latest: Any
  deaths: int

  @property
  def default(self) -> bool:
    """Whether its settings are the default ones."""
    return bool(self.latest.user_attrs.get(DEFAULT))

  @property
  def finished(self) -> bool:
    return self.state in (COMPLETE, PRUNED, FAILED)


def folder_name(number: int) -> str:
  """Of a trial."""
  return f'trial-{number:04d}'


def tried(trials: Sequence[Any]) -> list[Tried]:
  """All trials of a study in their order.

  Args:
    trials: of Optuna. One that ended without a value and without a reason was interrupted: its
      process was killed, or asked to end.
  """
  latest: dict[int, Any] = {}
  for trial in sorted(trials, key=lambda trial: trial.number):
    latest[trial.user_attrs.get(ROOT, trial.number)] = trial
  return [_of(number, trial) for number, trial in sorted(latest.items())]


def _of(number: int, trial: Any) -> Tried:
  about = trial.user_attrs
  state, reason, deaths = _STATES.get(trial.state.name, FAILED), about.get(REASON, ''), 0
  deaths = about.get(DIED, 0)
  if state == FAILED and not reason:
    deaths += not about.get(ASKED)
    if deaths < DEATHS:
      state = INTERRUPTED
    else:
      reason = f'{deaths} processes died at work on it (out of memory?)'
  steps = sorted(trial.intermediate_values)
  curve = [trial.intermediate_values[step] for step in steps]
  score = trial.value if state == COMPLETE else max(curve, default=None)
  return Tried(
    number,
    state,
    about.get(VALUES, {}),
    score,
    (steps, curve),
    about.get(EPOCH) if state == COMPLETE else None,
    about.get(SECONDS, 0.0),
    reason,
    trial,
    deaths,
  )


def best(trials: Sequence[Tried]) -> Tried | None:
  """The complete trial with the best score, the first of equals; None where none is complete."""
  complete = [trial for trial in trials if trial.state == COMPLETE and trial.score is not None]
  return max(complete, key=lambda trial: trial.score or 0.0, default=None)
