"""The mean of a Gaussian process is that of its equations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import models

BITS = 4
rng = np.random.default_rng(0)
X = np.concatenate([rng.poisson(1, (6, BITS)), rng.normal(size=(6, 3))], axis=1).astype(np.float32)
CASES = np.concatenate([rng.poisson(1, (9, BITS)), rng.normal(size=(9, 3))], 1).astype(np.float32)
HELD = {
  'cases': CASES,
  'weights': rng.normal(size=(9, 2)).astype(np.float32),
  'mean': np.array([5.0, -5.0], np.float32),
  'covariance': np.array([0.7, 1.3, 2.0], np.float32),
}


def _one(x, y):
  """Of one pair, in words of the formula."""
  a, b = x[:BITS].astype(float), y[:BITS].astype(float)
  similar = a @ b / (a @ a + b @ b - a @ b) if a.any() or b.any() else 1.0
  return 0.7 * similar + 1.3 * np.exp(-np.mean((x[BITS:] - y[BITS:]) ** 2) / 2.0)


@pytest.mark.core
@pytest.mark.parametrize('link', ['identity', 'log_sigmoid'])
def test_the_mean_is_the_sum_over_cases(link):
  model = models.GaussianProcess(outputs=2, cases=9, bits=BITS, link=link)
  outputs = model.apply({models.FIXED: HELD}, X)
  like = np.array([[_one(x, y) for y in CASES] for x in X])
  expected = like @ HELD['weights'] + HELD['mean']
  if link == 'log_sigmoid':
    expected = -np.log1p(np.exp(-expected))
  np.testing.assert_allclose(outputs, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.core
def test_binary_fingerprints_have_the_similarity_of_sets():
  x = jnp.array([[1, 1, 0, 0], [0, 0, 0, 0]], jnp.float32)
  y = jnp.array([[1, 0, 1, 0], [0, 0, 0, 0]], jnp.float32)
  similar, apart = models.likeness(x, y, 4)
  np.testing.assert_allclose(similar, [[1 / 3, 0], [0, 1]])
  assert np.isinf(apart).all()  # there are no descriptors, which add nothing
  np.testing.assert_allclose(models.covariance([3.0, 1.0, 2.0], similar, apart), 3 * similar)


@pytest.mark.core
def test_descriptors_alone_have_no_fingerprint():
  similar, apart = models.likeness(jnp.ones((1, 2)), jnp.array([[1.0, 3.0]]), 0)
  np.testing.assert_array_equal(similar, 0)
  np.testing.assert_allclose(apart, 2)  # the mean of 0 and 4
  assert models.covariance([5.0, 1.0, 2.0], similar, apart) == pytest.approx(np.exp(-1))


@pytest.mark.core
def test_nothing_is_like_anything_as_it_is_created():
  like = models.covariance(jnp.zeros(3), *models.likeness(X, CASES, BITS))
  np.testing.assert_array_equal(like, 0)
  model = models.GaussianProcess(outputs=1, cases=9, bits=BITS)
  variables = model.init(jax.random.key(0), X)
  assert jax.tree.map(jnp.shape, variables[models.FIXED]) == {
    'cases': (9, 7), 'weights': (9, 1), 'mean': (1,), 'covariance': (3,),
  }  # fmt: skip


@pytest.mark.core
def test_it_has_no_gradient():
  model = models.GaussianProcess(outputs=2, cases=9, bits=BITS)
  slope = jax.grad(lambda x: model.apply({models.FIXED: HELD}, x).sum())(jnp.asarray(X))
  np.testing.assert_array_equal(slope, 0)


@pytest.mark.core
def test_another_link_is_refused():
  model = models.GaussianProcess(outputs=1, cases=9, bits=BITS, link='logit')
  with pytest.raises(ValueError, match='link=logit: expected identity or log_sigmoid'):
    model.init(jax.random.key(0), X)
