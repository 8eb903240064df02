"""The other strand of DNA, on one-hot sequences."""

import jax
import jax.numpy as jnp
import numpy as np


def reverse_complement(x: jax.Array, complement: tuple[int, ...]) -> jax.Array:
  """The other strand of one-hot sequences [..., L, letters], padding at the end as before.

  Args:
    x: rows of zeros, which are padding, stand after the sequence only.
    complement: the number of each letter's partner.

  Example:
    >>> x = jnp.eye(4)[jnp.array([[0, 1, 1]])]                        # ACC
    >>> reverse_complement(x, (3, 2, 1, 0)).argmax(-1)                # GGT
    Array([[2, 2, 3]], dtype=int32)
  """
  length = x.any(axis=-1).sum(axis=-1)
  place = length[..., None] - 1 - jnp.arange(x.shape[-2])
  turned = jnp.take_along_axis(x, jnp.where(place >= 0, place, 0)[..., None], axis=-2)
  return jnp.where((place >= 0)[..., None], turned, 0)[..., np.array(complement)]
