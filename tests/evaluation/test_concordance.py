"""Concordance against scikit-survival and a loop over pairs."""

import time as clock

import numpy as np
import pytest
import sksurv.metrics
import sksurv.util

from medjax.evaluation import censoring_curve, concordance_harrell, concordance_uno
from medjax.evaluation.concordance import Pairs, uno_weights


def _cases(seed, count, distinct=None):
  """Times in whole days and, with ``distinct``, few different risks, so that both have ties."""
  random = np.random.default_rng(seed)
  risk = random.normal(size=count)
  if distinct:
    risk = np.round(risk * distinct) / distinct
  time = np.ceil(random.exponential(40 * np.exp(-risk)))
  censored = np.ceil(random.exponential(60, count))
  return np.minimum(time, censored), time <= censored, risk


@pytest.mark.parametrize(
  ('seed', 'count', 'distinct'),
  [(0, 3, None), (1, 7, 1), (2, 64, None), (3, 65, 2), (4, 500, 3), (5, 1000, None)],
)
def test_harrell_is_that_of_scikit_survival(seed, count, distinct):
  time, event, risk = _cases(seed, count, distinct)
  event[time.argmin()] = True
  concordance = concordance_harrell(time, event, risk)
  expected = sksurv.metrics.concordance_index_censored(event, time, risk)
  assert concordance.value == pytest.approx(expected[0], abs=1e-12)
  assert (concordance.concordant, concordance.discordant, concordance.tied_risk) == expected[1:4]


@pytest.mark.parametrize('tau', [None, 60.0, 20.0])
@pytest.mark.parametrize('distinct', [None, 3])
def test_uno_is_that_of_scikit_survival(tau, distinct):
  train, test = _cases(0, 800), _cases(1, 400, distinct)
  # scikit-survival refuses events after the end of the training cases.
  kept = test[0] < 0.9 * train[0].max()
  time, event, risk = (column[kept] for column in test)
  outcomes = [sksurv.util.Surv.from_arrays(e, t) for t, e in ((train[0], train[1]), (time, event))]
  expected = sksurv.metrics.concordance_index_ipcw(*outcomes, risk, tau=tau)[0]
  concordance = concordance_uno(time, event, risk, censoring_curve(*train[:2]), tau)
  assert concordance.value == pytest.approx(expected, abs=1e-9)


def test_a_resample_is_the_cases_drawn():
  time, event, risk = _cases(6, 50, 2)
  pairs = Pairs(time, event, risk)
  curve = censoring_curve(*_cases(7, 300)[:2])
  random = np.random.default_rng(0)
  times = random.multinomial(50, np.full(50, 1 / 50), size=6)
  weights = [np.ones(len(pairs.first)), uno_weights(time, pairs.first, curve, 50.0)]
  harrell, uno = pairs.concordance(times, weights)
  for row, drawn in enumerate(times):
    again = [np.repeat(column, drawn) for column in (time, event, risk)]
    assert harrell[row] == pytest.approx(concordance_harrell(*again).value, abs=1e-12)
    assert uno[row] == pytest.approx(concordance_uno(*again, curve, 50.0).value, abs=1e-12)


def test_pairs_by_hand():
  # Comparable: (0, 1), (0, 2), (0, 3), and at time 2 the event 1 with the censored 2 and with 3.
  time, event = np.array([1.0, 2, 2, 3]), np.array([1, 1, 0, 1])
  concordance = concordance_harrell(time, event, np.array([5.0, 1, 1, 9]))
  assert (concordance.concordant, concordance.discordant, concordance.tied_risk) == (2, 2, 1)
  assert concordance.value == 0.5


@pytest.mark.parametrize(
  ('time', 'event'), [([1.0, 2], [0, 0]), ([1.0, 2], [0, 1]), ([2.0, 2], [1, 1]), ([], [])]
)
def test_without_a_comparable_pair_there_is_no_value(time, event):
  arguments = np.array(time), np.array(event), np.zeros(len(time))
  curve = censoring_curve(np.array([1.0, 9.0]), np.array([True, True]))
  for concordance in (concordance_harrell(*arguments), concordance_uno(*arguments, curve)):
    assert concordance.value is None
    assert concordance.reason == 'there is no comparable pair of cases'


def test_events_after_the_curve_of_the_censoring_have_no_weight():
  curve = censoring_curve(np.array([1.0, 5.0]), np.array([True, False]))
  arguments = np.array([2.0, 5, 7, 8]), np.array([1, 1, 1, 0]), np.array([4.0, 3, 1, 2])
  concordance = concordance_uno(*arguments, curve)
  assert concordance.value is None
  assert 'not above 0 at an event at 5; choose tau below' in concordance.reason
  assert concordance_uno(*arguments, curve, tau=5.0).value == 1


def test_many_cases_are_quick_and_need_no_matrix_of_pairs():
  time, event, risk = _cases(8, 20_000)
  start = clock.perf_counter()
  concordance = concordance_harrell(time, event, risk)
  assert clock.perf_counter() - start < 5
  assert 0.6 < concordance.value < 0.9


def test_risks_that_are_not_numbers_are_refused():
  with pytest.raises(ValueError, match='a risk is not finite'):
    concordance_harrell(np.array([1.0]), np.array([True]), np.array([np.nan]))
  with pytest.raises(ValueError, match='risk has shape'):
    concordance_harrell(np.array([1.0]), np.array([True]), np.zeros(2))
