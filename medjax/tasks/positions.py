"""One of several states at each position of a sequence, such as secondary structure."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax

from medjax.outcomes import States
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
  def outcome(self) -> States:  # type: ignore[override]
    """States at positions, as many as outputs."""
    return States(self.outputs)

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Sum of cross-entropies [B] in nats of logits [B, L, C] over known positions / typical."""
    label = batch['label'].astype(jnp.int32)
    known = label >= 0
    each = optax.softmax_cross_entropy_with_integer_labels(outputs, label.clip(0))
    return jnp.where(known, each, 0).sum(axis=1) / self.typical

  def predict(self, outputs: jax.Array) -> jax.Array:
    """Probability of each state, [B, L, C]."""
    return jax.nn.softmax(outputs, axis=-1)
