"""Survival: the time until an event, which may not have been seen (right censoring).

Labels are a tree, ``{'time': float32 [N], 'event': bool [N]}``: the time of the event, or of the
end of observation where ``event`` is False; NaN where nothing is known of a case, which then takes
no part in the loss.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np

from medjax.errors import UserError
from medjax.evaluation import Coefficients
from medjax.evaluation.cox_coefficients import cox
from medjax.outcomes.survival import Survival
from medjax.tasks.base import Task
from medjax.tasks.cox_loss import cox_loss
from medjax.tasks.discrete_time import discrete_survival, discrete_time_loss

_LEAST_HAZARD = 1e-3


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
    hazards: of each interval, in (0, 1), what an output of 0 stands for, such as those of all
      training cases, so that the network has to learn only how cases differ; a half where empty.

  Example:
    >>> DiscreteTime((100.0, 200.0, 400.0)).outputs
    3
  """

  cuts: tuple[float, ...]
  horizons: tuple[float, ...] = ()
  unit: str = ''
  hazards: tuple[float, ...] = ()

  @classmethod
  def of_events(
    cls,
    times: Sequence[float],
    survival: Sequence[float],
    intervals: int,
    horizons: tuple[float, ...] = (),
    unit: str = '',
  ) -> Self:
    """Intervals that have as many events each, and their hazards.

    Args:
      times: percentiles 0 to 100 of the times of the training cases' events.
      survival: the Kaplan-Meier curve of the training cases at these times.
      intervals: how many, at most; fewer where many events are at the same time.
      horizons: see above.
      unit: see above.

    Raises:
      UserError: every event is at time 0.

    Example:
      >>> task = DiscreteTime.of_events(np.arange(101), np.linspace(1, 0.5, 101), 2)
      >>> task.cuts, [round(hazard, 3) for hazard in task.hazards]
      ((50.0, 100.0), [0.25, 0.333])
    """
    if not times[-1] > 0:
      raise UserError('a discrete-time model needs an event after time 0; every event is at time 0')
    ends = np.percentile(times, np.arange(1, intervals + 1) / intervals * 100)
    # In the type that the loss compares them in, where two of them may be one.
    ends = np.unique(ends.astype(np.float32)).astype(np.float64)
    ends = ends[ends > 0]
    at_ends = np.interp(ends, times, survival)
    hazards = 1 - at_ends / np.append(1.0, at_ends[:-1])
    # Nobody may be left after the last event.
    hazards = np.clip(hazards, _LEAST_HAZARD, 1 - _LEAST_HAZARD)
    return cls(tuple(ends.tolist()), horizons, unit, tuple(hazards.tolist()))

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
    logits = self._logits(outputs)
    return discrete_time_loss(logits, label['time'], label['event'], np.array(self.cuts))

  def predict(self, outputs: jax.Array) -> jax.Array:
    """Risk, then survival at the end of each interval, [B, 1 + K]."""
    risk = self.explained(outputs, jnp.zeros(outputs.shape[0], jnp.int32))
    return jnp.concatenate([risk[:, None], discrete_survival(self._logits(outputs))], axis=1)

  def explained(self, outputs: jax.Array, target: jax.Array) -> jax.Array:
    """The risk."""
    cumulative = jnp.cumsum(jax.nn.softplus(self._logits(outputs)), axis=1)
    # A hazard that float32 takes for none must not give minus infinity.
    return jnp.log(jnp.maximum(cumulative.mean(axis=1), jnp.finfo(jnp.float32).tiny))

  def _logits(self, outputs: jax.Array) -> jax.Array:
    if not self.hazards:
      return outputs
    hazards = np.array(self.hazards)
    return outputs + jnp.asarray(np.log(hazards / (1 - hazards)), jnp.float32)
