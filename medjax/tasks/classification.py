"""Classification: one of two classes (sigmoid), or one of many (softmax)."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import numpy as np
import optax

from medjax.errors import UserError
from medjax.evaluation import Coefficients, coefficients
from medjax.outcomes import Classes, Outcome
from medjax.tasks.base import Task, numbers
from medjax.tasks.multilabel import Multilabel


@numbers('weights')
@dataclasses.dataclass(frozen=True)
class Binary(Task):
  """Two classes, one logit: binary cross-entropy on logits, probability by sigmoid.

  Attributes:
    weights: see ``class_weights``.
    smoothing: share of a label that is given to both classes alike (label smoothing; Szegedy et al.
      2016, CVPR).

  Example:
    >>> float(Binary().predict(jax.numpy.zeros((1, 1)))[0])
    0.5
  """

  outputs: int = 1
  weights: tuple[float, ...] = ()
  smoothing: float = 0.0
  outcome: Outcome = Classes()
  link: ClassVar[str] = 'logit'

  def targets(self, label: np.ndarray) -> np.ndarray:
    """1 for the positive class, and 0."""
    return np.asarray(label, np.float64)[:, None]

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Binary cross-entropy [B] in nats of logits [B, 1] and ``batch['label']`` in {0, 1}."""
    label = batch['label']
    wanted = label.astype(outputs.dtype) * (1 - self.smoothing) + self.smoothing / 2
    losses = optax.sigmoid_binary_cross_entropy(outputs[:, 0], wanted)
    return _weighted(losses, label, self.weights)

  def predict(self, outputs: jax.Array) -> jax.Array:
    """Probability of the positive class, [B]."""
    return jax.nn.sigmoid(outputs[:, 0])

  def explained(self, outputs: jax.Array, target: jax.Array) -> jax.Array:
    """The logit of the positive class, and minus that for the other.

    A logit and not a probability is explained: where a probability is close to 0 or 1 its gradient
    vanishes, however much an input matters.
    """
    return jax.numpy.where(target == 1, outputs[:, 0], -outputs[:, 0])

  def coefficients(
    self, inputs: np.ndarray, label: Any, kernel: np.ndarray, bias: float, **about: Any
  ) -> Coefficients:
    """See ``evaluation.coefficients.logistic``."""
    return coefficients.logistic(inputs, label, kernel, bias, **about)


@numbers('weights')
@dataclasses.dataclass(frozen=True)
class Multiclass(Task):
  """One of ``outputs`` classes: cross-entropy on logits, probabilities by softmax.

  Attributes:
    outputs: number of classes, at least 3.
    weights: see ``class_weights``.
    smoothing: share of a label that is given to all classes alike; see ``Binary``.
  """

  outputs: int
  weights: tuple[float, ...] = ()
  smoothing: float = 0.0
  outcome: Outcome = Classes()
  link: ClassVar[str] = 'log'

  def targets(self, label: np.ndarray) -> np.ndarray:
    """1 for the class of a case, and 0 for the others."""
    return np.eye(self.outputs)[label]

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Cross-entropy [B] in nats of logits [B, C] and class numbers ``batch['label']``."""
    losses = optax.softmax_cross_entropy_with_integer_labels(outputs, batch['label'])
    if self.smoothing:
      alike = -jax.nn.log_softmax(outputs).mean(-1)
      losses = (1 - self.smoothing) * losses + self.smoothing * alike
    return _weighted(losses, batch['label'], self.weights)

  def predict(self, outputs: jax.Array) -> jax.Array:
    """Probability of each class, [B, C]."""
    return jax.nn.softmax(outputs, axis=-1)

  def explained(self, outputs: jax.Array, target: jax.Array) -> jax.Array:
    """The logit of the class."""
    return jax.numpy.take_along_axis(outputs, jax.numpy.asarray(target)[:, None], axis=1)[:, 0]


def class_weights(label: np.ndarray | None, classes: int, power: float) -> tuple[float, ...]:
  """Weights of the classes in the loss: (1 / examples) ** power, with a mean of 1 over examples.

  With a power of 1 every class weighs the same as a whole, with 0 every example.

  Args:
    label: class numbers of the training examples, [N]; None where there are none.
    classes: how many classes there are; one without examples has the weight of one with one.
    power: from 0 to 1.

  Returns:
    A weight a class; none where examples weigh the same or there are none.

  Raises:
    UserError: examples are of several classes at once.

  Example:
    >>> class_weights(np.array([0, 0, 0, 1]), 2, 1.0)
    (0.6666666666666666, 2.0)
  """
  if label is None or not power:
    return ()
  if label.ndim > 1:
    raise UserError(
      'config.class_weight: expected 0 where an example is of several classes at once'
    )
  counts = np.bincount(label, minlength=classes)
  weights = np.maximum(counts, 1.0) ** -power
  return tuple((weights * len(label) / (weights * counts).sum()).tolist())


def _weighted(losses: jax.Array, label: jax.Array, weights: tuple[float, ...]) -> jax.Array:
  return losses * jax.numpy.asarray(weights, losses.dtype)[label] if weights else losses


def classification(
  classes: Sequence[str],
  weights: tuple[float, ...] = (),
  *,
  several: bool = False,
  smoothing: float = 0.0,
) -> Binary | Multiclass | Multilabel:
  """The task for these classes: Binary for two, Multiclass for more, Multilabel for several.

  Args:
    classes: their names.
    weights: of each class in the loss, see ``class_weights``; empty for none.
    several: whether an example is of any number of them at once.
    smoothing: see ``Binary``.
  """
  if several:
    return Multilabel(len(classes), smoothing)
  if len(classes) == 2:
    return Binary(weights=weights, smoothing=smoothing)
  return Multiclass(len(classes), weights=weights, smoothing=smoothing)
