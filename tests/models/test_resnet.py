"""Residual networks: parameters as published, statistics of real examples only."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import models


@pytest.mark.parametrize(('depth', 'count'), [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032)])
def test_parameter_counts_are_those_of_the_published_networks(depth, count):
  # The counts of torchvision's resnet18, resnet34 and resnet50 with 1000 classes.
  model = models.ResNet(depth=depth, outputs=1000)
  shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, 224, 224, 3)))
  assert sum(leaf.size for leaf in jax.tree.leaves(shapes['params'])) == count


@pytest.mark.parametrize(('small', 'side'), [(True, 28), (False, 7)])
def test_the_small_image_stem_keeps_the_resolution(small, side):
  model = models.ResNet(depth=18, width=8, small_images=small)
  _, kept = jax.eval_shape(
    lambda x: model.init_with_output(jax.random.key(0), x, capture_intermediates=True),
    jnp.zeros((1, 28, 28, 1)),
  )
  assert kept['intermediates']['_Basic_0']['__call__'][0].shape == (1, side, side, 8)


def test_an_unknown_depth_is_an_error():
  with pytest.raises(ValueError, match='depth=20: expected one of 18, 34, 50'):
    models.ResNet(depth=20).init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))


def test_batch_norm_is_the_textbook_formula():
  rng = np.random.default_rng(0)
  x = rng.normal(3, 2, (6, 4, 4, 5)).astype(np.float32)
  mask = np.array([1, 1, 0, 1, 1, 0], bool)
  layer = models.BatchNorm(axis_name=None, momentum=0.9)
  variables = layer.init(jax.random.key(0), x)
  out, changed = layer.apply(variables, x, mask, train=True, mutable=['batch_stats'])
  real = x[mask].astype(np.float64)
  mean, var = real.mean((0, 1, 2)), real.var((0, 1, 2))
  np.testing.assert_allclose(out[mask], (real - mean) / np.sqrt(var + 1e-5), atol=2e-5)
  np.testing.assert_allclose(changed['batch_stats']['mean'], 0.1 * mean, rtol=1e-5)
  unbiased = real.var((0, 1, 2), ddof=1)
  np.testing.assert_allclose(changed['batch_stats']['var'], 0.9 + 0.1 * unbiased, rtol=1e-4)
  still = layer.apply({**variables, **changed}, x)
  stats = changed['batch_stats']
  np.testing.assert_allclose(
    still, (x - stats['mean']) / np.sqrt(stats['var'] + 1e-5), rtol=1e-4, atol=1e-5
  )
