"""The step: pure, for one device's share of a batch, with the devices' sums named 'data'.

Every loss is divided by the number of real examples on all devices, so that the update depends on
the batch alone and not on how many devices share it. Dropout is the exception: each device draws
for its own share. A model in which examples influence one another (batch normalisation) takes
``mask`` and sums over the devices' axis itself; see ``models.BatchNorm``.
"""

import inspect
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from medjax import models
from medjax.data import augment, feed
from medjax.data.dataset import Batch
from medjax.experiment import Experiment
from medjax.training.state import State

AXIS = 'data'
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
  # Counted first, so that the gradients come out divided: no pass over the parameters for it.
  examples = jax.lax.psum(batch['mask'].sum(dtype=jnp.float32), AXIS)

  def share_of_loss(params: Any, model_state: Any, part: Batch, number: jax.Array) -> Any:
    inputs = experiment.data.inputs(part)
    if experiment.augment is not None:
      inputs = augment.augment_batch(experiment.augment, key, inputs, part['index'].clip(0))
    place = jax.lax.axis_index(AXIS) * parts + number
    variables = {'params': _cast(params, dtype), **model_state}
    outputs, changed = experiment.model.apply(
      variables,
      inputs.astype(dtype),
      train=True,
      mutable=list(model_state),
      rngs={'dropout': jax.random.fold_in(key, place)},
      **_padding(experiment.model, part),
    )
    losses = _losses(experiment, outputs.astype(jnp.float32), part)
    return jnp.where(part['mask'], losses, 0).sum() / examples, changed

  def whole(params: Any) -> tuple[jax.Array, Any, Any]:
    """Loss of the batch over all devices, its gradients, and the model's state after it."""

    def accumulate(carry: Any, numbered: Any) -> Any:
      model_state, loss, grads = carry
      number, part = numbered
      (more, model_state), new = jax.value_and_grad(share_of_loss, has_aux=True)(
        params, model_state, part, number
      )
      return (model_state, loss + more, jax.tree.map(jnp.add, grads, new)), None

    if parts == 1:  # no scan and no zeros to add to: XLA keeps every core busy
      (loss, model_state), grads = jax.value_and_grad(share_of_loss, has_aux=True)(
        params, state.model_state, batch, jnp.zeros((), jnp.int32)
      )
    else:
      split = jax.tree.map(lambda a: a.reshape(parts, -1, *a.shape[1:]), batch)
      start = (state.model_state, jnp.zeros(()), jax.tree.map(jnp.zeros_like, params))
      (model_state, loss, grads), _ = jax.lax.scan(accumulate, start, (jnp.arange(parts), split))
    if jax.lax.axis_size(AXIS) > 1:  # XLA copies the gradients even where nobody shares the work
      loss, grads = jax.lax.psum((loss, grads), AXIS)
    if experiment.penalty is not None:
      more, of_penalty = jax.value_and_grad(experiment.penalty)(params)
      loss, grads = loss + more, jax.tree.map(jnp.add, grads, of_penalty)
    return loss, grads, model_state

  @jax.custom_vjp
  def value(params: Any) -> jax.Array:
    """The loss alone; JAX's own gradient of a sum over devices counts one share many times."""
    return whole(params)[0]

  value.defvjp(
    lambda params: whole(params)[:2],
    lambda grads, slope: (jax.tree.map(lambda grad: slope * grad, grads),),
  )

  loss, grads, model_state = whole(state.params)
  # Only optimisers that search along a line look at what follows the parameters.
  updates, opt_state = optax.with_extra_args_support(experiment.optimizer).update(
    grads, state.opt_state, state.params, value=loss, grad=grads, value_fn=value
  )
  new_state = State(
    step=state.step + 1,
    params=optax.apply_updates(state.params, updates),
    model_state=jax.lax.pmean(model_state, AXIS),
    opt_state=opt_state,
  )
  return new_state, {
    'loss': loss,
    'grad_norm': _norm(grads),
    'update_norm': _norm(updates),
    'examples': examples,
  }


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


def predict_step(
  experiment: Experiment, dtype: Any, variables: Any, batch: Batch
) -> dict[str, jax.Array]:
  """Predictions and losses of a batch, gathered from all devices in batch order.

  Args:
    experiment: model and task.
    dtype: compute type.
    variables: the model's variables, the same on every device.
    batch: this device's share, arrays [B, ...].

  Returns:
    ``prediction`` float32 and ``loss`` float32 for all devices' examples, [devices * B, ...].
  """
  params, rest = variables['params'], {k: v for k, v in variables.items() if k != 'params'}
  inputs = experiment.data.inputs(batch).astype(dtype)
  outputs: Any = experiment.model.apply(
    {'params': _cast(params, dtype), **rest}, inputs, train=False
  )
  outputs = outputs.astype(jnp.float32)
  result = {'prediction': experiment.task.predict(outputs)}
  if 'label' in batch:
    result['loss'] = experiment.task.loss(outputs, batch)
  return jax.lax.all_gather(result, AXIS, tiled=True)


def _losses(experiment: Experiment, outputs: jax.Array, batch: Batch) -> jax.Array:
  """The loss of each example, [B]; of an ensemble the mean over its members."""
  if isinstance(experiment.model, models.Ensemble):
    return jax.vmap(experiment.task.loss, (0, None))(outputs, batch).mean(axis=0)
  return experiment.task.loss(outputs, batch)


def _padding(model: nn.Module, batch: Batch) -> dict[str, Any]:
  """The mask, for a model whose examples influence one another, as in batch normalisation."""
  takes = 'mask' in inspect.signature(type(model).__call__).parameters
  return {'mask': batch['mask']} if takes else {}


def _norm(tree: Any) -> jax.Array:
  """Euclidean norm of all leaves; products, as XLA would write the squares to memory first."""
  return jnp.sqrt(sum(jnp.vdot(leaf, leaf) for leaf in jax.tree.leaves(tree)))


def _cast(tree: Any, dtype: Any) -> Any:
  def cast(leaf: jax.Array) -> jax.Array:
    return leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

  return jax.tree.map(cast, tree)
