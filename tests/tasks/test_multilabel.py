"""Loss and probabilities of several labels, by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from medjax.tasks import Multilabel


@pytest.mark.core
def test_unknown_labels_count_for_nothing():
  outputs = jnp.array([[0.0, 2.0, -1.0], [1.0, 1.0, 1.0], [3.0, 0.0, 0.0]])
  label = jnp.array([[1.0, jnp.nan, 0.0], [jnp.nan] * 3, [0.0, 1.0, 1.0]])
  task = Multilabel(3)
  probability = 1 / (1 + np.exp(-np.asarray(outputs, np.float64)))
  of_true = np.where(np.asarray(label) == 1, probability, 1 - probability)
  expected = np.array([-np.log(of_true[0, [0, 2]]).mean(), 0.0, -np.log(of_true[2]).mean()])
  np.testing.assert_allclose(task.loss(outputs, {'label': label}), expected, rtol=1e-5)
  np.testing.assert_allclose(task.predict(outputs), probability, rtol=1e-5)
  slope = jax.grad(lambda outputs: task.loss(outputs, {'label': label}).sum())(outputs)
  assert np.isfinite(slope).all()
  assert (slope[1] == 0).all()
  assert slope[0, 1] == 0


def test_smoothed_labels_are_nearer_to_a_half():
  logits, label = jnp.array([[1.0, -2.0]]), np.array([[1.0, np.nan]])
  found = Multilabel(2, smoothing=0.2).loss(logits, {'label': label})
  expected = -0.9 * scipy.special.log_expit(1.0) - 0.1 * scipy.special.log_expit(-1.0)
  np.testing.assert_allclose(found, [expected], rtol=1e-6)
