"""Differences between a site and the development, and the AUROC that the mix of cases allows."""

import itertools

import numpy as np
import pytest

from medjax.evaluation import Estimate, Predictions, auroc, auroc_difference, delong_covariance
from medjax.evaluation.delong import auroc_interval
from medjax.evaluation.transport import difference, expected_auroc, paired_difference


def table(label, probability, group, split='test'):
  names = np.array([f'{split}-{i}' for i in range(len(label))])
  return Predictions(names, label, probability, np.asarray(group), split, ('no', 'yes'))


def score(one):
  return auroc_interval(one.label, one.probability).value


def draw(count, apart, seed):
  random = np.random.default_rng(seed)
  label = random.integers(0, 2, count)
  logit = random.normal(size=count) + apart * label
  return label, 1 / (1 + np.exp(-logit))


def test_of_independent_cases_delongs_variances_add():
  sides = [draw(300, 1.0, 0), draw(400, 0.3, 1)]
  found = difference(*(auroc_interval(*side) for side in reversed(sides)))
  areas, variances = zip(
    *((a[0], c[0, 0]) for a, c in (delong_covariance(y, p[None]) for y, p in sides)), strict=True
  )
  half = 1.959964 * np.sqrt(sum(variances))
  assert found.value == pytest.approx(areas[1] - areas[0])
  assert (found.low, found.high) == pytest.approx(
    (found.value - half, found.value + half), abs=1e-6
  )


def test_a_figure_that_is_not_defined_has_a_difference_without_a_value_and_a_reason():
  known, lacks = Estimate(0.8, 0.7, 0.9), Estimate(None, reason='no positive case')
  assert 'there: no positive case' in difference(lacks, known).reason
  assert 'in development: no positive case' in difference(known, lacks).reason
  alone = difference(known, Estimate(0.5))
  assert alone.value == pytest.approx(0.3)
  assert alone.low is None
  assert 'no interval' in alone.reason


def test_the_same_patients_on_both_sides_are_paired_as_by_delong():
  label, first = draw(150, 1.2, 3)
  second = np.clip(first + np.random.default_rng(4).normal(0, 0.05, len(first)), 0, 1)
  people = [f'p{i}' for i in range(len(label))]
  found = paired_difference(
    score, table(label, second, people, 'external'), table(label, first, people)
  )
  paired = auroc_difference(label, second, first)
  assert found.value == pytest.approx(paired.value)
  assert found.high - found.low == pytest.approx(paired.high - paired.low, rel=0.1)
  apart = difference(auroc_interval(label, second), auroc_interval(label, first))
  assert found.high - found.low < 0.6 * (apart.high - apart.low)


def test_pairing_says_what_it_cannot():
  one = table(np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.2, 0.4]), ['a'] * 4)
  assert 'one group' in paired_difference(score, one, one).reason
  undefined = table(np.array([1, 1]), np.array([0.1, 0.9]), ['a', 'b'])
  assert paired_difference(score, undefined, one).value is None
  rare = table(np.array([0, 0, 1]), np.array([0.1, 0.9, 0.5]), ['a', 'b', 'c'])
  assert 'without some groups' in paired_difference(score, rare, rare).reason


def test_the_expected_auroc_is_the_mean_over_all_pairs():
  p = np.array([0.05, 0.3, 0.3, 0.6, 0.92])
  right = total = 0.0
  for i, j in itertools.permutations(range(len(p)), 2):  # i is ill and j is not
    weight = p[i] * (1 - p[j])
    total += weight
    right += weight * (1.0 if p[i] > p[j] else 0.5 if p[i] == p[j] else 0.0)
  assert expected_auroc(p) == pytest.approx(right / total)
  assert expected_auroc(np.array([0.0, 0.0])) is None


def test_labels_drawn_by_the_probabilities_have_that_auroc():
  random = np.random.default_rng(0)
  p = random.beta(1, 3, 20_000)
  label = (random.random(len(p)) < p).astype(int)
  assert expected_auroc(p) == pytest.approx(auroc(label, p), abs=0.01)
