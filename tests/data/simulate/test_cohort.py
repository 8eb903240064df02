"""The simulated cohort has the hazards that it says."""

import numpy as np
import pytest

from medjax.data.simulate import cohort
from medjax.evaluation import concordance_harrell, fit_cox, kaplan_meier

ROWS = cohort.simulate(0, 3000)
TIME = np.array([float(row['time']) for row in ROWS])
EVENT = np.array([row['event'] == '1' for row in ROWS])


def test_rows_are_a_function_of_seed_and_number():
  assert cohort.simulate(0, 20) == ROWS[:20]
  assert cohort.simulate(1, 1) != ROWS[:1]
  assert set(ROWS[0]) == {'id', 'patient', 'time', 'event', *cohort.COLUMNS}
  assert len({row['id'] for row in ROWS}) == 3000


def test_about_a_third_die_and_times_are_whole_days_with_ties():
  assert EVENT.mean() == pytest.approx(0.35, abs=0.03)
  assert (TIME % 1 == 0).all()
  assert TIME.min() >= 1
  assert TIME.max() <= 1826
  assert len(np.unique(TIME[EVENT])) < 0.9 * EVENT.sum()
  # The rest are lost at any time, or alive at the end of the study, two to five years on.
  early = ~EVENT & (TIME < 730)
  assert 0.05 < early.mean() < 0.2


def test_some_measurements_are_missing():
  for name, low, high in (
    ('albumin', 0.08, 0.18),
    ('neutrophil_lymphocyte_ratio', 0.04, 0.08),
    ('pdl1', 0.12, 0.18),
    ('age', 0, 0),
  ):
    assert low <= np.mean([row[name] in ('', 'NA') for row in ROWS]) <= high


def test_true_risk_is_what_times_were_drawn_with_where_nothing_is_missing():
  drawn, told = cohort.risks(0, 300), np.array([cohort.true_risk(row) for row in ROWS[:300]])
  whole = np.array(['NA' not in row.values() and '' not in row.values() for row in ROWS[:300]])
  np.testing.assert_allclose(told[whole], drawn[whole], atol=1e-12)
  missing = told[~whole] - drawn[~whole]
  assert 0.05 < np.abs(missing).mean() < 0.5
  assert abs(missing.mean()) < 3 * missing.std() / len(missing) ** 0.5
  with pytest.raises(KeyError):
    cohort.true_risk({'stage': 'I'})


def test_cox_regression_finds_the_coefficients():
  kept = [
    index
    for index, row in enumerate(ROWS)
    if row['albumin'] and row['neutrophil_lymphocyte_ratio'] and row['pdl1'] != cohort.BLANK
  ]
  columns, expected = {}, {}
  for name, slope in cohort.LINEAR.items():
    columns[name], expected[name] = [float(ROWS[i][name]) for i in kept], slope
  columns['male'] = [ROWS[i]['sex'] == 'male' for i in kept]
  expected['male'] = cohort.MALE
  for stage in ('II', 'III', 'IV'):
    columns[stage] = [ROWS[i]['stage'] == stage for i in kept]
    expected[stage] = cohort.STAGES[stage]
  columns['bmi'] = [(float(ROWS[i]['bmi']) - 26) ** 2 for i in kept]
  expected['bmi'] = cohort.BMI_SQUARED
  columns['pdl1'] = [
    float(ROWS[i]['pdl1']) * (ROWS[i]['treatment'] == 'immunotherapy') for i in kept
  ]
  expected['pdl1'] = cohort.IMMUNOTHERAPY_PDL1
  columns['never'], expected['never'] = [ROWS[i]['smoking'] == 'never' for i in kept], 0.0
  values = np.stack([np.asarray(column, float) for column in columns.values()], axis=1)
  fit = fit_cox(values, TIME[kept], EVENT[kept], names=list(columns))
  distance = (fit.coefficients - list(expected.values())) / fit.standard_errors
  assert np.abs(distance).max() < 3
  assert (distance**2).sum() < 25  # of chi-square with 11 degrees of freedom the 99th percentile
  # Their sizes are far from nothing.
  strength = np.abs(list(expected.values())) / fit.standard_errors
  assert (strength[:-1] > 2.5).all()


def test_the_best_concordance_is_known():
  risk = np.array([cohort.true_risk(row) for row in ROWS])
  assert concordance_harrell(TIME, EVENT, risk).value == pytest.approx(0.73, abs=0.02)


def test_survival_is_weibull():
  at_zero = np.abs(cohort.risks(0, 3000)) < 0.25
  curve = kaplan_meier(TIME[at_zero], EVENT[at_zero])
  times = np.array([365.0, 730, 1095])
  expected = np.exp(-((times / 5600) ** 1.25))
  np.testing.assert_allclose(curve.at(times), expected, atol=0.04)
