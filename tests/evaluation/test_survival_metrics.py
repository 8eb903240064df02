"""Metrics of tables of predicted survival: values, intervals and reasons."""

import dataclasses
import json

import lifelines.statistics
import numpy as np
import pytest
import sksurv.metrics
import sksurv.util

from medjax.evaluation import (
  SurvivalTable,
  censoring_curve,
  kaplan_meier,
  log_rank,
  observed_to_expected,
  risk_groups,
  survival_metrics,
)

HORIZONS = (10.0, 25.0, 60.0)


def _table(seed, count, cases=1, horizons=HORIZONS):
  """Patients with ``cases`` rows each, whose true risk is predicted."""
  random = np.random.default_rng(seed)
  risk = random.normal(0, 0.9, count)
  time = np.ceil(random.exponential(40 * np.exp(-risk)))
  censored = np.minimum(np.ceil(random.exponential(90, count)), 110)
  survival = np.exp(-np.array(horizons) / 40 * np.exp(risk)[:, None])
  names = np.array([f'p{index}' for index in range(count)])
  return SurvivalTable(
    id=np.array([f'c{index}' for index in range(count * cases)]),
    time=np.repeat(np.minimum(time, censored), cases),
    event=np.repeat(time <= censored, cases),
    risk=np.repeat(risk, cases),
    survival=np.repeat(survival, cases, axis=0).reshape(count * cases, len(horizons)),
    horizons=horizons,
    group=np.repeat(names, cases),
    split='test',
  )


TRAIN = _table(100, 500)
CENSORING = censoring_curve(TRAIN.time, TRAIN.event)


def _outcomes(*tables):
  return [sksurv.util.Surv.from_arrays(table.event, table.time) for table in tables]


def test_values_are_those_of_scikit_survival():
  table = _table(0, 200)
  metrics = survival_metrics(table, CENSORING)
  both, times = _outcomes(TRAIN, table), np.array(HORIZONS)
  harrell = sksurv.metrics.concordance_index_censored(table.event, table.time, table.risk)[0]
  uno = sksurv.metrics.concordance_index_ipcw(*both, table.risk, tau=60.0)[0]
  areas, mean = sksurv.metrics.cumulative_dynamic_auc(*both, 1 - table.survival, times)
  _, brier = sksurv.metrics.brier_score(*both, table.survival, times)
  expected = {
    'concordance': harrell,
    'concordance_uno': uno,
    'auroc_mean': mean,
    'auroc_at_10': areas[0],
    'auroc_at_25': areas[1],
    'auroc_at_60': areas[2],
    'integrated_brier': sksurv.metrics.integrated_brier_score(*both, table.survival, times),
    'brier_at_10': brier[0],
    'brier_at_25': brier[1],
    'brier_at_60': brier[2],
    **{
      f'observed_to_expected_at_{horizon:g}': observed_to_expected(
        table.time, table.event, 1 - table.survival[:, index], horizon
      ).value
      for index, horizon in enumerate(HORIZONS)
    },
  }
  assert {name: estimate.value for name, estimate in metrics.items()} == pytest.approx(
    expected, abs=1e-9
  )
  assert list(metrics) == list(expected)
  for estimate in metrics.values():
    assert estimate.low < estimate.value < estimate.high
  json.dumps({name: estimate.to_json() for name, estimate in metrics.items()}, allow_nan=False)


def test_the_ratio_has_nearly_the_interval_of_kaplan_meier():
  table = _table(1, 300)
  estimate = survival_metrics(table, CENSORING)['observed_to_expected_at_25']
  closed = observed_to_expected(table.time, table.event, 1 - table.survival[:, 1], 25.0)
  # Predictions vary with the cases drawn, and explain part of what is observed.
  assert estimate.high - estimate.low == pytest.approx(closed.high - closed.low, rel=0.25)
  assert estimate.low < 1 < estimate.high


def test_intervals_are_over_patients():
  once, thrice = (survival_metrics(_table(2, 120, cases), CENSORING) for cases in (1, 3))
  for name, estimate in once.items():
    assert thrice[name].value == pytest.approx(estimate.value, rel=1e-9)
    width = estimate.high - estimate.low
    assert thrice[name].high - thrice[name].low == pytest.approx(width, rel=0.1)


def test_rows_of_unknown_outcome_are_left_out():
  table = _table(3, 80)
  time = np.where(np.arange(80) < 20, np.nan, table.time)
  unknown = dataclasses.replace(table, time=time, event=table.event & (np.arange(80) >= 20))
  known = survival_metrics(table.take(np.arange(20, 80)), CENSORING)
  assert survival_metrics(unknown, CENSORING) == known


def test_what_is_undefined_has_a_reason():
  table = _table(4, 60, horizons=(10.0, 99.0, 120.0))
  short = censoring_curve(np.minimum(TRAIN.time, 90), TRAIN.event & (TRAIN.time <= 90))
  metrics = survival_metrics(table, short)
  expected = {
    'brier_at_99': 'the curve of the censoring is not known or 0 at 99',
    'auroc_at_120': 'no case was observed beyond 120',
    'observed_to_expected_at_120': 'no case was observed until 120',
    'integrated_brier': 'the curve of the censoring is not known or 0 at 99',
    'auroc_mean': 'the curve of the censoring is not known or 0 at 99',
  }
  assert {name: metrics[name].reason for name in expected} == expected
  assert all(metrics[name].value is None for name in expected)
  assert metrics['brier_at_10'].low is not None
  nobody = survival_metrics(table.take(np.array([], int)), CENSORING)
  assert {estimate.reason for estimate in nobody.values()} == {'there is no case'}


def test_without_events():
  table = dataclasses.replace(_table(5, 40), event=np.zeros(40, bool))
  metrics = survival_metrics(table, CENSORING)
  for name in ('concordance', 'concordance_uno'):
    assert metrics[name].reason == 'there is no comparable pair of cases'
  assert metrics['auroc_at_25'].reason == 'needs an event until 25 and a case beyond'
  assert metrics['auroc_mean'].reason == 'AUROC is undefined at a horizon'
  assert metrics['observed_to_expected_at_25'].value == 0


def test_a_table_of_risks_alone_has_concordance():
  metrics = survival_metrics(_table(6, 50, horizons=()), CENSORING)
  assert metrics['concordance'].low > 0.5
  assert metrics['integrated_brier'].reason == 'there are 0 horizons'
  assert metrics['auroc_mean'].reason == 'there are 0 horizons'


def test_risk_groups_are_curves_and_a_test():
  table = _table(7, 200)
  groups = risk_groups(table, np.array([-0.5, 0.5]))
  number = np.digitize(table.risk, [-0.5, 0.5])
  assert [group.name for group in groups.groups] == [
    'risk below -0.5',
    'risk -0.5 to 0.5',
    'risk from 0.5',
  ]
  assert [group.cases for group in groups.groups] == np.bincount(number).tolist()
  for index, group in enumerate(groups.groups):
    members = number == index
    curve = kaplan_meier(table.time[members], table.event[members])
    np.testing.assert_array_equal(group.curve.survival, curve.survival)
    assert group.events == table.event[members].sum()
  peer = lifelines.statistics.multivariate_logrank_test(table.time, number, table.event)
  assert groups.test.chi_square == pytest.approx(peer.test_statistic)
  assert groups.test.groups == tuple(group.name for group in groups.groups)
  json.dumps(groups.to_json(), allow_nan=False)


def test_risk_groups_without_cases_or_of_repeated_patients():
  table = _table(8, 30, cases=2)
  groups = risk_groups(table, [0.0, 100.0])
  assert [group.name for group in groups.groups] == ['risk below 0', 'risk 0 to 100']
  assert groups.test.reason == 'cases of one patient are taken as independent'
  assert groups.test.p_value == log_rank(table.time, table.event, table.risk >= 0).p_value
  with pytest.raises(ValueError, match='expected at least one, rising'):
    risk_groups(table, [1.0, 0.0])
