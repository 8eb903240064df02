"""Images as a few numbers, for simple models."""

from typing import Any

import numpy as np

SIZE = 32
COMPONENTS = 50


def flat(images: np.ndarray, size: int = SIZE) -> np.ndarray:
  """Images at a size of at most 32 x 32, each pixel the mean of the area it stands for.

  Args:
    images: [N, H, W, C] in 0..255.
    size: another size than 32.

  Returns:
    float64 [N, pixels * C] in 0..1.

  Example:
    >>> flat(np.full((1, 64, 64, 1), 255, np.uint8)).shape
    (1, 1024)
  """
  return areas(images, size).reshape(len(images), -1).astype(np.float64) / 255


def areas(images: np.ndarray, size: int) -> np.ndarray:
  """Images at most ``size`` high and wide, means of areas, float32 [N, H', W', C].

  Args:
    images: [N, H, W, C].
    size: pixels.
  """
  count, height, width, channels = images.shape
  values = images.astype(np.float32).reshape(count, height, width * channels)
  down, across = _means(height, size), _means(width, size)
  return across @ (down @ values).reshape(count, len(down), width, channels)


def _means(size: int, most: int) -> np.ndarray:
  """Shares that pixels have in each of the areas that take their place, float32 [areas, size]."""
  areas = min(size, most)
  edges = np.arange(areas + 1)[:, None] * size / areas
  pixel = np.arange(size)
  overlap = np.minimum(edges[1:], pixel + 1) - np.maximum(edges[:-1], pixel)
  return (np.maximum(overlap, 0) * areas / size).astype(np.float32)


def components(shape: tuple[int, ...]) -> list[Any]:
  """Principal components of training pixels [N, D], as many as there can be and at most 50."""
  from sklearn.decomposition import PCA

  return [PCA(min(COMPONENTS, *shape), random_state=0)]
