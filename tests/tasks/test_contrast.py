"""Contrast of views: against the definition, written as loops."""

import jax
import jax.numpy as jnp
import numpy as np

from medjax.tasks import Contrast


def _by_loops(views, there, temperature):
  """NT-Xent of Chen et al. 2020, equation 1, of both views of each image that is there."""
  flat = [(i, v) for i in range(len(views)) for v in range(2) if there[i]]
  unit = views / np.linalg.norm(views, axis=-1, keepdims=True)
  total = 0.0
  for i, v in flat:
    like = {
      (j, w): np.exp(unit[i, v] @ unit[j, w] / temperature) for j, w in flat if (j, w) != (i, v)
    }
    total -= np.log(like[i, 1 - v] / sum(like.values()))
  return total, len(flat)


def test_loss_is_that_of_the_paper_and_padding_counts_for_nothing():
  random = np.random.default_rng(0)
  views = random.normal(size=(6, 2, 5)).astype(np.float32)
  there = np.array([True, True, False, True, True, False])
  total, count = Contrast(temperature=0.3).loss({'views': jnp.asarray(views)}, {'mask': there})
  wanted, pairs = _by_loops(views.astype(np.float64), there, 0.3)
  np.testing.assert_allclose(total, wanted, rtol=1e-5)
  assert count == pairs == 8


def test_gradient_is_that_of_the_real_images_and_finite_where_views_are_alike():
  random = np.random.default_rng(1)
  views = jnp.asarray(random.normal(size=(4, 2, 3)), jnp.float32).at[1].set(0.0)
  there = jnp.array([True, True, True, False])
  task = Contrast(temperature=0.5)
  gradient = jax.grad(lambda views: task.loss({'views': views}, {'mask': there})[0])(views)
  assert np.isfinite(gradient).all()
  assert not gradient[3].any()
  assert gradient[0].any()


def test_statistics_are_unit_vectors_and_predictions_embeddings():
  outputs = {'views': jnp.full((2, 2, 4), 3.0), 'embedding': jnp.ones((2, 7))}
  task = Contrast(outputs=7)
  np.testing.assert_allclose(np.linalg.norm(task.statistics(outputs, {}), axis=-1), 1, rtol=1e-6)
  assert task.predict(outputs).shape == (2, 7)
  assert task.outcome.length == 7
