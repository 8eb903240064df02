"""The step: pure, for one device's share of a batch, with the devices' sums named 'data'."""

from typing import Any

import jax
import jax.numpy as jnp

from medjax import optimizers
from medjax.data import feed
from medjax.data.dataset import Batch
from medjax.experiment import Experiment
from medjax.training import forward, gradient, line_search
from medjax.training.state import State, averaged

AXIS = gradient.AXIS
METRICS = ('loss', 'grad_norm', 'update_norm', 'examples')


def train_step(
  experiment: Experiment, dtype: Any, parts: int, state: State, batch: Batch, seed_key: jax.Array
) -> tuple[State, dict[str, jax.Array]]:
  """One update.

  Args:
    experiment: model, task, optimiser and augmentation.
    dtype: compute type; parameters, losses and sums stay float32.
    parts: how many parts the share is computed in, to save memory; divides its size.
    state: before the update, the same on every device.
    batch: this device's share, arrays [B, ...] with ``mask`` False for padding.
    seed_key: key of the run.

  Returns:
    The state after the update, and float32 scalars: mean ``loss`` of the batch, penalty included,
    ``grad_norm``, ``update_norm``, and the number of ``examples``.
  """
  key = jax.random.fold_in(seed_key, state.step)

  def at(params: Any) -> tuple[jax.Array, Any, Any]:
    return gradient.of_batch(experiment, dtype, parts, key, params, state.model_state, batch)

  loss, grads, model_state = at(state.params)
  # Only optimisers that search along a line look at what follows the parameters; a private update
  # has nothing to show them, as each look at the cases would have to be paid for.
  extra: dict[str, Any] = {}
  if experiment.privacy is None:
    value_fn = line_search.value_fn(lambda params: at(params)[:2])
    extra = {'value': loss, 'grad': grads, 'value_fn': value_fn}
  done = optimizers.step(experiment.optimizer, grads, state.opt_state, state.params, **extra)
  average = averaged(
    experiment.average, state.step + 1, state.average, {'params': done.params, **model_state}
  )
  return State(state.step + 1, done.params, model_state, done.state, average), {
    'loss': loss,
    'grad_norm': done.grad_norm,
    'update_norm': done.update_norm,
    'examples': _examples(experiment, batch['mask']),
  }


def _examples(experiment: Experiment, mask: jax.Array) -> jax.Array:
  """How many examples an update is of; those expected where the number itself is private."""
  if experiment.privacy is not None:
    return jnp.float32(experiment.privacy.batch)
  return jax.lax.psum(mask.sum(dtype=jnp.float32), AXIS)


def train_steps(
  experiment: Experiment,
  dtype: Any,
  parts: int,
  state: State,
  examples: Batch,
  rows: jax.Array,
  count: jax.Array,
  seed_key: jax.Array,
) -> tuple[State, dict[str, jax.Array]]:
  """Several updates, whose batches are gathered from examples on the device.

  Args:
    experiment: as for ``train_step``, like ``dtype``, ``parts``, ``state`` and ``seed_key``.
    dtype: see there.
    parts: see there.
    state: see there.
    examples: arrays [N, ...].
    rows: which of them make this device's shares, int32 [R, B]; -1 is padding.
    count: how many rows to do, from the first. Not a static number: the compiled program and its
      rounding are the same for any.
    seed_key: see there.

  Returns:
    The state after the updates, and the metrics of ``train_step``, float32 [R], 0 after ``count``.
  """

  def update(carry: Any) -> Any:
    done, state, metrics = carry
    batch = feed.gather(examples, rows[done])
    state, new = train_step(experiment, dtype, parts, state, batch, seed_key)
    return done + 1, state, {name: metrics[name].at[done].set(new[name]) for name in METRICS}

  metrics = {name: jnp.zeros(len(rows)) for name in METRICS}
  start = (jnp.zeros((), jnp.int32), state, metrics)
  _, state, metrics = jax.lax.while_loop(lambda carry: carry[0] < count, update, start)
  return state, metrics


def evaluate_step(
  experiment: Experiment, dtype: Any, variables: Any, batch: Batch
) -> dict[str, Any]:
  """What evaluation needs of a labelled batch, gathered from all devices in batch order.

  Args:
    experiment: model and task.
    dtype: compute type.
    variables: the model's variables, the same on every device.
    batch: this device's share, arrays [B, ...].

  Returns:
    The task's ``statistics``, leaves [devices * B, ...]; and ``loss`` float32 [devices * B], or for
    a task that compares examples the ``outputs`` that its loss is to be computed of.
  """
  outputs = forward.viewed(experiment, dtype, variables, experiment.data.modality.inputs(batch))
  result = {'statistics': experiment.task.statistics(outputs, batch)}
  if experiment.task.compares:
    result['outputs'] = outputs
  else:
    result['loss'] = experiment.task.loss(outputs, batch)
  return jax.lax.all_gather(result, AXIS, tiled=True)


def predict_step(experiment: Experiment, dtype: Any, variables: Any, batch: Batch) -> Any:
  """Whole predictions of a batch, labelled or not, gathered from all devices in batch order.

  Arguments as for ``evaluate_step``.

  Returns:
    The task's predictions, leaves [devices * B, ...].
  """
  predicted = forward.predicted(experiment, dtype, variables, batch)
  return jax.lax.all_gather(predicted, AXIS, tiled=True)


def predict_members_step(
  experiment: Experiment, dtype: Any, variables: Any, batch: Batch
) -> tuple[Any, Any]:
  """Whole predictions of a model of several members, together and of each.

  Arguments as for ``evaluate_step``.

  Returns:
    The task's predictions, leaves [devices * B, ...], as ``predict_step`` gives them; and those of
    each member, leaves [devices * B, members, ...].
  """
  predicted = forward.predicted_by_members(experiment, dtype, variables, batch)
  return jax.lax.all_gather(predicted, AXIS, tiled=True)
