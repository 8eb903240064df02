"""Do predicted risks of an event until a horizon come true? Observed is 1 - Kaplan-Meier.

References:
  Austin, Harrell and van Klaveren (2020), Graphical calibration curves and the integrated
    calibration index (ICI) for survival models, Statistics in Medicine 39:2714-2742.
  Riley et al. (2019), Prognosis Research in Healthcare, Oxford University Press, chapter 7
    (observed to expected).
"""

import dataclasses

import numpy as np

from medjax.evaluation.estimate import Estimate
from medjax.evaluation.kaplan_meier import kaplan_meier, times_and_events


@dataclasses.dataclass(frozen=True)
class HorizonBin:
  """Cases of similar predicted risk.

  Attributes:
    predicted: their mean predicted probability of an event until the horizon.
    observed: 1 - Kaplan-Meier at the horizon, with the interval of ``kaplan_meier``; value None
      where none of them was observed until then.
    cases: how many they are.
    events: how many of them had the event until the horizon.
  """

  predicted: float
  observed: Estimate
  cases: int
  events: int


def horizon_calibration(
  time: np.ndarray, event: np.ndarray, predicted: np.ndarray, horizon: float, bins: int = 10
) -> list[HorizonBin]:
  """What came true until a horizon at each level of predicted risk, in bins of as many cases each.

  Equal risks are never parted, so there may be fewer bins. Intervals take cases as independent.

  Args:
    time: [N], of the event or of the end of observation.
    event: [N] bool, whether the event was seen.
    predicted: [N] in [0, 1], the predicted probability of an event up to and with the horizon.
    horizon: in the unit of ``time``.
    bins: how many, at most.

  Raises:
    ValueError: shapes differ, or a value is not as above.

  Example:
    >>> time, event = np.array([1.0, 2.0, 5.0, 5.0]), np.array([True, True, False, False])
    >>> groups = horizon_calibration(time, event, np.array([0.9, 0.8, 0.1, 0.2]), 3.0, bins=2)
    >>> [(round(part.predicted, 2), part.observed.value) for part in groups]
    [(0.15, 0.0), (0.85, 1.0)]
  """
  time, event, predicted = _checked(time, event, predicted)
  if not len(time):
    return []
  order = np.argsort(predicted, kind='stable')
  ranked = predicted[order]
  edges = np.round(np.linspace(0, len(time), bins + 1)[1:-1]).astype(int)
  # An edge inside a run of equal values moves to the end of the run.
  edges = np.unique(np.searchsorted(ranked, ranked[np.maximum(edges, 1) - 1], 'right'))
  return [
    HorizonBin(
      float(predicted[part].mean()),
      observed_risk(time[part], event[part], horizon),
      len(part),
      int((event[part] & (time[part] <= horizon)).sum()),
    )
    for part in np.split(order, edges)
    if len(part)
  ]


def observed_risk(time: np.ndarray, event: np.ndarray, horizon: float) -> Estimate:
  """1 - Kaplan-Meier at a horizon, with its interval; value None where it is not known."""
  survival = kaplan_meier(time, event).estimate_at(horizon)
  if survival.value is None:
    return survival
  value = 1 - survival.value
  if survival.low is None or survival.high is None:
    return Estimate(value, reason=f'observed risk is {value:g}: no interval')
  return Estimate(value, 1 - survival.high, 1 - survival.low)


def observed_to_expected(
  time: np.ndarray, event: np.ndarray, predicted: np.ndarray, horizon: float
) -> Estimate:
  """Observed risk at a horizon over the mean predicted risk: above 1 predictions are too low.

  The interval is that of the observed risk, with predictions taken as given and cases as
  independent.

  Args:
    time: [N], of the event or of the end of observation.
    event: [N] bool, whether the event was seen.
    predicted: [N] in [0, 1], the predicted probability of an event up to and with the horizon.
    horizon: in the unit of ``time``.

  Returns:
    The ratio; value None where nobody was observed until the horizon, or no risk is predicted.

  Raises:
    ValueError: shapes differ, or a value is not as above.

  Example:
    >>> time, event = np.array([1.0, 2.0, 5.0, 5.0]), np.array([True, True, False, False])
    >>> observed_to_expected(time, event, np.full(4, 0.25), 3.0).value
    2.0
  """
  time, event, predicted = _checked(time, event, predicted)
  observed = observed_risk(time, event, horizon)
  if observed.value is None:
    return observed
  expected = float(predicted.mean())
  if not expected:
    return Estimate(None, reason='no risk is predicted')
  if observed.low is None or observed.high is None:
    return Estimate(observed.value / expected, reason=observed.reason)
  return Estimate(observed.value / expected, observed.low / expected, observed.high / expected)


def _checked(
  time: np.ndarray, event: np.ndarray, predicted: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  time, event = times_and_events(time, event)
  predicted = np.asarray(predicted, np.float64)
  if predicted.shape != time.shape:
    raise ValueError(f'predicted has shape {predicted.shape}; expected {time.shape} as time')
  if not ((predicted >= 0) & (predicted <= 1)).all():
    raise ValueError('a predicted risk is NaN or outside [0, 1]')
  return time, event, predicted
