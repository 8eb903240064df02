"""Conformal sets cover as often as the theory says, no more and no less."""

import json
import math

import numpy as np
import pytest
import scipy.stats

from medjax.evaluation import Predictions, conformal
from medjax.evaluation.conformal import Conformal, conformal_metrics, interval_half_width


def table(label, probability):
  count = len(label)
  classes = ('no', 'yes') if np.ndim(probability) == 1 else ('a', 'b', 'c')
  return Predictions(
    id=np.arange(count).astype(str),
    label=label,
    probability=probability,
    group=np.arange(count).astype(str),
    split='val',
    classes=classes,
  )


def cases(count, classes, seed):
  random = np.random.default_rng(seed)
  label = random.choice(classes, count, p=[0.8, 0.2] if classes == 2 else [0.6, 0.3, 0.1])
  logits = random.normal(size=(count, classes)) + 1.2 * np.eye(classes)[label]
  probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
  return label, probability[:, 1] if classes == 2 else probability


@pytest.mark.parametrize('classes', [2, 3])
@pytest.mark.parametrize('method', ['split', 'mondrian'])
def test_coverage_over_a_thousand_random_splits(method, classes):
  """Held cases of one split are beta-binomial; over 1000 splits their mean has a known band."""
  splits, half, level = 1000, 100, 0.9
  label, probability = cases(2 * half * splits, classes, 0)
  held, expected, variance, total = 0, 0.0, 0.0, 0
  for i in range(splits):
    rows = np.arange(2 * half) + 2 * half * i
    fit, new = rows[:half], rows[half:]
    found = conformal.fit(method, level, table(label[fit], probability[fit]))
    sets = found.sets(probability[new])
    for c in [None] if method == 'split' else range(classes):
      members = np.ones(half, bool) if c is None else label[new] == c
      n = half if c is None else int((label[fit] == c).sum())
      rank = math.ceil((n + 1) * level - 1e-9)
      count = int(members.sum())
      held += int(sets[np.arange(half), label[new]][members].sum())
      total += count
      if rank > n:
        expected += count
      else:
        law = scipy.stats.betabinom(count, rank, n + 1 - rank)
        expected += law.mean()
        variance += law.var()
  assert abs(held - expected) < 3.3 * variance**0.5
  assert 0.9 <= expected / total < 0.93


def test_by_hand():
  # Four cases of each class; at 0.75 the rank is ceil(5 * 0.75) = 4: the least probable one.
  label = np.array([0, 0, 0, 0, 1, 1, 1, 1])
  probability = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
  found = conformal.fit('mondrian', 0.75, table(label, probability))
  assert found.least == pytest.approx((0.6, 0.5))
  np.testing.assert_array_equal(
    found.sets(np.array([0.2, 0.45, 0.9])), [[True, False], [False, False], [False, True]]
  )
  measured = conformal_metrics(table(label, probability), found)
  assert measured['coverage'].value == 1.0
  assert measured['single'].value == 1.0
  assert measured['coverage_yes'].value == 1.0


def test_too_few_cases_never_leave_a_class_out():
  label, probability = np.array([0] * 30 + [1] * 5), np.linspace(0.1, 0.9, 35)
  found = conformal.fit('mondrian', 0.9, table(label, probability))
  assert found.least[1] == 0.0
  assert 'too few of yes' in found.reason
  assert found.sets(np.array([0.0001]))[0, 1]


def test_json_gives_the_same_back():
  label, probability = cases(200, 3, 1)
  found = conformal.fit('mondrian', 0.9, table(label, probability))
  assert Conformal.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_regression_intervals_cover():
  random = np.random.default_rng(0)
  n, level, held = 60, 0.9, 0
  rank = math.ceil((n + 1) * level)
  for _ in range(2000):
    residuals = random.standard_t(3, n + 1)
    width = interval_half_width(residuals[:n], np.zeros(n), level)
    held += abs(residuals[n]) <= width
  expected = rank / (n + 1)
  assert abs(held / 2000 - expected) < 3.3 * (expected * (1 - expected) / 2000) ** 0.5
  assert interval_half_width(np.ones(5), np.zeros(5), 0.9) == math.inf
  assert interval_half_width(np.append(np.arange(9.0), np.nan), np.zeros(10), 0.8) == 7.0
