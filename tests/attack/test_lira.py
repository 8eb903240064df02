"""Membership inference, on scores whose distribution is known."""

import numpy as np
import pytest
from scipy import stats

from medjax.attack import lira


def test_halves_are_balanced():
  inside = lira.halves(101, 8, np.random.default_rng(0))
  assert (inside.sum(axis=1) == 50).all()
  assert (inside.sum(axis=0) <= 4).all()
  assert not (inside[0] & inside[1]).any()


def test_scores_that_tell_nothing_find_nobody():
  random = np.random.default_rng(0)
  inside = lira.halves(400, 16, random)
  found = lira.attack(random.normal(size=inside.shape), inside)
  assert found.auroc.low < 0.5 < found.auroc.high
  assert found.true_positive_rate.value == pytest.approx(0.01, abs=0.008)


def test_it_comes_near_the_best_there_is():
  """Normal scores whose means differ by d: the AUROC of the best attack is Phi(d / sqrt(2))."""
  random = np.random.default_rng(0)
  inside = lira.halves(500, 32, random)
  hard = random.normal(0, 5, 500)  # patients differ, which the attack has to know
  found = lira.attack(hard + random.normal(size=inside.shape) + 1.5 * inside, inside)
  best = stats.norm.cdf(1.5 / np.sqrt(2))
  assert best - 0.04 < found.auroc.value < best + 0.01
  rate = stats.norm.sf(stats.norm.isf(0.01) - 1.5)
  assert found.true_positive_rate.value == pytest.approx(rate, abs=0.08)


def test_a_patient_on_one_side_only_has_no_ratio():
  inside = np.array([[True, True], [True, False], [True, True], [True, False]])
  found = lira.ratios(np.random.default_rng(0).normal(size=(4, 2)), inside)
  assert np.isnan(found[:, 0]).all()
