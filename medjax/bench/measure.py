"""Timing that can be trusted: blocks after a warm-up, medians and quartiles, never one number."""

import dataclasses
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


@dataclasses.dataclass(frozen=True)
class Quartiles:
  """Median and quartiles of repeated measurements.

  Attributes:
    median: the middle one.
    low: a quarter of the measurements are below.
    high: a quarter are above.
    count: how many there are.

  Example:
    >>> Quartiles.of([4.0, 1.0, 2.0, 3.0, 9.0])
    Quartiles(median=3.0, low=2.0, high=4.0, count=5)
  """

  median: float
  low: float
  high: float
  count: int

  @classmethod
  def of(cls, values: Sequence[float]) -> 'Quartiles':
    """Raises ValueError without values."""
    if not len(values):
      raise ValueError('no measurement')
    low, median, high = np.quantile(np.asarray(values, float), (0.25, 0.5, 0.75)).tolist()
    return cls(median, low, high, len(values))

  def rate(self, amount: float) -> 'Quartiles':
    """``amount`` for each of what was measured, such as examples a second from seconds."""
    return Quartiles(amount / self.median, amount / self.high, amount / self.low, self.count)

  def __format__(self, spec: str) -> str:
    spec = spec or '.3g'
    return f'{self.median:{spec}} ({self.low:{spec}}-{self.high:{spec}})'


def seconds(
  run: Callable[[], Any], *, blocks: int, repeats: int = 1, warm_up: int = 1
) -> Quartiles:
  """Seconds that one call takes, over ``blocks`` timed blocks of ``repeats`` calls each.

  Args:
    run: what to time; what it returns is waited for.
    blocks: timed blocks.
    repeats: calls a block; a block is divided by it.
    warm_up: calls that are not timed, before.
  """
  for _ in range(warm_up):
    jax.block_until_ready(run())
  taken = []
  for _ in range(blocks):
    start = time.perf_counter()
    result = None
    for _ in range(repeats):
      result = run()
    jax.block_until_ready(result)
    taken.append((time.perf_counter() - start) / repeats)
  return Quartiles.of(taken)


def matrix_product(dtype: Any, *, side: int = 2048, blocks: int = 7) -> float:
  """FLOP/s of a square matrix product on one device, the best of ``blocks``: what it can do."""
  a = jnp.ones((side, side), dtype)
  product = jax.jit(lambda a: a @ a)
  # Long enough to be measured on an accelerator as well.
  repeats = 1 if jax.default_backend() == 'cpu' else 20
  taken = []
  jax.block_until_ready(product(a))
  for _ in range(blocks):
    start = time.perf_counter()
    for _ in range(repeats):
      result = product(a)
    jax.block_until_ready(result)
    taken.append((time.perf_counter() - start) / repeats)
  return 2 * side**3 / min(taken)


def flops(lowered: Any) -> float | None:
  """Floating point operations of one call on one device, as XLA counts them; None if unknown."""
  costs = lowered.cost_analysis()
  costs = costs[0] if isinstance(costs, list) else costs
  value = (costs or {}).get('flops')
  return float(value) if value and value > 0 else None


def peak_host_bytes() -> int:
  """Largest resident memory of this process so far."""
  unit = 1 if sys.platform == 'darwin' else 1024
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def peak_device_bytes(device: jax.Device) -> int | None:
  """Largest memory in use on a device so far; None where it does not say, as a CPU."""
  stats = device.memory_stats() or {}
  return stats.get('peak_bytes_in_use')
