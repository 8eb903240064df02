"""Areas under the ROC and the precision-recall curve for many resamples of the same cases."""

import numpy as np


class Ranking:
  """The order of the cases by score, sorted once for all resamples.

  A resample is how often each case is drawn, times [R, N]; the curves of each follow from running
  sums in the same order, taken where a run of equal scores ends so that ties count one half.

  Args:
    positive: [N] bool.
    score: [N]; larger means more likely positive.

  Example:
    >>> ranking = Ranking(np.array([False, True]), np.array([0.2, 0.7]))
    >>> [float(area[0]) for area in ranking.areas(np.ones((1, 2)))]
    [1.0, 1.0]
  """

  def __init__(self, positive: np.ndarray, score: np.ndarray):
    order = np.argsort(-np.asarray(score), kind='stable')
    ranked = score[order]
    self._order = order
    self._ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    self._positive = np.asarray(positive)[order].astype(np.float32)

  def counts(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True positives and all calls, [R, G], at each distinct score from the highest on."""
    # Counts below 2^24 are exact in float32, which is as fine as percentiles need.
    ranked = np.take(times, self._order, axis=1)
    called = np.cumsum(ranked, axis=1)
    ranked *= self._positive
    true = np.cumsum(ranked, axis=1)
    if len(self._ends) < len(self._order):
      called, true = called[:, self._ends], true[:, self._ends]
    return true, called

  def areas(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUROC and average precision (precision summed over steps in recall), float64 [R] each.

    NaN for a resample without cases of both classes (AUROC), or without a positive (precision).
    """
    true, called = self.counts(times)
    steps = np.diff(true, axis=1, prepend=0)
    positives = true[:, -1].astype(np.float64)
    negatives = called[:, -1] - positives
    # Trapezoids: the false positives of a step times the mean number of true ones over it.
    false_steps = np.diff(called, axis=1, prepend=0) - steps
    area = _sum(false_steps, true - steps / 2)
    with np.errstate(invalid='ignore', divide='ignore'):
      return area / (positives * negatives), _precision(true, called, steps)

  def average_precision(self, times: np.ndarray) -> np.ndarray:
    """The second of ``areas`` alone, float64 [R]."""
    true, called = self.counts(times)
    return _precision(true, called, np.diff(true, axis=1, prepend=0))


def _precision(true: np.ndarray, called: np.ndarray, steps: np.ndarray) -> np.ndarray:
  # A score that no resampled case reaches adds no recall: any finite precision will do.
  precision = _sum(steps, true / np.maximum(called, 1))
  with np.errstate(invalid='ignore', divide='ignore'):
    return precision / true[:, -1].astype(np.float64)


def _sum(one: np.ndarray, other: np.ndarray) -> np.ndarray:
  """Sums of products along each row, float64 [R]."""
  return np.einsum('rn,rn->r', one, other, dtype=np.float64)
