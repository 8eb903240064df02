"""Classification: one of two classes (sigmoid), or one of many (softmax)."""

import abc
import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import optax

from medjax import evaluation
from medjax.config import Config
from medjax.evaluation import Decision, Estimate, Predictions, calibration, conformal
from medjax.evaluation import threshold as thresholds
from medjax.tasks.base import Task

# Metrics that calibration is for, shown also without it.
_CALIBRATED = ('brier', 'log_loss', 'ece')


class _Classification(Task):
  """What two and more classes have in common."""

  def table(self, prediction: np.ndarray, label: np.ndarray, **columns: Any) -> Predictions:
    """See ``Task``; probabilities that rounding put outside of 0..1 are put back."""
    probability = np.clip(prediction.astype(np.float64), 0.0, 1.0)
    return Predictions(probability=probability, label=label.astype(np.int64), **columns)

  def read_table(self, path: Any) -> Predictions:
    """See ``evaluation.read_csv``."""
    return evaluation.read_csv(path)

  @abc.abstractmethod
  def threshold(self, validation: Predictions, rule: str, target: float) -> Estimate:
    """Where a probability becomes a call, by one of ``evaluation.threshold.RULES``."""

  @abc.abstractmethod
  def metrics(self, table: Predictions, threshold: Estimate) -> dict[str, Estimate]:
    """Every metric of calls and probabilities."""

  def decide(self, validation: Predictions, step: int, config: Config) -> Decision:
    """Fits calibration, threshold and conformal sets to a table of raw predictions."""
    fitted = calibration.fit(config.calibration, validation)
    return Decision(
      step,
      fitted,
      self.threshold(fitted.table(validation), config.operating_point, config.operating_target),
      # Raw: calibration has seen the labels, and its probabilities are better here than on new
      # cases.
      conformal.fit(config.conformal, config.coverage, validation),
    )

  def read_decision(self, found: dict[str, Any]) -> Decision:
    """See ``Decision.from_json``."""
    return Decision.from_json(found)

  def evaluate(
    self, table: Predictions, decision: Decision
  ) -> tuple[Predictions, dict[str, Estimate]]:
    """The calibrated table, its metrics, those before calibration, and what the sets are worth."""
    shown = decision.calibration.table(table)
    found = self.metrics(shown, decision.threshold)
    if decision.calibration.method != 'none':
      before = self.metrics(table, decision.threshold)
      found |= {f'{name}_uncalibrated': before[name] for name in _CALIBRATED if name in before}
    return shown, found | evaluation.conformal_metrics(table, decision.conformal)


@dataclasses.dataclass(frozen=True)
class Binary(_Classification):
  """Two classes, one logit: binary cross-entropy on logits, probability by sigmoid.

  Attributes:
    monitor: metric that chooses the best checkpoint.
    weights: see ``class_weights``.

  Example:
    >>> float(Binary().predict(jax.numpy.zeros((1, 1)))[0])
    0.5
  """

  monitor: str = 'auroc'
  outputs: int = 1
  weights: tuple[float, ...] = ()

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Binary cross-entropy [B] in nats of logits [B, 1] and ``batch['label']`` in {0, 1}."""
    label = batch['label']
    losses = optax.sigmoid_binary_cross_entropy(outputs[:, 0], label.astype(outputs.dtype))
    return _weighted(losses, label, self.weights)

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
class Multiclass(_Classification):
  """One of ``outputs`` classes: cross-entropy on logits, probabilities by softmax.

  Attributes:
    outputs: number of classes, at least 3.
    monitor: metric that chooses the best checkpoint, the mean of one-against-the-rest AUROCs.
    weights: see ``class_weights``.
  """

  outputs: int
  monitor: str = 'auroc'
  weights: tuple[float, ...] = ()

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Cross-entropy [B] in nats of logits [B, C] and class numbers ``batch['label']``."""
    losses = optax.softmax_cross_entropy_with_integer_labels(outputs, batch['label'])
    return _weighted(losses, batch['label'], self.weights)

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


def class_weights(label: np.ndarray, classes: int, power: float) -> tuple[float, ...]:
  """Weights of the classes in the loss: (1 / examples) ** power, with a mean of 1 over examples.

  With a power of 1 every class weighs the same as a whole, with 0 every example.

  Args:
    label: class numbers of the training examples, [N].
    classes: how many classes there are; one without examples has the weight of one with one.
    power: from 0 to 1.

  Example:
    >>> class_weights(np.array([0, 0, 0, 1]), 2, 1.0)
    (0.6666666666666666, 2.0)
  """
  counts = np.bincount(label, minlength=classes)
  weights = np.maximum(counts, 1.0) ** -power
  return tuple((weights * len(label) / (weights * counts).sum()).tolist())


def _weighted(losses: jax.Array, label: jax.Array, weights: tuple[float, ...]) -> jax.Array:
  return losses * jax.numpy.asarray(weights, losses.dtype)[label] if weights else losses


def classification(classes: Sequence[str], weights: tuple[float, ...] = ()) -> Binary | Multiclass:
  """The task for these classes: Binary for two, Multiclass for more.

  Args:
    classes: their names.
    weights: of each class in the loss, see ``class_weights``; empty for none.
  """
  if len(classes) == 2:
    return Binary(weights=weights)
  return Multiclass(len(classes), weights=weights)
