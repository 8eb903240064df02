"""Area under the ROC curve with DeLong's variance, in O(N log N), also for cases in groups.

Several cases of one patient (a group) are not independent. Obuchowski's variance sums DeLong's
components over each group first; where every case is its own group it is DeLong's.

References:
  DeLong, DeLong and Clarke-Pearson (1988), Comparing the areas under two or more correlated
  receiver operating characteristic curves, Biometrics 44:837-845.
  Sun and Xu (2014), Fast implementation of DeLong's algorithm, IEEE Signal Processing Letters
  21:1389-1393.
  Obuchowski (1997), Nonparametric analysis of clustered ROC curve data, Biometrics 53:567-578.
  Newcombe (2006), Confidence intervals for an effect size measure based on the Mann-Whitney
  statistic, part 2: asymptotic methods and evaluation, Statistics in Medicine 25:559-573.
"""

import math
from collections.abc import Sequence

import numpy as np
import scipy

from medjax.evaluation.estimate import Difference, Estimate, normal_quantile

# Fewer cases of a class are separated by luck too often: two and two in one of six orders.
_SEPARATED = 5


def auroc(label: np.ndarray, score: np.ndarray) -> float:
  """Area under the ROC curve: how often a positive case scores above a negative one.

  A tie counts one half, as in the Mann-Whitney U statistic.

  Args:
    label: [N], 1 for positive and 0 for negative cases.
    score: [N], finite; larger means more likely positive.

  Returns:
    The area in [0, 1]; NaN where there is no positive or no negative case.

  Raises:
    ValueError: If shapes differ, a label is not 0 or 1, or a score is not finite.

  Example:
    >>> auroc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
  """
  positive, negative = _by_class(label, score)
  if not len(positive) or not len(negative):
    return float('nan')
  return float(_placements(positive, negative)[0].mean())


def mean_auroc(labels: Sequence[np.ndarray], scores: Sequence[np.ndarray]) -> float | None:
  """The mean of the areas that are defined, without intervals; None where none is.

  Args:
    labels: of each class [N], as for ``auroc``; N may differ.
    scores: of each class [N].

  Example:
    >>> mean_auroc([np.array([0, 1]), np.array([1, 1])], [np.array([0.2, 0.4])] * 2)
    1.0
  """
  areas = [auroc(label, score) for label, score in zip(labels, scores, strict=True)]
  known = [area for area in areas if not math.isnan(area)]
  return sum(known) / len(known) if known else None


def delong_covariance(
  label: np.ndarray, scores: np.ndarray, group: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
  """AUROCs of several scores on the same cases, and their covariance.

  Args:
    label: [N], 1 for positive and 0 for negative cases.
    scores: [M, N], finite; one row a model.
    group: [N], the patient of each case; None where every case is a patient of its own.

  Returns:
    The areas, float64 [M], and their covariance matrix, float64 [M, M].

  Raises:
    ValueError: If shapes differ, a label is not 0 or 1, a score is not finite, or there are fewer
      than two groups with a positive or with a negative case, with which no variance can be
      estimated.

  Example:
    >>> label = np.array([0, 0, 1, 1])
    >>> areas, covariance = delong_covariance(label, np.array([[0.1, 0.4, 0.35, 0.8]]))
    >>> areas, covariance
    (array([0.75]), array([[0.125]]))
  """
  label = np.asarray(label)
  of_scores = [_by_class(label, score) for score in scores]
  group = np.arange(len(label)) if group is None else np.unique(group, return_inverse=True)[1]
  count = int(group.max(initial=-1)) + 1
  of_class = [len(np.unique(group[label == value])) for value in (1, 0)]
  if min(of_class) < 2:
    raise ValueError(
      'the covariance needs at least two positive and two negative cases, of different groups'
    )
  pairs = [_placements(*pair) for pair in of_scores]
  areas = np.array([of_positive.mean() for of_positive, _ in pairs])
  sums = []  # of deviations within each group: positive cases, negative cases
  for value, parts in zip((1, 0), zip(*pairs, strict=True), strict=True):
    groups = group[label == value]
    deviations = [part - area for part, area in zip(parts, areas, strict=True)]
    sums.append(np.stack([np.bincount(groups, d, count) for d in deviations]) / len(groups))
  factors = [held / (held - 1) for held in of_class]
  covariance = sum(f * part @ part.T for f, part in zip(factors, sums, strict=True))
  crossed = count / (count - 1) * sums[0] @ sums[1].T  # 0 unless a group has cases of both classes
  return areas, np.asarray(covariance + crossed + crossed.T)


def auroc_interval(
  label: np.ndarray, score: np.ndarray, level: float = 0.95, group: np.ndarray | None = None
) -> Estimate:
  """AUROC with DeLong's interval: the normal interval, clipped to [0, 1] as in R's pROC.

  Where the area is exactly 1 or 0, DeLong's variance is 0, and an interval of no width would claim
  a certainty that N cases cannot give. There it is Newcombe's (his method 5), of as many cases as
  there are groups.

  Args:
    label: [N], 1 for positive and 0 for negative cases.
    score: [N], finite; larger means more likely positive.
    level: Coverage of the interval.
    group: [N], the patient of each case; None where every case is a patient of its own.

  Returns:
    The estimate. Value None where a class has no case. The value without interval where a class
    has cases of one group only, or where the variance is estimated as 0: scores are all equal, or a
    class of fewer than five groups is separated from the other.

  Raises:
    ValueError: If shapes differ, a label is not 0 or 1, or a score is not finite.

  Example:
    >>> found = auroc_interval(np.repeat([0, 1], [20, 5]), np.arange(25))
    >>> found.value, round(found.low, 3), found.high, found.method
    (1.0, 0.761, 1.0, 'Newcombe')
  """
  quantile = normal_quantile(level)
  label = np.asarray(label)
  positive, negative = _by_class(label, score)
  counts = f'{len(positive)} positive and {len(negative)} negative cases'
  if not len(positive) or not len(negative):
    return Estimate(None, reason=f'AUROC needs both classes; there are {counts}')
  of_positive, of_negative = _placements(positive, negative)
  area = float(of_positive.mean())
  needs = f'DeLong variance needs two cases of each class; there are {counts}'
  if min(len(positive), len(negative)) < 2:
    return Estimate(area, reason=needs)
  # Equal components are compared exactly, since rounding leaves a variance of about 1e-34.
  if np.ptp(of_positive) == 0 and np.ptp(of_negative) == 0:
    groups = np.arange(len(label)) if group is None else np.asarray(group)
    ill, well = (len(np.unique(groups[label == value])) for value in (1, 0))
    if area in (0.0, 1.0) and min(ill, well) >= _SEPARATED:
      away = _furthest(ill, well, quantile)
      low, high = (1 - away, 1.0) if area else (0.0, away)
      return Estimate(area, low, high, method='Newcombe')
    reason = f'DeLong variance is 0 at AUROC {area:g}: no interval from {counts}'
    return Estimate(area, reason=reason)
  try:
    _, covariance = delong_covariance(label, np.asarray(score)[None], group)
  except ValueError:
    return Estimate(area, reason=f'{needs}, but those of a class are of one group')
  variance = float(covariance[0, 0])
  if variance <= 1e-15:
    return Estimate(area, reason=f'the variance over groups is 0: no interval from {counts}')
  half_width = quantile * math.sqrt(variance)
  grouped = group is not None and len(np.unique(group)) < len(group)
  method = 'Obuchowski' if grouped else 'DeLong'
  return Estimate(area, max(0.0, area - half_width), min(1.0, area + half_width), method=method)


def _furthest(positive: int, negative: int, quantile: float) -> float:
  """How far from 1 an area may be of which 1 was seen, by Newcombe's method 5.

  That is x with x = quantile * sqrt(V(1 - x)), where V is the variance of Hanley and McNeil for
  exponential scores with the mean of both numbers in place of each.
  """
  more = (positive + negative) / 2 - 1

  def surprise(x: float) -> float:
    area = 1 - x
    factor = 1 + more * (x / (2 - area) + area / (1 + area))
    return x - quantile * math.sqrt(area * x * factor / (positive * negative))

  return float(scipy.optimize.brentq(surprise, 1e-12, 1.0))


def auroc_difference(
  label: np.ndarray,
  first: np.ndarray,
  second: np.ndarray,
  level: float = 0.95,
  group: np.ndarray | None = None,
) -> Difference:
  """DeLong's paired test: the first score's AUROC less the second's, on the same cases.

  Args:
    label: [N], 1 for positive and 0 for negative cases.
    first: [N], finite; larger means more likely positive.
    second: [N], likewise.
    level: Coverage of the interval.
    group: [N], the patient of each case; None where every case is a patient of its own.

  Returns:
    The difference with its normal interval and two-sided p value. Without them, and with a reason,
    where a class has cases of fewer than two groups, or where the variance is 0, as for two scores
    that order the cases alike.

  Raises:
    ValueError: If shapes differ, a label is not 0 or 1, or a score is not finite.

  Example:
    >>> label = np.array([0, 0, 0, 1, 1, 1])
    >>> one, other = np.array([1, 2, 4, 3, 5, 6]), np.array([3, 1, 5, 2, 6, 4])
    >>> auroc_difference(label, one, other).value
    0.3333333333333333
  """
  quantile = normal_quantile(level)
  try:
    areas, covariance = delong_covariance(label, np.stack([first, second]), group)
  except ValueError as error:
    gap = auroc(label, first) - auroc(label, second)
    value = None if math.isnan(gap) else gap
    return Difference(value, reason=str(error))
  gap = float(areas[0] - areas[1])
  variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
  if variance <= 1e-15:
    return Difference(gap, reason='the variance is 0: no interval')
  deviation = math.sqrt(variance)
  return Difference(
    gap,
    gap - quantile * deviation,
    gap + quantile * deviation,
    math.erfc(abs(gap) / deviation / math.sqrt(2)),
  )


def _by_class(label: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Splits the scores [N] into those of positive and those of negative cases."""
  label, score = np.asarray(label), np.asarray(score, dtype=np.float64)
  if label.ndim != 1 or label.shape != score.shape:
    raise ValueError(
      f'label has shape {label.shape} and score {score.shape}; expected the same [N]'
    )
  if not np.isin(label, (0, 1)).all():
    raise ValueError('a label is not 0 or 1')
  if not np.isfinite(score).all():
    raise ValueError('a score is not finite')
  return score[label == 1], score[label == 0]


def _placements(positive: np.ndarray, negative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """DeLong's structural components V10 [m] and V01 [n], from midranks."""
  m, n = len(positive), len(negative)
  pooled = _midranks(np.concatenate([positive, negative]))
  # A case's rank among all less its rank within its class counts the other class below it.
  of_positive = (pooled[:m] - _midranks(positive)) / n
  of_negative = 1 - (pooled[m:] - _midranks(negative)) / m
  return of_positive, of_negative


def _midranks(values: np.ndarray) -> np.ndarray:
  """Ranks from 1, equal values sharing the mean of the ranks that they occupy."""
  _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
  return (np.cumsum(counts) - (counts - 1) / 2)[inverse]
