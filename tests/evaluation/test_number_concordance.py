"""Concordance of numbers against lifelines, and its resamples against the cases drawn out."""

import lifelines.utils
import numpy as np
import pytest
import scipy.stats

from medjax.evaluation import bootstrap, number_concordance, regression_metrics
from medjax.evaluation.number_concordance import NumberConcordance


def _cases(count, decimals, seed=0):
  random = np.random.default_rng(seed)
  label = np.round(random.normal(size=count) - 3, decimals)
  return label, np.round(label + random.normal(size=count), decimals)


@pytest.mark.parametrize(('count', 'decimals'), [(2, 9), (7, 0), (300, 1), (2500, 0)])
def test_value_is_that_of_lifelines(count, decimals):
  label, prediction = _cases(count, decimals)
  found = regression_metrics(label, prediction)['concordance']
  assert found.value == pytest.approx(lifelines.utils.concordance_index(label, prediction))


def test_without_ties_it_is_kendalls_tau():
  label, prediction = _cases(200, 12)
  found = NumberConcordance(label, 1e-9 * prediction, np.arange(200))(np.ones((1, 200)))[0]
  tau = scipy.stats.kendalltau(label, prediction).statistic
  assert found == pytest.approx((1 + tau) / 2)


def test_resamples_of_groups_are_those_of_the_cases_drawn():
  label, prediction = _cases(60, 1)
  group = np.repeat(np.arange(12), 5)[np.random.default_rng(1).permutation(60)]
  of = NumberConcordance(label, prediction, group)
  drawn = np.random.default_rng(2).integers(12, size=(20, 12))
  times = np.array([np.bincount(one, minlength=12)[group] for one in drawn])
  for row, found in zip(times, of(times), strict=True):
    rows = np.repeat(np.arange(60), row)
    expected = lifelines.utils.concordance_index(label[rows], prediction[rows])
    assert found == pytest.approx(expected)


def test_many_groups_have_nearly_the_same_interval(monkeypatch):
  label, prediction = _cases(1200, 1)
  group = np.arange(1200)
  exact = regression_metrics(label, prediction, group)['concordance']
  monkeypatch.setattr(number_concordance, 'RESAMPLES', 100)
  near = regression_metrics(label, prediction, group)['concordance']
  assert near.value == pytest.approx(exact.value)
  assert near.low != exact.low
  width = exact.high - exact.low
  assert near.low == pytest.approx(exact.low, abs=0.03 * width)
  assert near.high == pytest.approx(exact.high, abs=0.03 * width)
  times = next(bootstrap.Bootstrap(group).blocks())[:5]
  of = NumberConcordance(label, prediction, group)
  for row, found in zip(times, of(times), strict=True):
    rows = np.repeat(group, row.astype(int))
    expected = lifelines.utils.concordance_index(label[rows], prediction[rows])
    assert found == pytest.approx(expected, abs=0.05 * width)


def test_undefined_and_by_chance():
  found = regression_metrics(np.ones(5), np.arange(5.0))
  assert found['concordance'].value is None
  assert found['concordance'].reason == 'all labels or all predictions are equal'
  assert regression_metrics(np.arange(5.0), np.ones(5))['concordance'].value == 0.5
