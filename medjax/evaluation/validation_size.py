"""How many cases it takes to validate a model of a binary outcome, by how precise figures become.

References:
  Riley et al. (2021), Minimum sample size for external validation of a clinical prediction model
    with a binary outcome, Statistics in Medicine 40:4230-4251.
  Newcombe (2006), see ``medjax.evaluation.delong`` (standard error of the AUROC).
"""

import math

import numpy as np
import scipy

from medjax.evaluation import binormal
from medjax.evaluation.development_size import Criterion, fewest
from medjax.evaluation.estimate import normal_quantile

Z = normal_quantile(0.95)


def observed_to_expected(prevalence: float, width: float = 0.2) -> int:
  """Cases with which the 95% interval of observed over expected cases, 1, is so wide at most.

  Example:
    >>> observed_to_expected(0.1)
    3469
  """
  error = math.asinh(width / 2) / Z
  return math.ceil((1 - prevalence) / (prevalence * error**2))


def slope(parts: list[tuple[float, float, float]], width: float = 0.2) -> int:
  """Cases with which the interval of the calibration slope, 1, is so wide at most.

  Args:
    parts: of the linear predictor; see ``binormal.predictors``.
    width: of the 95% interval.
  """

  def moment(power: int) -> float:
    def function(logit: np.ndarray) -> np.ndarray:
      p = scipy.special.expit(logit)
      return p * (1 - p) * logit**power

    return binormal.mean_of(function, parts)

  zero, first, second = (moment(power) for power in range(3))
  error = width / (2 * Z)
  return math.ceil(zero / (error**2 * (zero * second - first**2)))


def auroc(area: float, prevalence: float, width: float = 0.1) -> int:
  """Cases with which the interval of the AUROC is so wide at most.

  Example:
    >>> auroc(0.8, 0.018)
    4252
  """

  def precise(cases: int) -> bool:
    half = cases / 2 - 1
    spread = 1 + half * (1 - area) / (2 - area) + half * area / (1 + area)
    variance = area * (1 - area) * spread / (cases**2 * prevalence * (1 - prevalence))
    return 2 * Z * math.sqrt(variance) <= width

  return fewest(precise)


def share(value: float, of: float, width: float = 0.1) -> int:
  """Cases with which the interval of a share of some of them, such as sensitivity, is so wide.

  Args:
    value: the share.
    of: share of the cases that it is of.
    width: of the 95% interval, normal.

  Example:
    >>> share(0.9, 0.5)
    277
  """
  return math.ceil(value * (1 - value) * (2 * Z / width) ** 2 / of)


def criteria(
  area: float,
  prevalence: float,
  *,
  parts: list[tuple[float, float, float]] | None = None,
  sensitivity: float | None = None,
  specificity: float | None = None,
  width: float = 0.1,
) -> list[Criterion]:
  """What each figure asks for.

  Args:
    area: the AUROC that is expected, in (0.5, 1).
    prevalence: in (0, 1).
    parts: of the linear predictor; None for normal scores with this AUROC.
    sensitivity: at the threshold; None where it is not planned for.
    specificity: the same.
    width: of intervals of the AUROC, sensitivity and specificity; of others twice as wide.
  """
  found = [
    Criterion(f'observed over expected, width {2 * width:g}',
              observed_to_expected(prevalence, 2 * width)),
    Criterion(f'calibration slope, width {2 * width:g}',
              slope(parts or binormal.predictors(area, prevalence), 2 * width)),
    Criterion(f'AUROC {area:g}, width {width:g}', auroc(area, prevalence, width)),
  ]  # fmt: skip
  for name, value, of in (
    ('sensitivity', sensitivity, prevalence),
    ('specificity', specificity, 1 - prevalence),
  ):
    if value is not None:
      found.append(Criterion(f'{name} {value:g}, width {width:g}', share(value, of, width)))
  return found
