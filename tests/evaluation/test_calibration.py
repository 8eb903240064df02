"""Calibration against scikit-learn, SciPy and known truths."""

import json

import numpy as np
import pytest
import scipy.optimize
import scipy.special
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from medjax.evaluation import Predictions, calibration, calibration_metrics, reliability
from medjax.evaluation.calibration import Calibration


def sigmoid(x):
  return 1 / (1 + np.exp(-x))


def binary(count=400, stretch=2.0, shift=0.0, seed=0):
  """Cases whose true log odds are known, predicted with log odds stretched and shifted."""
  random = np.random.default_rng(seed)
  logit = random.normal(size=count) * 1.5
  label = (random.random(count) < sigmoid(logit)).astype(int)
  return table(label, sigmoid(stretch * logit + shift))


def table(label, probability, group=None, classes=('no', 'yes')):
  count = len(label)
  return Predictions(
    id=np.arange(count).astype(str),
    label=np.asarray(label),
    probability=np.asarray(probability, np.float64),
    group=np.arange(count).astype(str) if group is None else group,
    split='val',
    classes=classes,
  )


def many(count=600, seed=0):
  random = np.random.default_rng(seed)
  logits = random.normal(size=(count, 4)) * 1.3
  chance = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
  label = np.array([random.choice(4, p=row) for row in chance])
  sharp = chance**2.5
  return table(label, sharp / sharp.sum(axis=1, keepdims=True), classes=('a', 'b', 'c', 'd'))


def loss(of, temperature):
  p = Calibration('temperature', temperature).apply(of.probability)
  p = np.stack([1 - p, p], axis=1) if p.ndim == 1 else p
  return -np.log(p[np.arange(len(of)), of.label]).mean()


@pytest.mark.parametrize('of', [binary(), binary(stretch=0.5, seed=1), many()])
def test_temperature_has_the_smallest_loss(of):
  found = calibration.fit('temperature', of)
  best = scipy.optimize.minimize_scalar(
    lambda t: loss(of, t), bounds=(0.05, 20), method='bounded', options={'xatol': 1e-9}
  )
  assert found.temperature == pytest.approx(best.x, rel=1e-5)
  assert found.reason == f'fitted on {len(of)} cases of val'


def test_temperature_undoes_a_known_stretch():
  assert calibration.fit('temperature', binary(40_000)).temperature == pytest.approx(2, rel=0.05)
  assert calibration.fit('temperature', many(20_000)).temperature == pytest.approx(2.5, rel=0.05)


def test_platt_is_the_fit_to_his_targets():
  """A logistic regression on each case twice, weighted by how much it counts for either class."""
  of = binary(500)
  found = calibration.fit('platt', of)
  logit = scipy.special.logit(of.probability)
  positive, negative = of.label.sum(), (1 - of.label).sum()
  target = np.where(of.label == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
  expected = LogisticRegression(C=np.inf, tol=1e-10).fit(
    np.tile(logit, 2)[:, None],
    np.repeat([1, 0], len(of)),
    sample_weight=np.concatenate([target, 1 - target]),
  )
  assert 1 / found.temperature == pytest.approx(expected.coef_[0, 0], rel=1e-4)
  assert found.shift[0] == pytest.approx(expected.intercept_[0], abs=1e-4)
  np.testing.assert_allclose(
    found.apply(of.probability), expected.predict_proba(logit[:, None])[:, 1], atol=1e-5
  )


def test_platt_stays_modest_where_few_cases_show_no_error():
  found = calibration.fit('platt', table([0] * 5 + [1] * 5, np.linspace(0.3, 0.7, 10)))
  calibrated = found.apply(np.linspace(0.3, 0.7, 10))
  assert len(np.unique(calibrated)) == 10
  assert 0.02 < calibrated.min() < 1 / 7  # about one case in seven, (0 + 1) / (5 + 2)
  assert 6 / 7 < calibrated.max() < 0.98


def test_platt_of_many_classes_has_the_smallest_loss_and_undoes_a_shift():
  of = many(20_000)
  shifted = of.probability * np.exp([0.7, 0.0, -0.4, -0.3])
  of = table(of.label, shifted / shifted.sum(axis=1, keepdims=True), classes=of.classes)
  found = calibration.fit('platt', of)
  assert found.temperature == pytest.approx(2.5, rel=0.05)
  assert sum(found.shift) == pytest.approx(0, abs=1e-9)
  np.testing.assert_allclose(found.shift, np.array([-0.7, 0, 0.4, 0.3]) / 2.5, atol=0.06)

  def loss_of(unknown):
    p = Calibration('platt', unknown[0], tuple(unknown[1:])).apply(of.probability)
    return -np.log(p[np.arange(len(of)), of.label]).mean()

  # With 20,000 cases his targets are the labels but for one in ten thousand.
  best = np.array([found.temperature, *found.shift])
  for step in np.random.default_rng(0).normal(size=(40, 5)) * 1e-2:
    assert loss_of(best + step) > loss_of(best)


@pytest.mark.parametrize('method', ['platt', 'temperature'])
def test_the_order_of_two_classes_stays(method):
  of = binary()
  found = calibration.fit(method, of).table(of)
  np.testing.assert_array_equal(np.argsort(found.probability), np.argsort(of.probability))


@pytest.mark.parametrize('decimals', [1, 12])
def test_isotonic_equals_scikit_learn(decimals):
  of = binary(300)
  x = np.round(of.probability, decimals)
  of = table(of.label, x)
  expected = IsotonicRegression(out_of_bounds='clip').fit(x, of.label)
  new = np.linspace(0, 1, 777)
  np.testing.assert_allclose(
    calibration.fit('isotonic', of).apply(new), expected.predict(new), atol=1e-12
  )


def test_isotonic_of_many_classes_is_a_distribution():
  of = many()
  found = calibration.fit('isotonic', of).apply(of.probability)
  np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
  before = calibration_metrics(of)['ece'].value
  assert calibration_metrics(table(of.label, found, classes=of.classes))['ece'].value < before / 2
  # A case that no class's line gives anything keeps its own probabilities.
  nothing = Calibration('isotonic', steps=(((0.0, 0.0), (1.0, 0.0)),) * 2)
  np.testing.assert_array_equal(nothing.apply(np.array([[0.3, 0.7]])), [[0.3, 0.7]])


@pytest.mark.parametrize('method', ['platt', 'temperature', 'isotonic', 'none'])
def test_json_gives_the_same_bits_back(method):
  found = calibration.fit(method, binary())
  again = Calibration.from_json(json.loads(json.dumps(found.to_json())))
  assert again == found
  x = np.linspace(0, 1, 99)
  np.testing.assert_array_equal(again.apply(x), found.apply(x))


@pytest.mark.parametrize('method', ['platt', 'temperature'])
def test_nothing_to_fit_changes_nothing(method):
  found = calibration.fit(method, table([0, 0], [0.1, 0.2]))
  assert (found.method, found.reason) == (
    'none',
    'calibration needs every class; there is no case of yes',
  )
  backwards = calibration.fit(method, table([0, 0, 1, 1], [0.9, 0.8, 0.1, 0.2]))
  assert (backwards.method, backwards.temperature) == ('none', 1.0)
  assert 'no better than chance' in backwards.reason


def test_perfect_validation_is_not_made_infinitely_sure():
  found = calibration.fit('temperature', table([0, 0, 1, 1], [0.3, 0.4, 0.6, 0.7]))
  assert found.temperature == pytest.approx(0.05)
  assert 'as steep as allowed' in found.reason


def test_reliability_by_hand():
  probability = np.array([0.1, 0.2, 0.2, 0.2, 0.7, 0.9])
  bins = reliability(table([0, 0, 1, 0, 1, 1], probability), bins=3)
  assert [part.cases for part in bins] == [4, 2]  # the three equal ones stay together
  assert bins[0].predicted == pytest.approx(0.175)
  assert bins[0].observed.value == 0.25
  assert bins[1].observed.value == 1.0
  found = calibration_metrics(table([0, 0, 1, 0, 1, 1], probability))
  assert found['ece'].value is not None


def test_bins_hold_as_many_cases_each_and_ece_is_their_mean_gap():
  of = binary(1000)
  bins = reliability(of)
  assert [part.cases for part in bins] == [100] * 10
  gap = sum(abs(part.observed.value - part.predicted) for part in bins) / 10
  assert calibration_metrics(of)['ece'].value == pytest.approx(gap)


def test_slope_and_intercept_equal_a_logistic_regression():
  of = binary(500, stretch=2.0, shift=1.0)
  logit = np.log(of.probability / (1 - of.probability))[:, None]
  expected = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit, of.label)
  found = calibration_metrics(of)
  assert found['calibration_slope'].value == pytest.approx(expected.coef_[0, 0], rel=1e-5)
  # The intercept at a slope of 1 makes the mean risk right.
  a = found['calibration_intercept'].value
  assert sigmoid(logit[:, 0] + a).mean() == pytest.approx(of.label.mean(), abs=1e-9)


def test_slope_and_intercept_cover():
  inside = np.zeros(2)
  for seed in range(400):
    found = calibration_metrics(binary(300, stretch=2.0, seed=seed))
    slope, intercept = found['calibration_slope'], found['calibration_intercept']
    inside += [slope.low <= 0.5 <= slope.high, intercept.low <= intercept.value <= intercept.high]
  assert 0.92 <= inside[0] / 400 <= 0.98


def test_undefined_slopes_say_why():
  found = calibration_metrics(table([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]))
  assert 'part the classes' in found['calibration_slope'].reason
  found = calibration_metrics(table([0, 0], [0.1, 0.2]))
  assert 'both classes' in found['calibration_slope'].reason
  assert calibration_metrics(table([], []))['ece'].value is None


def test_auto_calibrates_only_where_that_helps_on_other_cases():
  stretched = calibration.fit('auto', binary(400))
  assert stretched == calibration.fit('platt', binary(400))
  right = binary(60, stretch=1.0)
  kept = calibration.fit('auto', right)
  assert kept.method == 'none'
  assert kept.reason == 'platt did not help in cross-validation on val'
  assert calibration.fit('auto', many(1000)).method == 'platt'
  rare = table([0] * 20 + [1], np.linspace(0.1, 0.6, 21))  # a part without the rare class
  assert calibration.fit('auto', rare).method == 'none'
