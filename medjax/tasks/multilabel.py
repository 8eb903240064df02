"""Several classes at once: one logit a class, each against the rest."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from medjax import evaluation
from medjax.config import Config
from medjax.evaluation import Estimate, LabelDecisions, Labels
from medjax.tasks.base import Task
from medjax.tasks.classification import Binary


@dataclasses.dataclass(frozen=True)
class Multilabel(Task):
  """Any number of ``outputs`` classes: binary cross-entropy of each known label.

  Attributes:
    outputs: number of classes.
    monitor: metric that chooses the best checkpoint, the mean of AUROCs over classes.

  Example:
    >>> Multilabel(2).predict(jnp.zeros((1, 2))).tolist()
    [[0.5, 0.5]]
  """

  outputs: int
  monitor: str = 'auroc'

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Mean cross-entropy [B] in nats of logits [B, C] over the labels [B, C] of 0 and 1 that are
    known; 0 where all are NaN."""
    label = batch['label']
    known = ~jnp.isnan(label)
    losses = optax.sigmoid_binary_cross_entropy(outputs, jnp.where(known, label, 0))
    count = jnp.maximum(known.sum(axis=1), 1)
    return jnp.where(known, losses, 0).sum(axis=1) / count

  def predict(self, outputs: jax.Array) -> jax.Array:
    """Probability of each class, [B, C]."""
    return jax.nn.sigmoid(outputs)

  def table(self, prediction: np.ndarray, label: np.ndarray, **columns: Any) -> Labels:
    """See ``Task``."""
    return Labels(
      probability=prediction.astype(np.float64), label=label.astype(np.float64), **columns
    )

  def read_table(self, path: Any) -> Labels:
    """See ``evaluation.read_labels``."""
    return evaluation.read_labels(path)

  def score(self, table: Labels) -> float | None:
    """Mean AUROC over the classes that have cases and non-cases; None without any."""
    areas = []
    for number in range(self.outputs):
      one = table.of_class(number)
      areas.append(evaluation.auroc_interval(one.label, one.probability).value)
    known = [area for area in areas if area is not None]
    return sum(known) / len(known) if known else None

  def decide(self, validation: Labels, step: int, config: Config) -> LabelDecisions:
    """Fits calibration and threshold of each class by itself."""
    classes = {
      name: Binary().decide(validation.of_class(number), step, config)
      for number, name in enumerate(validation.classes)
    }
    return LabelDecisions(step, classes)

  def read_decision(self, found: dict[str, Any]) -> LabelDecisions:
    """See ``LabelDecisions.from_json``."""
    return LabelDecisions.from_json(found)

  def evaluate(self, table: Labels, decision: LabelDecisions) -> tuple[Labels, dict[str, Estimate]]:
    """The calibrated table and ``evaluation.label_metrics``."""
    shown = decision.calibrated(table)
    return shown, evaluation.label_metrics(shown, decision)
