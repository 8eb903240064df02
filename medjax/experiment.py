"""What an experiment is: data, model, task and optimiser in one frozen object."""

import dataclasses
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import optax

from medjax import tasks
from medjax.data.augment import Transform
from medjax.data.dataset import Dataset


@dataclasses.dataclass(frozen=True)
class Experiment:
  """Everything that training needs to know of one study.

  Attributes:
    data: splits of examples.
    model: linen module; ``model.apply(variables, inputs, train=...)`` gives outputs. One that has
      a parameter ``mask`` gets [batch] bool in training, False for padding.
    task: loss, prediction and metrics of the outputs.
    optimizer: the update rule. One that searches along a line, such as ``optax.lbfgs``, gets the
      batch's loss as ``value_fn``.
    augment: random transform of each training input, or None.
    penalty: of the parameters, a scalar that is added to the mean loss, such as
      ``models.l2(1 / examples)``; or None.

  Example:
    >>> medjax.Experiment(                                         # doctest: +SKIP
    ...     data=images.load(config.data), model=models.CNN(), task=tasks.Binary(),
    ...     optimizer=optax.adam(1e-3))
  """

  data: Dataset
  model: nn.Module
  task: tasks.Task
  optimizer: optax.GradientTransformation
  augment: Transform | None = None
  penalty: Callable[[Any], jax.Array] | None = None
