"""The affine start of scores against the scores themselves."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax.explain import affine

WEIGHTS = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)


class Network(nn.Module):
  """Standardises its input, as networks for tables do."""

  @nn.compact
  def __call__(self, x):
    x = (x - 1.5) / jnp.array([1.0, 2.0, 4.0]) * 3.0
    for width in (7, 5):
      x = nn.relu(nn.Dense(width)(x))
    return nn.Dense(2)(x)


def network(dtype=jnp.float32):
  model = Network()
  variables = model.init(jax.random.key(0), np.zeros((1, 3), np.float32))

  def score(x, target):
    outputs = model.apply(variables, x.astype(dtype))
    return jnp.take_along_axis(outputs, target[:, None], axis=1)[:, 0]

  return score


@pytest.mark.parametrize(
  ('score', 'width'),
  [
    (network(), 7),
    (lambda x, t: nn.relu(-(2.0 - x @ WEIGHTS)).sum(axis=1) * (1 + t), 5),
    (lambda x, t: jnp.tanh(0.5 * x).sum(axis=1), 3),
  ],
)
def test_start_and_rest_are_the_score(score, width):
  x = np.random.default_rng(1).normal(size=(11, 3)).astype(np.float32)
  target = np.arange(11, dtype=np.int32) % 2
  centre = x.mean(axis=0)
  start = affine.split(score, 11, centre)
  assert start is not None
  assert start.matrix.shape == (3, width)
  found = start.rest((x - centre) @ start.matrix + start.offset, target)
  np.testing.assert_allclose(found, score(x, target), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
  'score',
  [
    lambda x, t: jnp.sin(x).sum(axis=1),
    lambda x, t: x @ WEIGHTS[:, 0],  # the score itself is affine, and no [rows, width]
    lambda x, t: nn.relu(x @ WEIGHTS).sum(axis=1) + x[:, 0],  # x is used twice
    lambda x, t: nn.relu(x * t[:, None]).sum(axis=1),  # the class comes in first
    lambda x, t: nn.relu(1 / x).sum(axis=1),
    lambda x, t: nn.relu(x * x).sum(axis=1),
    lambda x, t: nn.relu(x - x.mean(axis=0)).sum(axis=1),  # rows influence one another
    jax.jit(lambda x, t: nn.relu(x @ WEIGHTS).sum(axis=1)),
  ],
)
def test_other_scores_have_none(score):
  assert affine.split(score, 6, np.zeros(3)) is None


def test_a_start_in_half_precision():
  score = network(jnp.bfloat16)
  x = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
  start = affine.split(score, 4, np.zeros(3))
  found = start.rest(x @ start.matrix + start.offset, np.zeros(4, np.int32))
  np.testing.assert_allclose(found, score(x, np.zeros(4, np.int32)), atol=0.05)


def test_large_numbers_do_not_swallow_small_ones():
  """Platelets a litre beside a temperature, standardised by the network itself."""
  mean = np.array([250e9, 310.0, 19000.0], np.float32)
  scale = np.array([70e9, 0.7, 30.0], np.float32)
  x = (mean + scale * np.random.default_rng(0).normal(size=(9, 3))).astype(np.float32)

  def score(x, target):
    return nn.relu((x - mean) / scale @ WEIGHTS).sum(axis=1)

  start = affine.split(score, 9, x.mean(axis=0))
  found = start.rest((x - x.mean(axis=0)) @ start.matrix + start.offset, np.zeros(9, np.int32))
  np.testing.assert_allclose(found, score(x, 0), rtol=1e-4, atol=1e-4)
