"""Gaussian noise on a sum of gradients.

jax_privacy draws it by JAX. On a CPU that takes as long as the gradient of a small network with
many parameters, and there a kernel in C++ (see ``ops.native``) draws it from a stream cipher while
it adds it.
"""

from typing import Any

import jax
import jax.numpy as jnp

from medjax.ops import native


def add(total: Any, key: jax.Array, deviation: float, scale: float) -> Any:
  """``(total + deviation * normal) * scale``, the normal numbers independent.

  Args:
    total: tree of float32 arrays.
    key: that the noise is drawn from.
    deviation: standard deviation of the noise.
    scale: what the sum is multiplied by.

  Example:
    >>> float(add(jnp.ones(()), jax.random.key(0), 0.0, 0.5))
    0.5
  """
  if native.available():
    leaves, structure = jax.tree.flatten(total)
    settings = jnp.array([deviation, scale], jnp.float32)
    noised = [_noised(leaf, jax.random.fold_in(key, i), settings) for i, leaf in enumerate(leaves)]
    return jax.tree.unflatten(structure, noised)
  from jax_privacy import noise_addition

  privatizer = noise_addition.gaussian_privatizer(stddev=deviation, prng_key=key)
  noised, _ = privatizer.update(total, privatizer.init(total))
  return jax.tree.map(lambda leaf: leaf * scale, noised)


def _noised(leaf: jax.Array, key: jax.Array, settings: jax.Array) -> jax.Array:
  words = jax.random.bits(key, (8,), jnp.uint32)
  results = [(leaf.shape, jnp.float32)]
  return native.call('medjax_noise', results, leaf, words, settings, in_place=1)[0]
