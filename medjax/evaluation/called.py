"""F1 and Matthews correlation of two classes, with intervals that also cover for few cases.

Both are functions of the sensitivity, the false positive rate and the share of positive cases. The
last is taken as given, and the interval follows from those of the two rates, which are independent,
by square-and-add: each end is as far from the value as the root of the summed squares of how far
each rate's own end moves it. The rates' ends are those of Clopper and Pearson.

In 2,000 simulated studies each with 1, 2, 5 and 20 positive cases of 100, and other settings, these
intervals cover in 94% or more (tests/evaluation/test_few_positives.py). Percentiles of a bootstrap,
which can draw nothing but the few cases that there are, cover in as few as 40%.

References:
  Zou and Donner (2008), Construction of confidence limits about effect measures: a general
    approach, Statistics in Medicine 27:1693-1702 (square-and-add, also called MOVER).
  Newcombe (1998), Interval estimation for the difference between independent proportions,
    Statistics in Medicine 17:873-890.
"""

from collections.abc import Callable

import numpy as np

from medjax.evaluation.estimate import Estimate
from medjax.evaluation.proportions import effective_cases, exact_interval

SQUARE_AND_ADD = 'square-and-add'


def f1_and_mcc(
  positive: np.ndarray, called: np.ndarray, group: np.ndarray
) -> tuple[Estimate, Estimate]:
  """F1 and the Matthews correlation of calls.

  Args:
    positive: [N] bool, the truth.
    called: [N] bool, the calls.
    group: [N], the group of each case.

  Returns:
    F1, in [0, 1], None without positive cases; the correlation, in [-1, 1], None where all cases
    are alike or called alike. Without interval, and with the reason, where the cases of a class are
    of one group.

  Example:
    >>> f1, mcc = f1_and_mcc(
    ...   np.array([True, False, False]), np.array([True, True, False]), np.arange(3))
    >>> round(f1.value, 3), round(mcc.value, 3)
    (0.667, 0.5)
  """
  if not positive.any():
    return (
      Estimate(None, reason='F1 needs a positive case; there is none'),
      Estimate(None, reason='MCC needs both classes'),
    )
  share = float(positive.mean())

  def f1(sensitivity: float, false_rate: float) -> float:
    hits = share * sensitivity
    return 2 * hits / (hits + (1 - share) * false_rate + share)

  def mcc(sensitivity: float, false_rate: float) -> float:
    calls = share * sensitivity + (1 - share) * false_rate
    scale = calls * (1 - calls)
    # Its limit where a rate tends to an end at which all cases are called alike.
    if scale <= 0:
      return 0.0
    return (sensitivity - false_rate) * float(np.sqrt(share * (1 - share) / scale))

  of_f1 = _estimate(f1, positive, called, group, (0.0, 1.0))
  if share == 1 or called.all() or not called.any():
    reason = 'MCC needs both classes, and cases called both ways'
    return of_f1, Estimate(None, reason=reason)
  return of_f1, _estimate(mcc, positive, called, group, (-1.0, 1.0))


def _estimate(
  of_rates: Callable[[float, float], float],
  positive: np.ndarray,
  called: np.ndarray,
  group: np.ndarray,
  bounds: tuple[float, float],
) -> Estimate:
  """A function that rises with the sensitivity and falls with the false positive rate."""
  rates, ends, reason = [], [], ''
  for members, what in ((positive, 'positive'), (~positive, 'negative')):
    # Without negative cases nothing is called falsely.
    rate = float(called[members].mean()) if members.any() else 0.0
    effective = effective_cases(called[members], group[members])
    if members.any() and not effective:
      reason = f'every {what} case is of one group: no interval'
    rates.append(rate)
    ends.append(exact_interval(rate, effective) if effective else (rate, rate))
  (sensitivity, false_rate), ((low, high), (false_low, false_high)) = rates, ends
  value = of_rates(sensitivity, false_rate)
  if reason:
    return Estimate(value, reason=reason)
  down = np.hypot(value - of_rates(low, false_rate), value - of_rates(sensitivity, false_high))
  up = np.hypot(of_rates(high, false_rate) - value, of_rates(sensitivity, false_low) - value)
  return Estimate(
    value,
    max(bounds[0], float(value - down)),
    min(bounds[1], float(value + up)),
    method=SQUARE_AND_ADD,
  )
