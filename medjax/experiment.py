"""What an experiment is: data, model, task and optimiser in one frozen object."""

import dataclasses
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import optax

from medjax import tasks, transfer
from medjax.data.augment import Mix, Transform, View
from medjax.data.dataset import Dataset
from medjax.privacy import Privacy


@dataclasses.dataclass(frozen=True)
class Experiment:
  """Everything that training needs to know of one study.

  Attributes:
    data: splits of examples, with the owner of their inputs, ``data.modality``.
    model: linen module; ``model.apply(variables, inputs, train=...)`` gives outputs of any tree of
      inputs. See ``models.Model`` for what it may declare, such as that it takes the mask.
    task: loss and predictions of the outputs, with the owner of the labels, ``task.outcome``.
    optimizer: the update rule. One that searches along a line, such as ``optax.lbfgs``, gets the
      batch's loss as ``value_fn``.
    augment: random transform of each training input, or None; ``augment.Joint`` moves targets too.
    mix: random mixture of pairs of training inputs, such as ``augment.Mixup``, or None; the loss is
      that of both labels, each by its share.
    balance: from 0, where every training example is seen once an epoch, to 1, where all classes are
      seen as often; see ``feed.balanced_order``.
    average: decay of the moving average of the network's variables that is evaluated; 0 for the
      variables themselves.
    views: changes of a batch of inputs, such as ``augment.views('flip')``, over which outputs are
      averaged wherever the network is not trained; none for the inputs as they are.
    penalty: of the parameters, a scalar that is added to the mean loss, such as
      ``models.L2(1 / examples)``; or None.
    beside: how what is beside the network of a ``models.Beside`` is fitted to the training cases
      before the first update; or None.
    start: where weights come from before the first update; None for random ones.
    privacy: how updates are clipped and noised, so that none tells much of a patient; or None.

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
  mix: Mix | None = None
  balance: float = 0.0
  average: float = 0.0
  views: tuple[View, ...] = ()
  penalty: Callable[[Any], jax.Array] | None = None
  beside: transfer.Beside | None = None
  start: transfer.Source | None = None
  privacy: Privacy | None = None
