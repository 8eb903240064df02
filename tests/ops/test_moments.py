"""Sums and their gradients against the plain form in numpy and JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax.models.norm import BatchNorm
from medjax.ops import moments, native


@pytest.fixture(autouse=True)
def _with_kernels():
  if not native.available():
    pytest.skip(f'kernels in C++ are {native.status()}')


def _images(features, size=(9, 31), count=5):
  return jax.random.normal(jax.random.key(0), (count, *size, features)) + 3


@pytest.mark.parametrize('features', [1, 16, 35, 64, 200])
def test_moments_equal_numpy_and_leave_out_what_is_masked(features):
  x = _images(features)
  mask = jnp.array([True, False, True, True, False])
  kept = np.float64(x)[np.asarray(mask)]
  sums = moments.moments(x.at[1].set(np.nan), mask)
  np.testing.assert_allclose(sums[0], kept.sum((0, 1, 2)), rtol=1e-5)
  np.testing.assert_allclose(sums[1], np.square(kept).sum((0, 1, 2)), rtol=1e-5)


def test_no_example_counts():
  np.testing.assert_array_equal(moments.moments(_images(20), jnp.zeros(5, bool)), np.zeros((2, 20)))


@pytest.mark.parametrize('relu', [False, True])
@pytest.mark.parametrize('features', [3, 64])
def test_gradients_equal_those_of_jax(features, relu):
  x, mask = _images(features), jnp.array([True, True, False, True, True])
  factor, shift = jnp.linspace(-1, 2, features), jnp.linspace(-5, 1, features)

  def plain_moments(x):
    wide = jnp.where(mask[:, None, None, None], x, 0)
    return jnp.stack([wide.sum((0, 1, 2)), jnp.square(wide).sum((0, 1, 2))])

  def result(summed, scaled):
    def number(x, factor, shift):
      y = scaled(x, factor, shift)
      return (jnp.sin(summed(x) / 100)).sum() + (jnp.sin(y) * x).sum()

    return jax.grad(number, (0, 1, 2))(x, factor, shift)

  def plain_affine(x, factor, shift):
    y = x * factor + shift
    return jnp.where(y > 0, y, 0) if relu else y

  mine = result(
    lambda x: moments.moments(x, mask),
    lambda x, factor, shift: moments.affine(x, factor, shift, relu),
  )
  plain = result(plain_moments, plain_affine)
  for a, b in zip(mine, plain, strict=True):
    np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5 * np.abs(b).max())


@pytest.mark.parametrize('relu', [False, True])
@pytest.mark.parametrize('masked', [False, True])
def test_batch_normalisation_is_the_same_with_and_without(masked, relu):
  x = _images(24)
  mask = jnp.array([True, True, False, True, True]) if masked else None
  layer = BatchNorm(axis_name=None, relu=relu)
  variables = layer.init(jax.random.key(1), x)

  def result(params, x):
    out, new = layer.apply({**variables, 'params': params}, x, mask, train=True, mutable=True)
    if masked:
      out = out[mask]
    return (jnp.sin(out) * out).sum(), new['batch_stats']

  def both():
    gradient = jax.grad(result, (0, 1), has_aux=True)
    assert ('medjax_column_sums' in str(jax.make_jaxpr(gradient)(variables['params'], x))) == (
      native.available()
    )
    return gradient(variables['params'], x)

  mine = both()
  with native.disabled():
    plain = both()
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3), mine, plain)


def test_the_sums_are_the_same_to_the_bit_every_time():
  x, mask = _images(40, (50, 50)), jnp.ones(5, bool)
  first = moments.moments(x, mask)
  for _ in range(5):
    np.testing.assert_array_equal(moments.moments(x, mask), first)
