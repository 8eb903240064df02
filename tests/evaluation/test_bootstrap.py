"""The bootstrap draws whole groups, within classes, and its intervals cover."""

import numpy as np
import pytest
import scipy.stats

from medjax.evaluation.bootstrap import Bootstrap, percentiles
from medjax.evaluation.called import f1_and_mcc
from medjax.evaluation.delong import auroc_interval
from medjax.evaluation.metrics import multiclass_metrics
from medjax.evaluation.precision import average_precision
from medjax.evaluation.proportions import mean, proportion
from medjax.evaluation.ranking import Ranking
from medjax.evaluation.table import Predictions


def draws(*args, **options):
  return np.concatenate(list(Bootstrap(*args, **options).blocks()))


def test_groups_are_drawn_whole():
  group = np.array(['b', 'a', 'b', 'c', 'd', 'd'])
  times = draws(group, np.array([1, 0, 0, 0, 1, 1]))
  assert times.shape == (2000, 6)
  np.testing.assert_array_equal(times[:, 0], times[:, 2])
  np.testing.assert_array_equal(times[:, 4], times[:, 5])
  of_groups = times[:, [0, 1, 3, 4]]
  np.testing.assert_array_equal(of_groups.sum(axis=1), np.full(2000, 4))
  assert set(times[:, 0]) == {0, 1, 2, 3, 4}  # also the only group with both classes


def test_single_cases_are_drawn_within_their_class():
  label = np.array([1, 0, 1, 0, 0])
  times = draws(np.array(list('ebcda')), label)
  np.testing.assert_array_equal(times[:, label == 1].sum(axis=1), np.full(2000, 2))


def test_balanced_accuracy_covers_over_patients():
  """Twenty patients with three classes each in their own mixture."""
  random, covered, studies = np.random.default_rng(0), 0, 150
  for _ in range(studies):
    group = np.repeat(np.arange(40), 8)
    label = np.concatenate([random.choice(3, 8, p=random.dirichlet([1, 1, 1])) for _ in range(40)])
    right = random.random(320) < random.beta(4, 2, 40)[group]
    predicted = np.where(right, label, (label + 1) % 3)
    probability = np.eye(3)[predicted] * 0.8 + 0.1 * (1 - np.eye(3)[predicted])
    three = Predictions(
      np.arange(320).astype(str), label, probability, group, 'test', ('a', 'b', 'c')
    )
    found = multiclass_metrics(three)['balanced_accuracy']
    covered += found.low <= 4 / 6 <= found.high
  assert 0.88 <= covered / studies <= 0.99


def test_every_group_is_drawn_equally_often():
  times = draws(np.arange(50), resamples=4000)
  np.testing.assert_array_equal(times.sum(axis=1), np.full(4000, 50))
  # Each is drawn a binomial number of times: 50 trials at 1/50.
  assert times.mean(axis=0) == pytest.approx(np.ones(50), abs=5 * (0.98 / 4000) ** 0.5)
  assert times.var() == pytest.approx(0.98, rel=0.02)


def test_the_same_draws_each_time_and_in_blocks(monkeypatch):
  group = np.arange(30)
  whole = draws(group)
  np.testing.assert_array_equal(whole, draws(group))
  monkeypatch.setattr('medjax.evaluation.bootstrap._BLOCK_CELLS', 3000)
  assert [len(block) for block in Bootstrap(group).blocks()] == [100] * 20


def test_ranking_equals_repeated_cases():
  from sklearn.metrics import average_precision_score, roc_auc_score

  random = np.random.default_rng(0)
  label, score = random.integers(0, 2, 40), random.integers(0, 8, 40) / 8
  times = draws(np.arange(40), label, resamples=20)
  areas = Ranking(label == 1, score).areas(times)
  for row, weights in enumerate(times):
    again = np.repeat(np.arange(40), weights.astype(int))
    assert areas[0][row] == pytest.approx(roc_auc_score(label[again], score[again]), abs=1e-6)
    expected = average_precision_score(label[again], score[again])
    assert areas[1][row] == pytest.approx(expected, abs=1e-6)


def test_percentiles():
  found = percentiles(0.5, np.append(np.linspace(0, 1, 1001), np.nan))
  assert (found.low, found.high) == pytest.approx((0.025, 0.975))
  assert percentiles(1.0, np.ones(9)).low is None


def table(label, probability, group=None):
  count = len(label)
  return Predictions(
    id=np.arange(count).astype(str),
    label=label,
    probability=probability,
    group=np.arange(count) if group is None else group,
    split='test',
    classes=('no', 'yes'),
  )


@pytest.mark.slow
def test_intervals_cover_in_two_thousand_studies():
  """Scores of positives and negatives normal, one apart: all true values are known."""
  normal = scipy.stats.norm
  studies, positives, negatives, cut = 2000, 100, 200, 0.5
  fine = np.linspace(-8, 9, 200_001)
  recall, false = normal.sf(fine - 1), normal.sf(fine)
  prevalence = positives / (positives + negatives)
  precision = prevalence * recall / (prevalence * recall + (1 - prevalence) * false)
  sensitivity, specificity = normal.sf(cut - 1), normal.cdf(cut)
  tp, fp = prevalence * sensitivity, (1 - prevalence) * (1 - specificity)
  true = {
    'auroc': normal.cdf(1 / 2**0.5),
    'auprc': -np.trapezoid(precision, recall),
    'sensitivity': sensitivity,
    'specificity': specificity,
    'f1': 2 * tp / (tp + fp + prevalence),
  }
  label = np.repeat([1, 0], [positives, negatives])
  group, positive = np.arange(len(label)), label == 1
  random = np.random.default_rng(0)
  covered = dict.fromkeys(true, 0)
  for _ in range(studies):
    score = random.normal(size=len(label)) + label
    called = score >= cut
    found = {
      'auroc': auroc_interval(label, score),
      'sensitivity': proportion(called[positive], group[positive], ''),
      'specificity': proportion(~called[~positive], group[~positive], ''),
      'f1': f1_and_mcc(positive, called, group)[0],
      'auprc': average_precision(positive, score, group),
    }
    for name, estimate in found.items():
      covered[name] += estimate.low <= true[name] <= estimate.high
  for name, count in covered.items():
    most = 0.99 if name in ('f1', 'auprc') else 0.97  # whose intervals are known to be wide
    assert 0.93 <= count / studies <= most, (name, count / studies)


def test_shares_and_means_cover_over_groups():
  random = np.random.default_rng(1)
  covered, naive, means = 0, 0, 0
  for _ in range(800):
    group = np.repeat(np.arange(60), 5)
    level = random.beta(2, 2, 60)
    hits = random.random(300) < level[group]
    found, plain = proportion(hits, group, 'case'), proportion(hits, np.arange(300), 'case')
    covered += found.low <= 0.5 <= found.high
    naive += plain.low <= 0.5 <= plain.high
    losses = random.exponential(size=60)[group] + random.exponential(size=300)
    of_mean = mean(losses, group)
    means += of_mean.low <= 2 <= of_mean.high
  assert 0.925 <= covered / 800 <= 0.975
  assert naive / 800 < 0.9
  assert 0.92 <= means / 800 <= 0.975


def test_one_group_has_no_interval():
  group = np.array(['a', 'a', 'a'])
  assert proportion(np.array([True, False, True]), group, 'case').low is None
  assert mean(np.array([1.0, 2.0, 3.0]), group).low is None


def test_groups_that_all_agree_count_as_groups():
  hits, group = np.ones(40, bool), np.repeat(np.arange(10), 4)
  ten = proportion(np.ones(10, bool), np.arange(10), 'case')
  found = proportion(hits, group, 'case')
  assert found.value == 1.0
  assert 0.5 < found.low < ten.low  # wider yet, by Student's t
  assert proportion(np.tile([True, False, False], 5), np.repeat(np.arange(5), 3), 'case').low < 0.1
