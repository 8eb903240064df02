"""The sum of clipped gradients is that of a loop over examples, for every kind of layer."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import models
from medjax.privacy import clipping

COUNT = 5
RANDOM = np.random.default_rng(0)
IMAGES = jnp.asarray(RANDOM.normal(size=(COUNT, 20, 20, 3)), jnp.float32)
ROWS = jnp.asarray(RANDOM.normal(size=(COUNT, 6)), jnp.float32)
TOKENS = jnp.asarray(RANDOM.integers(0, 5, size=(COUNT, 9)))
MASK = jnp.array([True, True, False, True, True])


class Words(nn.Module):
  """An embedding, in which words come again, and layers over positions."""

  @nn.compact
  def __call__(self, x, train=False):
    x = nn.LayerNorm()(nn.Embed(7, 6)(x))
    x = nn.relu(nn.Conv(40, (3,))(x))  # ghost: 9 places, 720 weights
    x = nn.Dense(30)(nn.relu(nn.Dense(3)(x)))  # few weights, then many
    return nn.Dense(1)(x)


class Images(nn.Module):
  """Convolutions by examples in turn and by patches, with strides, and groups."""

  @nn.compact
  def __call__(self, x, train=False):
    x = nn.relu(nn.GroupNorm(2)(nn.Conv(6, (3, 3))(x)))
    x = nn.relu(nn.Conv(8, (3, 3), strides=2, padding=1, use_bias=False)(x))
    x = nn.relu(nn.Conv(64, (3, 3), strides=(4, 4), padding='VALID')(x))
    x = nn.Conv(64, (1, 1), feature_group_count=4)(x)
    return nn.Dense(1)(x.reshape(len(x), -1))


class Twice(nn.Module):
  """One layer that is used twice."""

  @nn.compact
  def __call__(self, x, train=False):
    layer = nn.Dense(6)
    return nn.Dense(1)(layer(nn.relu(layer(x))))


class Own(nn.Module):
  """Parameters outside of layers."""

  @nn.compact
  def __call__(self, x, train=False):
    return nn.Dense(1)(x * self.param('scale', nn.initializers.ones, (6,)))


class Loop(nn.Module):
  """Layers within a loop over positions."""

  @nn.compact
  def __call__(self, x, train=False):
    return nn.Dense(1)(nn.RNN(nn.GRUCell(4))(nn.Embed(7, 6)(x)))


class Swapped(nn.Module):
  """A layer that sees positions first and examples after them."""

  @nn.compact
  def __call__(self, x, train=False):
    x = nn.Embed(7, 6)(x).swapaxes(0, 1)
    return nn.Dense(1)(nn.Dense(4)(x).swapaxes(0, 1))


BY_LAYER = {
  'cnn': (models.CNN(features=(16, 16), hidden=8), IMAGES),
  'cnn_same': (models.CNN(features=(16,), hidden=8, padding='SAME'), IMAGES),
  'mlp': (models.MLP((8,)), ROWS),
  'words': (Words(), TOKENS),
  'images': (Images(), IMAGES),
}
BY_EXAMPLE = {
  'twice': (Twice(), ROWS),
  'own': (Own(), ROWS),
  'loop': (Loop(), TOKENS),
  'swapped': (Swapped(), TOKENS),
}


clipped_sum = jax.jit(clipping.clipped_sum, static_argnums=(0, 4), static_argnames='each')


def losses_of(model):
  def losses(params, batch, key):
    outputs = model.apply({'params': params}, batch['x'], train=True)
    each = outputs.reshape(len(batch['mask']), -1).mean(axis=1)
    return jnp.logaddexp(0, -batch['sign'] * each)

  return losses


def case(model, x):
  params = model.init(jax.random.key(0), x, train=False)['params']
  batch = {'x': x, 'sign': jnp.array([1.0, -1.0, 1.0, 3.0, -2.0]), 'mask': MASK}
  return losses_of(model), params, batch


def by_loop(losses, params, batch, clip_norm):
  """A loop over examples, as the definition has it; and the norms."""
  grad = jax.jit(jax.grad(lambda params, one: losses(params, one, jax.random.key(0)).sum()))
  total, norms = jax.tree.map(np.zeros_like, params), []
  for number in np.flatnonzero(batch['mask']):
    one = jax.tree.map(lambda leaf, i=number: leaf[i : i + 1], batch)
    grads = grad(params, one)
    norms.append(float(np.sqrt(sum(np.square(leaf).sum() for leaf in jax.tree.leaves(grads)))))
    scale = min(1.0, clip_norm / norms[-1])
    total = jax.tree.map(lambda t, g, s=scale: t + s * np.asarray(g), total, grads)
  return total, norms


@pytest.mark.parametrize('name', [*BY_LAYER, *BY_EXAMPLE])
def test_it_is_the_loop_over_examples(name):
  losses, params, batch = case(*(BY_LAYER | BY_EXAMPLE)[name])
  key = jax.random.key(0)
  seen = clipping.found(losses, params, batch, key)
  assert (seen is not None) == (name in BY_LAYER)
  _, norms = by_loop(losses, params, batch, 1.0)
  clip_norm = float(np.median(norms))  # some are cut and some are not
  wanted, _ = by_loop(losses, params, batch, clip_norm)
  found = clipped_sum(losses, params, batch, key, clip_norm)
  for mine, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
    np.testing.assert_allclose(mine, other, atol=1e-5 * clip_norm, rtol=1e-4)
  assert jax.tree.structure(found) == jax.tree.structure(params)


@pytest.mark.parametrize('name', ['cnn', 'words'])
def test_no_example_moves_the_sum_farther_than_the_norm(name):
  losses, params, batch = case(*BY_LAYER[name])
  key, clip_norm = jax.random.key(0), 0.01
  whole = clipped_sum(losses, params, batch, key, clip_norm)
  for number in range(COUNT):
    less = batch | {'mask': MASK.at[number].set(False)}
    other = clipped_sum(losses, params, less, key, clip_norm)
    moved = jax.tree.map(lambda a, b: np.square(np.float64(a) - np.float64(b)).sum(), whole, other)
    norm = np.sqrt(sum(jax.tree.leaves(moved)))
    assert norm == pytest.approx(clip_norm if MASK[number] else 0, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize('each', [False, True])
def test_an_example_that_is_no_number_gives_nothing(each):
  losses, params, batch = case(*BY_LAYER['cnn'])
  key = jax.random.key(0)
  without = batch | {'mask': MASK.at[1].set(False)}
  wanted = clipped_sum(losses, params, without, key, 0.1, each=each)
  for bad in (np.nan, np.inf):
    broken = batch | {'x': batch['x'].at[1, 3, 3, 0].set(bad)}
    found = clipped_sum(losses, params, broken, key, 0.1, each=each)
    for mine, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
      np.testing.assert_allclose(mine, other, atol=1e-6)


def test_padding_alone_gives_nothing():
  losses, params, batch = case(*BY_LAYER['mlp'])
  nobody = batch | {'mask': jnp.zeros(COUNT, bool)}
  found = clipped_sum(losses, params, nobody, jax.random.key(0), 1.0)
  assert all((leaf == 0).all() for leaf in jax.tree.leaves(found))
