"""Cox's partial log likelihood and its derivatives in float64, with Efron's ties.

With cases in the order of their times, all that the likelihood needs of the risk sets are running
sums, so that it takes O(N log N), and its derivatives by D coefficients O(N D^2).

References:
  Cox (1972), Regression models and life-tables, JRSS B 34:187-220.
  Efron (1977), The efficiency of Cox's likelihood function for censored data, JASA 72:557-565.
  Breslow (1972), discussion of Cox (1972), JRSS B 34:216-217 (the baseline hazard).
  Therneau and Grambsch (2000), Modeling Survival Data: Extending the Cox Model, sections 3.1 to 3.3
    (derivatives, both baselines).
"""

import math
from typing import Literal

import numpy as np

from medjax.evaluation.kaplan_meier import times_and_events

Ties = Literal['efron', 'breslow']


class PartialLikelihood:
  """The Cox partial log likelihood of some cases, with Efron's ties.

  Args:
    time: [N], of the event or of the end of observation.
    event: [N] bool, whether the event was seen.

  Raises:
    ValueError: shapes differ, a time is negative or not finite, or an event is not 0 or 1.

  Example:
    >>> likelihood = PartialLikelihood(np.array([1.0, 2.0]), np.array([True, False]))
    >>> round(likelihood.value(np.zeros(2)), 4)
    -0.6931
  """

  def __init__(self, time: np.ndarray, event: np.ndarray):
    time, event = times_and_events(time, event)
    self._event = event
    # From the last time on, so that a risk set is what comes before the end of its time.
    self._order = np.argsort(-time, kind='stable')
    moments, tied = np.unique(time[event], return_counts=True)
    self.moments, self._tied = moments, tied
    self._at_risk = np.searchsorted(-time[self._order], -moments, side='right')
    # An event a row: which moment it is of, and what share of the tied events is gone before it.
    self._moment = np.repeat(np.arange(len(moments)), tied)
    position = np.arange(len(self._moment)) - np.repeat(np.cumsum(tied) - tied, tied)
    self._gone = position / tied[self._moment]
    # How many moments are no later than each case; the moment of each event.
    self._passed = np.searchsorted(moments, time, side='right')
    self._own = np.searchsorted(moments, time[event])

  def value(self, linear: np.ndarray) -> float:
    """The log likelihood of linear predictors [N] (log hazard ratios), which are finite."""
    weight, shift = self._weights(linear)
    return float(np.asarray(linear)[self._event].sum() - (np.log(self._left(weight)) + shift).sum())

  def gradient(self, linear: np.ndarray) -> np.ndarray:
    """Derivative of ``value`` by each linear predictor, float64 [N]."""
    weight, _ = self._weights(linear)
    return self._event - weight * self._exposure(weight, self._left(weight))

  def derivatives(
    self, linear: np.ndarray, values: np.ndarray
  ) -> tuple[float, np.ndarray, np.ndarray]:
    """Log likelihood, and its gradient [D] and Hessian [D, D] by the coefficients of ``values``.

    Args:
      linear: [N], finite.
      values: [N, D], the inputs that the coefficients belong to.
    """
    weight, shift = self._weights(linear)
    left = self._left(weight)
    exposed = weight * self._exposure(weight, left)
    weighted = values * weight[:, None]
    at_risk = np.cumsum(weighted[self._order], axis=0)[self._at_risk - 1]
    tied = np.zeros((len(self.moments), values.shape[1]))
    np.add.at(tied, self._own, weighted[self._event])
    moment, gone = self._moment, self._gone[:, None]
    means = (at_risk[moment] - gone * tied[moment]) / left[:, None]
    value = np.asarray(linear)[self._event].sum() - (np.log(left) + shift).sum()
    hessian = means.T @ means - values.T @ (values * exposed[:, None])
    return float(value), values.T @ (self._event - exposed), hessian

  def increments(self, linear: np.ndarray, ties: Ties) -> np.ndarray:
    """How much the baseline cumulative hazard rises at each of ``moments``, float64 [K]."""
    weight, shift = self._weights(linear)
    if ties == 'breslow':
      risk = np.cumsum(weight[self._order])[self._at_risk - 1]
      return self._tied / risk * math.exp(-shift)
    rises = np.bincount(self._moment, 1 / self._left(weight), len(self.moments))
    return rises * math.exp(-shift)

  def _weights(self, linear: np.ndarray) -> tuple[np.ndarray, float]:
    """Hazard ratios to that of the case with the largest one, whose log comes second."""
    linear = np.asarray(linear, np.float64)
    if linear.shape != self._event.shape:
      raise ValueError(f'linear predictors have shape {linear.shape}; expected {self._event.shape}')
    if not np.isfinite(linear).all():
      raise ValueError('a linear predictor is not finite')
    shift = float(linear.max(initial=-np.inf)) if len(linear) else 0.0
    return np.exp(linear - shift), shift

  def _left(self, weight: np.ndarray) -> np.ndarray:
    """What is at risk of each event, of tied ones less the share that is gone, float64 [E]."""
    at_risk = np.cumsum(weight[self._order])[self._at_risk - 1]
    tied = np.bincount(self._own, weight[self._event], len(self.moments))
    left = at_risk[self._moment] - self._gone * tied[self._moment]
    return np.maximum(left, np.finfo(np.float64).tiny)

  def _exposure(self, weight: np.ndarray, left: np.ndarray) -> np.ndarray:
    """The cumulative hazard that each case went through, per hazard ratio, float64 [N]."""
    rises = np.bincount(self._moment, 1 / left, len(self.moments))
    spared = np.bincount(self._moment, self._gone / left, len(self.moments))
    exposure = np.append(0.0, np.cumsum(rises))[self._passed]
    exposure[self._event] -= spared[self._own]
    return exposure
