"""What players add, against closed forms."""

import itertools
import math

import jax.numpy as jnp
import numpy as np
import pytest

from medjax.explain import players, shap


def _shapley(worth, count):
  """Shapley values by their definition, over all orders."""
  found = np.zeros(count)
  for order in itertools.permutations(range(count)):
    present = np.zeros((count + 1, count), bool)
    for step, player in enumerate(order):
      present[step + 1 :, player] = True
    found[list(order)] += np.diff(worth(present))
  return found / math.factorial(count)


def _game(z):
  return z[:, 0] * z[:, 1] * 2 + z[:, 2] - z[:, 3] * z[:, 0] + 0.5 * z[:, 4] + 7


def test_values_are_shapleys_whatever_fills_up_the_width():
  expected = _shapley(_game, 5)
  found = players.player_values(lambda z, target: _game(z) * (target + 1), 5, 8, 1, chunk=7)
  np.testing.assert_allclose(found, 2 * expected, atol=1e-5)
  assert found.sum() == pytest.approx(2 * (_game(np.ones((1, 5))) - 7)[0], abs=1e-5)


def test_many_players_are_sampled_and_a_sum_is_exact():
  weights = np.linspace(-1, 2, 40)
  found = players.player_values(
    lambda z, target: z[:, :40] @ jnp.asarray(weights), 40, 48, 0, samples=1
  )
  np.testing.assert_allclose(found, weights, atol=1e-4)


def test_one_player_adds_everything():
  assert shap.shapley(lambda present: present[:, 0] * 3.0 + 1, 1).tolist() == [3.0]
  assert players.player_values(lambda z, target: z[:, 0] * 5, 1, 4, 0).tolist() == [5.0]


def test_a_part_counts_what_falls_with_it():
  part = np.array([0, 0, 1, 2, 1])
  found = players.part_removal(lambda z, target: _game(z), part, 6, 0, chunk=2)
  np.testing.assert_allclose(found, [1, 1, 1.5, -1, 1.5], atol=1e-6)


def test_gradients_are_those_where_all_are_there():
  found = players.presence_gradient(lambda z, target: _game(z), 5, 6, 0)
  np.testing.assert_allclose(found, [1, 2, 1, -1, 0.5], atol=1e-6)
