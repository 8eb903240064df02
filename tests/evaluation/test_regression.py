"""Metrics of numbers and of states along chains against SciPy and scikit-learn."""

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics

from medjax.evaluation import q3, regression_metrics


def numbers(count=200, seed=0, decimals=1):
  random = np.random.default_rng(seed)
  label = random.normal(size=count)
  return np.round(label, decimals), np.round(label + 0.5 * random.normal(size=count), decimals)


@pytest.mark.parametrize('decimals', [0, 1, 9])
def test_values(decimals):
  label, prediction = numbers(decimals=decimals)
  found = regression_metrics(label, prediction)
  error = sklearn.metrics.mean_squared_error(label, prediction)
  assert found['rmse'].value == pytest.approx(error**0.5)
  assert found['mae'].value == pytest.approx(sklearn.metrics.mean_absolute_error(label, prediction))
  assert found['r2'].value == pytest.approx(sklearn.metrics.r2_score(label, prediction))
  spearman = scipy.stats.spearmanr(label, prediction).statistic
  assert found['spearman'].value == pytest.approx(spearman)
  for estimate in found.values():
    assert estimate.low < estimate.value < estimate.high


def test_intervals_equal_a_plain_bootstrap():
  label, prediction = numbers(80)
  found = regression_metrics(label, prediction)
  random = np.random.default_rng(1)
  draws = random.integers(80, size=(4000, 80))
  plain = {
    'spearman': [scipy.stats.spearmanr(label[d], prediction[d]).statistic for d in draws],
    'r2': [sklearn.metrics.r2_score(label[d], prediction[d]) for d in draws],
  }
  for name, values in plain.items():
    low, high = np.quantile(values, [0.025, 0.975])
    width = high - low
    assert found[name].low == pytest.approx(low, abs=0.12 * width)
    assert found[name].high == pytest.approx(high, abs=0.12 * width)


def test_groups_widen_and_missing_labels_are_left_out():
  label, prediction = numbers(50, decimals=9)
  rows = np.repeat(np.arange(50), 4)
  alone = regression_metrics(label[rows], prediction[rows])['rmse']
  together = regression_metrics(label[rows], prediction[rows], rows)['rmse']
  assert together.high - together.low > 1.7 * (alone.high - alone.low)
  more = regression_metrics(np.append(label, np.nan), np.append(prediction, 9.0))
  assert more == regression_metrics(label, prediction)


def test_undefined():
  assert regression_metrics(np.array([np.nan]), np.array([1.0]))['r2'].value is None
  same = regression_metrics(np.ones(5), np.arange(5.0))
  assert same['r2'].reason == 'all labels or all predictions are equal'
  assert same['spearman'].value is None
  assert same['mae'].value == pytest.approx(1.4)
  with pytest.raises(ValueError, match='not finite'):
    regression_metrics(np.ones(2), np.array([1.0, np.nan]))
  with pytest.raises(ValueError, match='shape'):
    regression_metrics(np.ones(2), np.ones(3))


def test_q3_counts_resolved_residues_and_its_interval_is_over_chains():
  random = np.random.default_rng(0)
  chain = np.repeat(np.arange(30), 40)
  level = random.random(30)
  label = random.integers(0, 3, 1200)
  right = random.random(1200) < level[chain]
  prediction = np.where(right, label, (label + 1) % 3)
  masked = np.where(random.random(1200) < 0.1, -1, label)
  found = q3(masked, prediction, chain)
  known = masked >= 0
  assert found.value == (prediction == label)[known].mean()
  alone = q3(masked, prediction, np.arange(1200))
  assert found.high - found.low > 3 * (alone.high - alone.low)
