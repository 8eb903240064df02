"""What noise a budget needs, and what a number of noised updates has spent.

Privacy loss distributions by ``dp_accounting``, which jax_privacy configures. Neighbouring data
sets differ by one unit that is added or removed. Training is a Poisson-sampled Gaussian mechanism,
once an update; statistics are Gaussian mechanisms on all units.

References:
  Abadi et al. (2016), Deep learning with differential privacy. CCS.
  Koskela, Jalkoe and Honkela (2020), Computing tight differential privacy guarantees using FFT.
  Doroshenko et al. (2022), Connect the dots: tighter discrete approximations of privacy loss
    distributions. PoPETs.
"""

import functools
import importlib.util
import math
from collections.abc import Sequence
from typing import Any

from scipy import stats

from medjax.errors import UserError

OVERFLOW = 0.01  # of delta, for batches that would be wider than their arrays
_NOTHING_LEFT = (
  'config.privacy.statistics_share: statistics have spent all of config.privacy.epsilon; expected '
  'a smaller share'
)


def require() -> None:
  """Sees that what does the accounting is installed.

  Raises:
    UserError: it is not.
  """
  if importlib.util.find_spec('jax_privacy') is None:
    raise UserError("config.privacy.epsilon: needs jax_privacy; pip install 'medjax[private]'")


def width(units: int, batch: int, updates: int, epsilon: float, delta: float) -> int:
  """Units at most in an update, such that more are drawn in a run with next to no chance.

  Drawing all and leaving some out is another mechanism only where that happens. If it does with a
  chance of t in a run, an (epsilon, d) guarantee becomes (epsilon, d + (1 + exp(epsilon)) t); the
  width is the smallest for which that is at most ``OVERFLOW`` of ``delta``.

  Args:
    units: of the training split.
    batch: that are expected in an update.
    updates: of the run.
    epsilon: of the guarantee.
    delta: of the guarantee.

  Example:
    >>> width(544, 32, 170, 3.0, 1.8e-4)
    76
  """
  # In logarithms: of a large epsilon the exponential is no number, and the width is all units.
  most = math.log(OVERFLOW * delta / updates) - float(stats.logistic.logcdf(epsilon)) - epsilon
  low, high = batch, units
  draws = stats.binom(units, batch / units)
  while low < high:
    middle = (low + high) // 2
    low, high = (low, middle) if draws.logsf(middle) <= most else (middle + 1, high)
  return low


def epsilon(
  noise_multiplier: float,
  rate: float,
  updates: int,
  delta: float,
  statistics: Sequence[float] = (),
) -> float:
  """What is spent, at most, for a chance of ``delta`` of more.

  Args:
    noise_multiplier: of an update.
    rate: chance of a unit to take part in an update.
    updates: that were done.
    delta: see there, all of it for accounting.
    statistics: noise multipliers of Gaussian mechanisms on all units.

  Example:
    >>> round(epsilon(1.0, 0.01, 1000, 1e-5), 2)
    1.82
  """
  if not updates and not statistics:
    return 0.0
  if rate >= 1:  # Gaussian mechanisms on everybody are one: exact, and done at once
    import dp_accounting

    together = _together([*statistics, *[noise_multiplier] * updates])
    return float(dp_accounting.get_epsilon_gaussian(together, delta))
  accountant = _accountant()
  for event, count in _events(noise_multiplier, rate, updates, statistics):
    accountant.compose(event, count)
  return float(accountant.get_epsilon(delta))


@functools.lru_cache
def noise_multiplier(
  epsilon: float, rate: float, updates: int, delta: float, statistics: tuple[float, ...] = ()
) -> float:
  """The smallest noise of an update for which all of them spend no more than ``epsilon``.

  Arguments as of ``epsilon``.

  Raises:
    UserError: no noise does, as statistics have spent all.

  Example:
    >>> round(noise_multiplier(1.82, 0.01, 1000, 1e-5), 1)
    1.0
  """
  import dp_accounting

  if rate >= 1:
    left = gaussian(epsilon, delta) ** -2 - sum(one**-2 for one in statistics)
    if left <= 0:
      raise UserError(_NOTHING_LEFT)
    return (updates / left) ** 0.5

  def event(multiplier: float) -> Any:
    parts = _events(multiplier, rate, updates, statistics)
    return dp_accounting.ComposedDpEvent(
      [dp_accounting.SelfComposedDpEvent(one, count) for one, count in parts]
    )

  try:
    found = dp_accounting.calibrate_dp_mechanism(
      _accountant,
      event,
      epsilon,
      delta,
      dp_accounting.LowerEndpointAndGuess(0.0, 1.0),
      tol=1e-3,
    )
  except (dp_accounting.NoBracketIntervalFoundError, ValueError) as error:
    raise UserError(
      f'config.privacy.epsilon={epsilon:g}: no noise keeps {updates} updates within it ({error}); '
      'expected a larger one, or fewer epochs'
    ) from None
  return float(found)


def gaussian(epsilon: float, delta: float) -> float:
  """The noise multiplier of one Gaussian mechanism (Balle and Wang 2018, the analytic one).

  Example:
    >>> round(gaussian(1.0, 1e-5), 2)
    3.73
  """
  import dp_accounting

  return float(dp_accounting.get_sigma_gaussian(epsilon, delta))


def _together(multipliers: Sequence[float]) -> float:
  """The noise multiplier of one Gaussian mechanism that tells as much as several."""
  return float(sum(one**-2 for one in multipliers) ** -0.5)


def _events(
  noise_multiplier: float, rate: float, updates: int, statistics: Sequence[float]
) -> list[tuple[Any, int]]:
  import dp_accounting

  event: Any = dp_accounting.GaussianDpEvent(noise_multiplier)
  if rate < 1:
    event = dp_accounting.PoissonSampledDpEvent(rate, event)
  released = [(dp_accounting.GaussianDpEvent(one), 1) for one in statistics]
  return [*released, *([(event, updates)] if updates else [])]


def _accountant() -> Any:
  from jax_privacy.accounting import accountants

  return accountants.PldAccountantConfig().create_accountant()
