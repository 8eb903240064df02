"""In-silico mutagenesis beside the score of every mutant."""

import numpy as np
import pytest

from medjax.explain import mutagenesis

WEIGHTS = np.random.default_rng(1).normal(size=(7, 4)).astype(np.float32)


def score(x, target):
  """Places matter together, and classes have other signs."""
  sums = (x * WEIGHTS).sum(axis=(1, 2))
  return (sums + sums**2) * (1 - 2 * target)


@pytest.mark.core
def test_every_mutant_is_scored_and_padding_has_none():
  tokens = np.random.default_rng(0).integers(0, 4, (3, 7))
  x = np.eye(4, dtype=np.float32)[tokens]
  x[1, 5:] = 0
  x[2, 3] = 0.25  # any base
  target = np.array([0, 1, 0])
  found = mutagenesis(score, x, target, chunk=5)
  expected = np.zeros_like(found)
  now = score(x, target)
  for n, place, letter in np.ndindex(*x.shape):
    if x[n, place].any():
      mutant = x[n].copy()
      mutant[place] = np.eye(4)[letter]
      expected[n, place, letter] = score(mutant[None], target[n])[0] - now[n]
  np.testing.assert_allclose(found, expected, atol=1e-5)
  assert (found[1, 5:] == 0).all()
  assert (found[0, np.arange(7), tokens[0]] == 0).all()
