"""What changes during training, as one tree of arrays."""

import functools
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from medjax.errors import UserError
from medjax.experiment import Experiment


@flax.struct.dataclass
class State:
  """Everything a step reads and replaces; no random key, keys are folded from the step.

  Attributes:
    step: updates done, int32 scalar.
    params: float32 parameters.
    model_state: the model's other collections, such as batch statistics.
    opt_state: the optimiser's state.
    average: moving average of the variables; None where there is none.
  """

  step: jax.Array
  params: Any
  model_state: Any
  opt_state: Any
  average: Any = None

  @property
  def variables(self) -> dict[str, Any]:
    """What ``model.apply`` takes where the network is not trained: the average, if there is one."""
    return {'params': self.params, **self.model_state} if self.average is None else self.average


def create(experiment: Experiment, seed: int) -> State:
  """The state before the first update; the same for the same seed on every host."""
  return jax.jit(functools.partial(of_key, experiment))(jax.random.key(seed))


def of_key(experiment: Experiment, key: jax.Array) -> State:
  """The state before the first update for a key, as ``create`` compiles it."""
  example = experiment.data.example
  batch = jax.tree.map(lambda leaf: jnp.zeros((1, *leaf.shape), leaf.dtype), example)
  inputs = experiment.data.modality.inputs(batch)
  variables = experiment.model.init({'params': key}, inputs, train=False)
  average = variables if experiment.average else None
  params = variables['params']
  others = {name: leaves for name, leaves in variables.items() if name != 'params'}
  opt_state = experiment.optimizer.init(params)
  return State(jnp.zeros((), jnp.int32), params, others, opt_state, average)


def abstract(experiment: Experiment) -> State:
  """The state's tree with shapes and dtypes in place of arrays.

  Raises:
    UserError: the model does not take inputs of the data's shape.
  """
  try:
    return jax.eval_shape(lambda: create(experiment, 0))
  except (TypeError, ValueError) as error:
    reason = (str(error).splitlines() or ['no reason given'])[0]
    raise UserError(f'the model does not take these data: {reason}') from None


def averaged(decay: float, step: jax.Array, average: Any, variables: Any) -> Any:
  """The moving average of variables after an update.

  Early on it is that of fewer updates, so that it soon forgets where the network began: the decay
  is at most (1 + step) / (10 + step).

  Args:
    decay: share of the average that stays; 0.999 is about the mean of the last 1000 updates.
    step: updates done, this one included.
    average: before it; None where there is none.
    variables: after the update; leaves that hold whole numbers are taken as they are.
  """
  if average is None:
    return None
  kept = jnp.minimum(decay, (1 + step) / (10 + step))

  def leaf_of(old: jax.Array, new: jax.Array) -> jax.Array:
    return new + kept * (old - new) if jnp.issubdtype(new.dtype, jnp.floating) else new

  return jax.tree.map(leaf_of, average, variables)


def count(params: Any) -> int:
  """Number of parameters."""
  return sum(leaf.size for leaf in jax.tree.leaves(params))
