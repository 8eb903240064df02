"""Outlines of masks on an image."""

from collections.abc import Sequence

import numpy as np

TRUE = (0, 255, 200)
CALLED = (255, 225, 0)
_SMALLEST = 256  # pixels a side; smaller images are enlarged, so that lines do not hide them


def draw(image: np.ndarray, masks: Sequence[tuple[np.ndarray, tuple[int, int, int]]]) -> np.ndarray:
  """An image with the outlines of masks, one pixel wide and just outside of each mask.

  Args:
    image: uint8 [H, W] or [H, W, C] with C of 1 or 3.
    masks: bool [H, W] each and its colour; later ones are drawn over earlier ones.

  Returns:
    uint8 [F * H, F * W, 3], where F is 1 for images of at least 256 pixels a side.

  Example:
    >>> mask = np.zeros((256, 256), bool)
    >>> mask[10, 10] = True
    >>> drawn = draw(np.zeros((256, 256), np.uint8), [(mask, TRUE)])
    >>> drawn[10, 9:12].tolist()
    [[0, 255, 200], [0, 0, 0], [0, 255, 200]]
  """
  image = image.reshape(*image.shape[:2], -1)
  factor = max(1, -(-_SMALLEST // min(image.shape[:2])))
  drawn = np.array(_enlarged(np.broadcast_to(image, (*image.shape[:2], 3)), factor))
  for mask, colour in masks:
    drawn[_around(_enlarged(mask, factor))] = colour
  return drawn


def _enlarged(image: np.ndarray, factor: int) -> np.ndarray:
  return image.repeat(factor, axis=0).repeat(factor, axis=1)


def _around(mask: np.ndarray) -> np.ndarray:
  """Pixels outside of a mask that touch it."""
  padded = np.pad(mask, 1)
  height, width = mask.shape
  near = [padded[i : i + height, j : j + width] for i in range(3) for j in range(3)]
  return np.any(near, axis=0) & ~mask
