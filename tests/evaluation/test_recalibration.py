"""Calibration that is fitted anew, against statsmodels and closed forms; and what it costs."""

import numpy as np
import pytest
import scipy
import statsmodels.api as sm

from medjax.evaluation import Numbers, Predictions, updating
from medjax.evaluation.calibration import Calibration
from medjax.evaluation.metrics import log_losses
from medjax.evaluation.number_calibration import number_calibration
from medjax.evaluation.recalibration import of_classes, of_numbers
from medjax.evaluation.rows import concatenated

CLASSES = ('no', 'yes')


def shifted(count, shift=-1.5, slope=0.6, seed=0, people=None):
  """Cases whose true logit is a line of the one that is predicted."""
  random = np.random.default_rng(seed)
  logit = random.normal(0, 2, count)
  label = (random.random(count) < scipy.special.expit(slope * logit + shift)).astype(np.int64)
  names = np.array([f'c{i}' for i in range(count)])
  group = names if people is None else np.array([f'p{i % people}' for i in range(count)])
  return Predictions(names, label, scipy.special.expit(logit), group, 'external', CLASSES)


def logits(table):
  return scipy.special.logit(table.probability)


def test_intercept_and_line_are_those_of_logistic_regression():
  table = shifted(20_000)
  fits = of_classes(Calibration(), binary=True)
  offset = sm.GLM(
    table.label, np.ones(len(table)), family=sm.families.Binomial(), offset=logits(table)
  ).fit()
  moved = logits(fits['intercept'](table)(table)) - logits(table)
  assert np.ptp(moved) < 1e-9
  assert moved[0] == pytest.approx(offset.params[0], abs=2e-3)
  line = sm.Logit(table.label, sm.add_constant(logits(table))).fit(disp=0)
  found = np.polyfit(logits(table), logits(fits['intercept and slope'](table)(table)), 1)
  assert found == pytest.approx(line.params[::-1], abs=4e-3)


def test_they_go_on_from_the_calibration_of_the_run_and_keep_the_order():
  table = shifted(500)
  run = Calibration('platt', temperature=2.0, shift=(0.7,))
  fits = of_classes(run, binary=True)
  assert list(fits) == ['intercept', 'intercept and slope', 'refit (isotonic)']
  for name in ('intercept', 'intercept and slope'):
    moved = fits[name](table)(table).probability
    assert (np.argsort(moved, kind='stable') == np.argsort(table.probability, kind='stable')).all()
    assert moved.mean() == pytest.approx(table.label.mean(), abs=0.01)


def test_other_methods_are_fitted_again_and_many_classes_have_no_line():
  assert list(of_classes(Calibration('temperature'), binary=True))[-1] == 'refit (temperature)'
  assert list(of_classes(Calibration('isotonic'), binary=False)) == ['refit (isotonic)']
  random = np.random.default_rng(1)
  logit = 3 * random.normal(size=(600, 3))
  true = scipy.special.softmax(logit / 3, axis=1)
  label = np.array([random.choice(3, p=row) for row in true])
  names = np.array([f'c{i}' for i in range(600)])
  table = Predictions(
    names, label, scipy.special.softmax(logit, axis=1), names, 'external', ('a', 'b', 'c')
  )
  fits = of_classes(Calibration(), binary=False)
  assert list(fits) == ['refit (platt)']
  after = updating.cross_fitted(table, fits['refit (platt)'])
  assert log_losses(label, after.probability).mean() < log_losses(label, table.probability).mean()


def test_cases_of_one_class_give_a_finite_intercept():
  table = shifted(30).take(np.flatnonzero(shifted(30).label == 0))
  moved = of_classes(Calibration(), binary=True)['intercept'](table)(table)
  assert np.isfinite(logits(moved)).all()
  assert moved.probability.mean() == pytest.approx(1 / (len(table) + 2))


def numbers(count=60, slope=0.5, shift=3.0):
  random = np.random.default_rng(2)
  prediction = random.normal(10, 4, count)
  label = slope * prediction + shift + random.normal(0, 1, count)
  names = np.array([f'c{i}' for i in range(count)])
  group = np.array([f'p{i // 3}' for i in range(count)])
  return Numbers(names, label, prediction, group, 'external')


def test_numbers_are_moved_by_their_mean_error_or_a_line():
  table, fits = numbers(), of_numbers()
  moved = fits['intercept'](table)(table).prediction
  assert moved.mean() == pytest.approx(table.label.mean())
  assert np.ptp(moved - table.prediction) < 1e-9
  line = scipy.stats.linregress(table.prediction, table.label)
  after = fits['intercept and slope'](table)(table).prediction
  assert after == pytest.approx(line.slope * table.prediction + line.intercept)
  flat = Numbers(table.id, table.label, np.ones(60), table.group, 'external')
  assert fits['intercept and slope'](flat)(flat).prediction.mean() == pytest.approx(
    table.label.mean()
  )


def test_the_line_of_numbers_is_that_of_least_squares_with_a_sandwich_over_groups():
  table = numbers()
  found = number_calibration(table)
  people = np.unique(table.group, return_inverse=True)[1]
  fit = sm.OLS(table.label, sm.add_constant(table.prediction)).fit(
    cov_type='cluster', cov_kwds={'groups': people, 'use_correction': False}
  )
  slope = found['calibration_slope']
  half = scipy.stats.t.ppf(0.975, 19) * fit.bse[1] * np.sqrt(20 / 19)
  assert slope.value == pytest.approx(fit.params[1])
  assert slope.high - slope.value == pytest.approx(half)
  gap = found['calibration_intercept']
  assert gap.value == pytest.approx((table.label - table.prediction).mean())
  assert gap.low < gap.value < gap.high
  one = Numbers(table.id, table.label, table.prediction, np.array(['p'] * 60), 'external')
  assert 'one group' in number_calibration(one)['calibration_slope'].reason
  none = number_calibration(table.take(np.arange(0)))
  assert none['calibration_intercept'].value is None
  assert none['calibration_slope'].value is None


def test_no_case_is_updated_by_a_fit_to_its_own_group():
  table = shifted(200, people=37)
  seen = []

  def fit(some):
    known = set(some.group.tolist())

    def apply(others):
      assert not known & set(others.group.tolist())
      seen.append(len(others))
      return others

    return apply

  found = updating.cross_fitted(table, fit)
  assert sum(seen) == 200
  assert len(seen) == 10
  assert found.id.tolist() == table.id.tolist()
  assert found.label.tolist() == table.label.tolist()


def losses(table):
  return log_losses(table.label, table.by_class())


def test_few_cases_mend_a_large_shift_and_more_lose_less_where_nothing_is_wrong(monkeypatch):
  monkeypatch.setattr(updating, '_DRAWS', 10)
  fits = of_classes(Calibration(), binary=True)
  wrong = shifted(400)
  found = updating.cost(wrong, losses(wrong), fits, losses)['intercept']
  assert found.cases == [20, 30, 50, 75, 100, 150, 200, 300]
  assert found.mean_from == 20
  assert found.gain[-1] == pytest.approx(
    float((losses(wrong) - losses(fits['intercept'](wrong)(wrong))).mean()), abs=0.15
  )
  right = shifted(400, shift=0.0, slope=1.0)
  line = updating.cost(right, losses(right), fits, losses)['intercept and slope']
  assert line.gain[0] < 0
  assert line.sure_from is None
  assert line.gain[0] < line.gain[-1]


def test_too_few_cases_have_no_cost_and_tables_are_joined_by_rows():
  few = shifted(39)
  fits = of_classes(Calibration(), binary=True)
  assert updating.cost(few, losses(few), fits, losses)['intercept'].cases == []
  parts = [few.take(np.arange(10)), few.take(np.arange(10, 39))]
  assert concatenated(parts).probability.tolist() == few.probability.tolist()
