"""Concordance of predicted numbers: how often the larger prediction is that of the larger label.

It is Harrell's C of labels that are never censored: of all pairs of cases whose labels differ, the
share whose predictions differ in the same direction, equal predictions counted one half. 0.5 is
what chance gives; without equal labels and predictions it is (1 + Kendall's tau) / 2.

References:
  Harrell, Lee and Mark (1996), Multivariable prognostic models, Statistics in Medicine 15:361-387.
  Gönen and Heller (2005), Concordance probability and discriminatory power in proportional hazards
    regression, Biometrika 92:965-970.
  Pahikkala et al. (2015), Toward more realistic drug-target interaction predictions, Briefings in
    Bioinformatics 16:325-337 (as a measure of predicted affinities).
"""

import numpy as np
from scipy import sparse

from medjax.evaluation.bootstrap import RESAMPLES
from medjax.evaluation.concordance import Pairs

_BLOCK_CELLS = 2_000_000  # which bounds the memory


class NumberConcordance:
  """The pairs of some cases, counted once for all resamples of their groups.

  A resample draws groups with all their cases. With fewer groups than resamples, the pairs between
  every two groups are counted once, and a resample is an exact sum over pairs of groups. With more,
  counting would take minutes, and a resample is what the derivative by how often each case is drawn
  says of it (von Mises' expansion, whose error falls with the number of groups; at 2,000 it moves
  the ends of an interval by about a hundredth of its width).

  Args:
    label: [N], finite.
    prediction: [N], finite.
    group: [N]; cases of one group are drawn together.

  Example:
    >>> of = NumberConcordance(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]), np.arange(3))
    >>> of(np.ones((1, 3))).round(3).tolist()
    [0.667]
  """

  def __init__(self, label: np.ndarray, prediction: np.ndarray, group: np.ndarray):
    # Ranks, as only the order counts: labels may be negative, and predictions equal in units of
    # any size.
    self._label, self._prediction = _ranks(label), _ranks(prediction)
    _, self._one, number = np.unique(group, return_index=True, return_inverse=True)
    self._few = len(self._one) < RESAMPLES
    if self._few:
      self._right, self._comparable = self._between(number)
    else:
      self._right, self._comparable = self._of_cases()

  def __call__(self, times: np.ndarray) -> np.ndarray:
    """The concordance of each resample, [R]; NaN where no pair has different labels.

    Args:
      times: [R, N], how often each case is in each resample; the same for cases of one group.
    """
    times = np.asarray(times, np.float64)
    right, comparable = self._right, self._comparable
    with np.errstate(invalid='ignore', divide='ignore'):
      if self._few:
        drawn = times[:, self._one]
        parts = [((drawn @ part) * drawn).sum(axis=1) for part in (right, comparable)]
        return parts[0] / parts[1]
      value = right.sum() / comparable.sum()  # either counts every pair twice
      influence = 2 * (right - value * comparable) / comparable.sum()
      return value + (times - 1) @ influence

  def _pairs(self, sign: float = 1.0) -> Pairs:
    every = np.ones(len(self._label), bool)
    label = self._label if sign > 0 else self._label.max(initial=0) - self._label
    return Pairs(label, every, -sign * self._prediction)

  def _of_cases(self) -> tuple[np.ndarray, np.ndarray]:
    """Concordant and comparable pairs that each case is in, [N]."""
    right, every = np.zeros(len(self._label)), np.zeros(len(self._label))
    for pairs in (self._pairs(), self._pairs(-1.0)):  # those with larger and with smaller labels
      concordant, tied, comparable = pairs.counts(np.ones((1, len(self._label))))
      right[pairs.first] += (concordant + tied / 2)[0]
      every[pairs.first] += comparable[0]
    return right, every

  def _between(self, number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Concordant and comparable pairs by the groups of their later and earlier case, [G, G]."""
    pairs, groups, cases = self._pairs(), len(self._one), len(number)
    first = pairs.first
    of_first = sparse.csr_array(
      (np.ones(len(first)), (np.arange(len(first)), number[first])), shape=(len(first), groups)
    )
    right, every = np.zeros((groups, groups)), np.zeros((groups, groups))
    block = max(1, _BLOCK_CELLS // max(cases, 1))
    for start in range(0, groups, block):
      rows = np.arange(start, min(start + block, groups))
      concordant, tied, comparable = pairs.counts(rows[:, None] == number)
      right[rows] = (concordant + tied / 2) @ of_first
      every[rows] = comparable @ of_first
    return right, every


def _ranks(values: np.ndarray) -> np.ndarray:
  """Ranks from 0, the same for equal values."""
  return np.unique(np.asarray(values, np.float64), return_inverse=True)[1].astype(np.float64)
