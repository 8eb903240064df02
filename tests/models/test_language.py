"""The language model against flax's GRU cell, step by step, and against what probabilities are."""

import itertools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax.models import LanguageModel

MODEL = LanguageModel(vocabulary=4, features=5, layers=2)


@pytest.fixture(scope='module')
def variables():
  shapes = jax.eval_shape(MODEL.init, jax.random.key(0), jnp.ones((1, 3), jnp.int32))
  random = np.random.default_rng(0)
  return jax.tree.map(lambda leaf: random.normal(size=leaf.shape).astype(np.float32), shapes)


def _by_cells(params, tokens):
  """Log-likelihood of each token by flax's cells."""
  states, before, found = [jnp.zeros(5), jnp.zeros(5)], 0, []
  for token in tokens:
    logits = None
    for layer in range(2):
      if layer == 0:
        into = [params['table']['embedding'][:, i * 5 : i * 5 + 5] for i in range(3)]
        biases, x = [jnp.zeros(5)] * 3, jax.nn.one_hot(before, 4)
      else:
        dense = params['inputs_0']
        into = [dense['kernel'][:, i * 5 : i * 5 + 5] for i in range(3)]
        biases, x = [dense['bias'][i * 5 : i * 5 + 5] for i in range(3)], states[0]
      kernel = params[f'kernel_{layer}']
      cell = {
        **{f'i{g}': {'kernel': k, 'bias': b} for g, k, b in zip('rzn', into, biases, strict=True)},
        **{f'h{g}': {'kernel': kernel[i]} for i, g in enumerate('rz')},
        'hn': {'kernel': kernel[2], 'bias': params[f'bias_{layer}']},
      }
      states[layer], _ = nn.GRUCell(5).apply({'params': cell}, states[layer], x)
    logits = states[1] @ params['outputs']['kernel'] + params['outputs']['bias']
    found.append(float(jax.nn.log_softmax(logits)[token - 1]))
    before = token
  return found


def test_likelihoods_are_those_of_gru_cells_and_padding_changes_nothing(variables):
  found = MODEL.apply(variables, jnp.array([[2, 3, 2, 1], [3, 1, 0, 0]]))
  np.testing.assert_allclose(found[0], _by_cells(variables['params'], [2, 3, 2, 1]), atol=1e-5)
  np.testing.assert_allclose(found[1, :2], _by_cells(variables['params'], [3, 1]), atol=1e-5)
  assert not found[1, 2:].any()


def test_probabilities_of_all_sequences_of_a_length_add_up_to_one(variables):
  every = jnp.array(list(itertools.product([1, 2, 3], repeat=3)))
  total = jnp.exp(MODEL.apply(variables, every).sum(axis=1)).sum()
  np.testing.assert_allclose(total, 1, rtol=1e-5)


def test_one_step_after_the_other_gives_the_same_logits(variables):
  tokens = jnp.array([[2, 3, 1], [1, 2, 3]])
  at_once = MODEL.apply(variables, tokens, method=MODEL.logits)
  states, before = MODEL.start(2), jnp.zeros(2, jnp.int32)
  for place in range(3):
    states, logits = MODEL.apply(variables, states, before, method=MODEL.next)
    np.testing.assert_allclose(logits, at_once[:, place], atol=1e-5)
    before = tokens[:, place]
