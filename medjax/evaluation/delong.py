"""Area under the ROC curve with DeLong's variance, in O(N log N).

References:
  DeLong, DeLong and Clarke-Pearson (1988), Comparing the areas under two or more correlated
  receiver operating characteristic curves, Biometrics 44:837-845.
  Sun and Xu (2014), Fast implementation of DeLong's algorithm, IEEE Signal Processing Letters
  21:1389-1393.
"""

import numpy as np

from medjax.evaluation.estimate import Estimate, normal_quantile


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


def delong_covariance(label: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """AUROCs of several scores on the same cases, and their covariance.

  Args:
    label: [N], 1 for positive and 0 for negative cases.
    scores: [M, N], finite; one row a model.

  Returns:
    The areas, float64 [M], and their covariance matrix, float64 [M, M].

  Raises:
    ValueError: If shapes differ, a label is not 0 or 1, a score is not finite, or there are fewer
      than two positive or two negative cases, with which no variance can be estimated.

  Example:
    >>> label = np.array([0, 0, 1, 1])
    >>> areas, covariance = delong_covariance(label, np.array([[0.1, 0.4, 0.35, 0.8]]))
    >>> areas, covariance
    (array([0.75]), array([[0.125]]))
  """
  pairs = [_by_class(label, score) for score in scores]
  of_positive, of_negative = zip(*(_placements(*pair) for pair in pairs), strict=True)
  fewest = min(len(of_positive[0]), len(of_negative[0]))
  if fewest < 2:
    raise ValueError('the covariance needs at least two positive and two negative cases')
  covariance = sum(
    np.atleast_2d(np.cov(np.stack(part), ddof=1)) / len(part[0])
    for part in (of_positive, of_negative)
  )
  return np.array([part.mean() for part in of_positive]), np.asarray(covariance)


def auroc_interval(label: np.ndarray, score: np.ndarray, level: float = 0.95) -> Estimate:
  """AUROC with DeLong's interval: the normal interval, clipped to [0, 1] as in R's pROC.

  Cases are taken as independent: with several images of one patient the interval is too narrow.

  Args:
    label: [N], 1 for positive and 0 for negative cases.
    score: [N], finite; larger means more likely positive.
    level: Coverage of the interval.

  Returns:
    The estimate. Value None where a class has no case. The value without interval where a class
    has one case only, or where the variance is estimated as 0 (an AUROC of exactly 0 or 1, or
    scores that are all equal): an interval of no width would claim a certainty that N cases cannot
    give.

  Raises:
    ValueError: If shapes differ, a label is not 0 or 1, or a score is not finite.

  Example:
    >>> auroc_interval(np.array([0, 0, 1, 1]), np.array([1, 2, 3, 4])).reason
    'DeLong variance is 0 at AUROC 1: no interval from 2 positive and 2 negative cases'
  """
  quantile = normal_quantile(level)
  positive, negative = _by_class(label, score)
  counts = f'{len(positive)} positive and {len(negative)} negative cases'
  if not len(positive) or not len(negative):
    return Estimate(None, reason=f'AUROC needs both classes; there are {counts}')
  of_positive, of_negative = _placements(positive, negative)
  area = float(of_positive.mean())
  if min(len(positive), len(negative)) < 2:
    return Estimate(
      area, reason=f'DeLong variance needs two cases of each class; there are {counts}'
    )
  # Equal components are compared exactly, since rounding leaves a variance of about 1e-34.
  if np.ptp(of_positive) == 0 and np.ptp(of_negative) == 0:
    reason = f'DeLong variance is 0 at AUROC {area:g}: no interval from {counts}'
    return Estimate(area, reason=reason)
  variance = of_positive.var(ddof=1) / len(positive) + of_negative.var(ddof=1) / len(negative)
  half_width = quantile * float(np.sqrt(variance))
  return Estimate(area, max(0.0, area - half_width), min(1.0, area + half_width))


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
