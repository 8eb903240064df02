"""The learning curve: laws that are known come back, and intervals are those of draws."""

import numpy as np
import pytest
import scipy

from medjax.evaluation import learning

CASES = [50, 100, 200, 400, 800]


@pytest.mark.parametrize(('limit', 'scale', 'power'), [(0.9, 1.0, 0.5), (0.8, 3.0, 1.0)])
def test_a_law_without_noise_comes_back(limit, scale, power):
  law = learning.fit(CASES, [limit - scale * n**-power for n in CASES])
  assert (law.limit, law.scale, law.power) == pytest.approx((limit, scale, power), rel=1e-6)
  assert law.at(10_000) == pytest.approx(limit - scale * 10_000**-power)


def test_it_is_the_least_squares_of_scipy():
  values = np.array([0.61, 0.70, 0.74, 0.775, 0.78])
  law = learning.fit(CASES, values)

  def residuals(parts):
    return parts[0] - parts[1] * np.array(CASES, float) ** -parts[2] - values

  found = scipy.optimize.least_squares(
    residuals, (0.8, 1.0, 0.5), bounds=((-np.inf, 0, 0.05), (1, np.inf, 2)), x_scale=(0.1, 1, 0.1)
  )
  ours = np.square(residuals((law.limit, law.scale, law.power))).sum()
  assert ours <= 2 * found.cost * 1.001  # powers are tried in steps of 0.01
  assert law.at(1600) == pytest.approx(found.x[0] - found.x[1] * 1600 ** -found.x[2], abs=1e-3)


def test_limits_are_those_of_a_metric():
  steep = learning.fit(CASES, [0.5, 0.6, 0.7, 0.8, 0.9])
  assert steep.limit == 1
  assert steep.at(10**9) <= 1
  falling = learning.fit(CASES, [0.9, 0.8, 0.7, 0.6, 0.5])
  assert (falling.scale, falling.limit) == (0, pytest.approx(0.7))


def test_a_log_likelihood_stays_below_zero():
  law = learning.fit(CASES, [-1.5, -1.1, -0.7, -0.4, -0.1], most=0.0)
  assert law.limit == 0
  (far,) = learning.forecast(CASES, [[-1.5], [-1.1], [-0.7], [-0.4], [-0.1]], [10**9], most=0.0)
  assert far.value <= 0


def test_the_interval_holds_what_the_law_gives():
  """Values of a draw hang together over the sizes, as its patients do."""
  random, held = np.random.default_rng(0), 0
  truth = 0.85 - 1.2 * 1600**-0.5
  for _ in range(200):
    of_draw = random.normal(0, 0.004, 5)
    draws = [0.85 - 1.2 * n**-0.5 + of_draw + random.normal(0, 0.1 / n**0.5, 5) for n in CASES]
    (estimate,) = learning.forecast(CASES, draws, [1600])
    assert estimate.low < estimate.high
    held += estimate.low <= truth <= estimate.high
  assert held / 200 == pytest.approx(0.95, abs=0.04)


def test_too_little_is_said():
  (few,) = learning.forecast(CASES[:3], [[0.6], [0.7], [0.8]], [800])
  assert (few.value, few.reason) == (None, '3 sizes: a curve needs 4')
  (one,) = learning.forecast(CASES, [[0.5], [0.6], [0.65], [0.7], [0.72]], [1600])
  assert 0.72 < one.value < 1
  assert (one.low, one.reason) == (None, '1 draw: an interval needs 3')
