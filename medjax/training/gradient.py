"""The gradient of a batch's loss over all devices, also of losses that compare its examples.

Most losses are of one example. Each device adds those of its share, part by part, and the sum is
divided by the number of real examples on all devices, so that the update depends on the batch alone
and not on how many devices and parts share it. Dropout is the exception: each part of each device
draws for its own share. A model in which examples influence one another (batch normalisation) takes
``mask`` and sums over the devices' axis itself; see ``models.BatchNorm``.

A loss such as that of a risk set compares the examples of a batch with each other. Then the outputs
of all parts are computed first, without gradients, and gathered from all devices: they are small.
Every part puts its own outputs, with gradients, in their place among them. The sum of what the
parts give is the gradient of the loss of the whole batch, in the memory that one part needs: Gao,
Zhang, Han and Callan (2021), Scaling deep contrastive learning batch size under memory limited
setup (GradCache).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from medjax import models
from medjax.data import augment
from medjax.data.dataset import Batch
from medjax.experiment import Experiment
from medjax.training import forward, private

AXIS = 'data'
_SHARE = 'share'  # of each example of a batch in what was mixed of it and the one beside it

# (params, model_state, number of the part, part) -> (outputs, part as augmented, model_state)
_Outputs = Callable[[Any, Any, jax.Array, Batch], tuple[Any, Batch, Any]]
# (params, model_state, number of the part, part) -> (its share of the mean loss, model_state)
_Share = Callable[[Any, Any, jax.Array, Batch], tuple[jax.Array, Any]]


def of_batch(
  experiment: Experiment,
  dtype: Any,
  parts: int,
  key: jax.Array,
  params: Any,
  model_state: Any,
  batch: Batch,
) -> tuple[jax.Array, Any, Any]:
  """Loss of the batch over all devices, its gradients, and the model's state after it.

  Args:
    experiment: model, task, augmentation and penalty.
    dtype: compute type; parameters, losses and sums stay float32.
    parts: how many parts the share is computed in, to save memory; divides its size.
    key: key of the step.
    params: float32 parameters.
    model_state: the model's other collections.
    batch: this device's share, arrays [B, ...] with ``mask`` False for padding.

  Returns:
    The mean loss, penalty included, float32; its gradients, like ``params``; the model's state.

  Raises:
    ValueError: examples are to be mixed for a task that compares them, or their number is odd.
  """
  if experiment.privacy is not None:
    return private.of_batch(experiment, dtype, parts, key, params, model_state, batch, AXIS)
  split = jax.tree.map(lambda leaf: leaf.reshape(parts, -1, *leaf.shape[1:]), batch)

  def outputs_of(params: Any, model_state: Any, number: jax.Array, part: Batch) -> Any:
    inputs = experiment.data.modality.inputs(part)
    if experiment.augment is not None:
      inputs, part = augment.augment_examples(experiment.augment, key, inputs, part)
    if experiment.mix is not None:
      inputs, shares = augment.mix_batch(experiment.mix, key, inputs, part)
      part = part | {_SHARE: shares}
    place = jax.lax.axis_index(AXIS) * parts + number
    outputs, changed = forward.apply(
      experiment,
      dtype,
      {'params': params, **model_state},
      inputs,
      train=True,
      rngs={'dropout': jax.random.fold_in(key, place)},
      **models.mask_argument(experiment.model, part['mask']),
    )
    return outputs, part, changed

  if experiment.task.compares:
    if experiment.mix is not None:
      raise ValueError('mix: this task compares whole examples with each other, not mixtures')
    share = _of_comparison(experiment, outputs_of, params, model_state, split)
  else:
    share = _of_examples(experiment, outputs_of, batch)
  share_and_grads = jax.value_and_grad(share, has_aux=True)

  def accumulate(carry: Any, numbered: Any) -> Any:
    model_state, loss, grads = carry
    (part_loss, model_state), new = share_and_grads(params, model_state, *numbered)
    return (model_state, loss + part_loss, jax.tree.map(jnp.add, grads, new)), None

  if parts == 1:  # no scan and no zeros to add to: XLA keeps every core busy
    zero = jnp.zeros((), jnp.int32)
    (loss, model_state), grads = share_and_grads(params, model_state, zero, batch)
  else:
    start = (model_state, jnp.zeros(()), jax.tree.map(jnp.zeros_like, params))
    (model_state, loss, grads), _ = jax.lax.scan(accumulate, start, (jnp.arange(parts), split))
  if jax.lax.axis_size(AXIS) > 1:  # XLA copies the gradients even where nobody shares the work
    loss, grads = jax.lax.psum((loss, grads), AXIS)
  if experiment.penalty is not None:
    penalty, of_penalty = jax.value_and_grad(experiment.penalty)(params)
    loss, grads = loss + penalty, jax.tree.map(jnp.add, grads, of_penalty)
  changing = {name: leaves for name, leaves in model_state.items() if name != models.FIXED}
  return loss, grads, model_state | jax.lax.pmean(changing, AXIS)


def _of_examples(experiment: Experiment, outputs_of: _Outputs, batch: Batch) -> _Share:
  """A part's share of a loss of each example."""
  # Counted first, so that the gradients come out divided: no pass over the parameters for it.
  examples = jax.lax.psum(batch['mask'].sum(dtype=jnp.float32), AXIS)
  loss = forward.by_member(experiment, experiment.task.loss)

  def share(params: Any, model_state: Any, number: jax.Array, part: Batch) -> Any:
    outputs, part, changed = outputs_of(params, model_state, number, part)
    losses = loss(outputs, part)
    if experiment.mix is not None:
      of_others = loss(outputs, augment.beside(part))
      losses = part[_SHARE] * losses + (1 - part[_SHARE]) * of_others
    return jnp.where(part['mask'], losses, 0).sum() / examples, changed

  return share


def _of_comparison(
  experiment: Experiment, outputs_of: _Outputs, params: Any, model_state: Any, split: Batch
) -> _Share:
  """A part's share of a loss that compares examples; see the module's docstring."""
  loss = forward.by_member(experiment, experiment.task.loss)
  parts = len(split['mask'])
  shares = parts * jax.lax.axis_size(AXIS)
  axis_of_examples = 1 if models.members(experiment.model) else 0

  def constant(outputs: Any, part: Batch) -> Any:
    labelled = {'label': part['label'], 'mask': part['mask']}
    return jax.lax.stop_gradient((outputs, labelled))

  def without_gradient(model_state: Any, numbered: Any) -> Any:
    outputs, part, model_state = outputs_of(params, model_state, *numbered)
    return model_state, constant(outputs, part)

  stored = None  # of one part there are no others to be computed before
  if parts > 1:
    numbered = (jnp.arange(parts), split)
    stored = jax.lax.scan(without_gradient, model_state, numbered)[1]

  def share(params: Any, model_state: Any, number: jax.Array, part: Batch) -> Any:
    mine, part, changed = outputs_of(params, model_state, number, part)
    of_device = stored
    if of_device is None:
      of_device = jax.tree.map(lambda leaf: leaf[None], constant(mine, part))
    outputs, labelled = jax.lax.all_gather(of_device, AXIS)  # [devices, parts, ...]
    device = jax.lax.axis_index(AXIS)
    outputs = jax.tree.map(lambda all, new: all.at[device, number].set(new), outputs, mine)
    total, weight = loss(_joined(outputs, axis_of_examples), _joined(labelled, 0))
    mean = total / jnp.where(weight > 0, weight, 1)
    # Every part knows the whole loss, and its gradient is that of its own outputs.
    return mean - jax.lax.stop_gradient(mean) * (1 - 1 / shares), changed

  return share


def _joined(tree: Any, axis: int) -> Any:
  """Leaves [devices, parts, ...] with the examples of all of them on one axis.

  Args:
    tree: what was gathered.
    axis: of the examples in a part's own leaves.
  """

  def join(leaf: jax.Array) -> jax.Array:
    leaf = jnp.moveaxis(leaf, (0, 1), (axis, axis + 1))
    return leaf.reshape(*leaf.shape[:axis], -1, *leaf.shape[axis + 3 :])

  return jax.tree.map(join, tree)
