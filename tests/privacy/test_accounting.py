"""Budgets, against dp_accounting itself and the closed form of the Gaussian mechanism."""

import math
from fractions import Fraction

import dp_accounting
import numpy as np
import pytest
from scipy import stats

from medjax.errors import UserError
from medjax.privacy import accounting

RATE, UPDATES, DELTA = 0.05, 60, 1e-4


def by_dp_accounting(multiplier, statistics=()):
  accountant = dp_accounting.pld.PLDAccountant()
  for one in statistics:
    accountant.compose(dp_accounting.GaussianDpEvent(one))
  event = dp_accounting.PoissonSampledDpEvent(RATE, dp_accounting.GaussianDpEvent(multiplier))
  accountant.compose(event, UPDATES)
  return accountant.get_epsilon(DELTA)


@pytest.mark.parametrize('statistics', [(), (6.0, 6.0, 6.0)])
def test_what_is_spent_is_what_dp_accounting_says(statistics):
  mine = accounting.epsilon(1.1, RATE, UPDATES, DELTA, statistics)
  assert mine == pytest.approx(by_dp_accounting(1.1, statistics), rel=1e-9)


def test_it_is_no_more_than_the_renyi_bound():
  accountant = dp_accounting.rdp.RdpAccountant()
  event = dp_accounting.PoissonSampledDpEvent(RATE, dp_accounting.GaussianDpEvent(1.1))
  accountant.compose(event, UPDATES)
  assert accounting.epsilon(1.1, RATE, UPDATES, DELTA) <= accountant.get_epsilon(DELTA)


def test_the_noise_that_is_solved_for_spends_the_budget():
  multiplier = accounting.noise_multiplier(2.0, RATE, UPDATES, DELTA)
  assert 1.98 < by_dp_accounting(multiplier) <= 2.0


def test_of_everybody_it_is_the_analytic_gaussian_mechanism():
  """Balle and Wang (2018), Theorem 8."""
  multiplier = accounting.noise_multiplier(1.5, 1.0, 40, 1e-5, (20.0,))
  mu = math.sqrt(40 / multiplier**2 + 1 / 20**2)
  delta = stats.norm.cdf(mu / 2 - 1.5 / mu) - math.exp(1.5) * stats.norm.cdf(-mu / 2 - 1.5 / mu)
  assert delta == pytest.approx(1e-5, rel=1e-3)
  assert accounting.epsilon(multiplier, 1.0, 40, 1e-5, (20.0,)) == pytest.approx(1.5, rel=1e-4)


def test_statistics_that_spend_everything_leave_no_training():
  with pytest.raises(UserError, match='statistics_share'):
    accounting.noise_multiplier(1.0, 1.0, 10, 1e-5, (1.0,))


@pytest.mark.parametrize('units', [90, 544])
def test_a_batch_is_wider_with_next_to_no_chance(units):
  width = accounting.width(units, 32, 170, 3.0, 1e-4)
  allowed = accounting.OVERFLOW * 1e-4 / (1 + math.exp(3.0)) / 170

  def tail(most):  # in whole numbers; what is farther counts for nothing
    rate = Fraction(32, units)
    terms = (
      math.comb(units, k) * rate**k * (1 - rate) ** (units - k) for k in range(most + 1, most + 30)
    )
    return float(sum(terms))

  assert tail(width) <= allowed * (1 + 1e-6)
  assert width == 32 or tail(width - 1) > allowed


def test_of_everybody_the_width_is_everybody():
  assert accounting.width(50, 50, 100, 3.0, 1e-3) == 50


def test_a_missing_package_is_one_line(monkeypatch):
  monkeypatch.setattr(accounting.importlib.util, 'find_spec', lambda name: None)
  with pytest.raises(UserError, match=r"pip install 'medjax\[private\]'"):
    accounting.require()


def test_less_is_spent_by_fewer_updates():
  spent = [accounting.epsilon(1.1, RATE, updates, DELTA) for updates in (0, 10, 60)]
  assert spent[0] == 0
  assert (np.diff(spent) > 0).all()
