"""Group normalisation, by its definition."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from medjax.models.norm import GroupNorm


def test_it_is_that_of_each_example_and_group():
  random = np.random.default_rng(0)
  x = random.normal(2, 3, (3, 5, 4, 64)).astype(np.float32)
  layer = GroupNorm()
  variables = layer.init(jax.random.key(0), x)
  found = layer.apply(variables, x)
  (groups,) = {
    count for count in range(1, 65)
    if 64 % count == 0 and np.allclose(found, normalised(x, count), atol=1e-4)
  }  # fmt: skip
  assert 1 < groups < 64
  # No example influences another, and there are no statistics to be kept.
  np.testing.assert_allclose(layer.apply(variables, x[:1]), found[:1], atol=1e-6)
  assert set(variables) == {'params'}
  reference = nn.GroupNorm(num_groups=groups)
  np.testing.assert_allclose(
    reference.apply(reference.init(jax.random.key(0), x), x), found, atol=1e-4
  )
  positive = GroupNorm(relu=True).apply(variables, x)
  np.testing.assert_allclose(positive, jnp.maximum(found, 0), atol=1e-6)


def normalised(x, groups):
  parts = x.reshape(*x.shape[:-1], groups, -1).astype(np.float64)
  axes = (1, 2, 4)
  centred = parts - parts.mean(axes, keepdims=True)
  return (centred / np.sqrt(parts.var(axes, keepdims=True) + 1e-5)).reshape(x.shape)
