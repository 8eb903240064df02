"""Regression: one number, by squared error."""

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from medjax.evaluation import Coefficients, coefficients
from medjax.outcomes import Number, Outcome
from medjax.tasks.base import Task, numbers


@numbers('mean', 'scale')
@dataclasses.dataclass(frozen=True)
class Regression(Task):
  """One number: half the squared error of the standardised label.

  The network's output is in standard deviations from the mean of the training labels, so that it
  learns as fast whatever the unit.

  Attributes:
    mean: of the training labels, in their unit.
    scale: their standard deviation, in their unit.

  Example:
    >>> float(Regression(mean=10.0, scale=2.0).predict(jnp.ones((1, 1)))[0])
    12.0
  """

  mean: float = 0.0
  scale: float = 1.0
  outputs: int = 1
  outcome: Outcome = Number()
  link: ClassVar[str] = 'identity'

  def targets(self, label: np.ndarray) -> np.ndarray:
    """Standardised labels."""
    return ((np.asarray(label, np.float64) - self.mean) / self.scale)[:, None]

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Half the squared error [B] of outputs [B, 1]; 0 where ``batch['label']`` is NaN."""
    label = (batch['label'] - self.mean) / self.scale
    # An output that is NaN must show in the loss.
    return 0.5 * jnp.square(jnp.where(jnp.isnan(label), 0, outputs[:, 0] - label))

  def predict(self, outputs: jax.Array) -> jax.Array:
    """The number in the label's unit, [B]."""
    return outputs[:, 0] * self.scale + self.mean

  def explained(self, outputs: jax.Array, target: jax.Array) -> jax.Array:
    """The number predicted, in the label's unit."""
    return self.predict(outputs)

  def coefficients(
    self, inputs: np.ndarray, label: Any, kernel: np.ndarray, bias: float, **about: Any
  ) -> Coefficients:
    """See ``evaluation.coefficients.linear``; in the label's unit."""
    kernel, bias = kernel * self.scale, bias * self.scale + self.mean
    return coefficients.linear(inputs, label, kernel, bias, **about)
