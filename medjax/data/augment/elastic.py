"""Elastic deformation: tissue bends, and so may an image of it."""

import dataclasses
import math

import jax
import jax.numpy as jnp

from medjax.data.augment.check import require
from medjax.data.augment.geometry import sample


@dataclasses.dataclass(frozen=True)
class Elastic:
  """Moves every pixel by a smooth random field, in one bilinear resampling.

  A grid of control points is displaced by independent normal numbers, and cubic B-splines carry the
  displacement to the pixels between them. What comes in from outside repeats the edge.

  Attributes:
    strength: Standard deviation of a control point's displacement, as a fraction of the distance
      between control points. Below 0.4 folds are rare.
    points: Control points along each side, within the image.

  Raises:
    ValueError: If an attribute is out of range.

  Source:
    Ronneberger, O., Fischer, P. and Brox, T. (2015), U-Net. MICCAI, 234-241 (a 3 x 3 grid, there
    with bicubic interpolation).

  Example:
    >>> image = jnp.zeros((16, 16, 1))
    >>> Elastic(0.2)(jax.random.key(0), image).shape
    (16, 16, 1)
  """

  strength: float = 0.15
  points: int = 4

  def __post_init__(self):
    require(0 <= self.strength < 1, 'Elastic', 'strength', self.strength, 'a fraction below 1')
    require(self.points >= 2, 'Elastic', 'points', self.points, 'at least 2')

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    height, width, _ = image.shape
    # One control point beyond each end, so that a spline of four reaches every pixel.
    grid = jax.random.normal(key, (2, self.points + 2, self.points + 2), image.dtype)
    moved = []
    for field, side in zip(grid, (height, width), strict=True):
      apart = max(side - 1, 1) / (self.points - 1)
      smooth = jnp.einsum(
        'ha,ab,wb->hw',
        _splines(height, self.points),
        field,
        _splines(width, self.points),
        precision='highest',
      )
      moved.append(self.strength * apart * smooth)
    rows, columns = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing='ij')
    return sample(image, rows + moved[0], columns + moved[1])


def _splines(pixels: int, points: int) -> jax.Array:
  """Weights float32 [pixels, points + 2] of cubic B-splines, scaled to keep the variance at points.

  The sum of squares of the weights at a control point is 1, so that a displacement there has the
  standard deviation that was asked for.
  """
  at = jnp.arange(pixels) * (points - 1) / max(pixels - 1, 1) + 1
  distance = jnp.abs(at[:, None] - jnp.arange(points + 2))
  near = (4 - 6 * distance**2 + 3 * distance**3) / 6
  far = (2 - distance) ** 3 / 6
  weights = jnp.where(distance < 1, near, jnp.where(distance < 2, far, 0))
  return weights / math.sqrt((2 / 3) ** 2 + 2 * (1 / 6) ** 2)
