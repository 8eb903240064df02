"""What the coefficients of a fitted linear or logistic regression are worth: intervals and tests.

Those of a Cox regression are in ``cox_coefficients``.

The regression was fitted elsewhere, in float32, and may have stopped short of the optimum by
rounding. Newton's steps in float64 take it there, and how far that was is told in standard errors:
theory speaks of the optimum only. Above a hundredth the model that predicts and the one that the
table describes would differ in digits that are printed, so there is no table of errors then. A
penalty moves the optimum, and the usual errors do not hold for what is shrunk.

References:
  McCullagh and Nelder (1989), Generalized Linear Models, 2nd ed., chapters 3 and 4.
  McFadden (1974), Conditional logit analysis of qualitative choice behavior, in Frontiers in
    Econometrics, pp. 105-142 (R2).
"""

import dataclasses
import math
import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import scipy

from medjax.evaluation import design
from medjax.evaluation.estimate import normal_quantile, t_quantile
from medjax.evaluation.logistic_fit import maximise
from medjax.evaluation.rows import write_rows
from medjax.evaluation.separation import separation, signs

INTERCEPT = '(intercept)'
FARTHEST = 1e-2  # standard errors
SHRUNK = (
  'fitted with a penalty: coefficients are shrunk towards 0, and standard errors and intervals of '
  'maximum likelihood do not hold for them'
)
_EXACT = 1e-12  # share of the label's variance that is rounding


@dataclasses.dataclass(frozen=True, eq=False)
class Coefficients:
  """A table of coefficients, intercept first. What there is not is None, and a reason says why.

  A Cox regression has no intercept, so that its columns are [D].

  Attributes:
    kind: of regression.
    names: [D + 1] of intercept and inputs.
    scales: [D + 1], what one unit of each input is in the column's own unit; NaN for the intercept,
      which belongs to the inputs as they are.
    estimate: [D + 1] per unit of input, that is, per standard deviation where inputs are
      standardised.
    standard_error: [D + 1].
    statistic: [D + 1], t of a linear and z of other regressions.
    p_value: [D + 1], two-sided, of no effect.
    low: [D + 1], lower ends of 95% intervals.
    high: [D + 1], upper ends.
    moved: the most that a coefficient moved from the one given to the optimum, in standard errors.
    summary: of the whole regression, by name; see ``linear``, ``logistic`` and ``cox``.
    reason: why something is missing; empty where nothing is.

  Example:
    >>> table = linear(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 5.0]), [2.5], -0.5)
    >>> table.names, table.estimate.round(3).tolist(), table.standard_error.round(3).tolist()
    (('(intercept)', 'x0'), [-0.5, 2.5], [1.118, 0.866])
  """

  kind: Literal['linear', 'logistic', 'cox']
  names: tuple[str, ...]
  scales: np.ndarray
  estimate: np.ndarray | None = None
  standard_error: np.ndarray | None = None
  statistic: np.ndarray | None = None
  p_value: np.ndarray | None = None
  low: np.ndarray | None = None
  high: np.ndarray | None = None
  moved: float | None = None
  summary: dict[str, float | int] = dataclasses.field(default_factory=dict)
  reason: str = ''

  @property
  def ratios(self) -> dict[str, np.ndarray | None]:
    """Exponentials of the estimates and their 95% intervals, [D + 1], by column.

    odds_ratio, odds_low and odds_high of a logistic regression, where that of the intercept are the
    odds where every input is 0; hazard_ratio, hazard_low and hazard_high of a Cox regression; none
    of a linear one.
    """
    what = {'logistic': 'odds', 'cox': 'hazard'}.get(self.kind)
    if what is None:
      return {}
    ends = {'ratio': self.estimate, 'low': self.low, 'high': self.high}
    with np.errstate(over='ignore'):
      return {f'{what}_{k}': None if v is None else np.exp(v) for k, v in ends.items()}

  def per_unit(self) -> 'Coefficients':
    """The same per unit of the columns; statistics and p-values stay. The intercept is NaN."""

    def scaled(values: np.ndarray | None) -> np.ndarray | None:
      return None if values is None else values / self.scales

    return dataclasses.replace(
      self,
      scales=self.scales / self.scales,
      estimate=scaled(self.estimate),
      standard_error=scaled(self.standard_error),
      low=scaled(self.low),
      high=scaled(self.high),
    )

  def rows(self) -> list[dict[str, Any]]:
    """One for each coefficient, cells by column; what there is not, or is not finite, is None.

    None at all where there is no estimate.
    """
    if self.estimate is None:
      return []
    columns = self._columns() | {
      f'{name}_per_unit': values for name, values in self.per_unit()._columns(tests=False).items()
    }
    return [
      {'name': name}
      | {key: None if values is None else _finite(values[i]) for key, values in columns.items()}
      for i, name in enumerate(self.names)
    ]

  def _columns(self, tests: bool = True) -> dict[str, np.ndarray | None]:
    columns = {'estimate': self.estimate, 'standard_error': self.standard_error}
    if tests:
      columns |= {'statistic': self.statistic, 'p_value': self.p_value}
    return columns | {'low': self.low, 'high': self.high} | self.ratios

  def to_json(self) -> dict[str, Any]:
    """A JSON object; no number in it is NaN or infinite."""
    return {
      'kind': self.kind,
      'rows': self.rows(),
      'moved': None if self.moved is None else _finite(self.moved),
      'summary': {name: _finite(value) for name, value in self.summary.items()},
      'reason': self.reason,
    }

  def write_csv(self, path: str | os.PathLike[str]) -> None:
    """Writes ``rows``, numbers to the last bit and empty cells where there is none."""
    keys = [*self._columns(), *(f'{key}_per_unit' for key in self._columns(tests=False))]
    rows = (['' if cell is None else cell for cell in row.values()] for row in self.rows())
    write_rows(path, ['name', *keys], rows)


def linear(
  inputs: np.ndarray,
  label: np.ndarray,
  coefficients: np.ndarray | Sequence[float],
  intercept: float,
  names: Sequence[str] | None = None,
  *,
  scales: np.ndarray | None = None,
  l2: float = 0.0,
) -> Coefficients:
  """Standard errors, t tests and intervals of a least-squares fit.

  Args:
    inputs: [N, D] training inputs.
    label: [N] numbers.
    coefficients: [D] of the fit.
    intercept: of the fit.
    names: of the inputs; x0, x1 and so on where there are none.
    scales: [D], what one unit of each input is in its column's unit; None where it is that unit.
    l2: weight of the penalty that the fit had.

  Returns:
    The table. Its summary has cases, residual_freedom, r2, adjusted_r2, residual_standard_error, f,
    f_freedom and f_p_value, of no effect of any input. Without standard errors where the fit had a
    penalty or is not at the optimum, and without estimates where inputs are collinear.

  Raises:
    ValueError: shapes differ, or a number is not finite.
  """
  made, given, blank = _begin('linear', inputs, coefficients, intercept, names, scales, l2)
  label = np.asarray(label, np.float64)
  rows, unknown = made.matrix.shape
  if label.shape != (rows,):
    raise ValueError(f'label has shape {label.shape}; expected ({rows},) as in inputs')
  if not np.isfinite(label).all():
    raise ValueError('a label is not finite')
  if l2 or blank.reason:
    return blank
  as_given = dataclasses.replace(blank, estimate=made.back @ given)
  freedom = rows - unknown
  if not freedom:
    return dataclasses.replace(as_given, reason=f'{rows} cases leave no residual freedom')
  orthogonal, triangle = np.linalg.qr(made.matrix)
  step = scipy.linalg.solve_triangular(
    triangle, orthogonal.T @ (label - made.matrix @ given), check_finite=False
  )
  residual = label - made.matrix @ (given + step)
  residual_squares = float(residual @ residual)
  squares = float(((label - label.mean()) ** 2).sum())
  if residual_squares <= _EXACT * squares:
    return dataclasses.replace(as_given, reason='the fit is exact: there is no residual variance')
  variance = residual_squares / freedom
  inverse = scipy.linalg.solve_triangular(triangle, np.eye(unknown))
  covariance = variance * inverse @ inverse.T
  moved, reason = _moved(made, step, covariance)
  if reason:
    return dataclasses.replace(as_given, moved=moved, reason=reason)
  explained = squares - residual_squares
  f = explained / (unknown - 1) / variance
  summary: dict[str, float | int] = {
    'cases': rows,
    'residual_freedom': freedom,
    'r2': explained / squares,
    'adjusted_r2': 1 - variance / (squares / (rows - 1)),
    'residual_standard_error': math.sqrt(variance),
    'f': f,
    'f_freedom': unknown - 1,
    'f_p_value': float(scipy.special.fdtrc(unknown - 1, freedom, f)),
  }
  estimate, error = made.back @ (given + step), _errors(made, covariance)
  half_width = t_quantile(0.95, freedom) * error
  return dataclasses.replace(
    blank,
    estimate=estimate,
    standard_error=error,
    statistic=estimate / error,
    p_value=2 * scipy.special.stdtr(freedom, -np.abs(estimate / error)),
    low=estimate - half_width,
    high=estimate + half_width,
    moved=moved,
    summary=summary,
  )


def logistic(
  inputs: np.ndarray,
  label: np.ndarray,
  coefficients: np.ndarray | Sequence[float],
  intercept: float,
  names: Sequence[str] | None = None,
  *,
  scales: np.ndarray | None = None,
  l2: float = 0.0,
) -> Coefficients:
  """Wald standard errors, tests and intervals of a logistic regression by maximum likelihood.

  Args:
    inputs: [N, D] training inputs.
    label: [N] 0 or 1.
    coefficients: [D] of the fit.
    intercept: of the fit.
    names: of the inputs; x0, x1 and so on where there are none.
    scales: [D], what one unit of each input is in its column's unit; None where it is that unit.
    l2: weight of the penalty that the fit had.

  Returns:
    The table. Its summary has cases, positive, log_likelihood, null_log_likelihood, mcfadden_r2,
    aic, likelihood_ratio, likelihood_ratio_freedom and likelihood_ratio_p_value, of no effect of
    any input. Without standard errors where the fit had a penalty or is not at the optimum, and
    without estimates where inputs are collinear or separate the classes.

  Raises:
    ValueError: shapes differ, an input is not finite, or a label is neither 0 nor 1.
  """
  made, given, blank = _begin('logistic', inputs, coefficients, intercept, names, scales, l2)
  rows, unknown = made.matrix.shape
  sign = signs(label, rows)
  if l2 or blank.reason:
    return blank
  optimum, covariance, proven = maximise(made.matrix, sign, given)
  if not proven:
    try:
      reason = separation(inputs, label, made.names).reason
    except RuntimeError as failure:
      reason = f'whether there is a maximum likelihood estimate is not known: {failure}'
    if reason:
      return dataclasses.replace(blank, reason=reason)
  as_given = dataclasses.replace(blank, estimate=made.back @ given)
  if covariance is None:
    return dataclasses.replace(as_given, reason=far('far'))
  moved, reason = _moved(made, optimum - given, covariance)
  if reason:
    return dataclasses.replace(as_given, moved=moved, reason=reason)
  log_likelihood = float(scipy.special.log_expit(sign * (made.matrix @ optimum)).sum())
  positive = int((sign > 0).sum())
  share = positive / rows
  null = positive * math.log(share) + (rows - positive) * math.log1p(-share)
  ratio = max(0.0, 2 * (log_likelihood - null))
  summary: dict[str, float | int] = {
    'cases': rows,
    'positive': positive,
    'log_likelihood': log_likelihood,
    'null_log_likelihood': null,
    'mcfadden_r2': 1 - log_likelihood / null,
    'aic': 2 * (unknown - log_likelihood),
    'likelihood_ratio': ratio,
    'likelihood_ratio_freedom': unknown - 1,
    'likelihood_ratio_p_value': float(scipy.special.chdtrc(unknown - 1, ratio)),
  }
  estimate, error = made.back @ optimum, _errors(made, covariance)
  half_width = normal_quantile(0.95) * error
  return dataclasses.replace(
    blank,
    estimate=estimate,
    standard_error=error,
    statistic=estimate / error,
    p_value=2 * scipy.special.ndtr(-np.abs(estimate / error)),
    low=estimate - half_width,
    high=estimate + half_width,
    moved=moved,
    summary=summary,
  )


def _begin(
  kind: Literal['linear', 'logistic'],
  inputs: np.ndarray,
  coefficients: np.ndarray | Sequence[float],
  intercept: float,
  names: Sequence[str] | None,
  scales: np.ndarray | None,
  l2: float,
) -> tuple[design.Design, np.ndarray, Coefficients]:
  """The design matrix, the coefficients given as those of its columns, and a table with the reason
  why there is no inference, if there is one."""
  made = design.make(inputs, names)
  count = len(made.names)
  given = np.append(float(intercept), np.asarray(coefficients, np.float64).ravel())
  if len(given) != count + 1:
    raise ValueError(f'{len(given) - 1} coefficients for {count} inputs')
  if not np.isfinite(given).all():
    raise ValueError('a coefficient is not finite')
  scales = np.ones(count) if scales is None else np.asarray(scales, np.float64)
  if scales.shape != (count,) or not (scales > 0).all():
    raise ValueError(f'scales are {scales}; expected {count} numbers above 0')
  blank = Coefficients(kind, (INTERCEPT, *made.names), np.append(np.nan, scales))
  if l2:
    return made, given, dataclasses.replace(blank, estimate=given, reason=SHRUNK)
  deficient = made.deficient()
  if deficient:
    reason = f'coefficients are not unique: {deficient}; leave out inputs or use a penalty'
    blank = dataclasses.replace(blank, reason=reason)
  return made, made.forth @ given, blank


def _moved(made: design.Design, step: np.ndarray, covariance: np.ndarray) -> tuple[float, str]:
  """How far the step goes in standard errors, and why that is too far."""
  moved = float((np.abs(made.back @ step) / _errors(made, covariance)).max())
  return moved, far(f'{moved:.2g} standard errors') if moved > FARTHEST else ''


def far(distance: str) -> str:
  return (
    f'the coefficients are {distance} from the optimum, so that standard errors do not hold for '
    'them; train longer, and without a penalty'
  )


def _errors(made: design.Design, covariance: np.ndarray) -> np.ndarray:
  return np.sqrt(np.einsum('ij,jk,ik->i', made.back, covariance, made.back))


def _finite(value: Any) -> float | int | None:
  if isinstance(value, int):
    return value
  return float(value) if math.isfinite(value) else None
