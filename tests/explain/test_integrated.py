"""Integrated Gradients against closed forms and an integral of many points; how many it takes."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import explain

WEIGHTS = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)


def linear(x, target):
  return (x * jnp.asarray(WEIGHTS)[target]).sum(axis=1) + 3.0


def bent(x, target):
  return (jnp.asarray(WEIGHTS)[target] * x**3).sum(axis=1) + x[:, 0] * x[:, 1]


def inputs(count=7):
  random = np.random.default_rng(1)
  return random.normal(size=(count, 5)).astype(np.float32), random.integers(0, 2, count)


@pytest.mark.core
@pytest.mark.parametrize('steps', [None, 4, 50])
def test_polynomials_have_a_closed_form(steps):
  x, target = inputs()
  baseline = np.full(5, 0.5, np.float32)
  found = explain.integrated_gradients(linear, x, target, baseline=baseline, steps=steps)
  np.testing.assert_allclose(found.parts, WEIGHTS[target] * (x - 0.5), rtol=1e-4, atol=1e-6)
  np.testing.assert_allclose(found.gap, 0, atol=1e-4)
  # From 0, w x^3 gives itself, and the product is shared equally.
  found = explain.integrated_gradients(bent, x, target, steps=steps)
  expected = WEIGHTS[target] * x**3
  expected[:, :2] += (x[:, 0] * x[:, 1])[:, None] / 2
  np.testing.assert_allclose(found.parts, expected, rtol=1e-4, atol=1e-5)
  np.testing.assert_allclose(found.gap, 0, atol=1e-4)
  assert found.steps.tolist() == [steps or 15] * len(x)
  assert found.parts.dtype == np.float32


@pytest.mark.core
def test_cases_with_a_large_gap_take_more_points():
  seen = []

  def score(x, target):
    jax.debug.callback(lambda points: seen.append(len(points)), x[:, 0])
    slope = jnp.where(target == 1, nn.relu(x[:, 0] - 0.83) * 6, x[:, 0])
    return slope + 0 * x[:, 1]

  x, target = np.ones((3, 2), np.float32), np.array([0, 1, 0])
  found = explain.integrated_gradients(score, x, target)
  assert found.steps[0] == found.steps[2] == 15
  assert found.steps[1] in (31, 63, 127)
  assert (found.relative_gap <= 0.02).all()
  jax.effects_barrier()
  # The ends of three lines, and each gradient once: in 8 places that one is not needed of.
  assert sum(seen) == 2 * 3 + 16 * 2 + int(found.steps[1]) + 1


def test_the_most_points_are_kept_to_and_the_gap_is_told():
  # A score that is a step in all but name: its gradient is met at few points, if at any.
  def step(x, target):
    return jax.nn.sigmoid(20000 * (x[:, 0] - 0.4987))

  x = np.ones((1, 1), np.float32)
  found = explain.integrated_gradients(step, x, np.zeros(1, int))
  assert found.steps.tolist() == [127]
  assert found.relative_gap[0] > 0.5
  assert found.gap[0] == pytest.approx(found.parts.sum() - 1.0, abs=1e-5)
  assert found.notes['relative_gap'] is found.relative_gap
  assert set(found.notes) == {'completeness_gap', 'relative_gap', 'steps'}
  # A tolerance that anything meets stops at the first rule that is believed.
  found = explain.integrated_gradients(step, x, np.zeros(1, int), tolerance=np.inf)
  assert found.steps.tolist() == [15]


def test_a_network_against_an_integral_of_many_points():
  random = np.random.default_rng(5)
  first = random.normal(size=(6, 16)).astype(np.float32)
  last = random.normal(size=16).astype(np.float32)
  x = random.normal(size=(8, 6)).astype(np.float32)

  def score(x, target):
    return nn.relu(x @ first + 0.3) @ last

  at = (np.arange(20000) + 0.5) / 20000  # the midpoint rule, by hand, in float64
  expected = np.zeros((8, 6))
  for i, one in enumerate(x.astype(np.float64)):
    open_units = at[:, None] * (one @ first) + 0.3 > 0
    expected[i] = one * ((open_units * last).mean(axis=0) @ first.T)
  found = explain.integrated_gradients(score, x, np.zeros(8, int), tolerance=0.002)
  whole = np.abs(expected).sum(axis=1)
  assert (np.abs(found.parts - expected).sum(axis=1) < 0.05 * whole).all()
  fine = explain.integrated_gradients(score, x, np.zeros(8, int), steps=300)
  np.testing.assert_allclose(fine.parts, expected, atol=0.02 * np.abs(expected).max())
  np.testing.assert_allclose(found.gap, found.parts.sum(axis=1) - expected.sum(axis=1), atol=2e-3)


def test_steps_that_are_asked_for_are_taken_exactly():
  x, target = inputs(2)
  x[1] *= 50
  for steps in (1, 3, 9):
    found = explain.integrated_gradients(bent, x, target, steps=steps)
    assert found.steps.tolist() == [steps, steps]
  nodes, weights = np.polynomial.legendre.leggauss(3)
  found = explain.integrated_gradients(lambda x, target: jnp.sin(x).sum(axis=1), x, target, steps=3)
  points = x[..., None] * (nodes + 1) / 2
  np.testing.assert_allclose(found.parts, x * (np.cos(points) @ weights) / 2, rtol=1e-3, atol=1e-4)


def test_a_score_that_comes_back_is_measured_by_its_way():
  """sin(pi x): the difference is 0, and rounding is not taken for a gap."""
  found = explain.integrated_gradients(
    lambda x, target: jnp.sin(jnp.pi * x).sum(axis=1), np.ones((1, 1)), np.zeros(1, int)
  )
  assert found.steps.tolist() == [15]
  assert found.relative_gap[0] < 1e-3
  flat = explain.integrated_gradients(
    lambda x, target: 0 * x.sum(axis=1), np.ones((1, 1)), np.zeros(1, int)
  )
  assert (flat.relative_gap.tolist(), flat.steps.tolist()) == ([0.0], [15])


def test_one_program_for_all_counts():
  traced = []

  def score(weights, x, target):
    traced.append(len(x))
    return nn.relu(x * weights - 0.77).sum(axis=1)

  for scale in (1.0, 2.0):  # other weights, the same program
    made = jax.tree_util.Partial(score, scale * jnp.ones(3))
    found = explain.integrated_gradients(made, np.ones((2, 3)), np.zeros(2, int), tolerance=1e-9)
    assert found.steps.max() == 127
  assert sorted(traced) == [2, 8]
