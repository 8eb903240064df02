"""The log-rank test against lifelines and a table by hand."""

import json

import lifelines.statistics
import numpy as np
import pytest

from medjax.evaluation import log_rank


@pytest.mark.parametrize(('seed', 'groups'), [(0, 2), (1, 3), (2, 5)])
def test_statistic_is_that_of_lifelines(seed, groups):
  random = np.random.default_rng(seed)
  group = random.integers(groups, size=150)
  time = np.ceil(random.exponential(30 / (1 + 0.4 * group)))
  event = random.random(150) < 0.6
  test = log_rank(time, event, group)
  expected = lifelines.statistics.multivariate_logrank_test(time, group, event)
  assert test.chi_square == pytest.approx(expected.test_statistic, rel=1e-9)
  assert test.p_value == pytest.approx(expected.p_value, rel=1e-9)
  assert test.freedom == groups - 1
  assert sum(test.observed) == event.sum()
  assert sum(test.expected) == pytest.approx(event.sum())
  json.dumps(test.to_json(), allow_nan=False)


def test_two_groups_by_hand():
  # At 1: 1 of 4, 2 of them in a. At 2: 1 of 3, 1 in a. At 3: 1 of 2, none in a.
  test = log_rank(np.array([1.0, 2, 3, 4]), np.array([1, 1, 1, 0]), np.array(list('aabb')))
  expected = 1 / 2 + 1 / 3
  variance = 1 / 4 + 2 / 9
  assert test.expected[0] == pytest.approx(expected)
  assert test.chi_square == pytest.approx((2 - expected) ** 2 / variance)


def test_a_group_without_event_counts_and_one_never_at_risk_does_not():
  time = np.array([5.0, 6, 7, 8, 1, 9, 9])
  event = np.array([1, 1, 1, 0, 0, 0, 0])
  group = np.array(['a', 'a', 'a', 'a', 'early', 'late', 'late'])
  test = log_rank(time, event, group)
  assert (test.freedom, test.observed) == (1, (3, 0, 0))
  assert test.reason == 'never at risk at an event, and left out: early'
  kept = group != 'early'
  again = log_rank(time[kept], event[kept], group[kept])
  assert test.chi_square == pytest.approx(again.chi_square)


@pytest.mark.parametrize(
  ('event', 'group', 'reason'),
  [
    ([0, 0, 0], 'aab', 'there is no event'),
    ([1, 1, 0], 'aaa', 'fewer than two groups'),
    ([0, 1, 0], 'abb', 'fewer than two groups'),
  ],
)
def test_no_test_has_a_reason(event, group, reason):
  test = log_rank(np.array([1.0, 2, 3]), np.array(event), np.array(list(group)))
  assert (test.chi_square, test.p_value) == (None, None)
  assert reason in test.reason
