"""Concordance of a risk score with right-censored times, by Harrell and by Uno.

A pair of cases is comparable where the one with the event is known to come first: its time is
smaller, or equal and the other is censored then. It is concordant where the first has the larger
risk; equal risks count one half. All pairs are counted in O(N log^2 N), for one set of cases or for
many resamples of it, without a matrix of pairs.

References:
  Harrell, Lee and Mark (1996), Multivariable prognostic models, Statistics in Medicine 15:361-387.
  Uno, Cai, Pencina, D'Agostino and Wei (2011), On the C-statistics for evaluating overall adequacy
    of risk prediction procedures with censored survival data, Statistics in Medicine 30:1105-1117.
"""

import dataclasses
import math

import numpy as np

from medjax.evaluation.estimate import Estimate
from medjax.evaluation.kaplan_meier import KaplanMeier, times_and_events

TIED = 1e-8  # risks that differ by no more are equal, as in scikit-survival


@dataclasses.dataclass(frozen=True)
class Concordance:
  """Harrell's C and the pairs that it is made of.

  Attributes:
    value: share of concordant pairs, equal risks counted one half; None where no pair is
      comparable.
    concordant: pairs whose first case has the larger risk.
    discordant: pairs whose first case has the smaller risk.
    tied_risk: pairs of equal risk.
    reason: why there is no value.
  """

  value: float | None
  concordant: int
  discordant: int
  tied_risk: int
  reason: str = ''


class Pairs:
  """The comparable pairs of some cases, sorted once for all resamples.

  Cases are put in the order in which they are known to have lasted, so that an event's comparable
  cases are those from one place to the end. That stretch is cut into blocks of 1, 2, 4, ... cases,
  each sorted by risk, in which running sums count the smaller risks.

  Args:
    time: [N], of the event or of the end of observation.
    event: [N] bool, whether the event was seen.
    risk: [N], finite; larger means an earlier event.

  Attributes:
    first: int64 [E], the cases with an event, with which pairs begin.

  Raises:
    ValueError: shapes differ, or a value is not as above.
  """

  def __init__(self, time: np.ndarray, event: np.ndarray, risk: np.ndarray):
    time, event = times_and_events(time, event)
    risk = np.asarray(risk, np.float64)
    if risk.shape != time.shape:
      raise ValueError(f'risk has shape {risk.shape}; expected {time.shape} as time')
    if not np.isfinite(risk).all():
      raise ValueError('a risk is not finite')
    count = len(time)
    # Events come before censorings of the same time, which are comparable with them.
    self._order = np.lexsort((~event, time))
    ranked, happened = time[self._order], event[self._order]
    placed = np.flatnonzero(happened)
    self.first = self._order[placed]
    ends = np.searchsorted(ranked, ranked, side='right')  # of equal times
    before = np.append(0, np.cumsum(happened))
    start = np.searchsorted(ranked, ranked, side='left')
    # After the last event of the same time.
    self._from = (start + before[ends] - before[start])[placed]
    by_risk = np.sort(risk)
    rank = np.empty(count, np.int64)
    rank[np.argsort(risk[self._order], kind='stable')] = np.arange(count)
    below = np.searchsorted(by_risk, risk[self.first] - TIED, side='left')
    up_to = np.searchsorted(by_risk, risk[self.first] + TIED, side='right')
    self._levels = []
    # No stretch starts at 0, as the event itself lies before it: some bit of its place is set.
    place, position = self._from.copy(), np.arange(count)
    for level in range(count.bit_length()):
      asking = np.flatnonzero((place >> level) & 1 & (place < count))
      block = place[asking] >> level
      if len(asking):
        key = (position >> level) * (count + 1) + rank
        order = np.argsort(key, kind='stable')
        keys = key[order]
        low = np.searchsorted(keys, block * (count + 1) + below[asking])
        high = np.searchsorted(keys, block * (count + 1) + up_to[asking])
        self._levels.append((order, asking, block << level, low, high))
      place[asking] += 1 << level

  def counts(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Concordant, tied and comparable cases of each event, float64 [R, E] each.

    Args:
      times: [R, N], how often each case is in each resample.
    """
    times = np.asarray(times, np.float64)[:, self._order]
    shape = (len(times), len(self.first))
    concordant, tied = np.zeros(shape), np.zeros(shape)
    for order, asking, start, low, high in self._levels:
      sums = _running(times[:, order])
      concordant[:, asking] += sums[:, low] - sums[:, start]
      tied[:, asking] += sums[:, high] - sums[:, low]
    sums = _running(times)
    return concordant, tied, sums[:, -1:] - sums[:, self._from]

  def concordance(self, times: np.ndarray, weights: list[np.ndarray]) -> list[np.ndarray]:
    """The concordance of each resample, [R], for each weighting of the pairs.

    Args:
      times: [R, N], how often each case is in each resample.
      weights: of the pairs that begin with each case of ``first``, [E] each.

    Returns:
      One array for each of the weights; NaN in a resample without a pair of positive weight.
    """
    concordant, tied, comparable = self.counts(times)
    right = concordant + tied / 2
    begun = np.asarray(times)[:, self.first]
    indices = []
    for weight in weights:
      scale = begun * weight
      with np.errstate(invalid='ignore', divide='ignore'):
        indices.append((scale * right).sum(axis=1) / (scale * comparable).sum(axis=1))
    return indices


def concordance_harrell(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> Concordance:
  """Harrell's C: how often the case with the earlier event has the larger risk.

  Its expectation depends on the censoring; see ``concordance_uno``.

  Args:
    time: [N], of the event or of the end of observation.
    event: [N] bool, whether the event was seen.
    risk: [N], finite; larger means an earlier event.

  Raises:
    ValueError: shapes differ, or a value is not as above.

  Example:
    >>> time, event = np.array([1.0, 2.0, 3.0]), np.array([True, True, False])
    >>> concordance_harrell(time, event, np.array([3.0, 1.0, 2.0])).value
    0.6666666666666666
  """
  pairs = Pairs(time, event, risk)
  concordant, tied, comparable = (int(part.sum()) for part in pairs.counts(np.ones((1, len(time)))))
  if not comparable:
    return Concordance(None, 0, 0, 0, 'there is no comparable pair of cases')
  return Concordance(
    (concordant + tied / 2) / comparable, concordant, comparable - concordant - tied, tied
  )


def concordance_uno(
  time: np.ndarray,
  event: np.ndarray,
  risk: np.ndarray,
  censoring: KaplanMeier,
  tau: float | None = None,
) -> Estimate:
  """Uno's C: Harrell's with pairs weighted by the inverse probability of not being censored.

  Its expectation does not depend on the censoring, if that is independent of risk and time.

  Args:
    time: [N], of the event or of the end of observation.
    event: [N] bool, whether the event was seen.
    risk: [N], finite; larger means an earlier event.
    censoring: see ``censoring_curve``, as a rule of the cases trained on.
    tau: only pairs whose first event is before it count; None for all.

  Returns:
    The concordance without interval. Value None where no pair is comparable, or where an event is
    later than the curve of the censoring is known or above 0.

  Raises:
    ValueError: shapes differ, or a value is not as above.
  """
  pairs = Pairs(time, event, risk)
  weight = uno_weights(time, pairs.first, censoring, tau)
  if np.isnan(weight).any():
    late = float(np.asarray(time)[pairs.first][np.isnan(weight)].min())
    reason = f'the curve of the censoring is not above 0 at an event at {late:g}; choose tau below'
    return Estimate(None, reason=reason)
  value = float(pairs.concordance(np.ones((1, len(time))), [weight])[0][0])
  if math.isnan(value):
    return Estimate(None, reason='there is no comparable pair of cases')
  return Estimate(value)


def uno_weights(
  time: np.ndarray, first: np.ndarray, censoring: KaplanMeier, tau: float | None
) -> np.ndarray:
  """Weights [E] of the pairs that begin with the cases ``first``; NaN where undefined."""
  moments = np.asarray(time, np.float64)[first]
  probability = censoring.at(moments)
  weight = np.full(len(first), np.nan)
  known = probability > 0
  weight[known] = probability[known] ** -2.0
  return weight if tau is None else np.where(moments < tau, weight, 0.0)


def _running(values: np.ndarray) -> np.ndarray:
  """Sums [R, N + 1] of the first 0, 1, ... N values of each row."""
  sums = np.zeros((values.shape[0], values.shape[1] + 1))
  np.cumsum(values, axis=1, out=sums[:, 1:])
  return sums
