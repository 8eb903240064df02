"""Overlapping pooling: values and gradients of lax, with kernels and without."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import ops
from medjax.ops import native


def plain(x):
  return nn.max_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)))


@pytest.mark.parametrize('size', [(8, 8), (7, 9), (1, 2)])
@pytest.mark.parametrize('ties', [False, True])
@pytest.mark.parametrize('channels', [3, 32])  # the kernels take multiples of a vector
def test_values_and_gradients_equal_lax(size, ties, channels):
  random = np.random.default_rng(0)
  x = random.normal(size=(2, *size, channels)).astype(np.float32)
  x = np.round(x) if ties else x
  found, back = jax.vjp(ops.max_pool_3x3, x)
  expected, back_plain = jax.vjp(plain, x)
  np.testing.assert_array_equal(found, expected)
  direction = random.normal(size=found.shape).astype(np.float32)
  np.testing.assert_allclose(back(direction)[0], back_plain(direction)[0], atol=1e-6)
  np.testing.assert_array_equal(ops.max_pool_3x3(x), expected)


def test_the_kernel_takes_vectors_and_ties_are_won_as_without_it():
  if not native.available():
    pytest.skip(f'kernels in C++: {native.status()}')
  x = jnp.asarray(np.random.default_rng(1).integers(0, 3, (2, 6, 5, 16)), jnp.float32)
  x = x.at[0, 2, 2].set(-jnp.inf).at[1].set(-1)
  assert 'medjax_max_pool' in jax.jit(ops.max_pool_3x3).lower(x).as_text()
  found, back = jax.vjp(ops.max_pool_3x3, x)
  with native.disabled():
    expected, back_plain = jax.vjp(ops.max_pool_3x3, x)
  np.testing.assert_array_equal(found, expected)
  direction = jnp.arange(found.size, dtype=jnp.float32).reshape(found.shape)
  np.testing.assert_array_equal(back(direction)[0], back_plain(direction)[0])


@pytest.mark.parametrize('channels', [1, 16])
def test_not_a_number_is_not_lost(channels):
  x = jnp.zeros((1, 5, 5, channels)).at[0, 1, 1].set(jnp.nan).at[0, 0, 0].set(2)
  found = ops.max_pool_3x3(x)[..., 0]
  np.testing.assert_array_equal(np.isnan(found[0]), [[1, 1, 0], [1, 1, 0], [0, 0, 0]])


def test_under_vmap():
  x = jnp.asarray(np.random.default_rng(2).normal(size=(3, 2, 4, 4, 16)), jnp.float32)
  for one, pooled in zip(x, jax.vmap(ops.max_pool_3x3)(x), strict=True):
    np.testing.assert_array_equal(pooled, plain(one))
