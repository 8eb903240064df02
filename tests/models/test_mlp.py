"""The feed-forward network against NumPy, and its penalty against a sum written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax.models import L2, MLP


@pytest.mark.parametrize('features', [(), (5,), (7, 3)])
def test_forward_equals_numpy(features):
  model = MLP(features, outputs=2)
  x = np.random.default_rng(0).normal(size=(6, 4))
  params = model.init(jax.random.key(0), jnp.zeros((1, 4)))['params']
  params = jax.tree.map(lambda p: p + 0.1, params)  # biases start at 0
  assert len(params) == len(features) + 1
  expected = x
  for i in range(len(params)):
    layer = params[f'Dense_{i}']
    expected = expected @ np.float64(layer['kernel']) + np.float64(layer['bias'])
    if i < len(features):
      expected = np.maximum(expected, 0)
  found = model.apply({'params': params}, jnp.float32(x))
  np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)


def test_a_model_without_hidden_layers_begins_at_no_opinion_and_a_network_at_random():
  x = jnp.ones((1, 3))
  assert not MLP(()).init(jax.random.key(0), x)['params']['Dense_0']['kernel'].any()
  params = MLP((4,)).init(jax.random.key(0), x)['params']
  assert all(params[f'Dense_{i}']['kernel'].any() for i in range(2))


def test_dropout_acts_in_training_only():
  model, x = MLP((64,), dropout=0.5), jnp.ones((1, 8))
  variables = model.init(jax.random.key(0), x)
  rngs = {'dropout': jax.random.key(1)}
  still = model.apply(variables, x)
  assert model.apply(variables, x, train=True, rngs=rngs) != still
  assert model.apply(variables, x) == still


def test_l2_is_of_kernels_alone():
  params = {
    'Dense_0': {'kernel': jnp.array([[1.0, -2.0]]), 'bias': jnp.array([9.0])},
    'Dense_1': {'kernel': jnp.array([[3.0]]), 'bias': jnp.array([9.0])},
  }
  penalty = L2(0.1)
  assert float(penalty(params)) == pytest.approx(0.5 * 0.1 * (1 + 4 + 9))
  slope = jax.grad(penalty)(params)
  np.testing.assert_allclose(slope['Dense_0']['kernel'], [[0.1, -0.2]], rtol=1e-6)
  assert slope['Dense_1']['bias'] == 0
