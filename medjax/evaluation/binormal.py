"""A model whose scores are normal in both classes, with one spread: what its AUROC implies.

With scores x of variance 1, mean d in cases and 0 in others, the logit of the probability that is
right is logit(prevalence) + d x - d^2 / 2, and the AUROC is Phi(d / sqrt(2)).
"""

import math
from collections.abc import Callable

import numpy as np
import scipy

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(80)


def predictors(auroc: float, prevalence: float) -> list[tuple[float, float, float]]:
  """The linear predictor as normal parts: share, mean and standard deviation of each."""
  apart = math.sqrt(2) * float(scipy.special.ndtri(auroc))
  logit = math.log(prevalence / (1 - prevalence))
  half = apart**2 / 2
  return [(prevalence, logit + half, apart), (1 - prevalence, logit - half, apart)]


def mean_of(
  function: Callable[[np.ndarray], np.ndarray], parts: list[tuple[float, float, float]]
) -> float:
  """The mean of a function of the linear predictor, by Gauss-Hermite quadrature."""
  return sum(
    share * float(_WEIGHTS @ function(mean + deviation * _NODES)) / float(_WEIGHTS.sum())
    for share, mean, deviation in parts
  )


def information(auroc: float, prevalence: float) -> float:
  """By how much the log-likelihood of a case is larger than without a model, in nats, a mean."""

  def loss(logit: np.ndarray) -> np.ndarray:
    p = scipy.special.expit(logit)
    return -(p * -np.logaddexp(0, -logit) + (1 - p) * -np.logaddexp(0, logit))

  without = -prevalence * math.log(prevalence) - (1 - prevalence) * math.log(1 - prevalence)
  return without - mean_of(loss, predictors(auroc, prevalence))
