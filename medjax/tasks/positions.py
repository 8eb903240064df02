"""One of several states at each position of a sequence, such as secondary structure."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from medjax import evaluation
from medjax.config import Config
from medjax.evaluation import Confidence, Estimate, Positions
from medjax.tasks.base import Task


@dataclasses.dataclass(frozen=True)
class PerPosition(Task):
  """One of ``outputs`` states at each position: cross-entropy on logits, probabilities by softmax.

  Labels are numbers of states [B, L], -1 where the state is not known; such positions count for
  nothing. A chain's loss is a sum, so that positions count alike whatever the length of theirs.

  Attributes:
    outputs: number of states, at least 2.
    typical: known positions of a typical chain, by which losses are divided, so that the loss of a
      batch is about that of a position.

  Example:
    >>> task = PerPosition(outputs=3, typical=2.0)
    >>> label = jnp.array([[0, 2, -1, -1]])
    >>> float(task.loss(jnp.zeros((1, 4, 3)), {'label': label})[0])    # log(3)
    1.0986123085021973
  """

  outputs: int
  typical: float = 1.0

  @property
  def monitor(self) -> str:
    """'q3' for three states: the share of positions that are right."""
    return f'q{self.outputs}'

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Sum of cross-entropies [B] in nats of logits [B, L, C] over known positions / typical."""
    label = batch['label'].astype(jnp.int32)
    known = label >= 0
    each = optax.softmax_cross_entropy_with_integer_labels(outputs, label.clip(0))
    return jnp.where(known, each, 0).sum(axis=1) / self.typical

  def predict(self, outputs: jax.Array) -> jax.Array:
    """Probability of each state, [B, L, C]."""
    return jax.nn.softmax(outputs, axis=-1)

  def table(self, prediction: np.ndarray, label: np.ndarray, **columns: Any) -> Positions:
    """See ``Task``; ``columns`` have ``lengths`` where chains differ in length."""
    lengths = columns.pop('lengths', np.full(len(label), label.shape[1]))
    states = columns.pop('classes')
    return Positions.of_probabilities(prediction, label, lengths, states=states, **columns)

  def read_table(self, path: Any) -> Positions:
    """See ``evaluation.read_positions``."""
    return evaluation.read_positions(path)

  def score(self, table: Positions) -> float | None:
    """Share of known positions that are right; None without any."""
    counts = table.confusion().sum(axis=0)
    return float(np.trace(counts) / counts.sum()) if counts.sum() else None

  def decide(self, validation: Positions, step: int, config: Config) -> Confidence:
    """Counts how often each digit of confidence is right."""
    return Confidence.fit(validation, step)

  def read_decision(self, found: dict[str, Any]) -> Confidence:
    """See ``Confidence.from_json``."""
    return Confidence.from_json(found)

  def evaluate(
    self, table: Positions, decision: Confidence
  ) -> tuple[Positions, dict[str, Estimate]]:
    """The table and ``evaluation.position_metrics``."""
    return table, evaluation.position_metrics(table)
