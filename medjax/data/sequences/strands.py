"""Random changes of sequences while training."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from medjax.ops.strand import reverse_complement


@dataclasses.dataclass(frozen=True)
class RandomStrand:
  """Either strand of a one-hot sequence [L, letters], with equal chance.

  Attributes:
    complement: the number of each letter's partner.
    axes: of one input.
  """

  complement: tuple[int, ...]
  axes: ClassVar[int] = 2

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    other = reverse_complement(image, self.complement)
    return jnp.where(jax.random.bernoulli(key), other, image)
