"""What is explained of a trained network: one number for each input."""

from typing import Any

import jax

from medjax.experiment import Experiment
from medjax.explain import Score


def score_function(experiment: Experiment, variables: Any) -> Score:
  """The number that the task explains, such as the logit of a class, of inputs and class numbers.

  Args:
    experiment: its model and task; see ``Task.explained``.
    variables: of the model.

  Returns:
    (inputs float32 [n, ...], classes int [n]) -> [n]. The variables are arrays of its tree; see
    ``explain.compiled``.

  Example:
    >>> score = score_function(experiment, variables)              # doctest: +SKIP
    >>> score(x, np.ones(len(x), int)).shape
    (8,)
  """

  def score(variables: Any, x: jax.Array, target: jax.Array) -> jax.Array:
    outputs: Any = experiment.model.apply(variables, x, train=False)
    return experiment.task.explained(outputs, target)

  return jax.tree_util.Partial(score, jax.device_put(variables))
