"""What checks of data see of images: how edges run, small pixels, and the frame alone.

Source:
  Dalal and Triggs (2005), Histograms of oriented gradients for human detection, CVPR (the edges).
"""

import numpy as np

from medjax.data.images import thumbnails
from medjax.data.looks import Looks

_ORIENTATIONS = 9
_CELLS = 8  # on each side
_PIXELS_IN_CELL = 7
_FRAME = 0.05  # of a side
_FRAME_PARTS = 8  # of each side of the frame
_COARSE = 8
_HUES = 4
_THUMBNAIL = 24  # by which copies are found
# Standard deviation of the grey levels of 0..255 below which nothing can be seen: one of them is
# what compression and scanners add to an even grey.
_BLANK = 1.0


def of_images(images: np.ndarray) -> Looks:
  """What checks see.

  Args:
    images: uint8 [N, H, W, C].

  Example:
    >>> of_images(np.zeros((2, 16, 16, 1), np.uint8)).blank.tolist()
    [True, True]
  """
  grey = images.astype(np.float32).mean(axis=3)
  coarse = thumbnails.flat(images, _COARSE)
  small = thumbnails.areas(grey[..., None], _THUMBNAIL)[..., 0]
  features = [orientations(grey), coarse, hues(images)]
  return Looks(
    grey.std(axis=(1, 2)) < _BLANK,
    np.concatenate(features, axis=1).astype(np.float32),
    small,
    {'the frame of the image (outermost 5%)': frame(images)},
    {f'the image at {_COARSE} x {_COARSE} pixels': coarse.astype(np.float32)},
  )


def orientations(grey: np.ndarray) -> np.ndarray:
  """Histograms of the orientations of gradients, in 8 x 8 cells, each of unit length.

  Args:
    grey: [N, H, W].

  Returns:
    float32 [N, cells * 9]: square roots, so that one strong edge does not outweigh all others.
  """
  side = _CELLS * _PIXELS_IN_CELL
  pixels = thumbnails.areas(grey[..., None], side)[..., 0] / 255
  if min(pixels.shape[1:]) < 2:
    return np.zeros((len(grey), 0), np.float32)
  down, right = np.gradient(pixels, axis=(1, 2))
  bins = np.floor((np.arctan2(down, right) % np.pi) / np.pi * _ORIENTATIONS) % _ORIENTATIONS
  strength = np.hypot(down, right)
  rows, columns = (
    np.arange(size) * _CELLS // max(size, _CELLS) for size in pixels.shape[1:]
  )  # the cell of each
  cell = rows[:, None] * _CELLS + columns[None]
  places = (np.arange(len(grey))[:, None, None] * _CELLS**2 + cell) * _ORIENTATIONS + bins
  count = len(grey) * _CELLS**2 * _ORIENTATIONS
  summed = np.bincount(places.astype(np.int64).ravel(), strength.ravel(), count)
  roots = np.sqrt(summed.reshape(len(grey), -1, _ORIENTATIONS))
  unit = roots / (np.linalg.norm(roots, axis=2, keepdims=True) + 1e-3)
  return unit.reshape(len(grey), -1).astype(np.float32)


def hues(images: np.ndarray) -> np.ndarray:
  """Differences of neighbouring colour channels in 4 x 4 areas, float64 [N, D]; none of grey.

  Among grey images a coloured one is another kind of image.

  Args:
    images: uint8 [N, H, W, C].
  """
  small = thumbnails.areas(images, _HUES)
  return np.diff(small, axis=3).reshape(len(images), -1) / 255


def frame(images: np.ndarray) -> np.ndarray:
  """Means of the parts of the outermost 5% on each side, float32 [N, D].

  Args:
    images: uint8 [N, H, W, C].

  Example:
    >>> frame(np.zeros((2, 40, 40, 1), np.uint8)).shape
    (2, 32)
  """
  count, height, width, _ = images.shape
  down, across = (max(1, round(_FRAME * size)) for size in (height, width))
  strips = [
    images[:, :down], images[:, -down:],
    images[:, :, :across].swapaxes(1, 2), images[:, :, -across:].swapaxes(1, 2),
  ]  # fmt: skip
  means = []
  for strip in strips:
    line = strip.astype(np.float32).mean(axis=1)
    means += [part.mean(axis=1) for part in np.array_split(line, _FRAME_PARTS, axis=1)]
  return np.stack(means, axis=1).reshape(count, -1) / 255
