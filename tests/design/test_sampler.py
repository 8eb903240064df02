"""Draws of a language model: as often as it says, the same for a seed, and with an end or none."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax.design import sampler
from medjax.models import LanguageModel

MODEL = LanguageModel(vocabulary=4, features=3)


@pytest.fixture(scope='module')
def variables():
  shapes = jax.eval_shape(MODEL.init, jax.random.key(0), jnp.ones((1, 3), jnp.int32))
  random = np.random.default_rng(0)
  return jax.tree.map(lambda leaf: random.normal(size=leaf.shape).astype(np.float32), shapes)


@pytest.fixture(scope='module')
def drawn(variables):
  parts = sampler.sample(MODEL, variables, 3, 5000, seed=7)
  return [np.concatenate(part) for part in zip(*parts, strict=True)]


def _every():
  """All rows of three tokens that a draw can be."""
  for row in itertools.product([1, 2, 3], repeat=3):
    ends = row.index(1) + 1 if 1 in row else 3
    yield (*row[:ends], *[0] * (3 - ends))


def test_every_sequence_is_drawn_as_often_as_the_model_says(drawn, variables):
  tokens, _ = drawn
  every = sorted(set(_every()))
  probability = np.exp(MODEL.apply(variables, jnp.array(every)).sum(axis=1))
  np.testing.assert_allclose(probability.sum(), 1, rtol=1e-5)
  seen = np.array([(tokens == np.array(one)).all(axis=1).sum() for one in every])
  assert seen.sum() == 5000
  expected = 5000 * probability
  # Chi-squared of 14 degrees of freedom is below 36 in 999 of 1000 draws.
  assert len(every) == 15
  assert (np.square(seen - expected) / expected).sum() < 36


def test_likelihoods_are_those_that_the_model_gives_the_tokens(drawn, variables):
  tokens, total = drawn
  again = MODEL.apply(variables, jnp.asarray(tokens[:50])).sum(axis=1)
  np.testing.assert_allclose(total[:50], again, atol=1e-5)


def test_a_seed_gives_the_same_and_a_larger_number_more_of_them(drawn, variables):
  few = next(sampler.sample(MODEL, variables, 3, 100, seed=7))[0]
  np.testing.assert_array_equal(few, drawn[0][:100])
  other = next(sampler.sample(MODEL, variables, 3, 100, seed=8))[0]
  assert (few != other).any()


def test_a_low_temperature_draws_the_most_probable(variables):
  cold = next(sampler.sample(MODEL, variables, 1, 200, seed=0, temperature=0.01))[0]
  logits = MODEL.apply(variables, jnp.zeros((1, 1), jnp.int32), method=MODEL.logits)
  assert (cold[:, 0] == int(logits[0, 0].argmax()) + 1).all()
