"""The Cox loss against the float64 likelihood and a loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax.evaluation import PartialLikelihood
from medjax.tasks.cox_loss import cox_loss

LOSS = jax.jit(jax.value_and_grad(cox_loss, has_aux=True))
SIZE = 64


def _cases(seed, days, spread=1.0):
  random = np.random.default_rng(seed)
  time = np.ceil(random.exponential(days, SIZE))
  return (spread * random.normal(size=SIZE)).astype(np.float32), time, random.random(SIZE) < 0.5


def _call(risk, time, event, mask=None):
  mask = np.ones(len(risk), bool) if mask is None else mask
  arrays = [jnp.asarray(array, jnp.float32) for array in (risk, time, event)]
  (loss, weight), slope = LOSS(*arrays, jnp.asarray(mask))
  return float(loss), float(weight), np.asarray(slope)


@pytest.mark.parametrize('days', [2, 10, 1e5])
@pytest.mark.parametrize('spread', [1.0, 17.0])
def test_value_and_gradient_are_those_of_the_float64_likelihood(days, spread):
  risk, time, event = _cases(0, days, spread)
  loss, weight, slope = _call(risk, time, event)
  likelihood = PartialLikelihood(time, event)
  assert loss == pytest.approx(-likelihood.value(risk), rel=2e-6)
  assert weight == event.sum()
  np.testing.assert_allclose(slope, -likelihood.gradient(risk), rtol=3e-5, atol=2e-5)


def test_it_is_a_sum_over_events_of_logs_of_risk_sets():
  risk, time, event = _cases(1, 4)
  expected = 0.0
  for moment in set(time[event].tolist()):
    tied = np.flatnonzero(event & (time == moment))
    for gone, case in enumerate(tied):
      at_risk = sum(np.exp(float(risk[j])) for j in range(SIZE) if time[j] >= moment)
      at_risk -= gone / len(tied) * sum(np.exp(float(risk[j])) for j in tied)
      expected -= float(risk[case]) - np.log(at_risk)
  assert _call(risk, time, event)[0] == pytest.approx(expected, rel=1e-6)


def test_padding_and_unknown_outcomes_have_no_influence():
  risk, time, event = _cases(2, 5)
  mask = np.random.default_rng(0).random(SIZE) < 0.7
  event = event.astype(float)
  unknown = np.flatnonzero(mask)[:4]
  kept = mask.copy()
  kept[unknown] = False
  expected = PartialLikelihood(time[kept], event[kept])
  time[unknown[:2]], event[unknown[2:]] = np.nan, np.nan
  risk[~mask] = np.nan
  loss, weight, slope = _call(risk, time, event, mask)
  assert loss == pytest.approx(-expected.value(risk[kept]), rel=1e-6)
  assert weight == event[kept].sum()
  np.testing.assert_allclose(slope[kept], -expected.gradient(risk[kept]), atol=1e-5)
  assert (slope[~kept] == 0).all()


def test_without_an_event_it_is_0():
  risk, time, event = _cases(3, 5)
  for mask, happened in ((np.ones(SIZE, bool), 0 * event), (np.zeros(SIZE, bool), event)):
    loss, weight, slope = _call(risk, time, happened, mask)
    assert (loss, weight) == (0, 0)
    assert (slope == 0).all()


@pytest.mark.parametrize('order', [1, -1])
@pytest.mark.parametrize('days', [1, 50])
def test_risks_of_50_are_safe(order, days):
  _, time, event = _cases(4, days)
  risk = np.where(np.random.default_rng(1).random(SIZE) < 0.5, -50, 50).astype(np.float32)
  # The right order and the worst: the smallest risk has the event first.
  risk = np.sort(risk)[np.argsort(np.argsort(-order * time))]
  loss, _, slope = _call(risk, time, event)
  likelihood = PartialLikelihood(time, event)
  assert loss == pytest.approx(-likelihood.value(risk), rel=1e-5, abs=1e-4)
  np.testing.assert_allclose(slope, -likelihood.gradient(risk), atol=5e-5)
  # A constant plays no part, however large.
  for constant in (-1000, 1000):
    moved, _, slope_of_moved = _call(risk + constant, time, event)
    assert moved == pytest.approx(loss, rel=1e-3, abs=1e-2)
    np.testing.assert_allclose(slope_of_moved, slope, atol=0.02, rtol=2e-3)


def test_all_events_at_once():
  risk = np.array([50, -50, 0] + [-50] * (SIZE - 3), np.float32)
  loss, _, slope = _call(risk, np.ones(SIZE), np.ones(SIZE))
  likelihood = PartialLikelihood(np.ones(SIZE), np.ones(SIZE))
  assert loss == pytest.approx(-likelihood.value(risk), rel=1e-5)
  np.testing.assert_allclose(slope, -likelihood.gradient(risk), rtol=1e-3, atol=1e-3)
