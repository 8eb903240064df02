"""Segment overlap against the paper's example and its definition written another way."""

import itertools

import numpy as np
import pytest

from medjax.evaluation import segments

pytestmark = pytest.mark.core


def test_the_example_of_zemla_et_al():
  """S: one pair of 6 over 10 positions, one of 6 over 6, and a strand of 3 that is missed."""
  top, below = segments.overlap('CCEEECCCCCCEEEEEECCC', 'CCCCCCCEEEEECCCEECCC', 'E')
  assert below[0] == 6 + 6 + 3
  assert top[0] == pytest.approx((1 + 1) / 10 * 6 + (2 + 1) / 6 * 6)


def _sets_of_places(text, state):
  groups = itertools.groupby(enumerate(text), key=lambda pair: pair[1] == state)
  return [{i for i, _ in members} for inside, members in groups if inside]


def _by_sets(label, prediction, state):
  """The definition on sets of places."""
  top = below = 0.0
  for one in _sets_of_places(label, state):
    partners = [other for other in _sets_of_places(prediction, state) if one & other]
    for other in partners:
      both = len(one & other)
      either = max(one | other) - min(one | other) + 1
      delta = min(either - both, both, len(one) // 2, len(other) // 2)
      top += (both + delta) / either * len(one)
      below += len(one)
    if not partners:
      below += len(one)
  return top, below


def test_sums_agree_with_the_definition_on_sets():
  rng = np.random.default_rng(0)
  for _ in range(50):
    label, prediction = (
      ''.join(np.repeat(rng.choice(list('HEC'), 30), rng.integers(1, 7, 30)))[:60] for _ in range(2)
    )
    top, below = segments.overlap(label, prediction, 'HEC')
    for i, state in enumerate('HEC'):
      assert (top[i], below[i]) == pytest.approx(_by_sets(label, prediction, state))


def test_a_perfect_prediction_has_all_and_a_state_that_is_not_there_has_nothing():
  top, below = segments.overlap('HHHCCHH', 'HHHCCHH', 'HEC')
  np.testing.assert_array_equal(top, below)
  np.testing.assert_array_equal(below, [5, 0, 2])


def test_unknown_positions_are_left_out():
  """What is predicted there is no segment that could be met."""
  assert segments.runs('HH-HH', 'H') == [(0, 2), (3, 5)]
  top, below = segments.overlap('HH-CC', 'HHHCC', 'HC')
  np.testing.assert_array_equal(top, below)
