"""Inference on a Cox regression against lifelines, and what there is where there is none."""

import csv

import lifelines
import numpy as np
import pandas as pd
import pytest

from medjax.evaluation.cox_coefficients import cox

SCALES = np.array([10.0, 2.0, 1.0])


def _cases(count=300):
  """Inputs of unit size, times in weeks (tied) and events."""
  random = np.random.default_rng(0)
  inputs = random.normal(size=(count, 3))
  time = np.ceil(random.exponential(20 * np.exp(-inputs @ [0.8, -0.4, 0.0])))
  return inputs, time, random.random(count) < 0.7


def _lifelines(inputs, time, event):
  frame = pd.DataFrame(inputs, columns=['age', 'size', 'noise']).assign(time=time, event=event)
  fitter = lifelines.CoxPHFitter()
  fitter.fit(frame, 'time', 'event', fit_options={'precision': 1e-10})
  return fitter


def test_the_table_is_that_of_lifelines(tmp_path):
  inputs, time, event = _cases()
  expected = _lifelines(inputs, time, event)
  # As training finds them, in float32.
  given = expected.params_.to_numpy().astype(np.float32)
  table = cox(inputs, time, event, given, ['age', 'size', 'noise'], scales=SCALES)
  assert (table.kind, table.names, table.reason) == ('cox', ('age', 'size', 'noise'), '')
  summary = expected.summary
  np.testing.assert_allclose(table.estimate, summary['coef'], atol=1e-7)
  np.testing.assert_allclose(table.standard_error, summary['se(coef)'], atol=1e-7)
  np.testing.assert_allclose(table.statistic, summary['z'], atol=1e-5)
  np.testing.assert_allclose(table.p_value, summary['p'], rtol=1e-5)
  ratios = table.ratios
  np.testing.assert_allclose(ratios['hazard_ratio'], summary['exp(coef)'], rtol=1e-6)
  np.testing.assert_allclose(ratios['hazard_low'], summary['exp(coef) lower 95%'], rtol=1e-6)
  np.testing.assert_allclose(ratios['hazard_high'], summary['exp(coef) upper 95%'], rtol=1e-6)
  test = expected.log_likelihood_ratio_test()
  assert table.summary['likelihood_ratio'] == pytest.approx(test.test_statistic, rel=1e-6)
  assert table.summary['likelihood_ratio_p_value'] == pytest.approx(test.p_value, rel=1e-5)
  assert table.summary['events'] == event.sum()
  # Per unit of the column: ten years of age are one unit of input.
  row = table.rows()[0]
  assert row['hazard_ratio_per_unit'] == pytest.approx(row['hazard_ratio'] ** 0.1)
  table.write_csv(tmp_path / 'coefficients.csv')
  with open(tmp_path / 'coefficients.csv', newline='') as file:
    written = list(csv.DictReader(file))
  assert float(written[2]['hazard_high']) == pytest.approx(ratios['hazard_high'][2], abs=0)
  assert 'odds_ratio' not in written[0]


def test_rows_of_unknown_time_are_left_out():
  inputs, time, event = _cases()
  whole = cox(inputs, time, event, _lifelines(inputs, time, event).params_)
  more = np.vstack([inputs, inputs[:5] + 1])
  unknown = np.append(time, np.full(5, np.nan)), np.append(event, np.zeros(5, bool))
  table = cox(more, *unknown, whole.estimate)
  np.testing.assert_allclose(table.standard_error, whole.standard_error, rtol=1e-9)


def test_no_inference_without_a_maximum_and_the_reason():
  inputs, time, event = _cases()
  far = cox(inputs, time, event, [0.0, 0.0, 0.0])
  assert 'from the optimum' in far.reason
  assert (far.standard_error, far.ratios['hazard_low']) == (None, None)
  shrunk = cox(inputs, time, event, [0.1, 0.1, 0.1], l2=1.0)
  assert 'shrunk' in shrunk.reason
  np.testing.assert_array_equal(shrunk.estimate, [0.1, 0.1, 0.1])
  censored = cox(inputs, time, np.zeros(len(time), bool), [0.0, 0.0, 0.0])
  assert (censored.estimate, censored.rows()) == (None, [])
  assert censored.reason == 'every case is censored: there is no event'
  collinear = cox(np.column_stack([inputs, inputs[:, 0]]), time, event, np.zeros(4))
  assert 'x3 is collinear with x0' in collinear.reason
  with pytest.raises(ValueError, match='2 coefficients for 3 inputs'):
    cox(inputs, time, event, [1.0, 2.0])
