"""Max pooling against the plain lax form: values, gradients, ties."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import ops


def _plain(x, window):
  return nn.max_pool(x, window, strides=window)


def _both(shape, window, dtype, spread):
  # Rounded to few values, so that most windows hold ties.
  x = jnp.round(jax.random.normal(jax.random.key(0), shape) * spread).astype(dtype)
  weight = jax.random.normal(jax.random.key(1), _plain(x, window).shape)

  def result(pool):
    def weighted(x):
      return (pool(x, window).astype(jnp.float32) * weight).sum()

    return pool(x, window), jax.grad(weighted)(x)

  return result(ops.max_pool), result(_plain)


@pytest.mark.parametrize('shape', [(2, 4, 4, 3), (1, 5, 7, 2), (3, 9, 6, 1)])
@pytest.mark.parametrize('dtype', ['float32', 'bfloat16'])
@pytest.mark.parametrize('window', [(2, 2), (3, 2)])
def test_values_and_gradients_equal_reduce_window(shape, window, dtype):
  (value, gradient), (plain, plain_gradient) = _both(shape, window, dtype, spread=1.0)
  np.testing.assert_array_equal(value, plain)
  np.testing.assert_array_equal(gradient, plain_gradient)
  assert gradient.dtype == value.dtype == jnp.dtype(dtype)


def test_under_vmap_and_jit():
  x = jax.random.normal(jax.random.key(0), (3, 2, 6, 6, 2))
  gradient = jax.jit(jax.vmap(jax.grad(lambda x: (ops.max_pool(x) ** 2).sum())))(x)
  plain = jax.vmap(jax.grad(lambda x: (_plain(x, (2, 2)) ** 2).sum()))(x)
  np.testing.assert_allclose(gradient, plain, rtol=1e-6)


def test_too_small_is_an_error():
  with pytest.raises(ValueError, match='smaller than the window'):
    ops.max_pool(jnp.zeros((1, 1, 4, 1)))
