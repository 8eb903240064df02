"""Cutout: a square of the image is hidden."""

import dataclasses

import jax
import jax.numpy as jnp

from medjax.data.augment.check import require


@dataclasses.dataclass(frozen=True)
class Cutout:
  """Fills a random square with the image's mean.

  Its centre is anywhere in the image, so that part of the square may lie outside.

  Attributes:
    side: Side of the square, as a fraction of the shorter side of the image.
    probability: How often an image has one.

  Raises:
    ValueError: If an attribute is out of range.

  Source:
    DeVries, T. and Taylor, G. W. (2017), Improved regularization of convolutional neural networks
    with cutout. https://arxiv.org/abs/1708.04552

  Example:
    >>> Cutout(0.5, probability=1.0)(jax.random.key(0), jnp.ones((8, 8, 1))).shape
    (8, 8, 1)
  """

  side: float = 0.25
  probability: float = 0.5

  def __post_init__(self):
    require(0 < self.side <= 1, 'Cutout', 'side', self.side, 'a fraction above 0')
    require(0 <= self.probability <= 1, 'Cutout', 'probability', self.probability, 'a probability')

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    height, width, _ = image.shape
    half = self.side * min(height, width) / 2
    of_row, of_column, of_use = jax.random.uniform(key, (3,))
    hidden = (
      (jnp.abs(jnp.arange(height) + 0.5 - of_row * height) < half)[:, None]
      & (jnp.abs(jnp.arange(width) + 0.5 - of_column * width) < half)
      & (of_use < self.probability)
    )
    return jnp.where(hidden[..., None], image.mean((0, 1)), image)
