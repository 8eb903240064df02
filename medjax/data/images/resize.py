"""Pictures as squares of one size: stretched, or with their proportions kept."""

import dataclasses

import numpy as np
from PIL import Image

from medjax.data.images.options import Resize


@dataclasses.dataclass(frozen=True)
class Picture:
  """A picture that was decoded.

  Attributes:
    image: grey or in colour, 8 bits.
    pixel: height of a pixel divided by its width, in millimetres; 1 where nothing says it.
    stored: width and height of the file, where ``image`` was read at a fraction of them.
  """

  image: Image.Image
  pixel: float = 1.0
  stored: tuple[int, int] | None = None

  @property
  def size(self) -> tuple[int, int]:
    """Width and height of the file, upright."""
    return self.stored or self.image.size

  def shown(self, size: int, how: Resize) -> tuple[int, int]:
    """Width and height that it fills of a square of ``size``."""
    if how == 'stretch':
      return size, size
    width, height = self.image.width, self.image.height * self.pixel
    scale = size / max(width, height)
    return min(size, max(1, round(width * scale))), min(size, max(1, round(height * scale)))


def to_square(picture: Picture, size: int, channels: int, how: Resize) -> np.ndarray:
  """A picture of the size that the network sees.

  Args:
    picture: of any size.
    size: height and width of the result.
    channels: 1 for grey, 3 for RGB.
    how: 'stretch' fills the square; 'letterbox' keeps the proportions, those in millimetres where
      pixels are not square, in the middle of black.

  Returns:
    uint8 [size, size, channels].

  Example:
    >>> wide = Picture(Image.new('L', (40, 20), 9))
    >>> to_square(wide, 8, 1, 'letterbox')[:, 0, 0].tolist()
    [0, 0, 9, 9, 9, 9, 0, 0]
  """
  image = picture.image.convert('L' if channels == 1 else 'RGB')
  width, height = picture.shown(size, how)
  if image.size != (width, height):
    image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3.0)
  if (width, height) != (size, size):
    square = Image.new(image.mode, (size, size))
    square.paste(image, ((size - width) // 2, (size - height) // 2))
    image = square
  return np.asarray(image).reshape(size, size, channels)


def mask_to_square(mask: np.ndarray, picture: Picture, size: int, how: Resize) -> np.ndarray:
  """A mask at the place that ``to_square`` gives its picture, uint8 [size, size].

  Each pixel is that of the mask whose centre is nearest; around a letterbox is background, 0.

  Args:
    mask: uint8 [H, W] of any size.
    picture: what it is of.
    size: height and width of the result.
    how: see ``to_square``.
  """
  width, height = picture.shown(size, how)
  resized = np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST))
  square = np.zeros((size, size), np.uint8)
  top, left = (size - height) // 2, (size - width) // 2
  square[top : top + height, left : left + width] = resized
  return square


def from_square(mask: np.ndarray, picture: Picture, how: Resize) -> np.ndarray:
  """A mask of the network's size, uint8 [size, size], at the size of the file of a picture.

  Example:
    >>> wide = Picture(Image.new('L', (4, 2)))
    >>> from_square(np.array([[0, 0], [7, 9]], np.uint8), wide, 'stretch').tolist()
    [[0, 0, 0, 0], [7, 7, 9, 9]]
  """
  size = len(mask)
  width, height = picture.shown(size, how)
  top, left = (size - height) // 2, (size - width) // 2
  cut = Image.fromarray(mask[top : top + height, left : left + width])
  return np.asarray(cut.resize(picture.size, Image.Resampling.NEAREST))
