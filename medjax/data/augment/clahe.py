"""CLAHE: local contrast, as radiographs are often shown."""

import dataclasses

import jax
import jax.numpy as jnp

from medjax.data.augment.check import require, require_range


@dataclasses.dataclass(frozen=True)
class CLAHE:
  """Contrast-limited adaptive histogram equalisation, of a random strength.

  The image is cut into tiles. In each, grey values are replaced by their rank among the tile's
  pixels, after the histogram was clipped and what was cut off spread over all values, which limits
  how steep the replacement is. Between tiles it is interpolated. Of several channels their mean is
  equalised, and all are moved by what the mean is.

  Attributes:
    clip: Lowest and highest limit, in multiples of the mean height of a histogram, drawn uniformly;
      1 leaves the contrast as it is.
    tiles: Tiles along each side; OpenCV's default.
    probability: How often an image is changed.

  Raises:
    ValueError: If an attribute is out of range; when called, if a side has fewer pixels than tiles.

  Source:
    Zuiderveld, K. (1994), Contrast limited adaptive histogram equalization. Graphics Gems IV,
    474-485.

  Example:
    >>> CLAHE((2.0, 2.0), tiles=2)(jax.random.key(0), jnp.zeros((8, 8, 1))).shape
    (8, 8, 1)
  """

  clip: tuple[float, float] = (1.0, 4.0)
  tiles: int = 8
  probability: float = 0.5

  def __post_init__(self):
    require_range('CLAHE', 'clip', *self.clip)
    require(self.clip[0] >= 1, 'CLAHE', 'clip', self.clip, 'at least 1')
    require(self.tiles >= 1, 'CLAHE', 'tiles', self.tiles, 'at least 1')
    require(0 <= self.probability <= 1, 'CLAHE', 'probability', self.probability, 'a probability')

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    of_clip, of_use = jax.random.uniform(key, (2,))
    clip = self.clip[0] + (self.clip[1] - self.clip[0]) * of_clip
    grey = image.mean(-1)
    change = equalised(grey, clip, self.tiles) - grey
    changed = jnp.clip(image + change[..., None], 0, 1)
    return jnp.where(of_use < self.probability, changed, image)


_BINS = 256


def equalised(grey: jax.Array, clip: jax.Array | float, tiles: int) -> jax.Array:
  """The image after contrast-limited adaptive histogram equalisation.

  Args:
    grey: float [H, W] in 0 to 1, taken in 256 steps.
    clip: limit of a histogram's height, in multiples of its mean.
    tiles: along each side.

  Returns:
    float [H, W] in 0 to 1.

  Raises:
    ValueError: a side has fewer pixels than there are tiles.
  """
  height, width = grey.shape
  if min(height, width) < tiles:
    raise ValueError(f'CLAHE tiles={tiles} are more than the image of {height}x{width} has pixels')
  # As OpenCV does, the image is continued so that all tiles are of one size.
  tall, wide = -(-height // tiles), -(-width // tiles)
  padded = jnp.pad(grey, ((0, tall * tiles - height), (0, wide * tiles - width)), 'reflect')
  level = jnp.clip(jnp.round(padded * (_BINS - 1)), 0, _BINS - 1).astype(jnp.int32)
  tile = (jnp.arange(tall * tiles) // tall)[:, None] * tiles + jnp.arange(wide * tiles) // wide
  counts = jnp.zeros((tiles * tiles, _BINS)).at[tile, level].add(1.0)
  limit = clip * tall * wide / _BINS
  excess = jnp.maximum(counts - limit, 0).sum(-1, keepdims=True)
  counts = jnp.minimum(counts, limit) + excess / _BINS
  ranks = (counts.cumsum(-1) / (tall * wide)).reshape(tiles, tiles, _BINS)
  upper, lower, down = _between(height, tall, tiles)
  left, right, across = _between(width, wide, tiles)
  level = level[:height, :width]

  def at(row: jax.Array, column: jax.Array) -> jax.Array:
    return ranks[row[:, None], column[None, :], level]

  down, across = down[:, None], across[None, :]
  top = at(upper, left) * (1 - across) + at(upper, right) * across
  bottom = at(lower, left) * (1 - across) + at(lower, right) * across
  return top * (1 - down) + bottom * down


def _between(side: int, size: int, tiles: int) -> tuple[jax.Array, jax.Array, jax.Array]:
  """The two tiles [side] whose centres are around each pixel, and the weight of the second."""
  position = (jnp.arange(side) + 0.5) / size - 0.5
  first = jnp.floor(position)
  weight = position - first
  first = first.astype(jnp.int32)
  return first.clip(0, tiles - 1), (first + 1).clip(0, tiles - 1), weight
