"""What a model makes of inputs, in the compute type; shared by training and prediction."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from medjax import models
from medjax.experiment import Experiment


def apply(
  experiment: Experiment, dtype: Any, variables: Any, inputs: Any, **arguments: Any
) -> tuple[Any, Any]:
  """Float32 outputs, and the model's collections other than its parameters after it.

  Only floating leaves are cast to the compute type: bfloat16 has 8 bits for the digits of a number,
  and the number of a token, a code or a neighbour above 256 would not survive it.

  Args:
    experiment: the model.
    dtype: compute type.
    variables: parameters and other collections.
    inputs: any tree of arrays [B, ...].
    arguments: further ones of ``model.apply``.
  """
  params, others = variables['params'], {k: v for k, v in variables.items() if k != 'params'}
  result: Any = experiment.model.apply(
    {'params': cast(params, dtype), **others},
    cast(inputs, dtype),
    mutable=list(others),
    **arguments,
  )
  outputs, changed = result
  return cast(outputs, jnp.float32), changed


def viewed(
  experiment: Experiment, dtype: Any, variables: Any, inputs: Any, **arguments: Any
) -> Any:
  """Float32 outputs of a network that is not trained: their mean over the experiment's views.

  Arguments as for ``apply``.
  """
  views = experiment.views or (lambda inputs: inputs,)
  outputs = [
    apply(experiment, dtype, variables, view(inputs), train=False, **arguments)[0] for view in views
  ]
  return jax.tree.map(lambda *leaves: sum(leaves) / len(leaves), *outputs)


def predicted(experiment: Experiment, dtype: Any, variables: Any, batch: Any) -> Any:
  """The task's predictions of a batch, leaves [B, ...]; arguments as of ``step.predict_step``."""
  outputs = viewed(experiment, dtype, variables, experiment.data.modality.inputs(batch))
  return experiment.task.predict(outputs)


def predicted_by_members(
  experiment: Experiment, dtype: Any, variables: Any, batch: Any
) -> tuple[Any, Any]:
  """The same of a model of several members, together; and of each, leaves [B, members, ...]."""
  inputs = experiment.data.modality.inputs(batch)
  outputs = viewed(experiment, dtype, variables, inputs, each=True)
  together = experiment.task.predict(jax.tree.map(lambda leaf: leaf.mean(axis=0), outputs))
  return together, jax.vmap(experiment.task.predict, out_axes=1)(outputs)


def cast(tree: Any, dtype: Any) -> Any:
  """The tree with its floating leaves in another type; other leaves as they are."""

  def leaf_as(leaf: jax.Array) -> jax.Array:
    return leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

  return jax.tree.map(leaf_as, tree)


def by_member(experiment: Experiment, loss: Callable[..., Any]) -> Callable[..., Any]:
  """The loss, or for a model of several members the mean of their own losses."""
  if not models.members(experiment.model):
    return loss

  def mean(outputs: Any, batch: Any) -> Any:
    losses = jax.vmap(loss, (0, None))(outputs, batch)
    return jax.tree.map(lambda leaf: leaf.mean(axis=0), losses)

  return mean
