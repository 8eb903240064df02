"""Survival: the time until an event, which may not have been seen (right censoring).

Labels are a tree, ``{'time': float32 [N], 'event': bool [N]}``: the time of the event, or of the
end of observation where ``event`` is False; NaN where nothing is known of a case, which then takes
no part in the loss.
"""

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from medjax.evaluation import Coefficients
from medjax.evaluation.cox_coefficients import cox
from medjax.outcomes.survival import Survival
from medjax.tasks.base import Task
from medjax.tasks.cox_loss import cox_loss
from medjax.tasks.discrete_time import discrete_survival, discrete_time_loss


@dataclasses.dataclass(frozen=True)
class Cox(Task):
  """Proportional hazards: one output, the log hazard ratio to a case whose output is 0.

  The loss is the negative partial log likelihood with Efron's ties, over the number of events. It
  compares each event with those at risk in its batch, so that batches should hold dozens of events;
  without hidden layers and in full batches this is Cox regression. Survival comes from a baseline
  hazard that is fitted on validation; see ``evaluation.SurvivalDecision``.

  References: Cox (1972), Regression models and life-tables, JRSS B 34:187-220; Katzman et al.
  (2018), DeepSurv, BMC Medical Research Methodology 18:24.

  Attributes:
    horizons: times at which survival is told, rising, in the unit of the labels.
    unit: of the times, such as 'days', for readers; '' where it is not known.

  Example:
    >>> Cox((365.0, 730.0), 'days').outputs
    1
  """

  horizons: tuple[float, ...] = ()
  unit: str = ''
  outputs: int = 1
  compares: ClassVar[bool] = True

  @property
  def outcome(self) -> Survival:  # type: ignore[override]
    """Survival by proportional hazards."""
    return Survival(self.horizons, unit=self.unit)

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> tuple[jax.Array, jax.Array]:
    """See ``cox_loss``: a sum over the events of the batch, and their number."""
    label = batch['label']
    return cox_loss(outputs[:, 0], label['time'], label['event'], batch['mask'])

  def predict(self, outputs: jax.Array) -> jax.Array:
    """The log hazard ratio, [B]."""
    return outputs[:, 0]

  def explained(self, outputs: jax.Array, target: jax.Array) -> jax.Array:
    """The log hazard ratio."""
    return outputs[:, 0]

  def coefficients(
    self, inputs: np.ndarray, label: Any, kernel: np.ndarray, bias: float, **about: Any
  ) -> Coefficients:
    """See ``evaluation.cox_coefficients``; the constant has no meaning in a Cox model."""
    return cox(inputs, label['time'], label['event'], kernel, **about)


@dataclasses.dataclass(frozen=True)
class DiscreteTime(Task):
  """The hazard of each of several intervals, free to cross between cases, unlike proportional ones.

  See ``discrete_time`` for the loss and its reference. Risk, by which cases are ranked, is the log
  of the mean cumulative hazard at the ends of the intervals, the mortality of Ishwaran, Kogalur,
  Blackstone and Lauer (2008), Random survival forests, Annals of Applied Statistics 2:841-860.
  Where hazards are proportional it differs between cases as the log hazard ratio does.

  Attributes:
    cuts: where intervals end, rising from above 0, in the unit of the labels.
    horizons: times at which survival is told, rising, up to the last cut.
    unit: of the times, such as 'days', for readers; '' where it is not known.

  Example:
    >>> DiscreteTime((100.0, 200.0, 400.0)).outputs
    3
  """

  cuts: tuple[float, ...]
  horizons: tuple[float, ...] = ()
  unit: str = ''

  @property
  def outputs(self) -> int:  # type: ignore[override]
    """One an interval."""
    return len(self.cuts)

  @property
  def outcome(self) -> Survival:  # type: ignore[override]
    """Survival by intervals."""
    return Survival(self.horizons, self.cuts, self.unit)

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """See ``discrete_time_loss``, [B] of logits [B, K]."""
    label = batch['label']
    return discrete_time_loss(outputs, label['time'], label['event'], np.array(self.cuts))

  def predict(self, outputs: jax.Array) -> jax.Array:
    """Risk, then survival at the end of each interval, [B, 1 + K]."""
    risk = self.explained(outputs, jnp.zeros(len(outputs), jnp.int32))
    return jnp.concatenate([risk[:, None], discrete_survival(outputs)], axis=1)

  def explained(self, outputs: jax.Array, target: jax.Array) -> jax.Array:
    """The risk."""
    cumulative = jnp.cumsum(jax.nn.softplus(outputs), axis=1)
    # A hazard that float32 takes for none must not give minus infinity.
    return jnp.log(jnp.maximum(cumulative.mean(axis=1), jnp.finfo(jnp.float32).tiny))
