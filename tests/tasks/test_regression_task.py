"""Losses, predictions and scores of numbers against scikit-learn and closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics

from medjax import tasks
from medjax.config import CoverageSettings
from medjax.evaluation import Interval, Numbers

TASK = tasks.Regression(mean=150.0, scale=20.0)


def _table(label, prediction, split='val'):
  names = np.array([str(i) for i in range(len(label))])
  return Numbers(names, np.array(label, float), np.array(prediction, float), names, split)


def test_loss_is_half_the_squared_error_in_standard_deviations():
  outputs, label = jnp.array([[0.5], [-2.0], [1.0]]), np.array([140.0, 90.0, 170.0])
  loss = TASK.loss(outputs, {'label': label})
  prediction = TASK.predict(outputs)
  np.testing.assert_allclose(prediction, [160, 110, 170])
  np.testing.assert_allclose(loss, 0.5 * ((prediction - label) / 20) ** 2, rtol=1e-6)
  expected = sklearn.metrics.mean_squared_error(label, prediction) / 20**2 / 2
  assert float(loss.mean()) == pytest.approx(expected, rel=1e-6)


def test_missing_labels_have_no_loss_and_no_gradient():
  label = np.array([np.nan, 170.0])
  outputs = jnp.array([[3.0], [3.0]])
  assert TASK.loss(outputs, {'label': label}).tolist() == [0, 2]
  slope = jax.grad(lambda x: TASK.loss(x, {'label': label}).sum())(outputs)
  assert slope[:, 0].tolist() == [0, 2]


def test_an_output_that_is_nan_shows_in_the_loss():
  loss = TASK.loss(jnp.array([[jnp.nan], [jnp.inf]]), {'label': np.array([150.0, 150.0])})
  assert not np.isfinite(loss).any()


def test_score_is_scikit_learns_r2_and_none_where_undefined():
  random = np.random.default_rng(0)
  label, prediction = random.normal(size=50), random.normal(size=50)
  expected = sklearn.metrics.r2_score(label, prediction)
  assert TASK.outcome.score(_table(label, prediction)) == pytest.approx(expected)
  known = np.append(label, np.nan)
  assert TASK.outcome.score(_table(known, np.append(prediction, 9))) == pytest.approx(expected)
  # Neither are equal labels whose mean is off by rounding.
  assert TASK.outcome.score(_table([0.1] * 3, [0.1, 0.2, 0.3])) is None
  assert TASK.outcome.score(_table([np.nan], [1.0])) is None


def test_tables_are_of_numbers(tmp_path):
  names = np.array(['a', 'b'])
  columns = {'id': names, 'group': names, 'split': 'val', 'metadata': {}, 'classes': ()}
  table = TASK.outcome.table(
    np.array([1.5, 2.0], np.float32), np.array([1, 2], np.float32), **columns
  )
  assert (table.prediction.dtype, table.label.dtype) == (np.float64, np.float64)
  table.write_csv(tmp_path / 'val.csv')
  assert TASK.outcome.read_table(tmp_path / 'val.csv').prediction.tolist() == [1.5, 2]


def test_decisions_are_intervals():
  random = np.random.default_rng(0)
  table = _table(random.normal(size=99), np.zeros(99))
  interval = TASK.outcome.decide(table, 5, CoverageSettings(coverage=0.8))
  assert interval.half_width == np.sort(abs(table.label))[80 - 1]
  assert TASK.outcome.read_decision(interval.to_json()) == interval
  shown, metrics = TASK.outcome.evaluate(table, Interval(5, 0.8, 1.0))
  assert shown is table
  assert metrics['coverage'].value == pytest.approx((abs(table.label) <= 1).mean())
  assert metrics['r2'].value == pytest.approx(TASK.outcome.score(table))
  assert TASK.outcome.monitor in metrics
