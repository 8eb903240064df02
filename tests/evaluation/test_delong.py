"""AUROC and DeLong against published numbers, brute force and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medjax.evaluation import Estimate, auroc, auroc_interval, delong_covariance

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
def test_zero_variance_gives_no_interval(score, value):
  estimate = auroc_interval(np.array([0, 0, 1, 1]), np.array(score))
  assert estimate.value == value
  assert estimate.low is None
  assert estimate.high is None
  assert 'variance is 0' in estimate.reason


def test_perfect_separation_of_many_cases_gives_no_interval():
  label = np.repeat([0, 1], [333, 777])
  assert auroc_interval(label, np.linspace(0, 1, 1110)).low is None


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
