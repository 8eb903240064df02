"""Survival, medians and groups of risk against lifelines and by hand, and what cannot be told."""

import dataclasses
import json

import lifelines
import numpy as np
import pandas as pd
import pytest

from medjax.errors import UserError
from medjax.evaluation import (
  SurvivalDecision,
  SurvivalTable,
  censoring_curve,
  compare_survival,
  fit_cox,
  survival_metrics,
)

ENDS = (10.0, 20.0, 40.0)


def _table(seed=0, count=200, survival=None, ends=(), noise=0.0):
  """Cases in whole days, so that some are equal."""
  random = np.random.default_rng(seed)
  risk = random.normal(0, 0.9, count)
  time = np.ceil(random.exponential(30 * np.exp(-risk)))
  censored = np.ceil(random.uniform(20, 100, count))
  names = np.array([f'c{index}' for index in range(count)])
  return SurvivalTable(
    id=names,
    time=np.minimum(time, censored),
    event=time <= censored,
    risk=risk + random.normal(0, noise, count),
    survival=np.zeros((count, 0)) if survival is None else survival,
    horizons=ends,
    group=names,
    split='val',
  )


def _stepped(seed=0, count=200):
  random = np.random.default_rng(seed)
  return _table(seed, count, np.cumprod(random.uniform(0.4, 1, (count, 3)), axis=1), ENDS)


def test_survival_and_median_of_a_cox_model_are_those_of_lifelines():
  """Without ties, of which lifelines' baseline takes no account."""
  random = np.random.default_rng(1)
  table = _table()
  table = dataclasses.replace(table, time=table.time + random.uniform(0, 0.5, len(table)))
  frame = pd.DataFrame({'x': table.risk, 'time': table.time, 'event': table.event})
  fitter = lifelines.CoxPHFitter()
  fitter.fit(frame, 'time', 'event', fit_options={'precision': 1e-10})
  beta = fit_cox(table.risk[:, None], table.time, table.event).coefficients[0]
  # At times of events: between them lifelines interpolates.
  horizons = tuple(np.sort(table.time[table.event])[[30, 80]].tolist())
  decision = SurvivalDecision.fit(dataclasses.replace(table, risk=beta * table.risk), 7, horizons)
  new = np.array([-1.5, 0.0, 0.4, 2.0])
  survival = decision.survival(beta * new, np.zeros((4, 0)))
  expected = fitter.predict_survival_function(pd.DataFrame({'x': new}), times=horizons)
  np.testing.assert_allclose(survival, expected.to_numpy().T, atol=1e-7)
  median = fitter.predict_median(pd.DataFrame({'x': new})).to_numpy().ravel()
  np.testing.assert_allclose(
    decision.median(beta * new, np.zeros((4, 0))), np.where(np.isinf(median), np.nan, median)
  )
  shown = decision.table(table)
  assert (shown.horizons, shown.survival.shape) == (horizons, (200, 2))


def test_a_discrete_model_is_linear_between_the_ends_of_intervals():
  decision = SurvivalDecision.fit(_stepped(), 7, (5.0, 30.0, 40.0), ENDS)
  at_ends = np.array([[0.8, 0.4, 0.2], [0.9, 0.8, 0.7], [0.5, 0.5, 0.1]])
  risk = np.zeros(3)
  expected = [[0.9, 0.3, 0.2], [0.95, 0.75, 0.7], [0.75, 0.3, 0.1]]
  np.testing.assert_allclose(decision.survival(risk, at_ends), expected)
  np.testing.assert_allclose(decision.median(risk, at_ends), [17.5, np.nan, 10.0])
  assert decision.baseline is None


def test_groups_are_tertiles_of_validation_risk():
  decision = SurvivalDecision.fit(_table(), 7, ())
  assert decision.group_names == ('low', 'middle', 'high')
  assert np.bincount(decision.groups(_table().risk)).tolist() == [67, 66, 67]
  constant = SurvivalDecision.fit(dataclasses.replace(_table(), risk=np.zeros(200)), 7, ())
  assert (constant.risk_cuts, constant.group_names) == ((), ('all',))
  two = dataclasses.replace(_table(), risk=(np.arange(200) % 2).astype(float))
  assert SurvivalDecision.fit(two, 7, ()).group_names == ('low', 'high')


@pytest.mark.parametrize('ends', [(), ENDS])
def test_json_gives_the_same_bits(ends):
  table = _stepped() if ends else _table()
  decision = SurvivalDecision.fit(table, 7, (10.0, 25.0), ends)
  read = SurvivalDecision.from_json(json.loads(json.dumps(decision.to_json())))
  assert read.to_json() == decision.to_json()
  np.testing.assert_array_equal(read.table(table).survival, decision.table(table).survival)
  with pytest.raises(ValueError, match='at most two'):
    SurvivalDecision.from_json(decision.to_json() | {'risk_cuts': [1.0, 2.0, 3.0]})


def test_what_cannot_be_told_is_said():
  table = _table()
  far = SurvivalDecision.fit(table, 7, (10.0, 500.0))
  assert far.horizons == (10.0,)
  assert f'no survival at 500: the last case was observed at {table.time.max():g}' in far.reason
  assert "by Efron's method" in far.reason
  beyond = SurvivalDecision.fit(_stepped(), 7, (10.0, 50.0), ENDS)
  assert 'no survival at 50: the last interval ends at 40' in beyond.reason
  time = np.append(np.full(3, np.nan), table.time[3:])
  unknown = dataclasses.replace(table, time=time, event=table.event & ~np.isnan(time))
  assert '3 cases of unknown time left out' in SurvivalDecision.fit(unknown, 7, ()).reason
  censored = dataclasses.replace(table, event=np.zeros(len(table), bool))
  none = SurvivalDecision.fit(censored, 7, (10.0,))
  assert (none.horizons, none.baseline) == ((), None)
  assert 'no baseline hazard without an event' in none.reason
  assert np.isnan(none.median(np.zeros(2), np.zeros((2, 0)))).all()
  metrics = survival_metrics(none.table(censored), none.censoring)
  assert all(estimate.value is None and estimate.reason for estimate in metrics.values())


def test_differences_of_two_models_are_those_of_their_metrics():
  first, second = _table(noise=0.3), _table(noise=2.0)
  decisions = [SurvivalDecision.fit(table, 7, (10.0, 25.0)) for table in (first, second)]
  censoring = censoring_curve(first.time, first.event)
  tables = [d.table(t) for d, t in zip(decisions, (first, second), strict=True)]
  metrics = [survival_metrics(table, censoring) for table in tables]
  order = np.random.default_rng(0).permutation(len(second))
  differences = compare_survival(tables[0], tables[1].take(order), censoring)
  for name in ('concordance', 'concordance_uno', 'auroc_at_25', 'integrated_brier'):
    gap = metrics[0][name].value - metrics[1][name].value
    assert differences[name].value == pytest.approx(gap)
    assert differences[name].low < gap < differences[name].high
  assert differences['concordance'].low > 0
  assert 'observed_to_expected_at_10' not in differences
  with pytest.raises(UserError, match='is in one of them only'):
    compare_survival(tables[0], tables[1].take(order[1:]), censoring)
  other = dataclasses.replace(tables[1], time=tables[1].time + 1)
  with pytest.raises(UserError, match='time or event of c0 differs'):
    compare_survival(tables[0], other, censoring)
