"""The Kaplan-Meier curve of right-censored times, and of their censoring.

At equal times events come before censorings: who is censored on the day of somebody's event was at
risk of it. The curve of the censoring therefore counts as at risk of being censored only who had no
event at that time, as scikit-survival does.

References:
  Kaplan and Meier (1958), Nonparametric estimation from incomplete observations, JASA 53:457-481.
  Kalbfleisch and Prentice (2002), The Statistical Analysis of Failure Time Data, 2nd ed., section
    1.4 (Greenwood's variance on the log-log scale, "exponential Greenwood").
  Brookmeyer and Crowley (1982), A confidence interval for the median survival time, Biometrics
    38:29-41.
"""

import dataclasses
import math
from typing import Any, Self

import numpy as np

from medjax.evaluation.estimate import Estimate, normal_quantile

_ROUNDING = 1e-12  # of products of probabilities


@dataclasses.dataclass(frozen=True, eq=False)
class KaplanMeier:
  """A survival curve, a step function that is 1 before the first event.

  Attributes:
    time: float64 [K], the distinct times of events and censorings, rising, in the unit given.
    at_risk: int64 [K], how many were still observed just before each time.
    events: int64 [K], how many had the event then; of the curve of the censoring, were censored.
    survival: float64 [K], from each time to the next one.
    low: float64 [K], lower ends of pointwise 95% intervals; NaN where survival is 0 or 1, of which
      Greenwood's variance says nothing.
    high: float64 [K], upper ends.

  Example:
    >>> curve = kaplan_meier(np.array([1.0, 2.0, 2.0, 4.0]), np.array([True, True, False, False]))
    >>> curve.at(np.array([0.5, 1.0, 3.0, 5.0])).tolist()
    [1.0, 0.75, 0.5, nan]
  """

  time: np.ndarray
  at_risk: np.ndarray
  events: np.ndarray
  survival: np.ndarray
  low: np.ndarray
  high: np.ndarray

  def at(self, times: np.ndarray) -> np.ndarray:
    """Probability of no event up to and with each time, float64 of the shape of ``times``.

    NaN after the last observed time, unless the curve is 0 there.
    """
    return self._step(self.survival, times, before=1.0)

  def interval_at(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the pointwise 95% intervals at each time; NaN where there is none."""
    return self._step(self.low, times, math.nan), self._step(self.high, times, math.nan)

  def estimate_at(self, time: float) -> Estimate:
    """The probability of no event up to ``time`` with its interval, or the reason for none."""
    moment = np.array(time)
    value, low, high = (float(part) for part in (self.at(moment), *self.interval_at(moment)))
    if math.isnan(value):
      return Estimate(None, reason=f'no case was observed until {time:g}')
    if math.isnan(low):
      return Estimate(value, reason=f'survival is {value:g}: no interval')
    return Estimate(value, low, high)

  def at_risk_at(self, times: np.ndarray) -> np.ndarray:
    """How many were observed just before each time, int64."""
    index = np.searchsorted(self.time, times, side='left')
    return np.append(self.at_risk, 0)[index]

  def quantile(self, share: float = 0.5) -> Estimate:
    """The first time at which at least ``share`` of the cases have had the event.

    Its interval is where the pointwise intervals cross the same level (Brookmeyer and Crowley).

    Args:
      share: in (0, 1); 0.5 for the median.

    Returns:
      The time in the unit of ``time``. Value None where the curve stays above; an end None where
      its band does.
    """
    level = 1 - share + _ROUNDING

    def first(values: np.ndarray) -> float | None:
      reached = np.flatnonzero(values <= level)  # NaN is not
      return float(self.time[reached[0]]) if len(reached) else None

    value, low, high = first(self.survival), first(self.low), first(self.high)
    if value is None:
      return Estimate(None, low=low, reason=f'survival stays above {1 - share:g}')
    missing = [name for name, end in (('lower', low), ('upper', high)) if end is None]
    reason = f'{" and ".join(missing)} end not reached' if missing else ''
    return Estimate(value, low, high, reason)

  def to_json(self) -> dict[str, Any]:
    """A JSON object, which ``from_json`` reads back to the same bits."""
    return {
      field.name: [None if number != number else number for number in column.tolist()]
      for field in dataclasses.fields(self)
      for column in [getattr(self, field.name)]
    }

  @classmethod
  def from_json(cls, stored: dict[str, Any]) -> Self:
    """What ``to_json`` gave.

    Raises:
      KeyError: a field is missing.
      ValueError: fields are not of one length.
    """
    columns = {}
    for field in dataclasses.fields(cls):
      dtype = np.int64 if field.name in ('at_risk', 'events') else np.float64
      columns[field.name] = np.array(
        [math.nan if number is None else number for number in stored[field.name]], dtype
      )
    if len({len(column) for column in columns.values()}) > 1:
      raise ValueError('the columns of a survival curve differ in length')
    return cls(**columns)

  def _step(self, values: np.ndarray, times: np.ndarray, before: float) -> np.ndarray:
    times = np.asarray(times, np.float64)
    index = np.searchsorted(self.time, times, side='right')
    stepped = np.append(before, values)[index]
    known = len(self.time) > 0 and self.survival[-1] == 0
    return stepped if known else np.where(times > self.time.max(initial=-np.inf), math.nan, stepped)


def kaplan_meier(time: np.ndarray, event: np.ndarray) -> KaplanMeier:
  """The survival curve with pointwise 95% intervals (Greenwood's variance, log-log scale).

  Args:
    time: [N], of the event or of the end of observation, finite and not negative.
    event: [N] bool, whether the event was seen.

  Raises:
    ValueError: shapes differ, a time is negative or not finite, or an event is not 0 or 1.

  Example:
    >>> kaplan_meier(np.array([3.0, 5.0]), np.array([True, False])).quantile().value
    3.0
  """
  time, event = times_and_events(time, event)
  distinct, at_risk, events, _ = _counts(time, event)
  return _curve(distinct, at_risk, events)


def censoring_curve(time: np.ndarray, event: np.ndarray) -> KaplanMeier:
  """The curve of not being censored, which inverse-probability weights divide by.

  Args:
    time: [N], as in ``kaplan_meier``.
    event: [N] bool, whether the event was seen.

  Raises:
    ValueError: as ``kaplan_meier``.

  Example:
    >>> curve = censoring_curve(np.array([1.0, 1.0, 2.0]), np.array([True, False, True]))
    >>> curve.survival.tolist()
    [0.5, 0.5]
  """
  time, event = times_and_events(time, event)
  distinct, at_risk, events, censored = _counts(time, event)
  return _curve(distinct, at_risk - events, censored)


def resampled_survival(
  time: np.ndarray, event: np.ndarray, times: np.ndarray, horizons: np.ndarray
) -> np.ndarray:
  """The survival curve of each resample at each horizon, float64 [R, T].

  Args:
    time: [N], as in ``kaplan_meier``.
    event: [N] bool.
    times: [R, N], how often each case is in each resample.
    horizons: [T] in the unit of ``time``.

  Returns:
    The curves; NaN at a horizon after the last observed time of a resample, unless it is 0 there.
  """
  time, event = times_and_events(time, event)
  order = np.argsort(time, kind='stable')
  ranked, times = time[order], np.asarray(times, np.float64)[:, order]
  starts = np.flatnonzero(np.diff(ranked, prepend=-1) > 0)
  distinct = ranked[starts]
  observed = np.add.reduceat(times, starts, axis=1)
  events = np.add.reduceat(times * event[order], starts, axis=1)
  at_risk = np.cumsum(observed[:, ::-1], axis=1)[:, ::-1]
  left = np.cumprod(1 - events / np.maximum(at_risk, 1), axis=1)
  index = np.searchsorted(distinct, horizons, side='right')
  survival = np.concatenate([np.ones((len(times), 1)), left], axis=1)[:, index]
  last = np.where(observed > 0, distinct, -np.inf).max(axis=1, initial=-np.inf)
  ended = (np.asarray(horizons)[None] > last[:, None]) & (survival > 0)
  return np.where(ended, np.nan, survival)


def times_and_events(time: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Times as float64 [N] and events as bool [N], checked.

  Raises:
    ValueError: as ``kaplan_meier``.
  """
  time, event = np.asarray(time, np.float64), np.asarray(event)
  if time.ndim != 1 or time.shape != event.shape:
    raise ValueError(f'time has shape {time.shape} and event {event.shape}; expected [N] both')
  if not (np.isfinite(time) & (time >= 0)).all():
    raise ValueError('a time is negative or not finite')
  if not np.isin(event, (0, 1)).all():
    raise ValueError('an event is neither 0 nor 1')
  return time, event.astype(bool)


def _counts(
  time: np.ndarray, event: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
  """Distinct times, and how many were at risk, had the event and were censored at each."""
  distinct, number = np.unique(time, return_inverse=True)
  observed = np.bincount(number, minlength=len(distinct))
  events = np.bincount(number[event], minlength=len(distinct))
  at_risk = np.cumsum(observed[::-1])[::-1]
  return distinct, at_risk, events, observed - events


def _curve(time: np.ndarray, at_risk: np.ndarray, events: np.ndarray) -> KaplanMeier:
  survival = np.cumprod(1 - events / np.maximum(at_risk, 1))
  with np.errstate(divide='ignore', invalid='ignore'):
    variance = np.cumsum(np.where(events > 0, events / (at_risk * (at_risk - events)), 0.0))
    log = np.log(survival)
    width = normal_quantile(0.95) * np.sqrt(variance) / log  # negative
    low, high = np.exp(log * np.exp(-width)), np.exp(log * np.exp(width))
  undefined = (survival <= 0) | (survival >= 1)
  low, high = (np.where(undefined, math.nan, end) for end in (low, high))
  return KaplanMeier(time, at_risk, events, survival, low, high)
