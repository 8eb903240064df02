"""Means over classes whose intervals hold for rare classes too."""

from collections.abc import Mapping

import numpy as np

from medjax.evaluation.called import SQUARE_AND_ADD
from medjax.evaluation.estimate import Estimate


def mean_over(classes: Mapping[str, Estimate], resampled: Estimate) -> Estimate:
  """The mean of a metric over classes.

  Its interval is by square-and-add of those of the classes (see ``medjax.evaluation.called``),
  which holds for rare classes but takes them as independent. They are not where an error counts
  for two of them, as for F1; so it reaches at least as far as that of the bootstrap, which fails
  for rare classes but knows of shared errors.

  Args:
    classes: the metric of each class, with values.
    resampled: the mean with its bootstrap interval, or without one.

  Returns:
    The mean, in [0, 1]; without interval, and with the reason, where a class has none.

  Example:
    >>> mean_over({'a': Estimate(0.5, 0.3, 0.7), 'b': Estimate(0.7, 0.5, 0.9)},
    ...   Estimate(0.6)).low
    0.4585786437626905
  """
  values = np.array([one.value for one in classes.values()], np.float64)
  value = float(values.mean())
  for name, one in classes.items():
    if one.low is None:
      return Estimate(value, reason=f'{name}: {one.reason}')
  low = np.array([one.low for one in classes.values()], np.float64)
  high = np.array([one.high for one in classes.values()], np.float64)
  down = value - float(np.linalg.norm(values - low)) / len(values)
  up = value + float(np.linalg.norm(high - values)) / len(values)
  if resampled.low is None or resampled.high is None:
    return Estimate(value, max(0.0, down), min(1.0, up), method=SQUARE_AND_ADD)
  return Estimate(
    value,
    max(0.0, min(down, resampled.low)),
    min(1.0, max(up, resampled.high)),
    resampled.reason,
    f'{SQUARE_AND_ADD} or bootstrap, the wider',
  )
