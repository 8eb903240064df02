"""The gradient of a private update: each unit's cut to a norm, their sum noised once.

What the step does with it is what it does with any gradient; see ``medjax.privacy`` for what is
covered. Rows are those of a Poisson draw: real ones first, then padding. As the number of real ones
changes from update to update, the gradient is compiled for a few widths, and each update takes the
narrowest that holds its rows: one program, and next to no work for padding. The sum is divided by
the number of units that is expected, as the number that was drawn is private too.

The loss of a private update is that of private cases, without noise, and so is not told: it is 0 in
the step's metrics, and nobody logs it. A penalty on parameters is of no case, and is added outside
what is cut.
"""

from typing import Any

import jax
import jax.numpy as jnp

from medjax.data import augment
from medjax.data.dataset import Batch
from medjax.experiment import Experiment
from medjax.privacy import Privacy, clipping, noise
from medjax.training import forward

_WIDTHS = (1.0, 1.25, 1.5)  # of a share, over the number of units that is expected in it


def of_batch(
  experiment: Experiment,
  dtype: Any,
  parts: int,
  key: jax.Array,
  params: Any,
  model_state: Any,
  batch: Batch,
  axis: str,
) -> tuple[jax.Array, Any, Any]:
  """As ``gradient.of_batch``, of an experiment with ``privacy``.

  Args:
    experiment: see there, like further arguments.
    dtype: see there.
    parts: see there.
    key: of the step; noise is drawn from it, so that it comes from ``sampling.system_key``.
    params: see there.
    model_state: of a network without any, as others are refused.
    batch: this device's share; in each of its parts real rows come first.
    axis: name of the devices' axis.

  Returns:
    0 for the loss, the noised gradient, and the model's state.
  """
  privacy = experiment.privacy
  assert privacy is not None
  expected = -(-privacy.batch // (parts * jax.lax.axis_size(axis)))
  drawn, noised = jax.random.split(key)
  place = jax.lax.axis_index(axis) * parts
  of_part = _OfRows(experiment, dtype, privacy, expected)
  if parts == 1:
    total = of_part(params, batch, jax.random.fold_in(drawn, place))
  else:
    split = jax.tree.map(lambda leaf: leaf.reshape(parts, -1, *leaf.shape[1:]), batch)

    def add(total: Any, numbered: Any) -> Any:
      number, part = numbered
      new = of_part(params, part, jax.random.fold_in(drawn, place + number))
      return jax.tree.map(jnp.add, total, new), None

    zeros = jax.tree.map(jnp.zeros_like, params)
    total, _ = jax.lax.scan(add, zeros, (jnp.arange(parts), split))
  if jax.lax.axis_size(axis) > 1:
    total = jax.lax.psum(total, axis)
  # The same key, and so the same noise, on every device: it is added once.
  deviation = privacy.noise_multiplier * privacy.clip_norm
  grads = noise.add(total, noised, deviation, 1 / privacy.batch)
  loss = jnp.zeros(())
  if experiment.penalty is not None:
    of_penalty = jax.grad(experiment.penalty)(params)
    grads = jax.tree.map(jnp.add, grads, of_penalty)
  return loss, grads, model_state


class _OfRows:
  """The sum of clipped gradients of rows, of which the first are real."""

  def __init__(self, experiment: Experiment, dtype: Any, privacy: Privacy, expected: int):
    self._experiment, self._dtype, self._privacy = experiment, dtype, privacy
    self._expected = expected

  def __call__(self, params: Any, rows: Batch, key: jax.Array) -> Any:
    width = len(rows['mask'])
    widths = sorted({min(width, round(share * self._expected)) for share in _WIDTHS} | {width})

    def of_first(count: int) -> Any:
      def summed(rows: Batch) -> Any:
        first = jax.tree.map(lambda leaf: leaf[:count], rows)
        return clipping.clipped_sum(self._losses, params, first, key, self._privacy.clip_norm)

      return summed

    if len(widths) == 1:
      return of_first(width)(rows)
    number = jnp.searchsorted(jnp.asarray(widths), rows['mask'].sum())
    return jax.lax.switch(number, [of_first(count) for count in widths], rows)

  def _losses(self, params: Any, rows: Batch, key: jax.Array) -> jax.Array:
    experiment = self._experiment
    inputs = experiment.data.modality.inputs(rows)
    if experiment.augment is not None:
      inputs, rows = augment.augment_examples(experiment.augment, key, inputs, rows)
    outputs, _ = forward.apply(
      experiment, self._dtype, {'params': params}, inputs, train=True, rngs={'dropout': key}
    )
    return forward.by_member(experiment, experiment.task.loss)(outputs, rows)
