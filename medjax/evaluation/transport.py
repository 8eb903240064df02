"""How much a model's figures at another site differ from those of its development."""

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from medjax.evaluation.estimate import Difference, Estimate, normal_quantile
from medjax.evaluation.rows import Rows

_PARTS = 200  # of a grouped jackknife

T = TypeVar('T', bound=Rows)


def difference(there: Estimate, development: Estimate) -> Difference:
  """A figure at another site less that in development, of cases that are independent.

  Each end of the interval adds the squared distances of the two estimates to the ends of their own
  intervals. Of normal intervals, such as DeLong's, that adds their variances.

  Args:
    there: with its 95% interval.
    development: with its own.

  Source:
    Zou and Donner (2008), Construction of confidence limits about effect measures: a general
    approach, Statistics in Medicine 27:1693-1702.

  Example:
    >>> round(difference(Estimate(0.7, 0.6, 0.8), Estimate(0.9, 0.9, 0.9)).low, 12)
    -0.3
  """
  if there.value is None:
    return Difference(None, reason=f'undefined there: {there.reason}')
  if development.value is None:
    return Difference(None, reason=f'undefined in development: {development.reason}')
  value = there.value - development.value
  ends = (there.low, there.high, development.low, development.high)
  if None in ends:
    return Difference(value, reason='one of the two has no interval')
  low, high, own_low, own_high = (float(end or 0.0) for end in ends)
  below = math.hypot(there.value - low, own_high - development.value)
  above = math.hypot(high - there.value, development.value - own_low)
  return Difference(value, value - below, value + above)


def paired_difference(score: Callable[[T], float | None], there: T, development: T) -> Difference:
  """As ``difference``, where some groups (patients) have cases on both sides.

  By the jackknife that leaves out one group after the other, on both sides at once; with more than
  200 groups, one of 200 random parts of them after the other.

  Args:
    score: of a table; None where it is not defined.
    there: cases of the other site.
    development: cases of the development.

  Source:
    Shao and Wu (1989), A general theory for jackknife variance estimation, Annals of Statistics
    17:1176-1197 (leaving out several).
  """
  whole = _gap(score, there, development)
  if whole is None:
    return Difference(None, reason='undefined on one side')
  of = [np.asarray(getattr(table, 'group')) for table in (there, development)]  # noqa: B009
  names = np.unique(np.concatenate(of))
  if len(names) < 2:
    return Difference(whole, reason='every case is of one group: no interval')
  part = np.random.default_rng(0).permutation(len(names)) % min(_PARTS, len(names))
  places = [part[np.searchsorted(names, group)] for group in of]
  left = []
  for number in range(int(part.max()) + 1):
    kept = [np.flatnonzero(place != number) for place in places]
    found = _gap(score, there.take(kept[0]), development.take(kept[1]))
    if found is None:
      return Difference(whole, reason='undefined without some groups: no interval')
    left.append(found)
  count = len(left)
  variance = (count - 1) / count * float(np.square(np.array(left) - np.mean(left)).sum())
  half = normal_quantile(0.95) * math.sqrt(variance)
  return Difference(whole, whole - half, whole + half, reason='paired by group (jackknife)')


def _gap(score: Callable[[T], float | None], there: T, development: T) -> float | None:
  one, other = score(there), score(development)
  return None if one is None or other is None else one - other


def expected_auroc(probability: np.ndarray) -> float | None:
  """The AUROC that cases would have if their probabilities were right, whatever came true.

  What it differs by from the same figure in development is due to the mix of cases; by what the
  AUROC that is observed lies below it, the model itself is not right there.

  Args:
    probability: [N], of the positive class.

  Returns:
    The mean over pairs of cases of how often the one that is ill has the higher probability; None
    where no two cases could differ.

  Source:
    van Klaveren et al. (2016), A new concordance measure for risk prediction models in external
    validation settings, Statistics in Medicine 35:4136-4152 (model-based concordance).

  Example:
    >>> round(expected_auroc(np.array([0.2, 0.8])), 4)
    0.9412
  """
  p = np.sort(np.asarray(probability, np.float64))
  well = 1 - p
  # Pairs of different cases, the lower of equal probabilities first; equal ones count a half.
  first = np.searchsorted(p, p, 'left')
  last = np.searchsorted(p, p, 'right')
  below = np.concatenate([[0.0], np.cumsum(well)])
  right = float(p @ (below[first] + (below[last] - below[first] - well) / 2))
  total = float(p.sum() * well.sum() - p @ well)
  return right / total if total > 1e-12 else None
