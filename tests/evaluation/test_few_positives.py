"""Intervals of few cases, in simulated studies whose true values are known."""

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics

from medjax.evaluation.called import f1_and_mcc
from medjax.evaluation.class_means import mean_over
from medjax.evaluation.estimate import Estimate
from medjax.evaluation.metrics import multiclass_metrics
from medjax.evaluation.precision import average_precision
from medjax.evaluation.proportions import effective_cases, exact_interval
from medjax.evaluation.table import Predictions

STUDIES = 2000


def true_precision(distance, share):
  """Area under the precision-recall curve of normal scores, a distance apart."""
  fine = np.linspace(-9, 9 + distance, 200_001)
  recall, false = scipy.stats.norm.sf(fine - distance), scipy.stats.norm.sf(fine)
  precision = share * recall / (share * recall + (1 - share) * false)
  return -np.trapezoid(precision, recall)


def true_calls(sensitivity, false_rate, share):
  hits, calls = share * sensitivity, share * sensitivity + (1 - share) * false_rate
  mcc = (sensitivity - false_rate) * np.sqrt(share * (1 - share) / (calls * (1 - calls)))
  return 2 * hits / (calls + share), mcc


@pytest.mark.parametrize('area', [0.7, 0.85, 0.95])
@pytest.mark.parametrize('positives', [1, 2, 5, 10, 20, 50])
def test_average_precision_covers_or_has_no_interval(positives, area):
  distance = scipy.stats.norm.ppf(area) * 2**0.5
  true = true_precision(distance, positives / 100)
  positive = np.arange(100) < positives
  random = np.random.default_rng(positives)
  covered = 0
  for _ in range(STUDIES):
    score = random.normal(size=100) + distance * positive
    found = average_precision(positive, score, np.arange(100))
    if positives < 10:
      assert found.low is None
      assert f'no interval from {positives} positive case' in found.reason
      break
    covered += found.low <= true <= found.high
  else:
    assert covered / STUDIES >= 0.93


def test_average_precision_over_groups_counts_groups():
  positive = np.arange(200) < 100
  score = np.random.default_rng(0).normal(size=200) + positive
  few = average_precision(positive, score, np.arange(200) // 20)
  assert few.low is None
  assert few.reason.startswith('no interval from 5 groups with a positive case: none covers')
  some, many = (average_precision(positive, score, np.arange(200) // size) for size in (5, 1))
  expected = sklearn.metrics.average_precision_score(positive, score)
  assert some.value == many.value == pytest.approx(expected)
  logit = np.log(some.value / (1 - some.value))
  for found, groups in ((some, 20), (many, 100)):
    assert found.method == 'logit'
    half = 1.959964 / (groups * some.value * (1 - some.value)) ** 0.5
    expected = 1 / (1 + np.exp(-logit + np.array([half, -half])))
    np.testing.assert_allclose([found.low, found.high], expected, rtol=1e-6)
  assert some.high - some.low > many.high - many.low


def test_perfect_order_has_an_exact_end():
  positive = np.arange(40) < 20
  found = average_precision(positive, -np.arange(40.0), np.arange(40))
  assert (found.value, found.high) == (1.0, 1.0)
  assert found.low == pytest.approx(0.025 ** (1 / 20))


@pytest.mark.parametrize('rates', [(0.5, 0.5), (0.8, 0.3), (0.8, 0.05), (0.95, 0.01), (0.3, 0.02)])
@pytest.mark.parametrize('positives', [1, 2, 5, 20, 50])
def test_f1_and_mcc_cover(positives, rates):
  """The interval depends on two counts alone, so that each pair is computed once."""
  random = np.random.default_rng(0)
  positive = np.arange(100) < positives
  drawn = [
    random.binomial(n, r, STUDIES) for n, r in zip((positives, 100 - positives), rates, strict=True)
  ]
  true, covered, known = true_calls(*rates, positives / 100), np.zeros(2), np.zeros(2)
  pairs, times = np.unique(np.stack(drawn, axis=1), axis=0, return_counts=True)
  for (hits, false), count in zip(pairs, times, strict=True):
    called = np.arange(100) < hits
    called |= (np.arange(100) >= positives) & (np.arange(100) < positives + false)
    for index, found in enumerate(f1_and_mcc(positive, called, np.arange(100))):
      if found.value is not None:
        known[index] += count
        covered[index] += count * (found.low <= true[index] <= found.high)
  assert known[0] == STUDIES
  assert (covered / known >= 0.93).all(), covered / known


def test_f1_and_mcc_are_those_of_scikit_learn():
  random = np.random.default_rng(3)
  positive, called = random.random(60) < 0.3, random.random(60) < 0.4
  f1, mcc = f1_and_mcc(positive, called, np.arange(60))
  assert f1.value == pytest.approx(sklearn.metrics.f1_score(positive, called))
  assert mcc.value == pytest.approx(sklearn.metrics.matthews_corrcoef(positive, called))
  assert f1.low < f1.value < f1.high
  assert mcc.low < mcc.value < mcc.high


def test_calls_without_a_class_say_so():
  positive = np.array([True, True, False, False])
  f1, mcc = f1_and_mcc(np.zeros(4, bool), positive, np.arange(4))
  assert (f1.value, f1.reason) == (None, 'F1 needs a positive case; there is none')
  assert (mcc.value, mcc.reason) == (None, 'MCC needs both classes')
  f1, mcc = f1_and_mcc(np.ones(4, bool), positive, np.arange(4))
  assert f1.value == pytest.approx(2 / 3)
  assert f1.low < f1.value < f1.high
  assert mcc.value is None
  f1, mcc = f1_and_mcc(positive, np.zeros(4, bool), np.arange(4))
  assert (f1.value, f1.low) == (0.0, 0.0)
  assert (mcc.value, mcc.reason) == (None, 'MCC needs both classes, and cases called both ways')


def test_calls_of_one_group_have_no_interval():
  positive = np.array([True, True, False, False])
  f1, mcc = f1_and_mcc(positive, np.array([True, False, True, False]), np.array([0, 0, 1, 2]))
  assert (f1.value, f1.low) == (0.5, None)
  assert f1.reason == mcc.reason == 'every positive case is of one group: no interval'


@pytest.mark.parametrize(('hits', 'total'), [(0, 10), (3, 7), (10, 10), (1, 1)])
def test_exact_intervals_are_those_of_scipy(hits, total):
  expected = scipy.stats.binomtest(hits, total).proportion_ci(method='exact')
  assert exact_interval(hits / total, total) == pytest.approx(tuple(expected))


def test_effective_cases():
  hits = np.array([True, False] * 20)
  assert effective_cases(hits, np.arange(40)) == 40
  assert effective_cases(hits, np.zeros(40)) == 0
  assert 0 < effective_cases(hits, np.arange(40) % 8) < 10


def test_means_over_classes():
  classes = {'a': Estimate(0.5, 0.3, 0.6), 'b': Estimate(0.7, 0.5, 0.9)}
  found = mean_over(classes, Estimate(0.6))
  assert found.value == pytest.approx(0.6)
  assert found.low == pytest.approx(0.6 - (0.2**2 + 0.2**2) ** 0.5 / 2)
  assert found.high == pytest.approx(0.6 + (0.1**2 + 0.2**2) ** 0.5 / 2)
  wider = mean_over(classes, Estimate(0.6, 0.1, 0.61, '3 left out'))
  assert (wider.low, wider.high, wider.reason) == (0.1, found.high, '3 left out')
  classes['b'] = Estimate(0.7, reason='no interval from 3 positive cases')
  assert mean_over(classes, found) == Estimate(
    pytest.approx(0.6), reason='b: no interval from 3 positive cases'
  )


@pytest.mark.slow
@pytest.mark.parametrize('rare', [5, 20])
def test_macro_f1_and_balanced_accuracy_cover_with_a_rare_class(rare):
  random = np.random.default_rng(rare)
  counts, separation = np.array([60, 40, rare]), 2.5

  def drawn(counts):
    label = np.repeat(np.arange(3), counts)
    logit = random.normal(size=(len(label), 3))
    logit[np.arange(len(label)), label] += separation
    return label, scipy.special.softmax(separation * logit + np.log(counts / counts.sum()), axis=1)

  label, probability = drawn(counts * 3000)
  called = probability.argmax(axis=1)
  true = {
    'f1': sklearn.metrics.f1_score(label, called, average='macro'),
    'balanced_accuracy': sklearn.metrics.balanced_accuracy_score(label, called),
  }
  covered = dict.fromkeys(true, 0)
  for _ in range(120):
    label, probability = drawn(counts)
    ids = np.arange(len(label)).astype(str)
    found = multiclass_metrics(
      Predictions(
        id=ids, label=label, probability=probability, group=ids, split='t', classes=('a', 'b', 'c')
      )
    )
    for name, value in true.items():
      covered[name] += found[name].low <= value <= found[name].high
  # Of 120 studies 107 is what 93% gives at least in all but one of 20 such tests.
  assert all(count >= 107 for count in covered.values()), covered
