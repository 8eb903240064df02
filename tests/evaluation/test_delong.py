"""AUROC and DeLong against published numbers, brute force and scikit-learn."""

import math

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import roc_auc_score

from medjax.evaluation import (
  Estimate,
  auroc,
  auroc_difference,
  auroc_interval,
  delong_covariance,
)

# Cases at each level of the score, from the lowest: (without, with the condition).
# aSAH, the data of the R package pROC (Turck et al. 2010, Intensive Care Medicine 36:107-115):
# 113 patients after subarachnoid haemorrhage, outcome good or poor, by WFNS grade and by S100b
# (31 distinct levels). The counts follow from the placement values that pROC's own tests list.
ASAH_WFNS = ((37, 2), (20, 12), (3, 1), (8, 8), (4, 18))
ASAH_S100B = (
  *((0, 1), (10, 0), (6, 3), (6, 1), (6, 2), (7, 2), (4, 1), (0, 1), (3, 2), (4, 1), (4, 0)),
  *((3, 1), (5, 0), (0, 2), (1, 0), (0, 3), (1, 0), (0, 1), (1, 1), (1, 1), (1, 0), (0, 1)),
  *((1, 0), (0, 1), (1, 0), (0, 2), (4, 0), (1, 1), (0, 1), (2, 0), (0, 12)),
)
# Hanley and McNeil (1982), Radiology 143:29-36, table I: 109 CT images by rating 1 to 5.
HANLEY_MCNEIL = ((33, 3), (6, 2), (6, 2), (11, 11), (2, 33))


def cases(levels):
  label = np.concatenate([[0] * absent + [1] * present for absent, present in levels])
  score = np.repeat(np.arange(len(levels)), [sum(level) for level in levels])
  return label, score


def rounded_scores(seed, count, decimals=1):
  random = np.random.default_rng(seed)
  label = np.append([0, 0, 1, 1], random.integers(0, 2, count - 4))
  return label, np.round(random.normal(size=count) + label, decimals)


def structural_components(label, score):
  """V10 and V01 as DeLong et al. (1988) define them, pair by pair."""
  positive, negative = score[label == 1], score[label == 0]
  wins = [[(p > n) + 0.5 * (p == n) for n in negative] for p in positive]
  return np.mean(wins, axis=1), np.mean(wins, axis=0)


# The variances are in pROC's tests/testthat/test-var.R; pROC's documentation prints the interval
# of S100b as 0.6301-0.8326.
@pytest.mark.parametrize(
  ('levels', 'area', 'variance'),
  [
    (ASAH_WFNS, 0.823678861788618, 0.00146991470882363),
    (ASAH_S100B, 0.731368563685637, 0.00266868245717244),
  ],
)
def test_proc_asah(levels, area, variance):
  label, score = cases(levels)
  areas, covariance = delong_covariance(label, score[None])
  np.testing.assert_allclose(areas, [area], rtol=1e-14)
  np.testing.assert_allclose(covariance, [[variance]], rtol=1e-13)
  assert auroc_interval(label, score).value == areas[0]


def test_proc_asah_interval():
  estimate = auroc_interval(*cases(ASAH_S100B))
  assert (round(estimate.low, 4), round(estimate.high, 4)) == (0.6301, 0.8326)


def test_hanley_mcneil_area():
  estimate = auroc_interval(*cases(HANLEY_MCNEIL))
  assert round(estimate.value, 3) == 0.893
  # The paper's own variance, by another formula, gives a standard error of .032.
  assert abs((estimate.high - estimate.low) / 2 / 1.96 - 0.032) < 0.002


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('count', [5, 17, 60])
def test_equals_brute_force(seed, count):
  label, score = rounded_scores(seed, count)
  other = np.round(score + np.random.default_rng(seed + 100).normal(size=count), 1)
  pairs = [structural_components(label, s) for s in (score, other)]
  expected = sum(np.cov([pair[part] for pair in pairs]) / len(pairs[0][part]) for part in (0, 1))
  areas, covariance = delong_covariance(label, np.stack([score, other]))
  np.testing.assert_allclose(areas, [pair[0].mean() for pair in pairs], atol=1e-10)
  np.testing.assert_allclose(covariance, expected, atol=1e-10)
  assert abs(auroc(label, score) - roc_auc_score(label, score)) < 1e-12


def test_covers_the_true_area_about_as_often_as_it_says():
  random = np.random.default_rng(0)
  label = np.repeat([0, 1], [80, 80])
  true_area = 0.7602499389  # of two unit normals one apart: Phi(1 / sqrt(2))
  estimates = [auroc_interval(label, random.normal(size=160) + label) for _ in range(1000)]
  covered = np.mean([e.low <= true_area <= e.high for e in estimates])
  assert 0.925 < covered < 0.97


def test_upper_end_is_clipped():
  label = np.repeat([0, 1], 10)
  score = np.append(np.arange(9), [10.5, *range(9, 19)])
  estimate = auroc_interval(label, score)
  assert estimate.value < 1
  assert estimate.high == 1


@pytest.mark.parametrize('label', [[], [0, 0, 0], [1, 1]])
def test_one_class_is_undefined(label):
  score = np.arange(len(label))
  assert np.isnan(auroc(np.array(label), score))
  estimate = auroc_interval(np.array(label), score)
  assert estimate.value is None
  assert estimate.low is None
  assert 'both classes' in estimate.reason
  assert set(estimate.to_json()) == {'value', 'low', 'high', 'reason'}


@pytest.mark.parametrize(
  ('score', 'value'), [([1, 2, 3, 4], 1.0), ([4, 3, 2, 1], 0.0), ([1, 1, 1, 1], 0.5)]
)
def test_equal_scores_and_few_separated_cases_give_no_interval(score, value):
  estimate = auroc_interval(np.array([0, 0, 1, 1]), np.array(score))
  assert (estimate.value, estimate.low, estimate.high) == (value, None, None)
  assert 'variance is 0' in estimate.reason


@pytest.mark.parametrize(('positive', 'negative'), [(5, 5), (5, 20), (20, 140), (40, 280)])
def test_perfect_separation_has_newcombes_interval(positive, negative):
  label = np.repeat([0, 1], [negative, positive])
  score = np.arange(len(label))
  found = auroc_interval(label, score)
  assert (found.value, found.high, found.method) == (1.0, 1.0, 'Newcombe')
  # 1 - low = 1.96 sqrt(V(low)), with the variance as Newcombe (2006) writes it.
  low, more = found.low, (positive + negative) / 2 - 1
  variance = low * (1 - low) / (positive * negative)
  variance *= 1 + more * (1 - low) / (2 - low) + more * low / (1 + low)
  assert 1 - low == pytest.approx(1.959964 * math.sqrt(variance), rel=1e-5)
  mirrored = auroc_interval(label, -score)
  assert (mirrored.value, mirrored.low) == (0.0, 0.0)
  assert mirrored.high == pytest.approx(1 - low)
  # Where the area is as low as that, cases are rarely separated.
  rng = np.random.default_rng(0)
  apart = math.sqrt(2) * scipy.stats.norm.ppf(low)
  ill = rng.normal(apart, 1, (20_000, positive)).min(axis=1)
  well = rng.normal(0, 1, (20_000, negative)).max(axis=1)
  assert (ill > well).mean() < 0.05


def test_cases_of_one_group_count_once_where_they_are_separated():
  label = np.repeat([0, 1], [40, 25])
  group = np.repeat(np.arange(13), 5)
  found = auroc_interval(label, np.arange(65), group=group)
  alone = auroc_interval(np.repeat([0, 1], [8, 5]), np.arange(13))
  assert (found.low, found.method) == (alone.low, 'Newcombe')
  one = auroc_interval(label, np.arange(65), group=np.repeat([0, 1], [40, 25]))
  assert one.low is None


def test_one_positive_case_has_a_value_but_no_interval():
  estimate = auroc_interval(np.array([0, 0, 0, 1]), np.array([1, 2, 4, 3]))
  assert estimate.value == pytest.approx(2 / 3)
  assert estimate.low is None
  assert 'two cases' in estimate.reason
  with pytest.raises(ValueError, match='at least two positive'):
    delong_covariance(np.array([0, 0, 0, 1]), np.array([[1, 2, 4, 3]]))


@pytest.mark.parametrize(
  ('label', 'score', 'message'),
  [
    ([0, 1, 2], [1, 2, 3], 'not 0 or 1'),
    ([0, np.nan], [1, 2], 'not 0 or 1'),
    ([0, 1], [1, np.nan], 'not finite'),
    ([0, 1], [1, 2, 3], 'shape'),
  ],
)
def test_bad_input(label, score, message):
  with pytest.raises(ValueError, match=message):
    auroc(np.array(label), np.array(score))


def test_to_json_without_reason():
  assert Estimate(0.5, 0.4, 0.6).to_json() == {'value': 0.5, 'low': 0.4, 'high': 0.6}


def test_level():
  label, score = cases(ASAH_S100B)
  wide, narrow = auroc_interval(label, score, 0.99), auroc_interval(label, score, 0.5)
  assert wide.low < narrow.low < narrow.high < wide.high
  with pytest.raises(ValueError, match='level'):
    auroc_interval(label, score, 95)


# DeLong et al. (1988): patients with ovarian cancer and an obstructed bowel, as listed in the
# SAS/STAT User's Guide, PROC LOGISTIC, "Comparing Receiver Operating Characteristic Curves":
# albumin, total protein, K-G score, and whether surgery was of benefit.
OVARIAN = """
3.0 5.8 10 0   3.2 6.3  5 1   3.9 6.8  3 1   2.8 4.8  6 0   3.2 5.8  3 1   0.9 4.0  5 0
2.5 5.7  8 0   1.6 5.6  5 1   3.8 5.7  5 1   3.7 6.7  6 1   3.2 5.4  4 1   3.8 6.6  6 1
4.1 6.6  5 1   3.6 5.7  5 1   4.3 7.0  4 1   3.6 6.7  4 0   2.3 4.4  6 1   4.2 7.6  4 0
4.0 6.6  6 0   3.5 5.8  6 1   3.8 6.8  7 1   3.0 4.7  8 0   4.5 7.4  5 1   3.7 7.4  5 1
3.1 6.6  6 1   4.1 8.2  6 1   4.3 7.0  5 1   4.3 6.5  4 1   3.2 5.1  5 1   2.6 4.7  6 1
3.3 6.8  6 0   1.7 4.0  7 0   3.7 6.1  5 1   3.3 6.3  7 1   4.2 7.7  6 1   3.5 6.2  5 1
2.9 5.7  9 0   2.1 4.8  7 1   2.8 6.2  8 0   4.0 7.0  7 1   3.3 5.7  6 1   3.7 6.9  5 1
3.6 6.6  5 1
"""


def test_ovarian_cancer_as_sas_prints_it():
  albumin, protein, kg, label = np.array(OVARIAN.split(), float).reshape(-1, 4).T
  scores = np.stack([10 - kg, protein, albumin])
  areas, covariance = delong_covariance(label, scores)
  np.testing.assert_allclose(areas, [0.7258, 0.6478, 0.7366], atol=5e-5)
  np.testing.assert_allclose(np.sqrt(np.diag(covariance)), [0.1028, 0.1000, 0.0927], atol=5e-5)
  contrast = np.array([[-1, 1, 0], [-1, 0, 1]])
  gap = contrast @ areas
  chi_square = gap @ np.linalg.solve(contrast @ covariance @ contrast.T, gap)
  assert chi_square == pytest.approx(2.5340, abs=5e-5)  # on 2 degrees of freedom, p = 0.2817


@pytest.mark.parametrize('seed', range(3))
def test_difference_equals_brute_force(seed):
  label, first = rounded_scores(seed, 60)
  second = np.round(first + np.random.default_rng(seed + 9).normal(size=60), 1)
  parts = [structural_components(label, score) for score in (first, second)]
  gap = [parts[0][k] - parts[1][k] for k in (0, 1)]
  variance = sum(part.var(ddof=1) / len(part) for part in gap)
  found = auroc_difference(label, first, second)
  assert found.value == pytest.approx(gap[0].mean(), abs=1e-12)
  assert found.high - found.low == pytest.approx(2 * 1.959963984540054 * variance**0.5, abs=1e-10)
  z = gap[0].mean() / variance**0.5
  assert found.p_value == pytest.approx(2 * scipy.stats.norm.sf(abs(z)), abs=1e-10)


def test_scores_that_order_alike_have_no_test():
  label, score = rounded_scores(1, 40)
  found = auroc_difference(label, score, np.exp(score))
  assert (found.value, found.p_value) == (0.0, None)
  assert found.reason == 'the variance is 0: no interval'
  one = auroc_difference(np.array([0, 0, 1]), np.array([1, 2, 3]), np.array([3, 2, 1]))
  assert one.value == 1.0
  assert 'at least two positive' in one.reason


def test_groups_of_one_change_nothing():
  label, score = rounded_scores(3, 50)
  group = np.random.default_rng(0).permutation(50)
  assert auroc_interval(label, score, group=group).low == pytest.approx(
    auroc_interval(label, score).low, abs=1e-12
  )


def test_groups_by_obuchowskis_definition():
  label, score = rounded_scores(4, 60)
  group = np.random.default_rng(5).integers(0, 25, 60)
  of_positive, of_negative = structural_components(label, score)
  area = of_positive.mean()
  m, n = len(of_positive), len(of_negative)
  a = [sum(of_positive[group[label == 1] == g] - area) for g in np.unique(group)]
  b = [sum(of_negative[group[label == 0] == g] - area) for g in np.unique(group)]
  with_positive = len(np.unique(group[label == 1]))
  with_negative = len(np.unique(group[label == 0]))
  every = len(np.unique(group))
  variance = (
    with_positive / (with_positive - 1) * np.dot(a, a) / m**2
    + with_negative / (with_negative - 1) * np.dot(b, b) / n**2
    + 2 * every / (every - 1) * np.dot(a, b) / (m * n)
  )
  _, covariance = delong_covariance(label, score[None], group)
  assert covariance[0, 0] == pytest.approx(variance, rel=1e-10)


def test_several_cases_of_a_patient_are_covered_only_over_groups():
  true, covered, naive = scipy.stats.norm.cdf(1 / 2**0.5), 0, 0
  random = np.random.default_rng(0)
  for _ in range(600):
    # Four images of each of 80 patients; the patient's own level is three quarters of the variance.
    group = np.repeat(np.arange(80), 4)
    label = (group % 2).astype(int)
    score = np.sqrt(0.75) * random.normal(size=80)[group] + 0.5 * random.normal(size=320) + label
    found, plain = auroc_interval(label, score, group=group), auroc_interval(label, score)
    covered += found.low <= true <= found.high
    naive += plain.low <= true <= plain.high
  assert 0.925 <= covered / 600 <= 0.975
  assert naive / 600 < 0.8


def test_variance_that_cancels_within_groups_gives_no_interval():
  label, score, group = np.tile([0, 1], 50), np.arange(100), np.repeat(np.arange(50), 2)
  found = auroc_interval(label, score, group=group)
  assert (found.value, found.low) == (0.51, None)
  assert 'variance over groups is 0' in found.reason


def test_all_positives_of_one_group_have_no_interval():
  label, score = np.array([1, 1, 0, 0, 0]), np.array([3.0, 1.0, 2.0, 0.0, 1.0])
  found = auroc_interval(label, score, group=np.array(['a', 'a', 'b', 'c', 'd']))
  assert found.low is None
  assert 'of one group' in found.reason
