"""The baseline hazard of a Cox model, with which linear predictors give survival functions.

References:
  Breslow (1972), discussion of Cox (1972), JRSS B 34:216-217.
  Therneau and Grambsch (2000), Modeling Survival Data: Extending the Cox Model, section 10.2
    (Efron's).
"""

import dataclasses
from typing import Any, Self

import numpy as np

from medjax.evaluation.partial_likelihood import PartialLikelihood, Ties


@dataclasses.dataclass(frozen=True, eq=False)
class BaselineHazard:
  """The cumulative hazard of a case whose linear predictor is 0: a step function.

  Attributes:
    time: float64 [K], when events were, rising.
    cumulative: float64 [K], the cumulative hazard from each time on.
    last: the last time at which anybody was observed; nothing is known after it.
  """

  time: np.ndarray
  cumulative: np.ndarray
  last: float

  def at(self, times: np.ndarray) -> np.ndarray:
    """The cumulative hazard up to and with each time, float64; NaN after ``last``."""
    times = np.asarray(times, np.float64)
    index = np.searchsorted(self.time, times, side='right')
    return np.where(times > self.last, np.nan, np.append(0.0, self.cumulative)[index])

  def survival(self, linear: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Probability of no event up to and with each time, float64 [N, T].

    Args:
      linear: [N] linear predictors of new cases.
      times: [T] in the unit of ``time``.
    """
    with np.errstate(over='ignore', invalid='ignore'):
      ratio = np.exp(np.asarray(linear, np.float64))[:, None]
      hazard = self.at(times)
      # No hazard is no hazard, however large the ratio.
      return np.exp(-np.where(hazard == 0, 0.0, hazard * ratio))

  def to_json(self) -> dict[str, Any]:
    """A JSON object, which ``from_json`` reads back to the same bits."""
    return {
      'time': self.time.tolist(),
      'cumulative': self.cumulative.tolist(),
      'last': self.last,
    }

  @classmethod
  def from_json(cls, stored: dict[str, Any]) -> Self:
    """What ``to_json`` gave.

    Raises:
      KeyError: a field is missing.
    """
    time, cumulative = (np.array(stored[name], np.float64) for name in ('time', 'cumulative'))
    return cls(time, cumulative, float(stored['last']))


def baseline_hazard(
  time: np.ndarray, event: np.ndarray, linear: np.ndarray, ties: Ties = 'efron'
) -> BaselineHazard:
  """The baseline cumulative hazard given linear predictors, which any model may have made.

  Args:
    time: [N], of the event or of the end of observation.
    event: [N] bool, whether the event was seen.
    linear: [N], finite; log hazard ratios.
    ties: 'efron', as the partial likelihood here, or 'breslow', as lifelines and scikit-survival.

  Returns:
    The hazard; 0 throughout where there is no event.

  Raises:
    ValueError: shapes differ, or a value is not as above.

  Example:
    >>> time, event = np.array([1.0, 2.0, 2.0]), np.array([True, True, False])
    >>> baseline_hazard(time, event, np.zeros(3)).cumulative.round(4).tolist()
    [0.3333, 0.8333]
  """
  likelihood = PartialLikelihood(time, event)
  rises = likelihood.increments(linear, ties)
  return BaselineHazard(likelihood.moments, np.cumsum(rises), float(np.max(time, initial=0)))
