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
  """

  image: Image.Image
  pixel: float = 1.0


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
  width, height = size, size
  if how == 'letterbox':
    tall = image.height * picture.pixel
    scale = size / max(image.width, tall)
    width = min(size, max(1, round(image.width * scale)))
    height = min(size, max(1, round(tall * scale)))
  if image.size != (width, height):
    image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3.0)
  if (width, height) != (size, size):
    square = Image.new(image.mode, (size, size))
    square.paste(image, ((size - width) // 2, (size - height) // 2))
    image = square
  return np.asarray(image).reshape(size, size, channels)
