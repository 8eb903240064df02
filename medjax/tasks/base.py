"""What training and evaluation ask of a task."""

from typing import Any, Protocol

import jax
import numpy as np

from medjax.config import Config
from medjax.evaluation import Estimate


class Task(Protocol):
  """The meaning of a network's outputs; see ``Binary``, ``Regression`` and ``PerPosition``.

  Tables are of the task's own kind: ``evaluation.Predictions`` for classes, ``evaluation.Numbers``
  for numbers and ``evaluation.Positions`` for states of positions.
  """

  @property
  def outputs(self) -> int:
    """How many outputs the network needs."""

  @property
  def monitor(self) -> str:
    """Name of the metric that chooses the best checkpoint; larger is better."""

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Loss of each example, float32 [B], of outputs float32 [B, outputs] or, of positions,
    [B, L, outputs]."""

  def predict(self, outputs: jax.Array) -> jax.Array:
    """Predictions of outputs: [B], [B, C] or [B, L, C]."""

  def table(self, prediction: np.ndarray, label: np.ndarray, **columns: Any) -> Any:
    """The predictions table of a split.

    Args:
      prediction: what ``predict`` gave, [N], [N, C] or [N, L, C], finite.
      label: [N] or [N, L].
      columns: id, group, split, metadata and, of the data, classes; where lengths differ also
        ``lengths`` [N].
    """

  def read_table(self, path: Any) -> Any:
    """A table that was written as CSV; raises UserError."""

  def score(self, table: Any) -> float | None:
    """``monitor`` alone, for every epoch; None where it is undefined."""

  def decide(self, validation: Any, step: int, config: Config) -> Any:
    """How predictions become decisions, fitted to the validation table of the checkpoint of
    ``step``; an object with ``checkpoint_step`` and ``to_json``."""

  def read_decision(self, found: dict[str, Any]) -> Any:
    """What ``to_json`` of a decision gave; raises KeyError, TypeError or ValueError."""

  def evaluate(self, table: Any, decision: Any) -> tuple[Any, dict[str, Estimate]]:
    """The table as it is shown (calibrated, for classes) and every metric with its interval."""
