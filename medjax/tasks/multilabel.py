"""Several classes at once: one logit a class, each against the rest."""

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax

from medjax.outcomes import LabelSet, Outcome
from medjax.tasks.base import Task


@dataclasses.dataclass(frozen=True)
class Multilabel(Task):
  """Any number of ``outputs`` classes: binary cross-entropy of each known label.

  Attributes:
    outputs: number of classes.
    smoothing: share of a label that is given to both answers alike; see ``Binary``.

  Example:
    >>> Multilabel(2).predict(jnp.zeros((1, 2))).tolist()
    [[0.5, 0.5]]
  """

  outputs: int
  smoothing: float = 0.0
  outcome: Outcome = LabelSet()
  link: ClassVar[str] = 'logit'

  def targets(self, label: np.ndarray) -> np.ndarray:
    """1 for each class of a case, 0 for the others, NaN where that is not known."""
    return np.asarray(label, np.float64)

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Mean cross-entropy [B] in nats of logits [B, C] over the labels [B, C] of 0 and 1 that are
    known; 0 where all are NaN."""
    label = batch['label']
    known = ~jnp.isnan(label)
    wanted = jnp.where(known, label, 0) * (1 - self.smoothing) + self.smoothing / 2
    losses = optax.sigmoid_binary_cross_entropy(outputs, wanted)
    count = jnp.maximum(known.sum(axis=1), 1)
    return jnp.where(known, losses, 0).sum(axis=1) / count

  def predict(self, outputs: jax.Array) -> jax.Array:
    """Probability of each class, [B, C]."""
    return jax.nn.sigmoid(outputs)

  def explained(self, outputs: jax.Array, target: jax.Array) -> jax.Array:
    """The logit of the class; see ``Binary.explained``."""
    return jnp.take_along_axis(outputs, jnp.asarray(target)[:, None], axis=1)[:, 0]
