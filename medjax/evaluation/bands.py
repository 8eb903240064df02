"""Bands around the ROC and the precision-recall curve, from the bootstrap over groups."""

import dataclasses

import numpy as np

from medjax.evaluation.bootstrap import Bootstrap
from medjax.evaluation.ranking import Ranking

_POINTS = 101


@dataclasses.dataclass(frozen=True)
class Band:
  """Pointwise 95% intervals of a curve.

  Attributes:
    x: [T], 1 - specificity of a ROC curve, or recall.
    low: [T], lower end of sensitivity, or of precision.
    high: [T], upper end.
  """

  x: np.ndarray
  low: np.ndarray
  high: np.ndarray


def curve_bands(
  positive: np.ndarray, score: np.ndarray, group: np.ndarray, resamples: int = 1000
) -> tuple[Band | None, Band | None]:
  """The bands of the ROC and of the precision-recall curve; None without resamples of both classes.

  Args:
    positive: [N] bool, with cases of both kinds.
    score: [N]; larger means more likely positive.
    group: [N], the group of each case.
    resamples: How many resamples the percentiles are of.
  """
  ranking = Ranking(positive, score)
  grid = np.linspace(0, 1, _POINTS)
  sensitivity, precision = [], []
  for times in Bootstrap(group, positive.astype(np.int64), resamples).blocks():
    for true, called in zip(*ranking.counts(times), strict=True):
      false = called - true
      if not (true[-1] and false[-1]):
        continue
      sensitivity.append(
        np.interp(grid, np.append(0, false / false[-1]), np.append(0, true / true[-1]))
      )
      recall = true / true[-1]
      at = np.searchsorted(recall, grid - 1e-6)  # the first place that reaches this recall
      precision.append(true[at] / np.maximum(called[at], 1))
  if not sensitivity:
    return None, None
  ends = [np.quantile(part, [0.025, 0.975], axis=0) for part in (sensitivity, precision)]
  return Band(grid, *ends[0]), Band(grid[1:], *ends[1][:, 1:])
