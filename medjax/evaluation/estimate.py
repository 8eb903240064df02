"""A number with its interval, or the reason why there is none."""

import dataclasses
import statistics
from typing import Any

import scipy


@dataclasses.dataclass(frozen=True)
class Estimate:
  """A point estimate and its confidence interval.

  A quantity that the data do not define has `value=None` and a reason; it is never 0, since a
  reader or an average would take the 0 for a measurement.

  Attributes:
    value: The estimate, or None where it is undefined.
    low: Lower end of the interval, or None where there is no interval.
    high: Upper end of the interval, or None where there is no interval.
    reason: Why value or interval are missing, or where the value came from; may be empty.
    method: How the interval was made; empty where there is none.

  Example:
    >>> Estimate(None, reason='no positive case').to_json()
    {'value': None, 'low': None, 'high': None, 'reason': 'no positive case'}
  """

  value: float | None
  low: float | None = None
  high: float | None = None
  reason: str = ''
  method: str = ''

  def to_json(self) -> dict[str, Any]:
    """Returns the estimate as a JSON object; 'reason' and 'method' are left out where empty."""
    fields: dict[str, Any] = {'value': self.value, 'low': self.low, 'high': self.high}
    if self.reason:
      fields['reason'] = self.reason
    if self.method:
      fields['method'] = self.method
    return fields


@dataclasses.dataclass(frozen=True)
class Difference:
  """How much two models differ on the same cases, with interval and test.

  Attributes:
    value: The difference, or None where it is undefined.
    low: Lower end of the interval, or None where there is no interval.
    high: Upper end of the interval, or None where there is no interval.
    p_value: Two-sided, of no difference; None where there is no test.
    reason: Why something is missing, or how it was made; may be empty.

  Example:
    >>> Difference(0.02, -0.01, 0.05, 0.19).p_value
    0.19
  """

  value: float | None
  low: float | None = None
  high: float | None = None
  p_value: float | None = None
  reason: str = ''

  def to_json(self) -> dict[str, Any]:
    """Returns the difference as a JSON object; 'reason' is left out where it is empty."""
    fields = dataclasses.asdict(self)
    if not self.reason:
      del fields['reason']
    return fields


def t_quantile(level: float, freedom: int) -> float:
  """Returns t such that Student's t with ``freedom`` degrees lies in [-t, t] with this probability.

  Example:
    >>> round(t_quantile(0.95, 10), 4)
    2.2281
  """
  return float(scipy.special.stdtrit(freedom, (1 + level) / 2))


def normal_quantile(level: float) -> float:
  """Returns z such that a standard normal lies in [-z, z] with probability `level`.

  Args:
    level: Coverage in (0, 1), for example 0.95.

  Raises:
    ValueError: If `level` is not inside (0, 1).

  Example:
    >>> round(normal_quantile(0.95), 4)
    1.96
  """
  if not 0 < level < 1:
    raise ValueError(f'level is {level}; expected a number inside (0, 1)')
  return statistics.NormalDist().inv_cdf((1 + level) / 2)
