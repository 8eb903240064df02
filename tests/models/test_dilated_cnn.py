"""Outputs at positions do not depend on padding, and see what is within reach."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import models


def sequences(lengths, width, seed=0):
  rng = np.random.default_rng(seed)
  x = np.zeros((len(lengths), width, 5), np.float32)
  for row, length in enumerate(lengths):
    x[row, :length] = np.eye(5)[rng.integers(0, 5, length)]
  return x


@pytest.fixture(scope='module')
def model():
  return models.DilatedCNN(
    features=6, first=5, kernel=3, dilations=(1, 4), hidden=7, outputs=3, axis_name=None
  )


@pytest.fixture(scope='module')
def variables(model):
  """Away from the start, where statistics are 0 and 1."""
  found = model.init(jax.random.key(0), jnp.zeros((1, 8, 5)))
  leaves, tree = jax.tree.flatten(found)
  rng = np.random.default_rng(0)
  return tree.unflatten([leaf + rng.uniform(0.1, 0.5, leaf.shape) for leaf in leaves])


def test_outputs_do_not_depend_on_padding(model, variables):
  lengths = [20, 9, 1]
  x = sequences(lengths, 24)
  short, long = (
    model.apply(variables, x),
    model.apply(variables, np.pad(x, ((0, 0), (0, 16), (0, 0)))),
  )
  assert long.shape == (3, 40, 3)
  for row, length in enumerate(lengths):
    np.testing.assert_allclose(short[row, :length], long[row, :length], rtol=2e-5, atol=1e-5)


def test_training_does_not_depend_on_padding_nor_on_masked_examples(variables):
  model = models.DilatedCNN(
    features=6,
    first=5,
    kernel=3,
    dilations=(1, 4),
    hidden=7,
    outputs=3,
    axis_name=None,
    dropout=0.0,
  )
  x = sequences([20, 9], 20)
  more = np.pad(np.concatenate([x, sequences([15], 20, 1)]), ((0, 0), (0, 12), (0, 0)))
  found, changed = model.apply(variables, x, train=True, mutable=['batch_stats'])
  other, again = model.apply(
    variables, more, train=True, mask=jnp.array([True, True, False]), mutable=['batch_stats']
  )
  np.testing.assert_allclose(found[0], other[0, :20], rtol=2e-4, atol=1e-4)
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4), changed, again)


def test_reach_and_the_mean_over_the_whole(model, variables):
  """Without the mean, an output sees 2 + 1 + 4 positions on each side."""
  params = dict(variables['params'])
  for name in ('Dense_0', 'Dense_1'):
    params[name] = jax.tree.map(jnp.zeros_like, params[name])
  x = sequences([40], 40)
  changed = x.copy()
  changed[0, 20] = np.roll(changed[0, 20], 1)
  blind = {**variables, 'params': params}
  differs = jnp.abs(model.apply(blind, x) - model.apply(blind, changed)).max(axis=-1)[0] > 0
  assert np.flatnonzero(differs)[[0, -1]].tolist() == [13, 27]
  all_see = jnp.abs(model.apply(variables, x) - model.apply(variables, changed)).max(axis=-1)[0]
  assert bool((all_see > 0).all())


def test_pooled_outputs_are_of_the_sequence_alone(variables):
  model = models.DilatedCNN(
    features=6,
    first=5,
    kernel=3,
    dilations=(1, 4),
    hidden=7,
    outputs=3,
    pool='mean',
    axis_name=None,
  )
  x = sequences([20, 9], 20)
  found = model.apply(variables, x)
  assert found.shape == (2, 3)
  np.testing.assert_allclose(found[1:], model.apply(variables, x[1:, :9]), rtol=2e-5, atol=1e-5)
