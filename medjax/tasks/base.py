"""What training and evaluation ask of a task."""

from typing import Any, Protocol

import jax

from medjax.evaluation import Estimate, Predictions


class Task(Protocol):
  """The meaning of a network's outputs; see ``Binary`` for an example of one."""

  @property
  def outputs(self) -> int:
    """How many outputs the network needs."""

  @property
  def monitor(self) -> str:
    """Name of the metric that chooses the best checkpoint; larger is better."""

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Loss of each example, float32 [B], of outputs float32 [B, outputs]."""

  def predict(self, outputs: jax.Array) -> jax.Array:
    """Predictions of outputs: [B] or [B, C]."""

  def threshold(self, validation: Predictions, rule: str, target: float) -> Estimate:
    """Where a prediction becomes a decision, chosen on the validation table by one of
    ``evaluation.threshold.RULES``; value None where it takes no threshold."""

  def score(self, table: Predictions) -> float | None:
    """``monitor`` alone, for every epoch; None where it is undefined."""

  def metrics(self, table: Predictions, threshold: Estimate) -> dict[str, Estimate]:
    """Every metric with its interval."""
