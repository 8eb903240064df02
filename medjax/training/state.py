"""What changes during training, as one tree of arrays."""

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
  """

  step: jax.Array
  params: Any
  model_state: Any
  opt_state: Any

  @property
  def variables(self) -> dict[str, Any]:
    """What ``model.apply`` takes."""
    return {'params': self.params, **self.model_state}


def create(experiment: Experiment, seed: int) -> State:
  """The state before the first update; the same for the same seed on every host."""

  example = experiment.data.example

  def build(key: jax.Array) -> State:
    batch = jax.tree.map(lambda leaf: jnp.zeros((1, *leaf.shape), leaf.dtype), example)
    inputs = experiment.data.modality.inputs(batch)
    variables = experiment.model.init({'params': key}, inputs, train=False)
    params = variables.pop('params')
    return State(jnp.zeros((), jnp.int32), params, variables, experiment.optimizer.init(params))

  return jax.jit(build)(jax.random.key(seed))


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


def count(params: Any) -> int:
  """Number of parameters."""
  return sum(leaf.size for leaf in jax.tree.leaves(params))
