"""The discrete-time hazard model: the probability of the event in each of K intervals.

Interval k is (cuts[k - 1], cuts[k]], the first one from 0 on, so that survival at ``cuts[k]`` is
the probability of no event up to and with it, as Kaplan-Meier has it. Its hazard is the probability
of the event in it for who came to its start, sigmoid of a logit. Hazards need not be proportional.

References:
  Gensheimer and Narasimhan (2019), A scalable discrete-time survival model for neural networks,
    PeerJ 7:e6257 (nnet-survival).
"""

import jax
import jax.numpy as jnp
import numpy as np


def discrete_time_loss(
  logits: jax.Array, time: jax.Array, event: jax.Array, cuts: np.ndarray
) -> jax.Array:
  """Negative log likelihood of each case, float32 [N].

  An event counts as surviving the intervals before that of its time, and as having it in that one.
  A case censored within an interval counts as surviving that interval too if it was observed for at
  least half of it, and otherwise only those before, as in nnet-survival. Who is observed beyond the
  last cut survives all intervals, whatever comes later.

  Args:
    logits: [N, K] of the hazards.
    time: [N], of the event or of the end of observation; NaN where unknown.
    event: [N], 1 or True where the event was seen, else 0; NaN where unknown.
    cuts: [K], where intervals end, rising from above 0, in the unit of ``time``.

  Returns:
    The losses in nats; 0 where the outcome is unknown.

  Raises:
    ValueError: cuts are not as above.

  Example:
    >>> logits = jnp.zeros((1, 3))
    >>> discrete_time_loss(logits, jnp.array([15.0]), jnp.array([1]), np.array([10, 20, 30]))
    Array([1.3862944], dtype=float32)
  """
  ends = _checked(cuts, logits)
  starts = np.append(np.float32(0), ends[:-1])
  time, event = jnp.asarray(time, jnp.float32)[:, None], jnp.asarray(event, jnp.float32)[:, None]
  unknown = jnp.isnan(time) | jnp.isnan(event)
  happened = event > 0
  survived = jnp.where(happened, time > ends, time >= (starts + ends) / 2)
  # An event at time 0 is in the first interval.
  failed = happened & (time <= ends) & ((time > starts) | (starts == 0))
  logits = jnp.asarray(logits, jnp.float32)
  losses = jnp.where(survived, jax.nn.softplus(logits), 0)
  losses += jnp.where(failed, jax.nn.softplus(-logits), 0)
  return jnp.where(unknown[:, 0], 0, losses.sum(axis=1))


def discrete_survival(logits: jax.Array) -> jax.Array:
  """Probability of no event up to the end of each interval, float32 [N, K] of logits [N, K].

  Example:
    >>> discrete_survival(jnp.zeros((1, 3))).tolist()
    [[0.5, 0.25, 0.125]]
  """
  return jnp.exp(-jnp.cumsum(jax.nn.softplus(jnp.asarray(logits, jnp.float32)), axis=1))


def survival_between(logits: jax.Array, cuts: np.ndarray, times: np.ndarray) -> jax.Array:
  """Probability of no event up to given times, linear between the ends of intervals, [N, T].

  Args:
    logits: [N, K] of the hazards.
    cuts: [K], where intervals end.
    times: [T] from 0 to the last cut; the model says nothing of later ones.

  Raises:
    ValueError: a time is outside, or cuts do not rise.

  Example:
    >>> survival_between(jnp.zeros((1, 2)), np.array([10, 20]), np.array([0, 5, 20])).tolist()
    [[1.0, 0.75, 0.25]]
  """
  ends, times = _checked(cuts, logits), np.asarray(times, np.float32)
  if not ((times >= 0) & (times <= ends[-1])).all():
    raise ValueError(f'a time is outside 0 to {ends[-1]:g}, where intervals end')
  survival = discrete_survival(logits)
  with_start = jnp.concatenate([jnp.ones((survival.shape[0], 1), jnp.float32), survival], axis=1)
  knots = jnp.append(jnp.float32(0), ends)
  return jax.vmap(lambda values: jnp.interp(times, knots, values))(with_start)


def _checked(cuts: np.ndarray, logits: jax.Array) -> np.ndarray:
  ends = np.asarray(cuts, np.float32)
  if ends.ndim != 1 or not len(ends) or ends[0] <= 0 or not (np.diff(ends) > 0).all():
    raise ValueError(f'cuts are {ends.tolist()}; expected numbers that rise from above 0')
  if logits.ndim != 2 or logits.shape[1] != len(ends):
    raise ValueError(f'logits have shape {logits.shape}; expected [N, {len(ends)}] as cuts')
  return ends
