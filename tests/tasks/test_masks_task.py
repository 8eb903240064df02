"""Soft Dice and cross-entropy, and what travels back of masks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import tasks


def _logits(probability):
  probability = np.asarray(probability, np.float64)
  return jnp.asarray(np.log(probability / (1 - probability)), jnp.float32)[..., None]


def test_the_loss_of_one_structure_is_that_worked_by_hand():
  label = jnp.array([[[1, 0], [1, 0]]], jnp.uint8)
  probability = np.array([[[0.9, 0.2], [0.5, 0.1]]])
  # -(log .9 + log .8 + log .5 + log .9) / 4 and 1 - (2 * 1.4 + 1) / (1.7 + 2 + 1)
  entropy, dice = 0.281753, 1 - 3.8 / 4.7
  for share in (0.0, 0.5, 1.0):
    task = tasks.PerPixel(('polyp',), dice=share)
    found = task.loss(_logits(probability), {'label': label})
    assert found.shape == (1,)
    assert float(found[0]) == pytest.approx(share * dice + (1 - share) * entropy, abs=1e-5)


def test_the_loss_of_several_structures_leaves_the_background_out_of_dice():
  task = tasks.PerPixel(('liver', 'tumour'), dice=1.0)
  assert task.outputs == 3
  label = jnp.array([[[0, 1], [2, 2]]], jnp.uint8)
  uniform = jnp.zeros((1, 2, 2, 3))
  # Of four pixels of 1/3 each: liver 1, tumour 2 pixels.
  liver, tumour = (2 / 3 + 1) / (4 / 3 + 1 + 1), (4 / 3 + 1) / (4 / 3 + 2 + 1)
  expected = 1 - (liver + tumour) / 2
  assert float(task.loss(uniform, {'label': label})[0]) == pytest.approx(expected, abs=1e-6)
  crossed = tasks.PerPixel(('liver', 'tumour'), dice=0.0).loss(uniform, {'label': label})
  assert float(crossed[0]) == pytest.approx(np.log(3), abs=1e-6)


def test_an_image_without_the_structure_has_a_finite_loss_and_gradient():
  task = tasks.PerPixel(('polyp',))
  batch = {'label': jnp.zeros((1, 4, 4), jnp.uint8)}
  gradient = jax.jit(jax.grad(lambda x: task.loss(x, batch)[0]))(jnp.full((1, 4, 4, 1), -30.0))
  assert np.isfinite(np.asarray(gradient)).all()


def test_statistics_are_counts_of_each_image_and_structure():
  task = tasks.PerPixel(('a', 'b'))
  label = np.array([[[0, 1, 1, 2]], [[0, 0, 0, 0]]], np.uint8)
  called = np.array([[[0, 1, 2, 2]], [[0, 0, 1, 0]]])
  logits = jnp.asarray(10.0 * np.eye(3)[called], jnp.float32)
  found = jax.jit(task.statistics)(logits, {'label': jnp.asarray(label)})
  assert found['both'].tolist() == [[1, 1], [0, 0]]
  assert found['called'].tolist() == [[1, 2], [1, 0]]
  assert found['true'].tolist() == [[2, 1], [0, 0]]
  # Structure a: at 1 and 2 called at 1; at the 95th percentile of 0 and 1.
  np.testing.assert_allclose(found['hausdorff95'], [[0.95, 0.95], [-1, -1]], atol=1e-6)
  # What ``predict`` writes is what was counted.
  calls = task.outcome.decide(None, 0, None).calls(np.asarray(task.predict(logits)))
  np.testing.assert_array_equal(calls, called)


def test_a_probability_of_exactly_one_half_is_not_called():
  task = tasks.PerPixel(('polyp',))
  found = jax.jit(task.statistics)(
    jnp.zeros((1, 3, 3, 1)), {'label': jnp.ones((1, 3, 3), jnp.uint8)}
  )
  assert found['called'].tolist() == [[0]]
  assert task.outcome.decide(None, 0, None).calls(np.full((1, 3, 3), 0.5)).max() == 0
