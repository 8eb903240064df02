"""Cox regression against lifelines, statsmodels, scikit-survival and loops."""

import json

import lifelines
import numpy as np
import pandas as pd
import pytest
import sksurv.linear_model
import sksurv.util
import statsmodels.duration.hazard_regression as hazard_regression

from medjax.evaluation import BaselineHazard, baseline_hazard, fit_cox
from medjax.evaluation.partial_likelihood import PartialLikelihood

BETA = np.array([0.8, -0.02, 0.0])


def _cases(seed, count=300, days=20):
  """Inputs of different scales; whole days, so that most events are tied."""
  random = np.random.default_rng(seed)
  values = np.stack(
    [random.random(count) < 0.4, random.normal(140, 20, count), random.normal(size=count)], axis=1
  )
  time = np.ceil(random.exponential(days * np.exp(-(values - values.mean(axis=0)) @ BETA)))
  censored = np.ceil(random.exponential(2 * days, count))
  return values, np.minimum(time, censored), time <= censored


def _loop(linear, time, event):
  """The log likelihood term by term."""
  total = 0.0
  for moment in np.unique(time[event]):
    tied = event & (time == moment)
    at_risk, happened = np.exp(linear[time >= moment]).sum(), np.exp(linear[tied]).sum()
    for gone in range(tied.sum()):
      total -= np.log(at_risk - gone / tied.sum() * happened)
    total += linear[tied].sum()
  return total


@pytest.mark.parametrize(('seed', 'days'), [(0, 20), (1, 3), (2, 5000)])
def test_fit_is_that_of_lifelines_and_statsmodels(seed, days):
  values, time, event = _cases(seed, days=days)
  fit = fit_cox(values, time, event)
  frame = pd.DataFrame(values, columns=['a', 'b', 'c']).assign(time=time, event=event)
  fitter = lifelines.CoxPHFitter()
  fitter.fit(frame, 'time', 'event', fit_options={'precision': 1e-12})
  np.testing.assert_allclose(fit.coefficients, fitter.params_, atol=1e-8)
  np.testing.assert_allclose(fit.standard_errors, fitter.standard_errors_, rtol=1e-6)
  np.testing.assert_allclose(fit.covariance, fitter.variance_matrix_, rtol=1e-5, atol=1e-10)
  assert fit.log_likelihood == pytest.approx(fitter.log_likelihood_, abs=1e-8)
  ratio = fitter.log_likelihood_ratio_test().test_statistic
  assert 2 * (fit.log_likelihood - fit.null_log_likelihood) == pytest.approx(ratio, abs=1e-6)
  other = hazard_regression.PHReg(time, values, event, ties='efron').fit()
  np.testing.assert_allclose(fit.coefficients, other.params, atol=1e-6)
  np.testing.assert_allclose(fit.standard_errors, other.bse, rtol=1e-5)
  assert (fit.cases, fit.events, fit.reason) == (300, event.sum(), '')
  assert fit.iterations < 12


def test_likelihood_and_gradient_are_the_sum_over_events():
  values, time, event = _cases(3, 60, 4)
  linear = (values - values.mean(axis=0)) @ (3 * BETA)
  likelihood = PartialLikelihood(time, event)
  assert likelihood.value(linear) == pytest.approx(_loop(linear, time, event), rel=1e-12)
  step = 1e-5
  slopes = [
    (_loop(linear + move, time, event) - _loop(linear - move, time, event)) / (2 * step)
    for move in step * np.eye(len(linear))
  ]
  np.testing.assert_allclose(likelihood.gradient(linear), slopes, atol=1e-7)
  value, gradient, hessian = likelihood.derivatives(linear, values)
  assert value == likelihood.value(linear)
  np.testing.assert_allclose(gradient, values.T @ likelihood.gradient(linear), atol=1e-9)
  for index in range(3):
    step = 1e-6 * values[:, index]
    change = likelihood.gradient(linear + step) - likelihood.gradient(linear - step)
    np.testing.assert_allclose(hessian[index], values.T @ change / 2e-6, rtol=1e-4, atol=1e-3)


def test_a_constant_plays_no_part_and_large_risks_do_not_overflow():
  values, time, event = _cases(4, 60, 4)
  linear = 30 * values[:, 2]
  likelihood = PartialLikelihood(time, event)
  assert likelihood.value(linear + 1000) == pytest.approx(likelihood.value(linear), rel=1e-9)
  assert np.isfinite(likelihood.gradient(linear + 1000)).all()


def test_a_penalty_shrinks_to_where_its_slope_is_that_of_the_likelihood():
  values, time, event = _cases(5)
  fit = fit_cox(values, time, event, l2=7.0)
  linear = values @ fit.coefficients
  _, gradient, hessian = PartialLikelihood(time, event).derivatives(linear, values)
  np.testing.assert_allclose(gradient, 7 * fit.coefficients, atol=1e-6)
  expected = np.linalg.inv(7 * np.eye(3) - hessian)
  np.testing.assert_allclose(fit.covariance, expected, rtol=1e-6, atol=1e-12)
  assert abs(fit.coefficients[0]) < abs(fit_cox(values, time, event).coefficients[0])


@pytest.mark.parametrize('days', [3, 5000])
def test_breslow_baseline_is_that_of_scikit_survival_and_lifelines(days):
  values, time, event = _cases(6, days=days)
  model = sksurv.linear_model.CoxPHSurvivalAnalysis(ties='efron', tol=1e-14, n_iter=50)
  model.fit(values, sksurv.util.Surv.from_arrays(event, time))
  fit = fit_cox(values, time, event)
  baseline = baseline_hazard(time, event, values @ fit.coefficients, 'breslow')
  new = _cases(7, 20)[0]
  # lifelines interpolates between times.
  horizons = np.quantile(time[event], [0.1, 0.5, 0.9], method='nearest')
  survival = baseline.survival(new @ fit.coefficients, horizons)
  expected = [curve(horizons) for curve in model.predict_survival_function(new)]
  np.testing.assert_allclose(survival, expected, atol=1e-6)
  frame = pd.DataFrame(values, columns=['a', 'b', 'c']).assign(time=time, event=event)
  fitter = lifelines.CoxPHFitter().fit(frame, 'time', 'event', fit_options={'precision': 1e-12})
  peer = fitter.predict_survival_function(pd.DataFrame(new, columns=['a', 'b', 'c']), horizons)
  np.testing.assert_allclose(survival, peer.to_numpy().T, atol=1e-6)


def test_efron_baseline_is_a_loop_over_tied_events():
  values, time, event = _cases(8, 80, 4)
  linear = values[:, 2] / 2
  baseline = baseline_hazard(time, event, linear)
  total = 0.0
  for moment, cumulative in zip(baseline.time, baseline.cumulative, strict=True):
    tied = event & (time == moment)
    at_risk, happened = np.exp(linear[time >= moment]).sum(), np.exp(linear[tied]).sum()
    total += sum(1 / (at_risk - gone / tied.sum() * happened) for gone in range(tied.sum()))
    assert cumulative == pytest.approx(total, rel=1e-12)
  # Without ties both are the same.
  apart = time + np.linspace(0, 0.5, len(time))
  both = [baseline_hazard(apart, event, linear, ties).cumulative for ties in ('efron', 'breslow')]
  np.testing.assert_allclose(*both, rtol=1e-12)


def test_baseline_is_a_step_function_that_ends():
  baseline = baseline_hazard(np.array([2.0, 4, 5]), np.array([1, 1, 0]), np.zeros(3))
  times = np.array([1.0, 2, 3, 4, 5, 5.1])
  np.testing.assert_allclose(baseline.at(times), [0, 1 / 3, 1 / 3, 5 / 6, 5 / 6, np.nan])
  survival = baseline.survival(np.array([0.0, np.log(2), 1000]), times)
  np.testing.assert_allclose(survival[1], survival[0] ** 2)
  np.testing.assert_allclose(survival[2], [1, 0, 0, 0, 0, np.nan])
  again = BaselineHazard.from_json(json.loads(json.dumps(baseline.to_json(), allow_nan=False)))
  np.testing.assert_array_equal(again.at(times), baseline.at(times))
  none = baseline_hazard(np.array([2.0, 4]), np.zeros(2), np.zeros(2))
  assert none.at(np.array([3.0])).tolist() == [0]


@pytest.mark.parametrize(
  ('first', 'reason'),
  [
    ('early', 'the coefficient of first runs away'),
    ('marked', 'the coefficient of first runs away'),
    ('constant', 'first is constant'),
    ('copy', 'copy is collinear with first'),
  ],
)
def test_no_fit_has_a_reason(first, reason):
  values, time, event = _cases(9, 60, 50)
  # Who has the mark has the event, before everybody else.
  marked = event & (time <= np.sort(time[event])[4])
  made = {
    'early': -time,
    'marked': marked,
    'constant': np.ones(60),
    'copy': values[:, 2],
  }[first]
  if first == 'marked':
    time = np.where(marked, time, time + 500)
  inputs = np.stack([made, values[:, 1], values[:, 2]], axis=1).astype(float)
  names = ['first', 'second', 'copy']
  fit = fit_cox(inputs, time, event, names=names)
  assert (fit.coefficients, fit.covariance, fit.standard_errors) == (None, None, None)
  assert reason in fit.reason
  assert fit_cox(inputs, time, event, l2=100.0, names=names).reason == ''


def test_a_penalty_too_small_has_a_reason():
  values, time, event = _cases(9, 60, 50)
  fit = fit_cox(np.stack([-time, values[:, 1]], axis=1), time, event, l2=1e-6)
  assert 'the penalty is too small to hold it' in fit.reason


def test_all_censored():
  values, time, event = _cases(0, 20)
  fit = fit_cox(values, time, np.zeros_like(event))
  assert (fit.coefficients, fit.events) == (None, 0)
  assert fit.reason == 'every case is censored: there is no event'


def test_what_cannot_be_fitted():
  values, time, event = _cases(0, 20)
  with pytest.raises(ValueError, match='values have 20 rows; expected 19'):
    fit_cox(values, time[1:], event[1:])
  with pytest.raises(ValueError, match='l2 is -1'):
    fit_cox(values, time, event, l2=-1)
  with pytest.raises(ValueError, match='linear predictors have shape'):
    PartialLikelihood(time, event).value(np.zeros(3))
