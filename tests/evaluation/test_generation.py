"""Figures of generated molecules: against their definitions written as loops, and closed forms.

That they are those of MOSES itself is tested in tests/design/test_described.py.
"""

import numpy as np
import pytest

from medjax.evaluation import generation

BITS = (np.random.default_rng(0).random((30, 20)) < 0.3).astype(np.uint8)


def _tanimoto(a, b):
  either = int((a | b).sum())
  return int((a & b).sum()) / either if either else 1.0


def test_shares_of_attempts():
  attempts = ['a', '', 'b', 'a', 'c', '', 'c', 'd']
  assert generation.validity(attempts).value == 6 / 8
  assert generation.uniqueness(attempts).value == 4 / 6
  assert generation.uniqueness(attempts, 4).value == 2 / 3
  assert generation.uniqueness(attempts, 9).value is None
  assert generation.novelty(attempts, ['c', 'x']).value == 3 / 4
  assert generation.uniqueness(['', '']).value is None
  assert generation.novelty(['', ''], ['c']).value is None


@pytest.mark.parametrize('power', [1, 2])
def test_diversity_is_one_minus_the_mean_over_molecules_of_means_over_all(power):
  bits = np.vstack([BITS, np.zeros((2, 20), np.uint8)])
  similar = np.array([[_tanimoto(a, b) for b in bits] for a in bits])
  expected = 1 - np.mean([np.mean(row**power) ** (1 / power) for row in similar])
  assert generation.internal_diversity(bits, power).value == pytest.approx(expected)


def test_the_interval_of_diversity_covers_about_as_often_as_it_says():
  random = np.random.default_rng(1)
  rates = random.beta(0.5, 1.5, 40)  # of bits
  true = generation.internal_diversity((random.random((1500, 40)) < rates).astype(np.uint8)).value
  inside = 0
  for _ in range(40):
    found = generation.internal_diversity((random.random((150, 40)) < rates).astype(np.uint8))
    inside += found.low - 1 / 150 <= true <= found.high + 1 / 150
  assert inside >= 34


def test_similarity_to_the_nearest():
  others = BITS[:11]
  expected = np.mean([max(_tanimoto(a, b) for b in others) for a in BITS[11:]])
  assert generation.nearest_similarity(BITS[11:], others).value == pytest.approx(expected)
  assert generation.nearest_similarity(BITS[:5], others).value == 1.0


def test_likeness_is_the_cosine_of_counts():
  a, b = {'x': 1, 'y': 2}, {'y': 3, 'z': 4}
  assert generation.likeness(a, b).value == pytest.approx(6 / np.sqrt(5 * 25))
  assert generation.likeness(a, {}).value is None


def test_distance_is_the_area_between_distributions():
  values = np.random.default_rng(2).normal(size=500)
  assert generation.distance(values, values + 0.3).value == pytest.approx(0.3)
  assert generation.distance(values, np.zeros(0)).value is None
