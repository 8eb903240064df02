"""Regression: one number, by squared error."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from medjax import evaluation
from medjax.config import Config
from medjax.evaluation import Estimate, Interval, Numbers
from medjax.tasks.base import Task


@dataclasses.dataclass(frozen=True)
class Regression(Task):
  """One number: half the squared error of the standardised label.

  The network's output is in standard deviations from the mean of the training labels, so that it
  learns as fast whatever the unit.

  Attributes:
    mean: of the training labels, in their unit.
    scale: their standard deviation, in their unit.
    monitor: metric that chooses the best checkpoint.

  Example:
    >>> float(Regression(mean=10.0, scale=2.0).predict(jnp.ones((1, 1)))[0])
    12.0
  """

  mean: float = 0.0
  scale: float = 1.0
  monitor: str = 'r2'
  outputs: int = 1

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Half the squared error [B] of outputs [B, 1]; 0 where ``batch['label']`` is NaN."""
    label = (batch['label'] - self.mean) / self.scale
    # An output that is NaN must show in the loss.
    return 0.5 * jnp.square(jnp.where(jnp.isnan(label), 0, outputs[:, 0] - label))

  def predict(self, outputs: jax.Array) -> jax.Array:
    """The number in the label's unit, [B]."""
    return outputs[:, 0] * self.scale + self.mean

  def table(self, prediction: np.ndarray, label: np.ndarray, **columns: Any) -> Numbers:
    """See ``Task``."""
    del columns['classes']
    return Numbers(
      prediction=prediction.astype(np.float64), label=label.astype(np.float64), **columns
    )

  def read_table(self, path: Any) -> Numbers:
    """See ``evaluation.read_numbers``."""
    return evaluation.read_numbers(path)

  def score(self, table: Numbers) -> float | None:
    """R2; None where all labels are equal."""
    known = table.labelled()
    if not len(known) or np.ptp(known.label) == 0:
      return None
    spread = np.square(known.label - known.label.mean()).sum()
    return float(1 - np.square(known.label - known.prediction).sum() / spread)

  def decide(self, validation: Numbers, step: int, config: Config) -> Interval:
    """Fits the width of conformal intervals."""
    return Interval.fit(validation, step, config.coverage)

  def read_decision(self, found: dict[str, Any]) -> Interval:
    """See ``Interval.from_json``."""
    return Interval.from_json(found)

  def evaluate(self, table: Numbers, decision: Interval) -> tuple[Numbers, dict[str, Estimate]]:
    """The table and ``evaluation.number_metrics``."""
    return table, evaluation.number_metrics(table, decision)
