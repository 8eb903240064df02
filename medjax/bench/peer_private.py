"""The same training with differential privacy, in medjax."""

from collections.abc import Callable
from typing import Any

from medjax.bench import peer_medjax
from medjax.privacy import Privacy, accounting

# Of a study of 544 patients, ten epochs: epsilon 3.
UNITS, EPSILON, DELTA, UPDATES = 544, 3.0, 1.8e-4, 170
NOISE_MULTIPLIER, CLIP_NORM = 1.19, 1.0


def build(
  spec: dict[str, Any], *, compiled: bool
) -> tuple[dict[str, Any], Callable[[], None], Callable[[], None]]:
  """What it is, one step on a Poisson draw, and a wait until all steps are done."""
  return peer_medjax.build(spec, compiled=compiled, private=mechanism(spec['batch_size']))


def mechanism(batch: int) -> Privacy:
  """The mechanism of every private entrant."""
  width = accounting.width(UNITS, batch, UPDATES, EPSILON, DELTA)
  return Privacy(
    'patient', UNITS, EPSILON, DELTA, CLIP_NORM, NOISE_MULTIPLIER, batch, width, UPDATES
  )
