"""Calibration at a horizon against lifelines and by simulation."""

import lifelines
import numpy as np
import pytest

from medjax.evaluation import horizon_calibration, observed_to_expected


def _cases(seed, count=1500):
  """Exponential times, their true risk until 30, and censoring that does not depend on it."""
  random = np.random.default_rng(seed)
  rate = np.exp(random.normal(-4, 0.6, count))
  time, censored = random.exponential(1 / rate), random.uniform(0, 90, count)
  return np.minimum(time, censored), time <= censored, 1 - np.exp(-30 * rate)


def test_bins_are_kaplan_meier_curves_of_quantile_groups():
  time, event, predicted = _cases(0)
  groups = horizon_calibration(time, event, predicted, 30.0, bins=5)
  order = np.argsort(predicted)
  assert [part.cases for part in groups] == [300] * 5
  for part, members in zip(groups, np.split(order, 5), strict=True):
    curve = lifelines.KaplanMeierFitter().fit(time[members], event[members])
    expected = 1 - curve.survival_function_at_times(30.0).iloc[0]
    assert part.observed.value == pytest.approx(expected, abs=1e-9)
    band = 1 - curve.confidence_interval_.loc[:30.0].iloc[-1].to_numpy()
    assert [part.observed.high, part.observed.low] == pytest.approx(band.tolist(), abs=1e-9)
    assert part.predicted == pytest.approx(predicted[members].mean())
    assert part.events == (event[members] & (time[members] <= 30)).sum()
    assert part.observed.low - 0.02 < part.predicted < part.observed.high + 0.02


def test_equal_risks_stay_together():
  time, event, _ = _cases(1, 100)
  groups = horizon_calibration(time, event, np.repeat([0.1, 0.6], [70, 30]), 30.0, bins=4)
  assert [(part.predicted, part.cases) for part in groups] == [
    (pytest.approx(0.1), 70),
    (pytest.approx(0.6), 30),
  ]
  assert horizon_calibration(np.zeros(0), np.zeros(0), np.zeros(0), 1.0) == []


def test_intervals_of_the_ratio_hold_1_as_often_as_they_say():
  held = []
  for seed in range(200):
    ratio = observed_to_expected(*_cases(seed, 300), 30.0)
    held.append(ratio.low <= 1 <= ratio.high)
  assert np.mean(held) == pytest.approx(0.95, abs=0.04)
  time, event, predicted = _cases(0)
  half = observed_to_expected(time, event, predicted / 2, 30.0)
  assert half.value == pytest.approx(2 * observed_to_expected(time, event, predicted, 30.0).value)


def test_what_is_not_known_has_a_reason():
  time, event = np.array([1.0, 2.0, 3.0]), np.array([True, False, False])
  ratio = observed_to_expected(time, event, np.full(3, 0.5), 4.0)
  assert (ratio.value, ratio.reason) == (None, 'no case was observed until 4')
  assert observed_to_expected(time, event, np.zeros(3), 2.0).reason == 'no risk is predicted'
  none = observed_to_expected(time, event, np.full(3, 0.5), 0.5)
  assert (none.value, none.low, none.reason) == (0, None, 'observed risk is 0: no interval')
  assert horizon_calibration(time, event, np.full(3, 0.5), 4.0)[0].observed.value is None
  with pytest.raises(ValueError, match=r'outside \[0, 1\]'):
    observed_to_expected(time, event, np.full(3, 1.5), 2.0)
