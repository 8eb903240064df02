"""Survival curves against lifelines, scikit-survival and counting by hand."""

import json

import lifelines
import lifelines.utils
import numpy as np
import pytest
import sksurv.nonparametric

from medjax.evaluation import KaplanMeier, censoring_curve, kaplan_meier
from medjax.evaluation.kaplan_meier import resampled_survival


def _cases(seed, count=200, days=40):
  """Times in whole days, so that events and censorings are tied."""
  random = np.random.default_rng(seed)
  time = np.ceil(random.exponential(days, count))
  return time, random.random(count) < 0.55


@pytest.mark.parametrize(('seed', 'count'), [(0, 200), (1, 30), (2, 2000)])
def test_curve_and_interval_are_those_of_lifelines(seed, count):
  time, event = _cases(seed, count)
  curve = kaplan_meier(time, event)
  fitted = lifelines.KaplanMeierFitter().fit(time, event)
  expected = fitted.survival_function_at_times(curve.time).to_numpy()
  np.testing.assert_allclose(curve.survival, expected, atol=1e-12)
  band = fitted.confidence_interval_.loc[curve.time].to_numpy()
  inside = (curve.survival > 0) & (curve.survival < 1)
  np.testing.assert_allclose(curve.low[inside], band[inside, 0], atol=1e-9)
  np.testing.assert_allclose(curve.high[inside], band[inside, 1], atol=1e-9)
  assert np.isnan(curve.low[~inside]).all()
  counts = fitted.event_table.loc[curve.time]
  assert curve.at_risk.tolist() == counts['at_risk'].tolist()
  assert curve.events.tolist() == counts['observed'].tolist()
  median = curve.quantile()
  assert median.value == fitted.median_survival_time_
  ends = lifelines.utils.median_survival_times(fitted.confidence_interval_).to_numpy().ravel()
  # lifelines takes the end of a curve that reaches 0 for the end of its band too.
  known = [np.isfinite(end) and curve.at(end) > 0 for end in ends]
  expected = [end if finite else None for end, finite in zip(ends, known, strict=True)]
  assert [median.low, median.high] == expected
  assert curve.quantile(0.25).value == fitted.percentile(0.75)


@pytest.mark.parametrize('seed', [0, 1])
def test_censoring_is_that_of_scikit_survival(seed):
  time, event = _cases(seed)
  curve = censoring_curve(time, event)
  moments, expected = sksurv.nonparametric.kaplan_meier_estimator(event, time, reverse=True)
  np.testing.assert_array_equal(curve.time, moments)
  np.testing.assert_allclose(curve.survival, expected, atol=1e-12)


def test_steps_by_hand():
  curve = kaplan_meier(np.array([2.0, 3, 3, 5, 8]), np.array([1, 1, 0, 0, 1]))
  times = np.array([0, 1.9, 2, 2.5, 3, 5, 7, 8, 100])
  np.testing.assert_allclose(curve.at(times), [1, 1, 0.8, 0.8, 0.6, 0.6, 0.6, 0, 0])
  assert curve.at_risk_at(times).tolist() == [5, 5, 5, 4, 4, 2, 1, 1, 0]
  assert curve.estimate_at(1.0).reason == 'survival is 1: no interval'
  assert curve.estimate_at(4.0).low < 0.6 < curve.estimate_at(4.0).high
  # The last case is censored: nothing is known after it.
  open_end = kaplan_meier(np.array([2.0, 3]), np.array([True, False]))
  np.testing.assert_array_equal(open_end.at(np.array([3.0, 3.1])), [0.5, np.nan])
  assert open_end.estimate_at(4.0).reason == 'no case was observed until 4'
  # Half of them at 2: the curve is at 0.5 exactly.
  assert open_end.quantile().value == 2


def test_without_events_there_is_no_median():
  curve = kaplan_meier(np.array([1.0, 2.0]), np.zeros(2, bool))
  assert curve.survival.tolist() == [1, 1]
  assert curve.quantile().value is None
  assert curve.quantile().reason == 'survival stays above 0.5'
  empty = kaplan_meier(np.zeros(0), np.zeros(0, bool))
  assert np.isnan(empty.at(np.array([1.0]))).all()


def test_without_censoring_everybody_stays_observed():
  assert (censoring_curve(np.array([1.0, 2, 2]), np.ones(3, bool)).survival == 1).all()


def test_resamples_are_curves_of_the_cases_drawn():
  time, event = _cases(3, 60)
  random = np.random.default_rng(0)
  times = random.multinomial(60, np.full(60, 1 / 60), size=8).astype(np.float32)
  horizons = np.array([0.5, 10, 25, 300])
  curves = resampled_survival(time, event, times, horizons)
  for row, drawn in zip(curves, times.astype(int), strict=True):
    again = kaplan_meier(np.repeat(time, drawn), np.repeat(event, drawn)).at(horizons)
    np.testing.assert_allclose(row, again, atol=1e-12)


def test_json_gives_the_same_curve():
  curve = kaplan_meier(*_cases(0, 50))
  stored = json.loads(json.dumps(curve.to_json(), allow_nan=False))
  again = KaplanMeier.from_json(stored)
  for name in ('time', 'at_risk', 'events', 'survival', 'low', 'high'):
    np.testing.assert_array_equal(getattr(again, name), getattr(curve, name), strict=True)
  del stored['low'][0]
  with pytest.raises(ValueError, match='differ in length'):
    KaplanMeier.from_json(stored)


@pytest.mark.parametrize(
  ('time', 'event', 'message'),
  [
    ([1.0, 2.0], [True], 'time has shape'),
    ([1.0, -2.0], [True, False], 'negative or not finite'),
    ([1.0, np.nan], [True, False], 'negative or not finite'),
    ([1.0, 2.0], [1, 2], 'neither 0 nor 1'),
  ],
)
def test_what_cannot_be_survival(time, event, message):
  with pytest.raises(ValueError, match=message):
    kaplan_meier(np.array(time), np.array(event))
