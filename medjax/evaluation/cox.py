"""Cox's proportional hazards regression, fitted by Newton's method in float64.

References:
  Cox (1972), Regression models and life-tables, JRSS B 34:187-220.
  Heinze and Schemper (2001), A solution to the problem of monotone likelihood in Cox regression,
    Biometrics 57:114-119.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import scipy

from medjax.evaluation import design
from medjax.evaluation.partial_likelihood import PartialLikelihood

_STEPS = 30
_HALVINGS = 30
_STILL = 1e-20  # gain of a step in the log likelihood
_FARTHEST = 600.0  # range of linear predictors; exponentials of more are not float64


@dataclasses.dataclass(frozen=True, eq=False)
class CoxFit:
  """Coefficients of a Cox regression; what there is not is None, and a reason says why.

  Attributes:
    names: of the D inputs.
    coefficients: float64 [D], log hazard ratios per unit of input.
    covariance: float64 [D, D], the inverse of the information; with a penalty, of the information
      with the penalty's curvature.
    log_likelihood: at the coefficients, without the penalty.
    null_log_likelihood: with all coefficients 0.
    iterations: of Newton's method.
    cases: how many.
    events: how many of them.
    reason: why there are no coefficients; empty where there are.
  """

  names: tuple[str, ...]
  coefficients: np.ndarray | None
  covariance: np.ndarray | None
  log_likelihood: float | None
  null_log_likelihood: float
  iterations: int
  cases: int
  events: int
  reason: str = ''

  @property
  def standard_errors(self) -> np.ndarray | None:
    """Of the coefficients, float64 [D]."""
    return None if self.covariance is None else np.sqrt(np.diagonal(self.covariance))


def fit_cox(
  values: np.ndarray,
  time: np.ndarray,
  event: np.ndarray,
  l2: float = 0.0,
  names: Sequence[str] | None = None,
) -> CoxFit:
  """Fits a Cox regression by Newton's method, with halved steps where a whole one goes too far.

  Args:
    values: [N, D] inputs, finite.
    time: [N], of the event or of the end of observation.
    event: [N] bool, whether the event was seen.
    l2: the log likelihood less ``l2 / 2`` times the sum of squared coefficients is maximised.
    names: of the inputs; x0, x1 and so on where there are none.

  Returns:
    The fit. Without coefficients where there is no event, inputs are collinear, or a coefficient
    runs away because the likelihood rises for ever along it (it orders all events before their risk
    sets); a penalty helps in the last two cases.

  Raises:
    ValueError: shapes differ, or a value is not as above.

  Example:
    >>> values = np.array([[0.0], [1.0], [0.0], [1.0], [1.0]])
    >>> fit = fit_cox(values, np.array([3.0, 1, 2, 4, 5]), np.array([1, 1, 1, 1, 0]))
    >>> fit.coefficients.round(3).tolist(), fit.standard_errors.round(3).tolist()
    ([-1.073], [1.235])
  """
  made = design.make(values, names)
  likelihood = PartialLikelihood(time, event)
  if len(made.matrix) != len(np.asarray(time)):
    raise ValueError(f'values have {len(made.matrix)} rows; expected {len(np.asarray(time))}')
  if not (math.isfinite(l2) and l2 >= 0):
    raise ValueError(f'l2 is {l2}; expected a number of at least 0')
  events = int(np.asarray(event, bool).sum())
  null = likelihood.value(np.zeros(len(made.matrix)))
  blank = CoxFit(made.names, None, None, None, null, 0, len(made.matrix), events)
  if not events:
    return dataclasses.replace(blank, reason='every case is censored: there is no event')
  deficient = '' if l2 else made.deficient()
  if deficient:
    reason = f'coefficients are not unique: {deficient}; leave out inputs or use a penalty'
    return dataclasses.replace(blank, reason=reason)
  # The baseline hazard takes the place of an intercept.
  maximum = _maximise(likelihood, made.matrix[:, 1:], l2 / made.scale**2)
  if maximum.covariance is None:
    worst = made.names[int(np.abs(maximum.beta).argmax())]
    reason = f'the coefficient of {worst} runs away in {maximum.iterations} steps: '
    reason += (
      'the penalty is too small to hold it; use a larger one'
      if l2
      else 'the likelihood is monotone and has no maximum; leave out inputs or use a penalty'
    )
    return dataclasses.replace(blank, iterations=maximum.iterations, reason=reason)
  return dataclasses.replace(
    blank,
    coefficients=maximum.beta / made.scale,
    covariance=maximum.covariance / np.outer(made.scale, made.scale),
    log_likelihood=likelihood.value(made.matrix[:, 1:] @ maximum.beta),
    iterations=maximum.iterations,
  )


@dataclasses.dataclass(frozen=True, eq=False)
class _Maximum:
  beta: np.ndarray
  covariance: np.ndarray | None
  iterations: int


def _maximise(likelihood: PartialLikelihood, matrix: np.ndarray, penalty: np.ndarray) -> _Maximum:
  """Newton's method from 0; without covariance where it leads nowhere.

  At a maximum steps shrink quadratically. Along a direction in which the likelihood rises for ever
  each step adds about 1 and gains e times less than the one before, so that a gain below rounding
  is not reached in the steps allowed.
  """

  def objective(beta: np.ndarray) -> float:
    return likelihood.value(matrix @ beta) - float(penalty @ beta**2) / 2

  beta = np.zeros(matrix.shape[1])
  best = objective(beta)
  for iteration in range(1, _STEPS + 1):
    linear = matrix @ beta
    if np.ptp(linear) > _FARTHEST:
      return _Maximum(beta, None, iteration)
    _, gradient, hessian = likelihood.derivatives(linear, matrix)
    gradient = gradient - penalty * beta
    information = np.diag(penalty) - hessian
    try:
      factor = scipy.linalg.cho_factor(information)
    except np.linalg.LinAlgError:
      return _Maximum(beta, None, iteration)
    step = scipy.linalg.cho_solve(factor, gradient)
    if float(gradient @ step) < _STILL:
      covariance = scipy.linalg.cho_solve(factor, np.eye(len(beta)))
      return _Maximum(beta + step, covariance, iteration)
    for _ in range(_HALVINGS):
      value = objective(beta + step)
      # A step may lose what rounding of the sum takes.
      if value >= best - 1e-12 * abs(best):
        break
      step = step / 2
    beta, best = beta + step, value
  return _Maximum(beta, None, _STEPS)
