"""Choice of the operating point on a validation split.

A case is called positive where probability >= threshold. Call these on validation data and use the
result on test data: a threshold chosen on the test split makes its sensitivity and specificity too
good. A threshold lies midway between two observed probabilities, so that rounding on another device
moves no validation case across it.
"""

import numpy as np

from medjax.evaluation.estimate import Estimate

RULES = ('youden', 'sensitivity', 'specificity')


def choose(rule: str, target: float, label: np.ndarray, probability: np.ndarray) -> Estimate:
  """The threshold by one of ``RULES``; ``target`` is the sensitivity or specificity to reach."""
  if rule == 'youden':
    return youden(label, probability)
  chosen = {'sensitivity': at_sensitivity, 'specificity': at_specificity}[rule]
  return chosen(label, probability, target)


def youden(label: np.ndarray, probability: np.ndarray) -> Estimate:
  """The threshold that maximises sensitivity + specificity - 1 (Youden's index J).

  Of several thresholds with the same J the lowest is taken, that is the highest sensitivity: in
  detection a missed disease usually costs more than a false alarm.

  Args:
    label: [N], 1 for positive and 0 for negative cases; NaN (unknown) cases are left out.
    probability: [N] in [0, 1], the probability of the positive class.

  Returns:
    The threshold, with the J that it reaches as reason. 0.5 and the reason where a class has no
    case, or where no threshold does better than chance.

  References:
    Youden (1950), Index for rating diagnostic tests, Cancer 3:32-35.

  Example:
    >>> youden(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.9])).value
    0.4
  """
  cuts = _Cuts(label, probability)
  if not cuts.positives or not cuts.negatives:
    return Estimate(0.5, reason=f'default: Youden needs both classes; there are {cuts.counts}')
  # J * positives * negatives, in integers (exact), so that ties are ties.
  gain = cuts.rejected * cuts.positives - cuts.missed * cuts.negatives
  best = int(gain.argmax())
  if gain[best] <= 0:
    return Estimate(0.5, reason=f'default: no threshold is better than chance on {cuts.counts}')
  index = gain[best] / (cuts.positives * cuts.negatives)
  return Estimate(
    cuts.threshold(best), reason=f'largest Youden index, {index:.3f}, on {cuts.counts}'
  )


def at_sensitivity(label: np.ndarray, probability: np.ndarray, target: float) -> Estimate:
  """The highest threshold whose sensitivity is at least ``target``.

  Args:
    label: [N], 1 for positive and 0 for negative cases; NaN (unknown) cases are left out.
    probability: [N] in [0, 1], the probability of the positive class.
    target: In [0, 1].

  Returns:
    The threshold, with what it reaches as reason; 0.5 and the reason without a positive case.

  Example:
    >>> at_sensitivity(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.9]), 0.5).value
    0.75
  """
  cuts = _Cuts(label, probability)
  if not cuts.positives:
    return Estimate(0.5, reason=f'default: sensitivity needs a positive case; {cuts.counts}')
  called = cuts.positives - cuts.missed
  best = int(np.flatnonzero(called >= target * cuts.positives - 1e-9)[-1])
  return _at(cuts, best, 'sensitivity', target)


def at_specificity(label: np.ndarray, probability: np.ndarray, target: float) -> Estimate:
  """The lowest threshold whose specificity is at least ``target``.

  Args:
    label: [N], 1 for positive and 0 for negative cases; NaN (unknown) cases are left out.
    probability: [N] in [0, 1], the probability of the positive class.
    target: In [0, 1].

  Returns:
    The threshold, with what it reaches as reason; 0.5 and the reason without a negative case.

  Example:
    >>> at_specificity(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.9]), 0.5).value
    0.15000000000000002
  """
  cuts = _Cuts(label, probability)
  if not cuts.negatives:
    return Estimate(0.5, reason=f'default: specificity needs a negative case; {cuts.counts}')
  best = int(np.flatnonzero(cuts.rejected >= target * cuts.negatives - 1e-9)[0])
  return _at(cuts, best, 'specificity', target)


def _at(cuts: '_Cuts', best: int, what: str, target: float) -> Estimate:
  rates = []
  if cuts.positives:
    rates.append(f'sensitivity {1 - cuts.missed[best] / cuts.positives:.3f}')
  if cuts.negatives:
    rates.append(f'specificity {cuts.rejected[best] / cuts.negatives:.3f}')
  return Estimate(
    cuts.threshold(best),
    reason=f'{what} of at least {target:g}: {" and ".join(rates)} on {cuts.counts}',
  )


class _Cuts:
  """What each place to cut the order of the cases would miss and reject.

  Cut k lies below the distinct probability number k; the last one lies above all.
  """

  def __init__(self, label: np.ndarray, probability: np.ndarray):
    label, probability = np.asarray(label), np.asarray(probability, dtype=np.float64)
    known = ~np.isnan(label)
    label, probability = label[known].astype(np.int64), probability[known]
    self.positives, self.negatives = int(label.sum()), int((1 - label).sum())
    self.counts = f'{self.positives} positive and {self.negatives} negative cases'
    self._values, inverse = np.unique(probability, return_inverse=True)
    size = len(self._values)
    self.missed = np.append(0, np.cumsum(np.bincount(inverse, label, size))).astype(np.int64)
    self.rejected = np.append(0, np.cumsum(np.bincount(inverse, 1 - label, size))).astype(np.int64)

  def threshold(self, cut: int) -> float:
    if cut == 0:
      return 0.0
    lower = self._values[cut - 1]
    upper = self._values[cut] if cut < len(self._values) else np.nextafter(1.0, 2.0)
    middle = (lower + upper) / 2
    return float(middle if middle > lower else upper)  # neighbouring floats have no midpoint
