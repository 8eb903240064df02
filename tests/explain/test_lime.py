"""LIME against scikit-learn's ridge, the lime library, and scores that are linear."""

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import Ridge

from medjax import explain
from medjax.explain.lime import surrogate


def neighbours(count=300, parts=7, seed=0):
  random = np.random.default_rng(seed)
  present = random.random((count, parts)) < 0.5
  return present, random.normal(size=(2, count)), random.random(count)


def test_surrogate_equals_ridge():
  present, values, weights = neighbours()
  found = surrogate(present, values, weights)
  for i in range(2):
    ridge = Ridge(alpha=1.0).fit(present, values[i], sample_weight=weights)
    np.testing.assert_allclose(found.weights[i], ridge.coef_, atol=1e-10)
    assert found.intercept[i] == pytest.approx(ridge.intercept_)
    assert found.fit[i] == pytest.approx(ridge.score(present, values[i], weights))


def test_surrogate_equals_the_lime_library():
  lime_base = pytest.importorskip('lime.lime_base', reason='lime is not installed (extra peers)')
  present, values, _ = neighbours()
  present[0] = True
  distance = np.sqrt((~present).sum(axis=1))
  base = lime_base.LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / 0.75**2)), random_state=0)
  labels = np.stack([values[0], values[1]], axis=1)
  weights = np.sqrt(np.exp(-(distance**2) / 0.75**2))
  found = surrogate(present, values, weights)
  for i in range(2):
    intercept, pairs, score, _ = base.explain_instance_with_data(
      present.astype(float), labels, distance, i, 7, feature_selection='none'
    )
    expected = np.array([weight for _, weight in sorted(pairs)])
    np.testing.assert_allclose(found.weights[i], expected, atol=1e-10)
    assert (found.intercept[i], found.fit[i]) == pytest.approx((intercept, score))


def test_image_of_a_linear_score():
  random = np.random.default_rng(0)
  weights = random.normal(size=(8, 8, 3)).astype(np.float32)
  x = random.random((2, 8, 8, 3)).astype(np.float32)
  regions = np.repeat(np.repeat(np.arange(16).reshape(4, 4), 2, 0), 2, 1)

  def score(x, target):
    return (x * weights).sum(axis=(1, 2, 3)) * jnp.where(target == 1, 1.0, -1.0)

  target = np.array([1, 0])
  found = explain.lime_image(score, x, target, regions, fill=0.5, samples=20_000)
  parts = ((x - 0.5) * weights).sum(axis=3) * np.array([1, -1])[:, None, None]
  expected = [[part[regions == r].sum() for r in range(16)] for part in parts]
  np.testing.assert_allclose(found.weights, expected, atol=0.01)
  assert found.fit.min() > 0.999
  # Covered with its own mean, a patch of one colour changes nothing.
  flat = np.repeat(np.repeat(random.random((1, 4, 4, 3)), 2, 1), 2, 2).astype(np.float32)
  found = explain.lime_image(score, flat, np.ones(1, int), regions)
  np.testing.assert_allclose(found.weights, 0, atol=1e-4)


def test_table_tells_the_columns_that_count():
  random = np.random.default_rng(0)
  training = random.normal(size=(500, 5)).astype(np.float32)

  def score(x, target):
    return 3.0 * x[:, 0] - 2.0 * x[:, 1]

  x = np.array([[2.0, 2.0, 2.0, 2.0, 2.0], [-2.0, -2.0, 0.0, 0.0, 0.0]], np.float32)
  found = explain.lime_table(score, x, np.zeros(2, int), training)
  assert found.weights.shape == (2, 5)
  # In the top quarter column 0 is about 3 * (1.27 + 0.42) above its mean elsewhere.
  assert found.weights[0, 0] == pytest.approx(3 * (1.27 + 0.42), rel=0.1)
  assert found.weights[0, 1] == pytest.approx(-2 * (1.27 + 0.42), rel=0.1)
  assert found.weights[1, 0] == pytest.approx(-3 * (1.27 + 0.42), rel=0.1)
  assert np.abs(found.weights[:, 2:]).max() < 0.2
  again = explain.lime_table(score, x, np.zeros(2, int), training, chunk=777)
  np.testing.assert_allclose(again.weights, found.weights, rtol=1e-5, atol=1e-6)


def test_superpixels_follow_edges_and_are_numbered_without_gaps():
  image = np.zeros((48, 64, 3))
  image[:, 30:] = 1.0
  image[20:, 30:] = [0.0, 1.0, 0.0]
  found = explain.superpixels(image, 48)
  assert found.dtype == np.int32
  assert set(np.unique(found)) == set(range(found.max() + 1))
  assert 30 <= found.max() + 1 <= 64
  of_part = [image[found == r].std(axis=0).max() for r in range(found.max() + 1)]
  assert max(of_part) < 1e-9  # no patch crosses an edge
  grey = explain.superpixels(np.zeros((32, 32, 1)), 16)
  sizes = np.bincount(grey.ravel())
  assert len(sizes) == 16
  assert 36 <= sizes.min() <= 64 <= sizes.max() <= 100
