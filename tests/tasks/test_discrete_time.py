"""The discrete-time likelihood against a loop over intervals as nnet-survival writes it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax.tasks.discrete_time import discrete_survival, discrete_time_loss, survival_between

CUTS = np.array([10.0, 25.0, 60.0, 100.0])


def _likelihood(hazard, time, event):
  """Of one case, from its hazards: survival of whole intervals, and the event."""
  breaks = [0.0, *CUTS]
  likelihood = 1.0
  for index, rate in enumerate(hazard):
    start, end = breaks[index], breaks[index + 1]
    if event:
      if time > end:
        likelihood *= 1 - rate
      elif start < time <= end:
        likelihood *= rate
    elif time >= start + 0.5 * (end - start):
      likelihood *= 1 - rate
  return likelihood


def test_loss_is_the_negative_log_likelihood():
  random = np.random.default_rng(0)
  time = random.uniform(1, 130, 200)
  # At cuts and in the middle of intervals.
  time[:8] = [10, 25, 60, 100, 5, 17.5, 42.5, 80]
  time[8:16] = time[:8]
  event = np.append(np.repeat([True, False], 8), random.random(184) < 0.5)
  logits = random.normal(size=(200, 4))
  losses = discrete_time_loss(jnp.asarray(logits), jnp.asarray(time), jnp.asarray(event), CUTS)
  hazard = 1 / (1 + np.exp(-logits))
  expected = [-np.log(_likelihood(*case)) for case in zip(hazard, time, event, strict=True)]
  np.testing.assert_allclose(losses, expected, rtol=2e-5, atol=1e-6)


def test_unknown_outcomes_have_no_loss_and_no_gradient():
  time, event = jnp.array([jnp.nan, 20.0, 20.0]), jnp.array([1.0, jnp.nan, 1.0])

  def loss(logits):
    return discrete_time_loss(logits, time, event, CUTS).sum()

  slope = jax.grad(loss)(jnp.full((3, 4), 40.0))
  assert (slope[:2] == 0).all()
  assert np.isfinite(slope).all()
  assert (slope[2, :2] != 0).any()


def test_an_event_at_time_0_is_in_the_first_interval():
  losses = discrete_time_loss(jnp.zeros((1, 4)), jnp.zeros(1), jnp.ones(1), CUTS)
  assert float(losses[0]) == pytest.approx(np.log(2))


def test_the_best_constant_hazard_is_that_of_the_life_table():
  random = np.random.default_rng(1)
  time = np.minimum(random.exponential(50, 4000), 130)
  event = time < 130
  starts = np.append(0, CUTS[:-1])
  at_risk = np.array([(time > start).sum() for start in starts])
  died = np.array([((time > a) & (time <= b)).sum() for a, b in zip(starts, CUTS, strict=True)])
  hazard = died / at_risk
  logits = jnp.asarray(np.log(hazard / (1 - hazard)))

  def loss(row):
    return discrete_time_loss(jnp.tile(row, (4000, 1)), time, event, CUTS).mean()

  np.testing.assert_allclose(jax.grad(loss)(logits), 0, atol=1e-6)
  # Without censoring the model's survival is the share that is left.
  survival = discrete_survival(logits[None])[0]
  np.testing.assert_allclose(survival, [(time > cut).mean() for cut in CUTS], rtol=1e-5)


def test_survival_is_linear_between_the_ends_of_intervals():
  logits = jnp.asarray(np.random.default_rng(2).normal(size=(3, 4)))
  ends = np.asarray(discrete_survival(logits))
  hazard = np.asarray(jax.nn.sigmoid(logits))
  np.testing.assert_allclose(ends, np.cumprod(1 - hazard, axis=1), rtol=1e-5)
  survival = survival_between(logits, CUTS, np.array([0.0, 5.0, 10.0, 42.5, 100.0]))
  expected = [np.ones(3), (1 + ends[:, 0]) / 2, ends[:, 0], ends[:, 1:3].mean(axis=1), ends[:, 3]]
  np.testing.assert_allclose(survival, np.stack(expected, axis=1), rtol=1e-5)


def test_what_cannot_be():
  logits = jnp.zeros((2, 4))
  with pytest.raises(ValueError, match='a time is outside 0 to 100'):
    survival_between(logits, CUTS, np.array([101.0]))
  with pytest.raises(ValueError, match='expected numbers that rise'):
    survival_between(logits, CUTS[::-1], np.array([1.0]))
  with pytest.raises(ValueError, match=r'expected \[N, 4\] as cuts'):
    discrete_time_loss(jnp.zeros((2, 3)), jnp.ones(2), jnp.ones(2), CUTS)
