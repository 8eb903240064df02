"""Explanations of an input by its players, such as atoms, each of which may be absent.

The score is one of presence: of [n, width] numbers from 0, absent, to 1. Columns behind the players
fill up to a width, so that one program serves inputs of similar size; they are always present.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from medjax.explain.score import Score, compiled, in_chunks, scores
from medjax.explain.shap import shapley


def player_values(
  score: Score,
  players: int,
  width: int,
  target: int,
  *,
  samples: int = 2048,
  seed: int = 0,
  chunk: int = 256,
) -> np.ndarray:
  """Shapley value of each player, float64 [players]; together the score of all less that of none.

  Args:
    score: of presence [n, width] and class numbers [n].
    players: how many there are.
    width: see the module's docstring.
    target: class number.
    samples: coalitions, see ``shap.shapley``.
    seed: of coalitions that are drawn.
    chunk: coalitions at a time.

  Example:
    >>> player_values(lambda z, target: z[:, 0] * z[:, 1] + z[:, 2], 3, 4, 0).round(6)
    array([0.5, 0.5, 1. ])
  """

  def worth(coalitions: np.ndarray) -> np.ndarray:
    z = np.ones((len(coalitions), width), np.float32)
    z[:, :players] = coalitions
    return in_chunks(functools.partial(scores, score), chunk, z, np.full(len(z), target))

  return shapley(worth, players, samples=samples, seed=seed)


def part_removal(
  score: Score, part: np.ndarray, width: int, target: int, *, chunk: int = 32
) -> np.ndarray:
  """How much the score falls when the part that a player belongs to is absent, float64 [players].

  Args:
    score: of presence [n, width] and class numbers [n].
    part: number of the part of each player, int [players], from 0.
    width: see the module's docstring.
    target: class number.
    chunk: parts at a time.

  Example:
    >>> part_removal(lambda z, target: z @ jnp.array([1.0, 2.0, 4.0]), np.array([0, 0, 1]), 3, 0)
    array([3., 3., 4.])
  """
  parts = int(part.max()) + 1
  z = np.ones((parts + 1, width), np.float32)
  for number in range(parts):
    z[number, : len(part)][part == number] = 0
  found = in_chunks(functools.partial(scores, score), chunk, z, np.full(len(z), target))
  return (found[-1].astype(np.float64) - found[:-1])[part]


def presence_gradient(score: Score, players: int, width: int, target: int) -> np.ndarray:
  """How fast the score grows with the presence of each player where all are there, [players].

  Args:
    score: of presence [n, width] and class numbers [n]; differentiable.
    players: how many there are.
    width: see the module's docstring.
    target: class number.

  Example:
    >>> presence_gradient(lambda z, target: z[:, 0] * z[:, 1] * 3, 2, 2, 0)
    array([3., 3.], dtype=float32)
  """
  return np.asarray(_gradient(score, np.ones((1, width), np.float32), np.full(1, target)))[
    0, :players
  ]


@compiled
def _gradient(score: Score, z: Any, target: Any) -> Any:
  return jax.grad(lambda z: jnp.sum(score(z, target)))(z)
