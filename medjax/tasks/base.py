"""What training and evaluation ask of a task."""

import abc
from typing import Any, ClassVar

import numpy as np

from medjax.config import Config
from medjax.evaluation import Estimate


class Task(abc.ABC):
  """The meaning of a network's outputs; see ``Binary``, ``Regression`` and ``PerPosition``.

  Tables are of the task's own kind: ``evaluation.Predictions`` for classes, ``evaluation.Numbers``
  for numbers and ``evaluation.Positions`` for states of positions.

  Attributes:
    outputs: how many outputs the network needs.
    monitor: name of the metric that chooses the best checkpoint; larger is better.
    compares: whether the loss compares the examples of a batch with each other, as that of a risk
      set does. Then ``loss`` gives a sum over the batch and the weight that divides it.
  """

  outputs: int
  monitor: str
  compares: ClassVar[bool] = False

  @abc.abstractmethod
  def loss(self, outputs: Any, batch: dict[str, Any]) -> Any:
    """Loss of each example, float32 [B].

    Args:
      outputs: float32 [B, outputs] or, of positions, [B, L, outputs].
      batch: arrays [B, ...] with ``label`` and ``mask``. Where the task ``compares``, these two
        alone, and of all devices' examples; the result then is a sum and its weight, scalars, to
        which examples with ``mask`` False must not contribute.
    """

  @abc.abstractmethod
  def predict(self, outputs: Any) -> Any:
    """Predictions of outputs: [B], [B, C] or [B, L, C]."""

  def statistics(self, outputs: Any, batch: dict[str, Any]) -> Any:
    """What evaluation needs of labelled examples, leaves [B, ...]: by default the predictions.

    It travels back from the devices, so that a task with large predictions gives something small
    instead, such as the counts that an overlap of masks is computed of.
    """
    return self.predict(outputs)

  @abc.abstractmethod
  def table(self, prediction: np.ndarray, label: np.ndarray, **columns: Any) -> Any:
    """The predictions table of a split.

    Args:
      prediction: what ``predict`` gave, [N], [N, C] or [N, L, C], finite.
      label: [N] or [N, L].
      columns: id, group, split, metadata and, of the data, classes; where lengths differ also
        ``lengths`` [N].
    """

  @abc.abstractmethod
  def read_table(self, path: Any) -> Any:
    """A table that was written as CSV; raises UserError."""

  @abc.abstractmethod
  def score(self, table: Any) -> float | None:
    """``monitor`` alone, for every epoch; None where it is undefined."""

  @abc.abstractmethod
  def decide(self, validation: Any, step: int, config: Config) -> Any:
    """How predictions become decisions, fitted to the validation table of the checkpoint of
    ``step``; an object with ``checkpoint_step`` and ``to_json``."""

  @abc.abstractmethod
  def read_decision(self, found: dict[str, Any]) -> Any:
    """What ``to_json`` of a decision gave; raises KeyError, TypeError or ValueError."""

  @abc.abstractmethod
  def evaluate(self, table: Any, decision: Any) -> tuple[Any, dict[str, Estimate]]:
    """The table as it is shown (calibrated, for classes) and every metric with its interval."""
