"""Coefficients against statsmodels and closed forms, and separation against brute force."""

import csv
import fractions
import itertools
import json

import numpy as np
import pytest
import sklearn.datasets

from medjax.data import tabular
from medjax.evaluation.coefficients import linear, logistic
from medjax.evaluation.separation import separation

TESTS = ('estimate', 'standard_error', 'statistic', 'p_value', 'low', 'high')


@pytest.fixture(scope='module')
def statsmodels():
  return pytest.importorskip(
    'statsmodels.api', reason='the independent implementation of inference is not installed'
  )


@pytest.fixture
def heart(shared_data):
  """Inputs, labels, names and scales of the training rows."""
  source = str(shared_data('tabular_heart') / 'heart.csv')
  config = tabular.Config(source=source, label_column='target')
  data = tabular.load(config, reference=True)
  rows = data.splits['train']
  values = np.stack([row['values'] for row in rows.source.__getitems__(range(len(rows.label)))])
  fitted = data.modality.preprocessing
  return values.astype(np.float64), rows.label, fitted.inputs, fitted.scales


def simulated(cases=300, seed=0):
  random = np.random.default_rng(seed)
  inputs = random.normal(size=(cases, 3)) * [1.0, 20.0, 0.1] + [0.0, 50.0, 3.0]
  logit = inputs @ [0.8, 0.05, -9.0] + 24.0
  return inputs, (random.random(cases) < 1 / (1 + np.exp(-logit))).astype(int)


def assert_equals(found, fit):
  """The table is that of a fit by statsmodels."""
  expected = (fit.params, fit.bse, fit.tvalues, fit.pvalues, *fit.conf_int().T)
  for name, values in zip(TESTS, expected, strict=True):
    np.testing.assert_allclose(getattr(found, name), values, rtol=1e-6, atol=1e-12, err_msg=name)


@pytest.mark.parametrize('precision', [np.float64, np.float32])
def test_logistic_equals_statsmodels_on_heart_disease(heart, statsmodels, precision):
  inputs, label, names, scales = heart
  fit = statsmodels.Logit(label, statsmodels.add_constant(inputs)).fit(disp=0, tol=1e-12)
  given = fit.params.astype(precision)
  if precision is np.float32:  # what training in float32 leaves
    given *= 1 + 1e-5 * np.random.default_rng(0).normal(size=len(given)).astype(np.float32)
  found = logistic(inputs, label, given[1:], given[0], names, scales=scales)
  assert found.reason == ''
  assert found.names == ('(intercept)', *names)
  assert_equals(found, fit)
  np.testing.assert_allclose(found.ratios['odds_ratio'], np.exp(fit.params), rtol=1e-6)
  np.testing.assert_allclose(found.ratios['odds_low'], np.exp(fit.conf_int()[:, 0]), rtol=1e-6)
  np.testing.assert_allclose(found.ratios['odds_high'], np.exp(fit.conf_int()[:, 1]), rtol=1e-6)
  summary = found.summary
  assert summary['log_likelihood'] == pytest.approx(fit.llf)
  assert summary['null_log_likelihood'] == pytest.approx(fit.llnull)
  assert summary['mcfadden_r2'] == pytest.approx(fit.prsquared)
  assert summary['aic'] == pytest.approx(fit.aic)
  assert summary['likelihood_ratio'] == pytest.approx(fit.llr)
  assert summary['likelihood_ratio_freedom'] == fit.df_model
  assert summary['likelihood_ratio_p_value'] == pytest.approx(fit.llr_pvalue)
  assert (summary['cases'], summary['positive']) == (len(label), label.sum())
  assert found.moved < (1e-6 if precision is np.float64 else 1e-3)


def test_per_unit_equals_a_fit_to_unscaled_columns(heart, statsmodels):
  inputs, label, names, scales = heart
  fit = statsmodels.Logit(label, statsmodels.add_constant(inputs)).fit(disp=0, tol=1e-12)
  raw = statsmodels.Logit(label, statsmodels.add_constant(inputs * scales))
  raw = raw.fit(start_params=fit.params / np.append(1, scales), disp=0, tol=1e-12)
  found = logistic(inputs, label, fit.params[1:], fit.params[0], names, scales=scales)
  unit = found.per_unit()
  np.testing.assert_allclose(unit.estimate[1:], raw.params[1:], rtol=1e-6)
  np.testing.assert_allclose(unit.standard_error[1:], raw.bse[1:], rtol=1e-6)
  np.testing.assert_allclose(unit.ratios['odds_low'][1:], np.exp(raw.conf_int()[1:, 0]), rtol=1e-6)
  assert np.isnan(unit.estimate[0])
  age = found.rows()[1 + names.index('age')]
  assert age['odds_ratio'] == pytest.approx(age['odds_ratio_per_unit'] ** scales[0])


def test_logistic_of_raw_columns_equals_statsmodels(statsmodels):
  inputs, label = simulated()
  fit = statsmodels.Logit(label, statsmodels.add_constant(inputs)).fit(disp=0, tol=1e-12)
  assert_equals(logistic(inputs, label, fit.params[1:], fit.params[0]), fit)


def test_linear_equals_statsmodels_on_diabetes(statsmodels):
  data = sklearn.datasets.load_diabetes(scaled=False)
  fit = statsmodels.OLS(data.target, statsmodels.add_constant(data.data)).fit()
  found = linear(data.data, data.target, fit.params[1:], fit.params[0], data.feature_names)
  assert found.reason == ''
  assert_equals(found, fit)
  assert found.ratios == {}
  summary = found.summary
  assert summary['r2'] == pytest.approx(fit.rsquared)
  assert summary['adjusted_r2'] == pytest.approx(fit.rsquared_adj)
  assert summary['residual_standard_error'] == pytest.approx(fit.scale**0.5)
  assert summary['residual_freedom'] == fit.df_resid
  assert summary['f'] == pytest.approx(fit.fvalue)
  assert summary['f_p_value'] == pytest.approx(fit.f_pvalue)
  # As training finds them: standardised inputs, coefficients in float32.
  scale = data.data.std(axis=0)
  inputs = ((data.data - data.data.mean(axis=0)) / scale).astype(np.float32)
  given = (fit.params[1:] * scale).astype(np.float32)
  near = linear(inputs, data.target, given, np.float32(data.target.mean()), scales=scale)
  np.testing.assert_allclose(near.per_unit().estimate[1:], fit.params[1:], rtol=1e-4)
  np.testing.assert_allclose(near.per_unit().standard_error[1:], fit.bse[1:], rtol=1e-5)
  np.testing.assert_allclose(near.p_value[1:], fit.pvalues[1:], rtol=1e-4)
  assert near.moved < 1e-4


def test_two_by_two_table():
  a, b, c, d = 12, 5, 7, 16  # exposed cases, exposed controls, unexposed cases and controls
  exposed = np.repeat([1.0, 1.0, 0.0, 0.0], [a, b, c, d])
  label = np.repeat([1, 0, 1, 0], [a, b, c, d])
  ratio = np.log(a * d / (b * c))
  found = logistic(exposed[:, None], label, [ratio], np.log(c / d), ['exposed'])
  np.testing.assert_allclose(found.estimate, [np.log(c / d), ratio])
  error = [(1 / c + 1 / d) ** 0.5, (1 / a + 1 / b + 1 / c + 1 / d) ** 0.5]
  np.testing.assert_allclose(found.standard_error, error)
  assert found.ratios['odds_ratio'][1] == pytest.approx(a * d / (b * c))
  assert found.ratios['odds_low'][1] == pytest.approx(np.exp(ratio - 1.959963985 * error[1]))
  shares = (a / (a + b), c / (c + d))
  likelihood = a * np.log(shares[0]) + b * np.log(1 - shares[0])
  likelihood += c * np.log(shares[1]) + d * np.log(1 - shares[1])
  assert found.summary['log_likelihood'] == pytest.approx(likelihood)


def test_one_input_has_the_textbook_errors():
  x, y = np.array([1.0, 2.0, 4.0, 5.0, 9.0]), np.array([2.0, 3.0, 3.0, 6.0, 8.0])
  slope, level = np.polyfit(x, y, 1)
  found = linear(x[:, None], y, [slope], level)
  variance = ((y - level - slope * x) ** 2).sum() / 3
  spread = ((x - x.mean()) ** 2).sum()
  error = [(variance * (1 / 5 + x.mean() ** 2 / spread)) ** 0.5, (variance / spread) ** 0.5]
  np.testing.assert_allclose(found.standard_error, error)
  assert found.summary['f'] == pytest.approx(found.statistic[1] ** 2)
  assert found.summary['f_p_value'] == pytest.approx(found.p_value[1])


def test_no_errors_away_from_the_optimum_or_with_a_penalty():
  inputs, label = simulated()
  number = inputs @ [1.0, 0.1, 5.0] + np.random.default_rng(1).normal(size=len(inputs))
  level, *slopes = np.linalg.lstsq(np.insert(inputs, 0, 1, axis=1), number, rcond=None)[0]
  at = linear(inputs, number, slopes, level)
  best = logistic(inputs, label, [0.8, 0.05, -9.0], 24.0)
  assert 'standard errors from the optimum' in best.reason
  found = [
    (linear(inputs, number, slopes + 0.02 * at.standard_error[1:], level), 'errors from the opt'),
    (linear(inputs, number, slopes, level, l2=0.1), 'with a penalty'),
    (best, 'errors from the optimum'),
    (logistic(inputs, label, [90.0, 5.0, 900.0], 0.0), 'far from the optimum'),
    (logistic(inputs, label, [0.8, 0.05, -9.0], 24.0, l2=1.0), 'with a penalty'),
  ]
  for table, reason in found:
    assert reason in table.reason
    assert table.standard_error is None
    assert table.low is None
    assert table.summary == {}
    assert len(table.rows()) == 4
  assert found[0][0].moved == pytest.approx(0.02)
  np.testing.assert_allclose(found[0][0].estimate[1:], slopes + 0.02 * at.standard_error[1:])
  np.testing.assert_allclose(found[4][0].ratios['odds_ratio'][1], np.exp(0.8))
  assert found[4][0].ratios['odds_low'] is None
  near = linear(inputs, number, slopes + 1e-5 * at.standard_error[1:], level)
  np.testing.assert_allclose(near.estimate, at.estimate, rtol=1e-9)
  assert near.moved == pytest.approx(1e-5)


def brute_force(inputs, label):
  """Which cases are parted and which coefficients diverge, for two inputs of whole numbers.

  Every direction is a sum of edges of the cone, and an edge is orthogonal to two cases.
  """
  signed = np.insert(inputs, 0, 1, axis=1) * (2 * label - 1)[:, None]
  parted, diverging = np.zeros(len(label), bool), np.zeros(3, bool)
  for one, other in itertools.combinations(signed, 2):
    for edge in (np.cross(one, other), np.cross(other, one)):
      if edge.any() and (signed @ edge >= 0).all():
        parted |= signed @ edge > 0
        diverging |= edge != 0
  return parted, diverging[1:]


def test_separation_equals_brute_force():
  random = np.random.default_rng(0)
  kinds = []
  while len(kinds) < 300:
    inputs = random.integers(0, 4, (random.integers(4, 12), 2))
    label = random.integers(0, 2, len(inputs))
    if np.linalg.matrix_rank(np.insert(inputs, 0, 1, axis=1)) < 3:
      continue  # the cone has no edges
    parted, diverging = brute_force(inputs, label)
    kind = 'complete' if parted.all() else 'quasi-complete' if parted.any() else 'none'
    found = separation(inputs, label)
    assert (found.kind, found.parted) == (kind, parted.sum())
    if kind != 'none':
      assert found.diverging == tuple(np.array(['x0', 'x1'])[diverging])
      assert set(found.by) <= set(found.diverging)
    kinds.append(kind)
  assert min(kinds.count(kind) for kind in ('none', 'quasi-complete', 'complete')) > 30


def test_kinds_of_separation():
  x = np.arange(6.0)
  noise = np.array([0.3, -1.0, 0.5, 0.9, -0.2, 0.1])
  inputs = np.stack([noise, x], axis=1)
  above = separation(inputs, (x > 2).astype(int), ['noise', 'age'])
  assert (above.kind, above.by, above.parted) == ('complete', ('age',), 6)
  assert above.diverging == ('noise', 'age')  # any of them may be infinite
  overlap = separation(inputs, np.array([0, 1, 0, 1, 0, 1]))
  assert overlap.kind == 'none'
  assert overlap.reason == ''
  tie = np.array([0.0, 1.0, 2.0, 2.0, 3.0, 4.0])[:, None]
  touch = separation(tie, np.array([0, 0, 0, 1, 1, 1]), ['age'])
  assert (touch.kind, touch.by, touch.parted) == ('quasi-complete', ('age',), 4)
  one = separation(inputs, np.zeros(6, int))
  assert (one.kind, one.by) == ('complete', ())
  assert one.reason.startswith('every label is of one class')


def test_a_level_whose_cases_are_all_of_one_class():
  inputs, label = simulated(200)
  level = np.zeros(200)
  level[np.flatnonzero(label == 1)[:9]] = 1.0
  names = ['a', 'b', 'c', 'sex=m']
  more = np.column_stack([inputs, level])
  found = separation(more, label, names)
  assert (found.kind, found.by, found.diverging) == ('quasi-complete', ('sex=m',), ('sex=m',))
  assert found.parted == 9
  table = logistic(more, label, [0.8, 0.05, -9.0, 12.0], 24.0, names)
  assert table.reason == (
    '9 cases can be separated from the rest by sex=m; the maximum likelihood estimate does not '
    'exist; use a penalty'
  )
  assert table.estimate is None
  assert table.ratios['odds_ratio'] is None
  assert table.rows() == []
  level[np.flatnonzero(label == 0)[0]] = 1.0  # one case of the other class is enough
  assert separation(np.column_stack([inputs, level]), label).kind == 'none'


@pytest.mark.parametrize('gap', [1e-1, 1e-3, 1e-5, -1e-1, -1e-3, -1e-5])
def test_a_narrow_gap_is_told_from_a_narrow_overlap(gap):
  random = np.random.default_rng(3)
  along = np.append(random.uniform(1, 3, 200) * np.repeat([-1, 1], 100), [-gap / 2, gap / 2])
  label = np.append(np.repeat([0, 1], 100), [0, 1])
  # Mirrored, so that the mean of a direction that separates and its mirror image, which lies along
  # the first column, separates too.
  across = random.normal(size=(202, 4))
  inputs = np.vstack([np.column_stack([along, across]), np.column_stack([along, -across])])
  inputs = inputs @ random.normal(size=(5, 5)) + 7
  label = np.tile(label, 2)
  expected = 'complete' if gap > 0 else 'none'
  assert separation(inputs, label).kind == expected


def test_wisconsin_breast_cancer_is_completely_separated():
  """By all 30 columns together; not by the ten means, the ten errors or the ten worst values."""
  data = sklearn.datasets.load_breast_cancer()
  found = separation(data.data, data.target, data.feature_names)
  assert (found.kind, found.parted, len(found.diverging)) == ('complete', 569, 30)
  # In exact arithmetic no rounding can be the cause.
  level, *weights = map(fractions.Fraction, found.direction)
  for row, label in zip(data.data.tolist(), data.target, strict=True):
    score = level + sum(w * fractions.Fraction(x) for w, x in zip(weights, row, strict=True))
    assert score > 0 if label else score < 0
  for part in (slice(0, 10), slice(10, 20), slice(20, 30)):
    assert separation(data.data[:, part], data.target).kind == 'none'
  standardised = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
  table = logistic(standardised, data.target, np.zeros(30), 0.0, data.feature_names)
  assert table.reason.startswith('the classes can be separated completely by mean radius, ')
  assert table.estimate is None
  part = logistic(standardised[:, :2], data.target, [-3.9, -0.9], 0.7)
  assert 'optimum' in part.reason


def test_confident_predictions_are_no_separation(statsmodels):
  """A case with a probability that rounds to 1 leaves the proof to the linear programme."""
  inputs, label = simulated()
  inputs = np.vstack([inputs, [60.0, 50.0, 3.0]])
  label = np.append(label, 1)
  fit = statsmodels.Logit(label, statsmodels.add_constant(inputs)).fit(disp=0, tol=1e-12)
  found = logistic(inputs, label, fit.params[1:], fit.params[0])
  assert found.reason == ''
  assert_equals(found, fit)


def test_collinear_inputs_are_named():
  inputs, label = simulated(40)
  number = inputs[:, 0] + np.random.default_rng(0).normal(size=40)
  names = ['age', 'weight', 'height', 'both', 'one']
  both = inputs[:, 0] + 2 * inputs[:, 2]
  more = np.column_stack([inputs, both, np.ones(40)]).astype(np.float32)
  for fit, target in ((linear, number), (logistic, label)):
    found = fit(more, target, np.zeros(5), 0.0, names)
    assert found.reason == (
      'coefficients are not unique: both is collinear with age and height; one is constant; '
      'leave out inputs or use a penalty'
    )
    assert found.estimate is None
    few = fit(more[:4, :4], target[:4], np.zeros(4), 0.0)
    assert '4 cases cannot tell 5 coefficients' in few.reason
    assert fit(more, target, np.ones(5), 0.0, l2=0.1).estimate.tolist() == [0, 1, 1, 1, 1, 1]
  levels = np.eye(3)[np.arange(40) % 3]
  found = logistic(levels, label, np.zeros(3), 0.0, ['a', 'b', 'c'])
  assert 'c is collinear with a and b' in found.reason
  # Nearly so is not so.
  near = np.column_stack([inputs, both + 1e-3 * np.random.default_rng(1).normal(size=40)])
  level, *slopes = np.linalg.lstsq(np.insert(near, 0, 1, axis=1), number, rcond=None)[0]
  assert linear(near, number, slopes, level).reason == ''


def test_no_residual():
  x = np.arange(4.0)[:, None]
  exact = linear(x, 2 * x[:, 0] + 1, [2.0], 1.0)
  assert 'the fit is exact' in exact.reason
  assert exact.estimate.tolist() == [1.0, 2.0]
  assert '2 cases leave no residual freedom' in linear(x[:2], x[:2, 0], [1.0], 0.0).reason


def test_json_and_csv(tmp_path):
  inputs, label = simulated()
  given = [0.9, 0.05, -9.0]
  penalised = logistic(inputs, label, [900.0, *given[1:]], 24.0, ['a', 'b', 'c'], l2=0.1)
  content = json.loads(json.dumps(penalised.to_json(), allow_nan=False))
  assert content['rows'][1]['odds_ratio'] is None  # overflows
  assert content['rows'][1]['standard_error'] is None
  assert content['rows'][2]['odds_ratio'] == pytest.approx(np.exp(0.05))
  assert content['rows'][0]['estimate_per_unit'] is None
  x, y = np.array([1.0, 2.0, 4.0, 5.0]), np.array([2.0, 3.0, 3.0, 6.0])
  slope, level = np.polyfit(x, y, 1)
  fit = linear(x[:, None], y, [slope], level, ['age'], scales=np.array([10.0]))
  json.dumps(fit.to_json(), allow_nan=False)
  fit.write_csv(tmp_path / 'table.csv')
  with open(tmp_path / 'table.csv', newline='') as file:
    rows = list(csv.DictReader(file))
  assert [row['name'] for row in rows] == ['(intercept)', 'age']
  assert float(rows[1]['p_value']) == fit.p_value[1]
  assert float(rows[1]['high_per_unit']) == fit.high[1] / 10
  assert rows[0]['high_per_unit'] == ''
  empty = linear(np.ones((4, 1)), y, [0.0], 0.0)
  empty.write_csv(tmp_path / 'empty.csv')
  assert (tmp_path / 'empty.csv').read_text().startswith('name,estimate,')


def test_errors():
  inputs, label = simulated(20)
  with pytest.raises(ValueError, match='neither 0 nor 1'):
    logistic(inputs, label + 1, np.zeros(3), 0.0)
  with pytest.raises(ValueError, match='neither 0 nor 1'):
    separation(inputs, np.full(20, np.nan))
  with pytest.raises(ValueError, match='shape'):
    linear(inputs, label[1:], np.zeros(3), 0.0)
  with pytest.raises(ValueError, match='label is not finite'):
    linear(inputs, np.full(20, np.nan), np.zeros(3), 0.0)
  with pytest.raises(ValueError, match='2 coefficients for 3 inputs'):
    linear(inputs, label, np.zeros(2), 0.0)
  with pytest.raises(ValueError, match='input is not finite'):
    separation(np.where(inputs > 3, np.nan, inputs), label)
  with pytest.raises(ValueError, match='coefficient is not finite'):
    logistic(inputs, label, [0.0, np.nan, 0.0], 0.0)
  with pytest.raises(ValueError, match='2 names for 3 inputs'):
    separation(inputs, label, ['a', 'b'])
  with pytest.raises(ValueError, match='scales'):
    linear(inputs, label, np.zeros(3), 0.0, scales=np.zeros(3))
