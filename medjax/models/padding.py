"""Where a sequence ends: rows of zeros after it are padding."""

import jax
import jax.numpy as jnp


def present(x: jax.Array) -> jax.Array:
  """Which places of padded sequences [B, L, channels] are theirs: bool [B, L].

  Padding is what comes after the last row that is not all zeros, so a signal may be zero on its
  way.

  Example:
    >>> present(jnp.array([[[1.0], [0.0], [2.0], [0.0]]])).tolist()
    [[True, True, True, False]]
  """
  return jax.lax.cummax(x.any(axis=-1).astype(jnp.int8), axis=1, reverse=True) > 0
