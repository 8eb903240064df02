"""How outputs become probabilities of survival and groups of risk, fitted on validation.

A Cox network gives log hazard ratios only. The baseline hazard that makes survival of them is
fitted to the validation cases, as everything else that turns outputs into what is said of a case.
It needs no training data afterwards, and as those cases have not trained the network, survival is
right on average however far the network's hazard ratios are overfitted. A discrete-time network
gives survival at the ends of its intervals; between them it is linear.

A decision holds the times of the validation cases' events and censorings, and nothing else of them.

Reference:
  van Houwelingen (2000), Validation, calibration, revision and combination of prognostic survival
    models, Statistics in Medicine 19:3401-3415 (refitting the baseline hazard).
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from medjax.evaluation.baseline_hazard import BaselineHazard, baseline_hazard
from medjax.evaluation.kaplan_meier import KaplanMeier, censoring_curve
from medjax.evaluation.survival import SurvivalTable, horizon_name

_GROUPS = (('all',), ('low', 'high'), ('low', 'middle', 'high'))
_TERTILES = (1 / 3, 2 / 3)


@dataclasses.dataclass(frozen=True, eq=False)
class SurvivalDecision:
  """What turns the outputs of one checkpoint into survival and groups.

  Attributes:
    checkpoint_step: the checkpoint whose validation predictions this was fitted to.
    horizons: times at which survival is told, rising, in the unit of the times; those of the ones
      asked for at which it is known.
    ends: where the intervals of a discrete-time model end; empty for a Cox model.
    baseline: of a Cox model; None for a discrete-time model, and where no validation case has the
      event.
    censoring: the curve of the censoring of the validation cases, which metrics weight by.
    risk_cuts: at most two, rising; a case belongs to the group above each one that its risk
      reaches.
    reason: on what this was fitted, and what could not be.
  """

  checkpoint_step: int
  horizons: tuple[float, ...]
  ends: tuple[float, ...]
  baseline: BaselineHazard | None
  censoring: KaplanMeier
  risk_cuts: tuple[float, ...]
  reason: str = ''

  @classmethod
  def fit(
    cls,
    validation: SurvivalTable,
    step: int,
    horizons: Sequence[float],
    ends: Sequence[float] = (),
  ) -> Self:
    """Fits baseline hazard (Efron's ties), curve of the censoring, and tertiles of risk.

    Args:
      validation: predictions of cases that were not trained on; of a discrete-time model with
        survival at ``ends``. Cases of unknown time are left out.
      step: of the checkpoint.
      horizons: times at which survival is asked for, rising.
      ends: of the intervals of a discrete-time model.
    """
    table = validation.labelled()
    events = int(table.event.sum())
    reasons = [f'fitted on {len(table)} cases of {table.split}, {events} with the event']
    if len(table) < len(validation):
      reasons.append(f'{len(validation) - len(table)} cases of unknown time left out')
    shared = events - len(np.unique(table.time[table.event]))
    if shared and not ends:
      reasons.append(f"{shared} events at the time of another one, by Efron's method")
    baseline, last = None, ends[-1] if ends else 0.0
    if not ends and events:
      baseline = baseline_hazard(table.time, table.event, table.risk)
      last = baseline.last
    known = tuple(float(horizon) for horizon in horizons if horizon <= last)
    if not ends and not events:
      reasons.append('no baseline hazard without an event, so that no survival is told')
    elif len(known) < len(horizons):
      beyond = ', '.join(horizon_name(horizon) for horizon in horizons if horizon > last)
      what = 'the last interval ends' if ends else 'the last case was observed'
      reasons.append(f'no survival at {beyond}: {what} at {horizon_name(last)}')
    return cls(
      step,
      known,
      tuple(map(float, ends)),
      baseline,
      censoring_curve(table.time, table.event),
      _tertiles(table.risk),
      '; '.join(reasons),
    )

  @property
  def group_names(self) -> tuple[str, ...]:
    """Of the groups of risk, from the lowest on."""
    return _GROUPS[len(self.risk_cuts)]

  def groups(self, risk: np.ndarray) -> np.ndarray:
    """The number of each risk's group, int64 [N]."""
    return np.searchsorted(self.risk_cuts, risk, side='right')

  def survival(self, risk: np.ndarray, at_ends: np.ndarray) -> np.ndarray:
    """Probability of no event up to and with each horizon, float64 [N, T].

    Args:
      risk: [N] log hazard ratios.
      at_ends: [N, K], survival at the ends of the intervals; [N, 0] of a Cox model.
    """
    if not self.horizons:
      return np.zeros((len(risk), 0))
    times = np.array(self.horizons)
    if self.baseline is not None:
      return self.baseline.survival(risk, times)
    knots = np.append(0.0, self.ends)
    whole = np.column_stack([np.ones(len(risk)), at_ends]).astype(np.float64)
    return np.array([np.interp(times, knots, row) for row in whole]).reshape(len(risk), len(times))

  def median(self, risk: np.ndarray, at_ends: np.ndarray) -> np.ndarray:
    """The time at which survival reaches a half, float64 [N]; NaN where it stays above.

    Args:
      risk: as of ``survival``.
      at_ends: see there.
    """
    if self.baseline is not None:
      # Where the cumulative hazard reaches log 2 over the hazard ratio; a step function.
      with np.errstate(over='ignore'):
        needed = math.log(2) * np.exp(-np.asarray(risk, np.float64))
      place = np.searchsorted(self.baseline.cumulative, needed)
      return np.append(self.baseline.time, np.nan)[place]
    if not self.ends:
      return np.full(len(risk), np.nan)
    knots = np.append(0.0, self.ends)
    whole = np.column_stack([np.ones(len(risk)), at_ends]).astype(np.float64)
    medians = np.full(len(risk), np.nan)
    for row in np.flatnonzero(whole[:, -1] <= 0.5):
      after = int(np.argmax(whole[row] <= 0.5))
      high, low = whole[row, after - 1], whole[row, after]
      share = (high - 0.5) / (high - low)
      medians[row] = knots[after - 1] + share * (knots[after] - knots[after - 1])
    return medians

  def told(self, predicted: np.ndarray, classes: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """What is said of cases.

    Args:
      predicted: as ``parted`` takes it.
      classes: none.

    Returns:
      risk [N]; survival at each of ``horizons``, [N, T]; median_survival [N], NaN where survival
      stays above a half; and risk_group, its name, [N]. Of a case for which the network gives no
      number they are NaN, and the group is ''.
    """
    columns = np.asarray(predicted, np.float64).reshape(len(predicted), -1)
    known = np.asarray(np.isfinite(columns).all(axis=1))
    risk, at_ends = parted(np.where(known[:, None], columns, 0))
    numbers = {
      'risk': risk,
      'survival': self.survival(risk, at_ends),
      'median_survival': self.median(risk, at_ends),
    }
    for values in numbers.values():
      values[~known] = np.nan
    groups = np.where(known, np.array(self.group_names)[self.groups(risk)], '')
    return numbers | {'risk_group': groups}

  def table(self, raw: SurvivalTable) -> SurvivalTable:
    """The table with survival at the horizons, of one as the network gave it."""
    survival = self.survival(raw.risk, raw.survival)
    return dataclasses.replace(raw, survival=survival, horizons=self.horizons)

  def to_json(self) -> dict[str, Any]:
    """A JSON object, which ``from_json`` reads back to the same bits."""
    return {
      'checkpoint_step': self.checkpoint_step,
      'horizons': list(self.horizons),
      'ends': list(self.ends),
      'baseline': None if self.baseline is None else self.baseline.to_json(),
      'censoring': self.censoring.to_json(),
      'risk_cuts': list(self.risk_cuts),
      'reason': self.reason,
    }

  @classmethod
  def from_json(cls, stored: dict[str, Any]) -> Self:
    """What ``to_json`` gave.

    Raises:
      KeyError: a field is missing.
      TypeError: a field is of another type.
      ValueError: a value is not as above.
    """
    baseline = stored['baseline']
    decision = cls(
      int(stored['checkpoint_step']),
      tuple(map(float, stored['horizons'])),
      tuple(map(float, stored['ends'])),
      None if baseline is None else BaselineHazard.from_json(baseline),
      KaplanMeier.from_json(stored['censoring']),
      tuple(map(float, stored['risk_cuts'])),
      str(stored['reason']),
    )
    if len(decision.risk_cuts) >= len(_GROUPS):
      raise ValueError(f'{len(decision.risk_cuts)} cuts of risk; expected at most two')
    return decision


def parted(predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Risk [N] and survival at the ends of intervals [N, K], of [N] (K is 0) or [N, 1 + K]."""
  columns = np.asarray(predicted, np.float64).reshape(len(predicted), -1)
  return columns[:, 0], columns[:, 1:]


def _tertiles(risk: np.ndarray) -> tuple[float, ...]:
  """Cuts between thirds of the cases, without those that nobody is below."""
  if not len(risk):
    return ()
  cuts = np.unique(np.quantile(risk, _TERTILES))
  return tuple(cuts[cuts > risk.min()].tolist())
