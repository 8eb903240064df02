"""Do predicted numbers mean what they say: the line of true numbers over predicted ones.

Reference:
  Steyerberg (2019), Clinical Prediction Models, chapter 15 (calibration of continuous outcomes).
"""

import math

import numpy as np

from medjax.evaluation.estimate import Estimate, t_quantile
from medjax.evaluation.numbers import Numbers


def number_calibration(table: Numbers) -> dict[str, Estimate]:
  """Slope of that line (1 is right; below 1, predictions are too extreme), and the mean of true
  less predicted numbers (0 is right), in the label's unit.

  Intervals are from the sandwich over groups, with t quantiles.

  Args:
    table: rows without a label are left out.

  Returns:
    calibration_slope and calibration_intercept.
  """
  known = table.labelled()
  ones = np.ones(len(known))
  flat = len(known) < 3 or np.ptp(known.prediction) == 0
  slope = Estimate(None, reason='needs three cases with different predictions')
  if not flat:
    slope = _coefficient(np.stack([ones, known.prediction], 1), known.label, known.group, 1)
  if not len(known):
    return {'calibration_slope': slope, 'calibration_intercept': Estimate(None, reason='no case')}
  gap = _coefficient(ones[:, None], known.label - known.prediction, known.group, 0)
  return {'calibration_slope': slope, 'calibration_intercept': gap}


def _coefficient(inputs: np.ndarray, label: np.ndarray, group: np.ndarray, which: int) -> Estimate:
  """A coefficient of least squares."""
  # Predictions far from 0, such as years, are no reason to lose digits.
  beta, *_ = np.linalg.lstsq(inputs, label, rcond=None)
  value = float(beta[which])
  _, number = np.unique(group, return_inverse=True)
  scores = inputs * (label - inputs @ beta)[:, None]
  sums = np.stack([np.bincount(number, column) for column in scores.T], axis=1)
  groups = len(sums)
  if groups < 2:
    return Estimate(value, reason='every case is of one group: no interval')
  inverse = np.linalg.pinv(inputs.T @ inputs)
  variance = groups / (groups - 1) * float((inverse @ sums.T @ sums @ inverse)[which, which])
  half = t_quantile(0.95, groups - 1) * math.sqrt(variance)
  return Estimate(value, value - half, value + half, method='t over groups')
