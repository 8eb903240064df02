"""How early actives are found, beside RDKit and closed forms."""

import itertools
import math

import numpy as np
import pytest

from medjax.evaluation import enrichment


def values(active, score):
  return {name: one.value for name, one in enrichment.enrichment(active, score).items()}


@pytest.mark.parametrize(('count', 'actives'), [(1000, 30), (317, 100), (101, 1)])
def test_without_ties_numbers_are_those_of_rdkit(count, actives):
  scoring = pytest.importorskip('rdkit.ML.Scoring.Scoring')
  random = np.random.default_rng(count)
  active = np.isin(np.arange(count), random.choice(count, actives, replace=False))
  score = random.normal(size=count) + active
  ranked = [(value, is_active) for value, is_active in sorted(zip(-score, active, strict=True))]
  found = values(active, score)
  assert found['bedroc'] == pytest.approx(scoring.CalcBEDROC(ranked, 1, 20.0), rel=1e-9)
  assert found['auroc'] == pytest.approx(scoring.CalcAUC(ranked, 1), rel=1e-6)
  expected = scoring.CalcEnrichment(ranked, 1, [0.01, 0.05])
  assert [found['ef_1'], found['ef_5']] == pytest.approx(expected, rel=1e-6)


def test_ties_count_the_mean_over_all_orders():
  """Of 40 molecules the 4 that share the second score are put in each of their orders."""
  score = np.r_[9.0, [5.0] * 4, np.linspace(4, 1, 35)]
  active = np.zeros(40, bool)
  active[[1, 2, 20]] = True
  orders = []
  for places in itertools.combinations(range(1, 5), 2):
    one = np.zeros(40, bool)
    one[[*places, 20]] = True
    orders.append(values(one, -np.arange(40.0)))
  found = values(active, score)
  assert found['ef_5'] == pytest.approx((0.5 / 2) / (3 / 40))  # ranks 1 and 2: half an active
  for name in ('ef_5', 'bedroc', 'auroc'):
    assert found[name] == pytest.approx(np.mean([one[name] for one in orders]), rel=1e-6)


def test_equal_scores_are_a_random_list():
  found = values(np.arange(1000) < 20, np.zeros(1000))
  assert found['ef_1'] == found['ef_5'] == pytest.approx(1)
  assert found['auroc'] == pytest.approx(0.5)
  # Equations 18 and 36 of the source for a random list.
  share = 0.02
  scale = share * math.sinh(10) / (math.cosh(10) - math.cosh(10 - 20 * share))
  assert found['bedroc'] == pytest.approx(scale + 1 / (1 - math.exp(20 * (1 - share))), rel=1e-9)


def test_the_best_and_the_worst_list():
  active = np.arange(400) < 4
  best, worst = values(active, -np.arange(400.0)), values(active, np.arange(400.0))
  assert best['ef_1'] == pytest.approx(100)
  assert best['bedroc'] == pytest.approx(1, abs=1e-9)
  assert worst['ef_5'] == 0
  assert worst['bedroc'] == pytest.approx(0, abs=1e-9)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
  """Normal scores a standard deviation apart: the AUROC is Phi(1 / sqrt 2)."""
  truth = 0.5 * (1 + math.erf(0.5))
  held = 0
  for seed in range(40):
    random = np.random.default_rng(seed)
    active = np.arange(60) < 20
    found = enrichment.enrichment(active, random.normal(size=60) + active)['auroc']
    held += found.low <= truth <= found.high
  assert 33 <= held <= 40


@pytest.mark.parametrize(('active', 'why'), [(False, 'no active'), (True, 'that is not active')])
def test_numbers_of_one_kind_of_molecules_are_undefined(active, why):
  found = enrichment.enrichment(np.full(5, active), np.arange(5.0))
  assert {one.value for one in found.values()} == {None}
  assert all(why in one.reason for one in found.values())
