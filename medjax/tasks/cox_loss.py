"""The Cox partial likelihood as a loss for networks, with Efron's ties.

The loss compares the cases of a batch with each other: each event with those still at risk in the
batch. It is a sum with its weight, not a loss an example.

References:
  Efron (1977), The efficiency of Cox's likelihood function for censored data, JASA 72:557-565.
  Katzman et al. (2018), DeepSurv: personalized treatment recommender system using a Cox
    proportional hazards deep neural network, BMC Medical Research Methodology 18:24.
"""

import jax
import jax.numpy as jnp


def cox_loss(
  risk: jax.Array, time: jax.Array, event: jax.Array, mask: jax.Array
) -> tuple[jax.Array, jax.Array]:
  """Sum of the negative log partial likelihood, and the number of events that it is a sum over.

  O(N log N), by sums of exponentials along the sorted times that are kept as logarithms: risks that
  differ by a hundred neither overflow nor vanish in float32.

  Args:
    risk: [N] log hazard ratios; where masked, anything.
    time: [N], of the event or of the end of observation; NaN where unknown.
    event: [N], 1 or True where the event was seen, else 0; NaN where unknown.
    mask: [N] bool, False for padding. Padding and cases of unknown outcome take no part.

  Returns:
    The sum and its weight, float32 each; both 0 where there is no event.

  Example:
    >>> loss, events = cox_loss(jnp.zeros(3), jnp.arange(3.0), jnp.ones(3), jnp.ones(3, bool))
    >>> round(float(loss), 4), float(events)
    (1.7918, 3.0)
  """
  time, event = jnp.asarray(time, jnp.float32), jnp.asarray(event, jnp.float32)
  known = jnp.asarray(mask, bool) & ~jnp.isnan(time) & ~jnp.isnan(event)
  risk = jnp.where(known, jnp.asarray(risk, jnp.float32), 0)
  # From the last time on, unknown cases at the end: a risk set is all up to the end of its time.
  order = jnp.argsort(jnp.where(known, -time, jnp.inf))
  risk, time, known = risk[order], time[order], known[order]
  happened = known & (event[order] > 0)
  count = len(risk)
  moment = jnp.cumsum(jnp.append(True, (time[1:] != time[:-1]) | (known[1:] != known[:-1]))) - 1
  last = jax.ops.segment_max(jnp.arange(count), moment, count, indices_are_sorted=True)
  at_risk = jax.lax.cumlogsumexp(risk)[last[moment]]

  # Of the tied events of each moment: how many, the log of their summed hazard ratios, and which
  # share of them is gone before each.
  def total(values: jax.Array) -> jax.Array:
    return jax.ops.segment_sum(values, moment, count, indices_are_sorted=True)[moment]

  most = jax.ops.segment_max(
    jnp.where(happened, risk, -jnp.inf), moment, count, indices_are_sorted=True
  )[moment]
  most = jax.lax.stop_gradient(jnp.where(jnp.isfinite(most), most, 0))
  tied = total(happened.astype(jnp.float32))
  # Where there is no event nothing may overflow: 0 times infinity is no gradient.
  hazard = total(jnp.where(happened, jnp.exp(jnp.where(happened, risk - most, 0)), 0))
  part = hazard * jnp.exp(jnp.where(happened, most - at_risk, 0))  # of the risk set
  running = jnp.cumsum(happened) - happened
  gone = (running - running[_first(moment, count)]) / jnp.maximum(tied, 1)
  # At least one of the tied events is left; rounding must not take the last one of very many.
  left = at_risk + jnp.log1p(jnp.maximum(-gone * part, -1 + 1e-6))
  return jnp.where(happened, left - risk, 0).sum(), happened.sum().astype(jnp.float32)


def _first(moment: jax.Array, count: int) -> jax.Array:
  """The first place [N] of the moment of each."""
  places = jnp.arange(count)
  return jax.ops.segment_min(places, moment, count, indices_are_sorted=True)[moment]
