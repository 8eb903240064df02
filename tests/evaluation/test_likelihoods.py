"""Likelihoods of sequences: closed forms, tables on disk, and what is refused."""

import numpy as np
import pytest

from medjax.errors import UserError
from medjax.evaluation import (
  LikelihoodDecision,
  Likelihoods,
  likelihood_metrics,
)


def table(values, tokens, **columns):
  names = np.array([f'n{i}' for i in range(len(values))])
  return Likelihoods(
    names, np.asarray(values, float), np.asarray(tokens, float), names, 'val', **columns
  )


def test_perplexity_is_the_number_of_tokens_where_all_are_as_probable():
  tokens = np.array([3.0, 5.0, 9.0])
  found = likelihood_metrics(table(tokens * np.log(1 / 7), tokens))
  assert found['perplexity'].value == pytest.approx(7)
  assert found['log_likelihood'].value == pytest.approx(-np.log(7))
  assert found['sequence'].value == pytest.approx(-np.log(7) * 17 / 3)


def test_the_interval_of_a_mean_is_about_that_of_theory():
  values = np.random.default_rng(0).normal(-2, 1, 2000)
  found = likelihood_metrics(table(values, np.ones(2000)))['log_likelihood']
  half = 1.96 * values.std() / np.sqrt(2000)
  assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)


def test_a_table_comes_back_from_disk_and_damage_is_named(tmp_path):
  path = tmp_path / 'val.csv'
  before = table([-1.5, -2.25], [2, 3], metadata={'smiles': ['C', 'CC']})
  before.write_csv(path)
  after = Likelihoods.read_csv(path)
  np.testing.assert_array_equal(after.log_likelihood, before.log_likelihood)
  assert (after.metadata, after.split) == (before.metadata, 'val')
  path.write_text(path.read_text().replace('3.0', '0.0'))
  with pytest.raises(UserError, match='has no token'):
    Likelihoods.read_csv(path)
  path.write_text(path.read_text().replace('-1.5', 'x'))
  with pytest.raises(UserError, match="row 2: log_likelihood is 'x'"):
    Likelihoods.read_csv(path)
  with pytest.raises(ValueError, match='not finite'):
    table([np.nan], [1])


def test_typical_is_the_share_of_validation_below():
  decision = LikelihoodDecision.fit(table(np.arange(-100, 1), np.ones(101)), step=3)
  assert decision.typical(-25.0) == pytest.approx(0.75)
  assert (decision.typical(-500.0), decision.typical(1.0)) == (0.0, 1.0)
  assert LikelihoodDecision.from_json(decision.to_json()) == decision
  with pytest.raises(ValueError, match='not finite'):
    decision.typical(float('nan'))
