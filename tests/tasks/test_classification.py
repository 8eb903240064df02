"""Losses and predictions of classification against scikit-learn and closed forms."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import sklearn.metrics
import sklearn.utils.class_weight

from medjax import tasks
from medjax.errors import UserError
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
  score = tasks.Binary().outcome.score(_table(label, probability, ('a', 'b')))
  assert score == pytest.approx(sklearn.metrics.roc_auc_score(label, probability))
  assert tasks.Binary().outcome.score(_table(np.ones(50, int), probability, ('a', 'b'))) is None

  label, probability = rng.integers(0, 3, 60), rng.dirichlet(np.ones(3), 60)
  score = tasks.Multiclass(3).outcome.score(_table(label, probability, ('a', 'b', 'c')))
  expected = sklearn.metrics.roc_auc_score(label, probability, multi_class='ovr')
  assert score == pytest.approx(expected)


def test_the_number_of_classes_chooses_the_task():
  assert tasks.classification(['a', 'b']) == tasks.Binary()
  assert tasks.classification(['a', 'b', 'c']) == tasks.Multiclass(3)


@pytest.mark.parametrize('count', [2, 4])
def test_class_weights_are_scikit_learns_balanced_ones_and_weigh_the_loss(count):
  rng = np.random.default_rng(1)
  label = np.concatenate([np.arange(count), rng.integers(0, count, 40) ** 2 % count])
  weights = tasks.class_weights(label, count, 1.0)
  expected = sklearn.utils.class_weight.compute_class_weight(
    'balanced', classes=np.arange(count), y=label
  )
  np.testing.assert_allclose(weights, expected)
  half = np.array(tasks.class_weights(label, count, 0.5))
  np.testing.assert_allclose(half / half[0], np.sqrt(expected / expected[0]))
  assert half[label].mean() == pytest.approx(1)
  assert tasks.class_weights(label, count, 0.0) == ()
  assert tasks.class_weights(None, count, 1.0) == ()
  names = [str(i) for i in range(count)]
  logits = jnp.asarray(rng.normal(size=(len(label), 1 if count == 2 else count)))
  plain = tasks.classification(names).loss(logits, {'label': label})
  weighed = tasks.classification(names, weights).loss(logits, {'label': label})
  np.testing.assert_allclose(weighed, plain * expected[label], rtol=1e-5)


def test_a_class_without_examples_has_a_weight():
  assert tasks.class_weights(np.array([0, 0, 0, 0]), 2, 1.0) == (1.0, 4.0)


def test_several_classes_at_once_have_a_task_and_no_weights_of_classes():
  assert tasks.classification(('a', 'b', 'c'), several=True) == tasks.Multilabel(3)
  with pytest.raises(UserError, match=r'config.class_weight: expected 0 where an example is of s'):
    tasks.class_weights(np.zeros((4, 3)), 3, 1.0)


def test_smoothed_labels_are_labels_that_are_mixed_with_all_classes():
  logits, label = jnp.array([[-2.0], [0.5], [3.0]]), np.array([0, 1, 1])
  found = tasks.Binary(smoothing=0.2).loss(logits, {'label': label})
  one, zero = -scipy.special.log_expit(logits[:, 0]), -scipy.special.log_expit(-logits[:, 0])
  wanted = np.array([0.1, 0.9, 0.9])
  np.testing.assert_allclose(found, wanted * one + (1 - wanted) * zero, rtol=1e-6)
  logits, label = jnp.array([[1.0, 2.0, -1.0], [0.0, 0.0, 5.0]]), np.array([1, 0])
  found = tasks.classification(('a', 'b', 'c'), smoothing=0.3).loss(logits, {'label': label})
  wanted = 0.7 * np.eye(3)[label] + 0.1
  expected = -(wanted * scipy.special.log_softmax(logits, 1)).sum(1)
  np.testing.assert_allclose(found, expected, rtol=1e-6)
