"""Who takes part in an update: every unit with the same chance, by the system's own randomness.

Seeds would tell an attacker who reads config.json which patients took part and what the noise was.
So neither comes from the run's seed, and neither is kept anywhere; a run that is continued draws
anew, which is what accounting assumes.
"""

import secrets

import jax
import numpy as np


def system_generator() -> np.random.Generator:
  """Random numbers that nobody can draw again."""
  return np.random.Generator(np.random.Philox(secrets.randbits(128)))


def system_key() -> jax.Array:
  """A key of JAX that nobody can make again."""
  words = np.frombuffer(secrets.token_bytes(8), np.uint32)
  return jax.random.wrap_key_data(jax.numpy.asarray(words))


def poisson(
  group: np.ndarray,
  rate: float,
  updates: int,
  width: int,
  multiple: int = 1,
  random: np.random.Generator | None = None,
) -> np.ndarray:
  """Rows of the units that take part in each update: one row, at random, of each unit.

  With one row a unit, clipping the gradient of a row is clipping that of a unit.

  Args:
    group: of each row, the unit that it is of, [N].
    rate: chance of a unit to take part.
    updates: how many are drawn.
    width: units at most; of more, some at random are left out. See ``accounting.width``.
    multiple: rows are padded to a multiple of it, and dealt out evenly among as many parts.
    random: where draws come from; None for the system's.

  Returns:
    int32 [updates, width rounded up], -1 where there is no row. In each of ``multiple`` equal parts
    real rows come first, and no part has more than one above another.

  Example:
    >>> poisson(np.array(['a', 'a', 'b']), 1.0, 1, 2).shape
    (1, 2)
  """
  random = random or system_generator()
  _, unit = np.unique(group, return_inverse=True)
  rows = np.argsort(unit, kind='stable')  # those of one unit together
  counts = np.bincount(unit)
  first = np.cumsum(counts) - counts
  each = -(-width // multiple)
  plan = np.full((updates, multiple, each), -1, np.int32)
  for update in plan:
    there = random.permutation(np.flatnonzero(random.random(len(counts)) < rate))[:width]
    drawn = rows[first[there] + random.integers(counts[there])]
    places = np.arange(len(drawn))
    update[places % multiple, places // multiple] = drawn
  return plan.reshape(updates, -1)
