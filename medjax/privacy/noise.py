"""Gaussian noise on a sum of gradients."""

from typing import Any

import jax


def add(total: Any, key: jax.Array, deviation: float, scale: float) -> Any:
  """``(total + deviation * normal) * scale``, the normal numbers independent.

  Args:
    total: tree of float32 arrays.
    key: that the noise is drawn from.
    deviation: standard deviation of the noise.
    scale: what the sum is multiplied by.

  Example:
    >>> float(add(jax.numpy.ones(()), jax.random.key(0), 0.0, 0.5))
    0.5
  """
  from jax_privacy import noise_addition

  privatizer = noise_addition.gaussian_privatizer(stddev=deviation, prng_key=key)
  noised, _ = privatizer.update(total, privatizer.init(total))
  return jax.tree.map(lambda leaf: leaf * scale, noised)
