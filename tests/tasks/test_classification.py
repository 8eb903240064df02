"""Losses and predictions of classification against scikit-learn and closed forms."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import sklearn.metrics

from medjax import tasks
from medjax.evaluation import Predictions


def _table(label, probability, classes):
  names = np.array([str(i) for i in range(len(label))])
  return Predictions(names, np.array(label), np.array(probability), names, 'val', classes)


def test_binary_loss_is_the_log_loss_of_its_predictions():
  logits, label = jnp.array([[-2.0], [0.5], [3.0]]), np.array([0, 1, 1])
  task = tasks.Binary()
  expected = sklearn.metrics.log_loss(label, scipy.special.expit(logits[:, 0]))
  assert float(task.loss(logits, {'label': label}).mean()) == pytest.approx(expected, rel=1e-6)
  np.testing.assert_allclose(task.predict(logits), scipy.special.expit(logits[:, 0]), rtol=1e-6)


def test_binary_loss_is_finite_for_sure_mistakes():
  loss = tasks.Binary().loss(jnp.array([[1e4], [-1e4]]), {'label': jnp.array([0, 1])})
  np.testing.assert_allclose(loss, 1e4)


def test_multiclass_loss_is_the_log_loss_of_its_predictions():
  logits = jnp.array([[1.0, 2.0, -1.0], [0.0, 0.0, 5.0]])
  label, task = np.array([1, 0]), tasks.Multiclass(3)
  expected = sklearn.metrics.log_loss(label, scipy.special.softmax(logits, 1), labels=[0, 1, 2])
  assert float(task.loss(logits, {'label': label}).mean()) == pytest.approx(expected, rel=1e-6)


def test_score_is_scikit_learns_auroc_and_none_where_undefined():
  rng = np.random.default_rng(0)
  label, probability = rng.integers(0, 2, 50), rng.random(50)
  score = tasks.Binary().score(_table(label, probability, ('a', 'b')))
  assert score == pytest.approx(sklearn.metrics.roc_auc_score(label, probability))
  assert tasks.Binary().score(_table(np.ones(50, int), probability, ('a', 'b'))) is None

  label, probability = rng.integers(0, 3, 60), rng.dirichlet(np.ones(3), 60)
  score = tasks.Multiclass(3).score(_table(label, probability, ('a', 'b', 'c')))
  expected = sklearn.metrics.roc_auc_score(label, probability, multi_class='ovr')
  assert score == pytest.approx(expected)


def test_the_number_of_classes_chooses_the_task():
  assert tasks.classification(['a', 'b']) == tasks.Binary()
  assert tasks.classification(['a', 'b', 'c']) == tasks.Multiclass(3)
