"""Figures of matched pairs, against plain loops and simulated studies."""

import numpy as np
import pytest

from medjax import evaluation
from medjax.evaluation import Scale, pair_figures, share_of_pairs


def clique(size, start=0):
  return np.array([(start + i, start + j) for i in range(size) for j in range(i)]).T


def numbers(label, prediction, apart=1.0):
  return Scale('', np.asarray(label, float), np.asarray(prediction, float), apart, '')


def test_cliffs_and_their_order():
  scale = numbers([0, 2, 0.5, np.nan], [0.1, 0.3, 0.9, 5.0])
  figures = pair_figures(scale, np.array([0, 0, 1, 2]), np.array([1, 2, 2, 3]))
  assert figures.known.tolist() == [0, 1, 2]
  assert figures.cliff.tolist() == [True, False, True]
  assert figures.ordered.value == 0.5
  assert figures.toward == pytest.approx([0.2, 0.8, -0.6])


def test_equal_predictions_are_in_no_order():
  figures = pair_figures(numbers([0, 2], [1, 1]), np.array([0]), np.array([1]))
  assert figures.ordered.value == 0
  assert figures.followed.value is None
  assert 'none in its predictions' in figures.followed.reason


def test_the_correlation_does_not_see_the_order_of_pairs():
  random = np.random.default_rng(0)
  label = random.normal(size=30)
  scale = numbers(label, label + random.normal(size=30))
  first, second = clique(30)[:, ::7]
  swap = random.random(len(first)) < 0.5
  turned = np.where(swap, second, first), np.where(swap, first, second)
  one = pair_figures(scale, first, second).followed
  other = pair_figures(scale, *turned).followed
  differences = [values[second] - values[first] for values in (scale.label, scale.prediction)]
  both = [np.concatenate([values, -values]) for values in differences]
  assert one.value == pytest.approx(np.corrcoef(*both)[0, 1])
  assert (one.low, one.high) == pytest.approx((other.low, other.high))
  assert one.low < one.value < one.high


def test_classes_have_the_difference_in_probability():
  scale = Scale.of_class('', np.array([0, 1, 1, 0]), np.array([0.1, 0.7, 0.2, 0.4]), ('no', 'yes'))
  figures = pair_figures(scale, np.array([0, 1, 3]), np.array([1, 2, 2]))
  assert figures.cliff.tolist() == [True, False, True]
  assert figures.followed.value == pytest.approx((0.6 - 0.2) / 2)


def test_pairs_without_a_common_case_have_wilsons_interval():
  hits = np.array([True] * 7 + [False] * 3)
  found = share_of_pairs(hits, np.arange(10), np.arange(10, 20))
  assert (found.low, found.high) == pytest.approx(evaluation.wilson_interval(7, 10))


def test_the_variance_is_that_of_every_two_pairs():
  """Aronow et al., equation 1, by a loop; the interval is the one of so many cases."""
  random = np.random.default_rng(1)
  first, second = random.permutation(clique(12), axis=1)[:, :60]
  hits = random.random(60) < 0.7
  residual = hits - hits.mean()
  together = sum(
    residual[i] * residual[j]
    for i in range(60)
    for j in range(60)
    if {first[i], second[i]} & {first[j], second[j]}
  )
  variance = together * 12 / 11 / 60**2
  effective = hits.mean() * (1 - hits.mean()) / variance
  effective = min(60, effective) * (1.959964 / 2.200985) ** 2  # Student's t of 11
  centre = (hits.mean() + 1.959964**2 / (2 * effective)) / (1 + 1.959964**2 / effective)
  found = share_of_pairs(hits, first, second)
  assert (found.low + found.high) / 2 == pytest.approx(centre, rel=1e-5)


@pytest.mark.parametrize(('first', 'second'), [([0, 0, 0], [1, 2, 3]), ([0, 0, 1], [1, 2, 2])])
def test_pairs_that_all_share_a_case_have_no_interval(first, second):
  found = share_of_pairs(np.array([True, True, False]), np.array(first), np.array(second))
  assert found.low is None
  assert 'share' in found.reason


def test_no_cliff_is_said():
  figures = pair_figures(numbers([0, 0.1], [1, 2]), np.array([0]), np.array([1]))
  assert figures.ordered.value is None
  assert figures.ordered.reason == 'there is no cliff'


def test_intervals_cover_where_pairs_share_cases():
  """Fifteen series of four molecules each, every two of a series a pair."""
  random = np.random.default_rng(2)
  first, second = np.concatenate([clique(4, 4 * series) for series in range(15)], axis=1)

  def study():
    label = random.normal(size=60)
    prediction = label + 1.5 * random.normal(size=60)
    apart, predicted = label[second] - label[first], prediction[second] - prediction[first]
    cliff = np.abs(apart) > 1
    return share_of_pairs((apart * predicted > 0)[cliff], first[cliff], second[cliff])

  studies = [study() for _ in range(150)]
  truth = 0.796  # of 3,000 such studies together
  assert np.mean([one.low <= truth <= one.high for one in studies]) > 0.9
  assert np.mean([one.high - one.low for one in studies]) < 0.35
