"""Shares and means of cases with 95% intervals, also over groups of cases.

Cases of one group (a patient) are not taken as independent: a share over groups has the effective
number of cases, at which independent cases would have its variance, and Student's t for the number
of groups (Korn and Graubard 1998, Survey Methodology 24:193-201); a mean has the cluster-robust
variance with Student's t.

References:
  Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA
    22:209-212; method 3 of Newcombe (1998), Statistics in Medicine 17:857-872.
  Clopper and Pearson (1934), The use of confidence or fiducial limits illustrated in the case of
    the binomial, Biometrika 26:404-413.
"""

import math

import numpy as np
import scipy

from medjax.evaluation.estimate import Estimate, normal_quantile, t_quantile

_LEVEL = 0.95


def wilson_interval(successes: int, total: int, level: float = 0.95) -> tuple[float, float]:
  """Wilson's score interval of a proportion, without continuity correction.

  Args:
    successes: Number of successes, 0 to `total`.
    total: Number of trials, at least 1.
    level: Coverage of the interval.

  Returns:
    The lower and the upper end, inside [0, 1].

  Raises:
    ValueError: If `total` is below 1 or `successes` is outside 0 .. `total`.

  Example:
    >>> [round(end, 4) for end in wilson_interval(81, 263)]
    [0.2553, 0.3662]
  """
  if total < 1 or not 0 <= successes <= total:
    raise ValueError(
      f'{successes} successes of {total}; expected 0 <= successes <= total, total > 0'
    )
  return wilson_of(successes / total, total, level)


def wilson_of(proportion: float, total: float, level: float = _LEVEL) -> tuple[float, float]:
  """Wilson's interval of a proportion of ``total`` cases, which need not be whole."""
  z = normal_quantile(level)
  centre = proportion + z**2 / (2 * total)
  spread = z * np.sqrt(proportion * (1 - proportion) / total + z**2 / (4 * total**2))
  low, high = (centre - spread) / (1 + z**2 / total), (centre + spread) / (1 + z**2 / total)
  # At 0 and at `total` the end is exactly 0 or 1; rounding would leave 1e-18 there.
  return (0.0 if proportion == 0 else float(low)), (1.0 if proportion == 1 else float(high))


def proportion(hits: np.ndarray, group: np.ndarray, what: str) -> Estimate:
  """The share of true entries with Wilson's interval, over groups.

  Args:
    hits: [N] bool.
    group: [N], the group of each.
    what: What an entry is, for the reason where there is none.
  """
  if not len(hits):
    return Estimate(None, reason=f'there is no {what}')
  share, effective = float(hits.mean()), effective_cases(hits, group)
  if not effective:
    return Estimate(share, reason=f'every {what} is of one group: no interval')
  return Estimate(share, *wilson_of(share, effective), method='Wilson')


def effective_cases(hits: np.ndarray, group: np.ndarray) -> float:
  """How many independent cases say as much of the share of true entries; 0 for cases of one group.

  Args:
    hits: [N] bool.
    group: [N], the group of each.
  """
  cases, groups = len(hits), len(np.unique(group))
  if groups == cases:
    return cases
  if groups < 2:
    return 0
  share = hits.mean()
  # Without spread the groups are what is known to be independent.
  variance = variance_of_mean(hits.astype(np.float64), group)
  effective = min(cases, share * (1 - share) / variance) if variance > 1e-12 else groups
  return float(effective * (normal_quantile(_LEVEL) / t_quantile(_LEVEL, groups - 1)) ** 2)


def exact_interval(share: float, total: float, level: float = _LEVEL) -> tuple[float, float]:
  """Clopper and Pearson's interval of a share of ``total`` cases, which need not be whole.

  Its coverage is never below ``level``, however few the cases.

  Example:
    >>> [round(end, 4) for end in exact_interval(0.0, 10)]
    [0.0, 0.3085]
  """
  hits, tail = share * total, (1 - level) / 2
  low = 0.0 if share == 0 else float(scipy.special.betaincinv(hits, total - hits + 1, tail))
  high = 1.0 if share == 1 else float(scipy.special.betaincinv(hits + 1, total - hits, 1 - tail))
  return low, high


def mean(scores: np.ndarray, group: np.ndarray, upper: float = np.inf) -> Estimate:
  """The mean of the cases' scores >= 0 with its normal interval, over groups.

  Args:
    scores: [N].
    group: [N], the group of each.
    upper: The largest mean possible; the interval is clipped to [0, upper].
  """
  if not len(scores):
    return Estimate(None, reason='there is no case')
  value = float(scores.mean())
  if np.ptp(scores) == 0:
    return Estimate(value, reason=f'no spread over {len(scores)} cases to take an interval from')
  groups = len(np.unique(group))
  if groups < 2:
    return Estimate(value, reason='every case is of one group: no interval')
  variance = variance_of_mean(scores, group)
  if variance <= 1e-24 * max(1.0, value**2):
    return Estimate(value, reason='no spread over groups to take an interval from')
  clustered = groups < len(scores)
  quantile = t_quantile(_LEVEL, groups - 1) if clustered else normal_quantile(_LEVEL)
  method = 't over groups' if clustered else 'normal'
  half = quantile * math.sqrt(variance)
  return Estimate(value, max(0.0, value - half), min(upper, value + half), method=method)


def variance_of_mean(scores: np.ndarray, group: np.ndarray) -> float:
  """Cluster-robust; with a group for each case the sample variance over the number of cases."""
  _, number = np.unique(group, return_inverse=True)
  sums = np.bincount(number, scores - scores.mean())
  return float(len(sums) / (len(sums) - 1) * (sums**2).sum() / len(scores) ** 2)
