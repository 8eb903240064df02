"""Brier scores and AUROC at horizons against scikit-survival and scikit-learn."""

import numpy as np
import pytest
import sklearn.metrics
import sksurv.metrics
import sksurv.util

from medjax.evaluation import (
  brier_scores,
  censoring_curve,
  dynamic_auroc,
  integrated_brier_score,
)
from medjax.evaluation.survival_scores import HorizonScores

HORIZONS = np.array([5.0, 20.0, 33.5, 60.0])


def _cases(seed, count, distinct=None):
  """Times in whole days, and with ``distinct`` few different risks."""
  random = np.random.default_rng(seed)
  risk = random.normal(size=count)
  if distinct:
    risk = np.round(risk * distinct) / distinct
  time = np.ceil(random.exponential(40 * np.exp(-risk)))
  censored = np.minimum(np.ceil(random.exponential(90, count)), 110)
  survival = np.exp(-HORIZONS / 50 * np.exp(0.7 * risk)[:, None])
  return np.minimum(time, censored), time <= censored, risk, survival


def _peers(*cases):
  return [sksurv.util.Surv.from_arrays(event, time) for time, event in cases]


@pytest.mark.parametrize(('seed', 'count'), [(0, 400), (1, 90)])
def test_brier_scores_are_those_of_scikit_survival(seed, count):
  train, (time, event, _, survival) = _cases(9, 500), _cases(seed, count)
  curve = censoring_curve(*train[:2])
  outcomes = _peers(train[:2], (time, event))
  _, expected = sksurv.metrics.brier_score(*outcomes, survival, HORIZONS)
  scores = brier_scores(time, event, survival, HORIZONS, curve)
  np.testing.assert_allclose(scores, expected, atol=1e-12)
  mean = sksurv.metrics.integrated_brier_score(*outcomes, survival, HORIZONS)
  scores = integrated_brier_score(time, event, survival, HORIZONS, curve)
  assert scores == pytest.approx(mean, abs=1e-12)


@pytest.mark.parametrize('distinct', [None, 2])
@pytest.mark.parametrize('by_horizon', [False, True])
def test_auroc_is_that_of_scikit_survival(distinct, by_horizon):
  train, (time, event, risk, survival) = _cases(9, 500), _cases(1, 300, distinct)
  if by_horizon:
    risk = np.stack([risk, -risk, np.cos(4 * risk), 1 - survival[:, 3]], axis=1)
  areas, mean = dynamic_auroc(time, event, risk, HORIZONS, censoring_curve(*train[:2]))
  expected = sksurv.metrics.cumulative_dynamic_auc(
    *_peers(train[:2], (time, event)), risk, HORIZONS
  )
  np.testing.assert_allclose(areas, expected[0], atol=1e-12)
  assert mean == pytest.approx(expected[1], abs=1e-12)


def test_without_censoring_they_are_the_usual_scores():
  time, _, risk, survival = _cases(2, 100, 3)
  event = np.ones(100, bool)
  happened = time[:, None] <= HORIZONS
  brier = brier_scores(time, event, survival, HORIZONS)
  areas, _ = dynamic_auroc(time, event, risk, HORIZONS)
  for index in range(len(HORIZONS)):
    label = happened[:, index]
    expected = sklearn.metrics.brier_score_loss(label, 1 - survival[:, index])
    assert brier[index] == pytest.approx(expected)
    assert areas[index] == pytest.approx(sklearn.metrics.roc_auc_score(label, risk))


def test_a_resample_is_the_cases_drawn():
  time, event, risk, survival = _cases(3, 60, 2)
  curve = censoring_curve(*_cases(9, 500)[:2])
  scores = HorizonScores(time, event, HORIZONS, curve)
  times = np.random.default_rng(0).multinomial(60, np.full(60, 1 / 60), size=6)
  brier, areas = scores.brier(survival, times), scores.auroc(risk, times)
  mean, integrated = scores.mean_auroc(areas, times), scores.integrated(brier)
  for row, drawn in enumerate(times):
    again = [np.repeat(column, drawn, axis=0) for column in (time, event, risk, survival)]
    outcome = again[:2]
    expected = brier_scores(*outcome, again[3], HORIZONS, curve)
    np.testing.assert_allclose(brier[row], expected, atol=1e-12)
    assert integrated[row] == pytest.approx(
      integrated_brier_score(*outcome, again[3], HORIZONS, curve)
    )
    expected = dynamic_auroc(*outcome, again[2], HORIZONS, curve)
    np.testing.assert_allclose(areas[row], expected[0], atol=1e-12)
    assert mean[row] == pytest.approx(expected[1])


def test_undefined_horizons_are_nan():
  time, event = np.array([1.0, 2, 4, 5, 9]), np.array([1, 0, 1, 0, 0])
  survival = np.full((5, 3), 0.5)
  # The curve of the censoring ends at 6, above 0; nobody is observed beyond 9.
  curve = censoring_curve(np.array([3.0, 6.0]), np.array([False, True]))
  scores = brier_scores(time, event, survival, np.array([3.0, 6.5, 9.0]), curve)
  assert np.isfinite(scores[0])
  assert np.isnan(scores[1:]).all()
  areas, mean = dynamic_auroc(time, event, time, np.array([0.5, 3.0]), curve)
  assert np.isnan(areas[0])  # nobody had the event so early
  assert areas[1] == 0
  assert np.isnan(mean)
  assert np.isnan(integrated_brier_score(time, event, survival[:, :1], np.array([3.0]), curve))


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'horizons': np.array([2.0, 2.0])}, 'horizons do not rise'),
    ({'horizons': np.array([0.0, 2.0])}, 'a horizon is not a positive number'),
    ({'survival': np.zeros((3, 1))}, 'survival has shape'),
    ({'survival': np.full((3, 2), np.nan)}, 'a value of survival is not finite'),
  ],
)
def test_what_cannot_be_scored(changes, message):
  arguments = {
    'time': np.array([1.0, 2, 3]),
    'event': np.ones(3, bool),
    'survival': np.zeros((3, 2)),
    'horizons': np.array([1.0, 2.0]),
  }
  with pytest.raises(ValueError, match=message):
    brier_scores(**{**arguments, **changes})
