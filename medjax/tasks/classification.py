"""Classification: one of two classes (sigmoid), or one of many (softmax)."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import optax

from medjax import evaluation
from medjax.evaluation import Estimate, Predictions
from medjax.evaluation import threshold as thresholds


@dataclasses.dataclass(frozen=True)
class Binary:
  """Two classes, one logit: binary cross-entropy on logits, probability by sigmoid.

  Attributes:
    monitor: metric that chooses the best checkpoint.

  Example:
    >>> float(Binary().predict(jax.numpy.zeros((1, 1)))[0])
    0.5
  """

  monitor: str = 'auroc'
  outputs: int = 1

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Binary cross-entropy [B] in nats of logits [B, 1] and ``batch['label']`` in {0, 1}."""
    return optax.sigmoid_binary_cross_entropy(outputs[:, 0], batch['label'].astype(outputs.dtype))

  def predict(self, outputs: jax.Array) -> jax.Array:
    """Probability of the positive class, [B]."""
    return jax.nn.sigmoid(outputs[:, 0])

  def threshold(self, validation: Predictions, rule: str, target: float) -> Estimate:
    """See ``evaluation.threshold``."""
    return thresholds.choose(rule, target, validation.label, validation.probability)

  def score(self, table: Predictions) -> float | None:
    """AUROC; None with one class only."""
    return evaluation.auroc_interval(table.label, table.probability).value

  def metrics(self, table: Predictions, threshold: Estimate) -> dict[str, Estimate]:
    """See ``evaluation.binary_metrics`` and ``evaluation.calibration_metrics``."""
    return evaluation.binary_metrics(table, threshold) | evaluation.calibration_metrics(table)


@dataclasses.dataclass(frozen=True)
class Multiclass:
  """One of ``outputs`` classes: cross-entropy on logits, probabilities by softmax.

  Attributes:
    outputs: number of classes, at least 3.
    monitor: metric that chooses the best checkpoint, the mean of one-against-the-rest AUROCs.
  """

  outputs: int
  monitor: str = 'auroc'

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Cross-entropy [B] in nats of logits [B, C] and class numbers ``batch['label']``."""
    return optax.softmax_cross_entropy_with_integer_labels(outputs, batch['label'])

  def predict(self, outputs: jax.Array) -> jax.Array:
    """Probability of each class, [B, C]."""
    return jax.nn.softmax(outputs, axis=-1)

  def threshold(self, validation: Predictions, rule: str, target: float) -> Estimate:
    """None: the decision is the most probable class."""
    return Estimate(None, reason='the decision is the most probable class')

  def score(self, table: Predictions) -> float | None:
    """Mean AUROC over the classes that have cases and non-cases; None without any."""
    areas = [
      evaluation.auroc_interval(table.label == c, table.probability[:, c]).value
      for c in range(self.outputs)
    ]
    known = [area for area in areas if area is not None]
    return sum(known) / len(known) if known else None

  def metrics(self, table: Predictions, threshold: Estimate) -> dict[str, Estimate]:
    """See ``evaluation.multiclass_metrics`` and ``evaluation.calibration_metrics``."""
    return evaluation.multiclass_metrics(table) | evaluation.calibration_metrics(table)


def classification(classes: Sequence[str]) -> Binary | Multiclass:
  """The task for these classes: Binary for two, Multiclass for more."""
  return Binary() if len(classes) == 2 else Multiclass(len(classes))
