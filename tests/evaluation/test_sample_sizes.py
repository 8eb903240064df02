"""Sample sizes against those of published examples and of pmsampsize and pmvalsampsize."""

import numpy as np
import pytest
import scipy
from sklearn.linear_model import LogisticRegression

from medjax.errors import UserError
from medjax.evaluation import auroc, binormal, development_size, validation_size
from medjax.evaluation.metrics import log_losses


def cases(criteria):
  return [one.cases for one in criteria]


def test_binary_development_is_that_of_pmsampsize():
  assert cases(development_size.binary(24, 0.174, 0.288)) == [623, 662, 221]


@pytest.mark.parametrize(
  ('parameters', 'r2', 'wanted'),
  [(25, 0.051, [4286, 866]), (25, 0.065, [3335, 859]), (50, 0.051, [8572, 1731])],
)
def test_survival_development_is_that_of_pmsampsize(parameters, r2, wanted):
  found = cases(development_size.survival(parameters, 0.065, 2, 2.07, r2))
  # The package rounds the number of events and the shrinkage of the second criterion.
  assert found[0] == wanted[0]
  assert found[1] == pytest.approx(wanted[1], abs=1)


def test_survival_needs_the_fewest_cases_with_a_precise_risk():
  found = cases(development_size.survival(25, 0.065, 2, 2.07, 0.051))[2]

  def error(count):
    upper = 0.065 + 1.959964 * np.sqrt(0.065 / (2.07 * count))
    return np.exp(-0.065 * 2) - np.exp(-upper * 2)

  assert error(found) <= 0.05 < error(found - 1)


@pytest.mark.parametrize(
  ('parameters', 'r2', 'wanted'),
  [(25, 0.2, [918, 401, 259]), (25, 0.3, [574, 351, 259]), (50, 0.2, [1924, 801, 284])],
)
def test_continuous_development_is_that_of_pmsampsize(parameters, r2, wanted):
  assert cases(development_size.continuous(parameters, r2, 1.9, 0.6))[:3] == wanted


def test_validation_is_that_of_pmvalsampsize():
  parts = [(1.0, -5.0, 2.5)]
  assert validation_size.auroc(0.8, 0.018) == 4252
  # The package counts up standard errors by 0.0001, and draws 1000 linear predictors.
  assert validation_size.observed_to_expected(0.018, 1.0) == pytest.approx(905, abs=1)
  assert validation_size.slope(parts) == pytest.approx(4501, rel=0.03)


def test_the_slope_is_that_of_the_information_of_many_cases():
  logit = np.random.default_rng(0).normal(-1.75, 1.47, 400_000)
  weight = scipy.special.expit(logit) * scipy.special.expit(-logit)
  inputs = np.stack([np.ones_like(logit), logit], axis=1)
  inverse = np.linalg.inv(inputs.T @ (inputs * weight[:, None]) / len(logit))
  wanted = inverse[1, 1] / (0.2 / (2 * 1.959964)) ** 2
  assert validation_size.slope([(1.0, -1.75, 1.47)]) == pytest.approx(wanted, rel=0.02)


def test_shares_are_of_those_that_have_them():
  found = {
    one.name.split()[0]: one.cases
    for one in validation_size.criteria(0.8, 0.2, sensitivity=0.9, specificity=0.8)
  }
  assert found['sensitivity'] == int(np.ceil(0.09 * (2 * 1.959964 / 0.1) ** 2 / 0.2))
  assert found['specificity'] == int(np.ceil(0.16 * (2 * 1.959964 / 0.1) ** 2 / 0.8))
  assert set(found) == {'observed', 'calibration', 'AUROC', 'sensitivity', 'specificity'}


def test_normal_scores_have_the_auroc_the_prevalence_and_the_r2_that_are_said():
  random = np.random.default_rng(1)
  (share, mean, deviation), (_, other, _) = binormal.predictors(0.82, 0.22)
  label = (random.random(200_000) < share).astype(int)
  logit = random.normal(np.where(label == 1, mean, other), deviation)
  p = scipy.special.expit(logit)
  assert auroc(label, p) == pytest.approx(0.82, abs=0.005)
  assert p.mean() == pytest.approx(0.22, abs=0.005)
  without = log_losses(label, np.tile([1 - label.mean(), label.mean()], (len(label), 1))).mean()
  saved = without - log_losses(label, np.stack([1 - p, p], axis=1)).mean()
  assert development_size.r2_of_auroc(0.82, 0.22) == pytest.approx(
    1 - np.exp(-2 * saved), abs=0.005
  )


def test_r2_of_an_auroc_is_what_pmsampsize_simulates():
  """Scores of both classes are normal, one standard deviation wide; logistic regression on them."""
  area, prevalence, count = 0.89, 0.174, 200_000
  random = np.random.default_rng(0)
  label = np.arange(count) < prevalence * count
  score = random.normal(np.where(label, np.sqrt(2) * scipy.stats.norm.ppf(area), 0.0))
  fitted = LogisticRegression(C=np.inf).fit(score[:, None], label).predict_proba(score[:, None])
  without = log_losses(label.astype(int), np.tile([1 - prevalence, prevalence], (count, 1))).mean()
  saved = without - log_losses(label.astype(int), fitted).mean()
  assert development_size.r2_of_auroc(area, prevalence) == pytest.approx(
    1 - np.exp(-2 * saved), abs=0.004
  )


def test_what_no_model_can_reach_is_refused():
  with pytest.raises(UserError, match=r'--r2=0.9: .* less than 0.478, as the prevalence allows'):
    development_size.binary(10, 0.1, 0.9)
  with pytest.raises(UserError, match=r'as the number of events allows'):
    development_size.survival(10, 0.01, 1, 1, 0.5)
  with pytest.raises(UserError, match=r'less than --shrinkage=0.2'):
    development_size.binary(10, 0.5, 0.3, shrinkage=0.2)
  with pytest.raises(UserError, match='--mean=0'):
    development_size.continuous(10, 0.3, 0.0, 1.0)
  with pytest.raises(UserError, match='--r2=1'):
    development_size.continuous(10, 1.0, 1.0, 1.0)
  with pytest.raises(UserError, match='no sample'):
    development_size.fewest(lambda cases: False)
