"""What tuning was worth: means over seeds on the same cases, and what is said of a difference."""

import math

import numpy as np
import pytest

from medjax.evaluation.estimate import t_quantile
from medjax.tuning import worth


def test_half_widths_are_those_over_cases_and_over_seeds_together():
  values, ends = [0.7, 0.8, 0.9], [(0.6, 0.75), (0.7, 0.85), (0.8, 0.95)]
  found = worth.over_seeds(values, ends)
  over_seeds = t_quantile(0.95, 2) * 0.1 / math.sqrt(3)
  assert found.value == pytest.approx(0.8)
  assert found.low == pytest.approx(0.8 - math.hypot(0.1, over_seeds))
  assert found.high == pytest.approx(0.8 + math.hypot(0.05, over_seeds))
  assert worth.over_seeds(values, ends, share=True).high == 1.0
  assert found.reason == ''


def test_of_few_seeds_the_cases_alone_are_told():
  one = worth.over_seeds([0.8], [(0.7, 0.85)])
  assert (one.value, one.low, one.high) == pytest.approx((0.8, 0.7, 0.85))
  assert one.reason == 'over cases alone: of one seed no spread is told'
  assert worth.over_seeds([0.7, 0.8], [(0.6, 0.8), (0.7, 0.9)]).low == pytest.approx(0.65)


def test_what_is_not_defined_is_said():
  assert worth.over_seeds([None, None], [(None, None)] * 2).reason == 'no run defines it'
  found = worth.over_seeds([0.5, 0.7, None], [(0.4, 0.6), (0.6, 0.8), (None, None)])
  assert found.value == pytest.approx(0.6)
  assert found.reason.endswith('of 2 of 3 runs')
  assert worth.over_seeds([0.5], [(None, None)]).reason == 'no interval over cases'


def test_the_interval_holds_the_truth_as_often_as_it_says():
  """Simulated: all runs share the error of the cases, and each has one of its seed."""
  rng = np.random.default_rng(0)
  cases, seeds, held, studies = 0.03, 0.02, 0, 2000
  for _ in range(studies):
    common = rng.normal(0, cases)
    values = common + rng.normal(0, seeds, 3)
    found = worth.over_seeds(values, [(v - 1.96 * cases, v + 1.96 * cases) for v in values])
    held += found.low <= 0 <= found.high
  assert 0.945 <= held / studies <= 0.99


@pytest.mark.parametrize(
  ('mean', 'said'),
  [
    ({'value': 0.1, 'low': 0.01, 'high': 0.2}, 'the winner is better on test'),
    ({'value': -0.1, 'low': -0.2, 'high': -0.01}, 'worse on test: the defaults are the better'),
    ({'value': 0.1, 'low': -0.01, 'high': 0.2}, 'not shown to be better on test: chance may'),
    ({'value': 0.1, 'low': 0.01, 'high': 0.2, 'reason': 'of one seed'}, 'test .of one seed'),
    ({'value': None, 'low': None, 'high': None, 'reason': 'of no case'}, 'nobody can say.*of no'),
  ],
)
def test_the_verdict(mean, said):
  import re

  assert re.search(said, worth.verdict(mean))
