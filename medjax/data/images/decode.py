"""Any image file a hospital or a colleague hands over, as uint8 pixels of one size."""

import io
import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

from medjax.errors import UserError

SUFFIXES = {'.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.gif', '.webp', '.pgm', '.ppm'}
# Pillow warns above this number of pixels and refuses above twice as many.
MAX_PIXELS = 89_478_485
MIN_SIDE = 8

_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, MemoryError)


def decode(
  file: str | os.PathLike[str] | bytes, size: int, channels: int, name: str = ''
) -> np.ndarray:
  """Reads the first frame of an image file and resizes it.

  The file's content decides its format, not its suffix. Deep greys are scaled by their own bit
  depth (the smallest of 8, 9, ... 16 bits that holds the largest pixel), so that 12-bit images in
  16-bit files do not come out black; where some are negative, as Hounsfield units are, the smallest
  becomes 0 and the largest 255. Palettes are resolved, transparency is dropped, EXIF orientation
  is applied. The aspect ratio is not kept: the network sees a square.

  Args:
    file: a path, or the file's bytes.
    size: height and width of the result in pixels.
    channels: 1 for grey, 3 for RGB.
    name: what to call the file in an error, when ``file`` is bytes.

  Returns:
    uint8 [size, size, channels].

  Raises:
    UserError: one line with the file's name and what is wrong with it.

  Example:
    >>> decode('chest.png', 224, 3).shape                             # doctest: +SKIP
    (224, 224, 3)
  """
  name = name or (str(file) if not isinstance(file, bytes) else 'image')
  try:
    if not isinstance(file, bytes) and os.path.getsize(file) == 0:
      raise UserError(f'{name}: the file is empty (0 bytes)')
    with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
      width, height = image.size
      if min(width, height) < MIN_SIDE:
        raise UserError(f'{name}: {width}x{height} pixels; expected at least {MIN_SIDE}x{MIN_SIDE}')
      if width * height > MAX_PIXELS:
        raise UserError(f'{name}: {width}x{height} pixels; expected at most {MAX_PIXELS:,} in all')
      return resize(image, size, channels)
  except Image.UnidentifiedImageError:
    raise UserError(f'{name}: not an image that can be read') from None
  except Image.DecompressionBombError:
    raise UserError(f'{name}: too large; expected at most {MAX_PIXELS:,} pixels in all') from None
  except _BROKEN as error:
    reason = getattr(error, 'strerror', None) or str(error) or type(error).__name__
    raise UserError(f'{name}: cannot be read: {reason.splitlines()[0]}') from None


def resize(image: Image.Image, size: int, channels: int) -> np.ndarray:
  """An open Pillow image as uint8 [size, size, channels]; as ``decode`` but for the checks."""
  # JPEG only: decodes at a fraction of the size where that still is at least twice the target.
  image.draft(None, (2 * size, 2 * size))
  image = ImageOps.exif_transpose(image)
  if image.mode[0] in 'IF':
    image = Image.fromarray(_to_eight_bits(np.asarray(image)))
  image = image.convert('L' if channels == 1 else 'RGB')
  if image.size != (size, size):
    image = image.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=3.0)
  pixels = np.asarray(image)
  return pixels.reshape(size, size, channels)


def _to_eight_bits(pixels: np.ndarray) -> np.ndarray:
  """Deep greys scaled to uint8 by the bit depth that they use; signed ones by their range."""
  fractions = pixels.dtype.kind == 'f'
  pixels = np.nan_to_num(pixels.astype(np.float32))
  low, top = float(pixels.min()), float(pixels.max())
  if low < 0:  # no bit depth says what is black
    pixels, full = pixels - low, top - low or 1.0
  elif fractions and 0 < top <= 1:
    full = 1.0
  else:
    full = 2.0 ** max(8, int(np.ceil(np.log2(max(top, 1) + 1)))) - 1
  return np.round(np.clip(pixels / full, 0, 1) * 255).astype(np.uint8)


def encode(pixels: np.ndarray) -> bytes:
  """uint8 [H, W] or [H, W, 1 or 3] as PNG bytes (lossless)."""
  image = Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels)
  buffer = io.BytesIO()
  image.save(buffer, 'PNG', compress_level=1)
  return buffer.getvalue()
