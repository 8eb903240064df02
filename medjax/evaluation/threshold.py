"""Choice of the operating point on a validation split."""

import numpy as np

from medjax.evaluation.estimate import Estimate


def youden(label: np.ndarray, probability: np.ndarray) -> Estimate:
  """The threshold that maximises sensitivity + specificity - 1 (Youden's index J).

  A case is called positive where probability >= threshold. Call this on validation data and use
  the result on test data: a threshold chosen on the test split makes its sensitivity and
  specificity too good. The threshold lies midway between two observed probabilities, so that
  rounding on another device moves no validation case across it. Of several thresholds with the
  same J the lowest is taken, that is the highest sensitivity: in detection a missed disease
  usually costs more than a false alarm.

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
  label, probability = np.asarray(label), np.asarray(probability, dtype=np.float64)
  known = ~np.isnan(label)
  label, probability = label[known].astype(np.int64), probability[known]
  positives, negatives = int(label.sum()), int((1 - label).sum())
  counts = f'{positives} positive and {negatives} negative cases'
  if not positives or not negatives:
    return Estimate(0.5, reason=f'default: Youden needs both classes; there are {counts}')
  values, inverse = np.unique(probability, return_inverse=True)
  # Cases below the threshold between values[k] and values[k + 1], for k = 0 .. len(values) - 2.
  missed = np.cumsum(np.bincount(inverse, label, len(values)))[:-1]
  rejected = np.cumsum(np.bincount(inverse, 1 - label, len(values)))[:-1]
  # J * positives * negatives, in integers (exact), so that ties are ties.
  gain = rejected * positives - missed * negatives
  if not len(gain) or gain.max() <= 0:
    return Estimate(0.5, reason=f'default: no threshold is better than chance on {counts}')
  best = int(gain.argmax())
  lower, upper = values[best], values[best + 1]
  middle = (lower + upper) / 2
  threshold = middle if middle > lower else upper  # neighbouring floats have no midpoint
  index = gain[best] / (positives * negatives)
  return Estimate(float(threshold), reason=f'largest Youden index, {index:.3f}, on {counts}')
