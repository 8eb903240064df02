"""What the coefficients of a fitted Cox regression are worth: hazard ratios with intervals.

The regression was fitted elsewhere; see ``coefficients`` for what is made of it.

References:
  Cox (1972), Regression models and life-tables, JRSS B 34:187-220.
  Therneau and Grambsch (2000), Modeling Survival Data, section 3.4 (tests).
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import scipy

from medjax.evaluation import design
from medjax.evaluation.coefficients import FARTHEST, SHRUNK, Coefficients, far
from medjax.evaluation.cox import fit_cox
from medjax.evaluation.estimate import normal_quantile


def cox(
  inputs: np.ndarray,
  time: np.ndarray,
  event: np.ndarray,
  coefficients: np.ndarray | Sequence[float],
  names: Sequence[str] | None = None,
  *,
  scales: np.ndarray | Sequence[float] | None = None,
  l2: float = 0.0,
) -> Coefficients:
  """Wald standard errors, tests and intervals of a Cox regression by partial likelihood (Efron).

  Args:
    inputs: [N, D] training inputs.
    time: [N], of the event or of the end of observation; rows where it is NaN are left out.
    event: [N] bool, whether the event was seen.
    coefficients: [D] of the fit, log hazard ratios.
    names: of the inputs; x0, x1 and so on where there are none.
    scales: [D], what one unit of each input is in its column's unit; None where it is that unit.
    l2: weight of the penalty that the fit had.

  Returns:
    The table, [D] without intercept. Its summary has cases, events, log_likelihood,
    null_log_likelihood, likelihood_ratio, likelihood_ratio_freedom and likelihood_ratio_p_value, of
    no effect of any input. Without standard errors where the fit had a penalty or is not at the
    optimum, and without estimates where no row has an event, inputs are collinear, or the
    likelihood has no maximum.

  Raises:
    ValueError: shapes differ, or a number is not finite.

  Example:
    >>> inputs, time = np.array([[0.0], [1.0], [0.0], [1.0], [1.0]]), np.array([3.0, 1, 2, 4, 5])
    >>> table = cox(inputs, time, np.array([1, 1, 1, 1, 0]), [-1.0728])
    >>> table.ratios['hazard_ratio'].round(3).tolist(), table.standard_error.round(3).tolist()
    ([0.342], [1.235])
  """
  inputs, time = np.asarray(inputs, np.float64), np.asarray(time, np.float64)
  given = np.asarray(coefficients, np.float64).ravel()
  if not np.isfinite(given).all():
    raise ValueError('a coefficient is not finite')
  if len(given) != inputs.shape[1]:
    raise ValueError(f'{len(given)} coefficients for {inputs.shape[1]} inputs')
  scales = np.ones(len(given)) if scales is None else np.asarray(scales, np.float64)
  if scales.shape != given.shape or not (scales > 0).all():
    raise ValueError(f'scales are {scales}; expected {len(given)} numbers above 0')
  blank = Coefficients('cox', design.make(inputs, names).names, scales)
  if l2:
    return dataclasses.replace(blank, estimate=given, reason=SHRUNK)
  known = ~np.isnan(time)
  fit = fit_cox(inputs[known], time[known], np.asarray(event)[known], names=names)
  error = fit.standard_errors
  if fit.coefficients is None or error is None or fit.log_likelihood is None:
    return dataclasses.replace(blank, reason=fit.reason)
  moved = float((np.abs(fit.coefficients - given) / error).max())
  if moved > FARTHEST:
    reason = far(f'{moved:.2g} standard errors')
    return dataclasses.replace(blank, estimate=given, moved=moved, reason=reason)
  ratio = max(0.0, 2 * (fit.log_likelihood - fit.null_log_likelihood))
  summary: dict[str, float | int] = {
    'cases': fit.cases,
    'events': fit.events,
    'log_likelihood': fit.log_likelihood,
    'null_log_likelihood': fit.null_log_likelihood,
    'likelihood_ratio': ratio,
    'likelihood_ratio_freedom': len(given),
    'likelihood_ratio_p_value': float(scipy.special.chdtrc(len(given), ratio)),
  }
  statistic = fit.coefficients / error
  half_width = normal_quantile(0.95) * error
  return dataclasses.replace(
    blank,
    estimate=fit.coefficients,
    standard_error=error,
    statistic=statistic,
    p_value=2 * scipy.special.ndtr(-np.abs(statistic)),
    low=fit.coefficients - half_width,
    high=fit.coefficients + half_width,
    moved=moved,
    summary=summary,
  )
