"""How many cases it takes to develop a prediction model of a given number of parameters.

References:
  Riley et al. (2019), Minimum sample size for developing a multivariable prediction model: part I,
    continuous outcomes, Statistics in Medicine 38:1262-1275; part II, binary and time-to-event
    outcomes, Statistics in Medicine 38:1276-1296.
  Riley et al. (2020), Calculating the sample size required for developing a clinical prediction
    model, BMJ 368:m441.
  Riley, Van Calster and Collins (2021), A note on estimating the Cox-Snell R2 from a reported
    C statistic, Statistics in Medicine 40:859-864.

They are of regression models. A network has more parameters than any of them and is held back by
other means; their numbers are what a regression on as many candidate predictors would need.
"""

import dataclasses
import math
from collections.abc import Callable

import scipy

from medjax.errors import UserError
from medjax.evaluation import binormal
from medjax.evaluation.estimate import normal_quantile

_OPTIMISM = 0.05  # of Nagelkerke's R2, and of R2
_RISK = 0.05  # margin of error of the overall risk
_FACTOR = 1.1  # margin of error of a mean or a standard deviation, as a factor
_RESIDUAL = 234  # cases beyond the parameters with which a standard deviation has that margin
_MOST = 10**9


@dataclasses.dataclass(frozen=True)
class Criterion:
  """What one criterion asks for.

  Attributes:
    name: in words.
    cases: the fewest that meet it.
  """

  name: str
  cases: int


def binary(
  parameters: int, prevalence: float, r2: float, shrinkage: float = 0.9
) -> list[Criterion]:
  """The criteria for a binary outcome.

  Args:
    parameters: of candidate predictors, those of a category or a curve one by one.
    prevalence: share of cases with the outcome, in (0, 1).
    r2: Cox and Snell's R2 that is expected, adjusted for optimism; see ``r2_of_auroc``.
    shrinkage: of coefficients, at least.

  Raises:
    UserError: R2 is beyond what the prevalence allows, or not below the shrinkage.

  Example:
    >>> [one.cases for one in binary(24, 0.174, 0.288)]
    [623, 662, 221]
  """
  most = largest_r2(prevalence)
  _require(r2, most, shrinkage, 'the prevalence')
  risk = (normal_quantile(0.95) / _RISK) ** 2 * prevalence * (1 - prevalence)
  return [
    *_fit(parameters, r2, most, shrinkage),
    Criterion(f'overall risk within {_RISK}', math.ceil(risk)),
  ]


def survival(
  parameters: int, rate: float, horizon: float, follow_up: float, r2: float, shrinkage: float = 0.9
) -> list[Criterion]:
  """The criteria for the time until an event.

  Args:
    parameters: see ``binary``.
    rate: events per unit of time of follow-up.
    horizon: at which risks are told, in that unit.
    follow_up: its mean a case.
    r2: see ``binary``.
    shrinkage: see there.

  Raises:
    UserError: R2 is beyond what so many events allow, or not below the shrinkage.

  Example:
    >>> [one.cases for one in survival(30, 0.065, 2.0, 2.07, 0.051)][:2]
    [5143, 1039]
  """
  events = rate * follow_up  # a case
  most = 1 - math.exp(2 * (events * math.log(events) - events))
  _require(r2, most, shrinkage, 'the number of events')

  def precise(cases: int) -> bool:
    upper = rate + normal_quantile(0.95) * math.sqrt(rate / (follow_up * cases))
    return math.exp(-rate * horizon) - math.exp(-upper * horizon) <= _RISK

  return [
    *_fit(parameters, r2, most, shrinkage),
    Criterion(f'risk at {horizon:g} within {_RISK}', fewest(precise)),
  ]


def continuous(
  parameters: int, r2: float, mean: float, deviation: float, shrinkage: float = 0.9
) -> list[Criterion]:
  """The criteria for a number.

  Args:
    parameters: see ``binary``.
    r2: share of the variance that is expected to be explained, adjusted for optimism.
    mean: of the number, not 0.
    deviation: its standard deviation.
    shrinkage: see ``binary``.

  Raises:
    UserError: R2 is not in (0, 1), or the mean is 0.

  Example:
    >>> [one.cases for one in continuous(25, 0.2, 1.9, 0.6)][:3]
    [918, 401, 259]
  """
  if not 0 < r2 < 1:
    raise UserError(f'--r2={r2:g}: expected more than 0 and less than 1')
  if mean == 0:
    raise UserError('--mean=0: expected another mean; a margin of 10% of 0 is none')

  def shrinks(cases: int) -> bool:
    apparent = (r2 * (cases - parameters - 1) + parameters) / (cases - 1)
    return 1 + (parameters - 2) / (cases * math.log(1 - apparent)) >= shrinkage

  def precise(cases: int) -> bool:
    error = math.sqrt(deviation**2 * (1 - r2) / cases)
    half = float(scipy.stats.t.ppf(0.975, cases - parameters - 1)) * error
    return half / abs(mean) <= _FACTOR - 1

  least = parameters + 2
  optimism = 1 + parameters * (1 - r2) / _OPTIMISM
  return [
    Criterion(f'shrinkage at least {shrinkage:g}', fewest(shrinks, least)),
    Criterion(f'optimism in R2 at most {_OPTIMISM}', math.ceil(round(optimism, 9))),
    Criterion('residual standard deviation within 10%', _RESIDUAL + parameters),
    Criterion('mean within 10%', fewest(precise, least)),
  ]


def largest_r2(prevalence: float) -> float:
  """The largest Cox and Snell's R2 that a binary outcome allows.

  Example:
    >>> round(largest_r2(0.5), 2)
    0.75
  """
  logarithm = prevalence * math.log(prevalence) + (1 - prevalence) * math.log(1 - prevalence)
  return 1 - math.exp(2 * logarithm)


def r2_of_auroc(auroc: float, prevalence: float) -> float:
  """Cox and Snell's R2 of a model with this AUROC whose scores are normal in both classes.

  Args:
    auroc: in (0.5, 1).
    prevalence: in (0, 1).
  """
  return 1 - math.exp(-2 * binormal.information(auroc, prevalence))


def fewest(meets: Callable[[int], bool], least: int = 2) -> int:
  """The fewest cases that meet a criterion which more cases meet too."""
  high = least
  while not meets(high):
    if high > _MOST:
      raise UserError(f'no sample of up to {_MOST:,} cases meets a criterion; expected others')
    high *= 2
  low = max(least, high // 2)
  while low < high:
    middle = (low + high) // 2
    low, high = (low, middle) if meets(middle) else (middle + 1, high)
  return low


def _fit(parameters: int, r2: float, most: float, shrinkage: float) -> list[Criterion]:
  def cases(wanted: float) -> int:
    return math.ceil(parameters / ((wanted - 1) * math.log(1 - r2 / wanted)))

  small = cases(r2 / (r2 + _OPTIMISM * most))
  return [
    Criterion(f'shrinkage at least {shrinkage:g}', cases(shrinkage)),
    Criterion(f"optimism in Nagelkerke's R2 at most {_OPTIMISM}", small),
  ]


def _require(r2: float, most: float, shrinkage: float, what: str) -> None:
  if not 0 < r2 < most:
    raise UserError(f'--r2={r2:g}: expected more than 0 and less than {most:.3f}, as {what} allows')
  if r2 >= shrinkage:
    raise UserError(f'--r2={r2:g}: expected less than --shrinkage={shrinkage:g}')
