"""What a private run does, solved for before it begins."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Privacy:
  """The mechanism of a run: Poisson-sampled, clipped and noised updates.

  Attributes:
    unit: whose presence is protected, 'patient' or 'example'.
    units: how many of them are trained on; taken as known.
    epsilon: what the whole training may spend.
    delta: chance beyond which nothing is promised.
    clip_norm: Euclidean norm that the gradient of one unit is cut to.
    noise_multiplier: standard deviation of the noise on the sum of gradients, over ``clip_norm``.
    batch: units that are expected in an update; what the sum is divided by.
    width: units at most in an update; the chance of more in a run is taken from ``delta``.
    updates: that are planned.
    statistics: noise multipliers of what was released of the training rows before.

  Example:
    >>> Privacy('patient', 500, 3.0, 2e-4, 1.0, 0.9, 32, 80, 160).rate
    0.064
  """

  unit: str
  units: int
  epsilon: float
  delta: float
  clip_norm: float
  noise_multiplier: float
  batch: int
  width: int
  updates: int
  statistics: tuple[float, ...] = ()

  @property
  def rate(self) -> float:
    """Chance of a unit to take part in an update."""
    return self.batch / self.units

  @classmethod
  def of_json(cls, value: Mapping[str, Any]) -> 'Privacy':
    """Of what ``to_json`` gives."""
    own = {field.name: value[field.name] for field in dataclasses.fields(cls)}
    return cls(**own | {'statistics': tuple(own['statistics'])})

  def to_json(self) -> dict[str, Any]:
    """JSON values."""
    return {**dataclasses.asdict(self), 'statistics': list(self.statistics), 'rate': self.rate}
