"""Any image file a hospital or a colleague hands over, as uint8 pixels of one size."""

import io
import os
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin

from medjax.data.images import damage, depth, formats
from medjax.data.images.messages import one_line
from medjax.errors import UserError

# Pillow warns above this number of pixels and refuses above twice as many.
MAX_PIXELS = 89_478_485
MIN_SIDE = 8

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _SIGNED = 0, 1, 2
_LIMIT = f'expected at most {MAX_PIXELS:,} in all'

# Pillow lacks some kinds of TIFF with white as 0 of which it knows the twin with black as 0. It
# reads the values as they are; they are turned round here.
for _key, _modes in list(TiffImagePlugin.OPEN_INFO.items()):
  if _key[1] == _BLACK_IS_ZERO and (_modes[0][0] in 'IF' or _key[2] == (_SIGNED,)):
    TiffImagePlugin.OPEN_INFO.setdefault((_key[0], _WHITE_IS_ZERO, *_key[2:]), _modes)


def decode(
  file: str | os.PathLike[str] | bytes, size: int, channels: int, name: str = ''
) -> np.ndarray:
  """Reads the first frame of an image file and resizes it.

  The file's content decides its format, not its suffix, and one of ``formats.FORMATS`` it has to
  be. Deep greys and fractions are scaled as ``depth.to_eight_bits`` says, so that 12-bit images in
  16-bit files do not come out black. Palettes are resolved, transparency is dropped, EXIF
  orientation is applied, and where 0 is white that is turned round. The aspect ratio is not kept:
  the network sees a square.

  Time and memory are bounded by ``MAX_PIXELS``, and half an image is never taken for a whole one;
  see ``damage.check``.

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
  name = one_line(name or (str(file) if not isinstance(file, bytes) else 'image'))
  try:
    if isinstance(file, bytes):
      return _decode(io.BytesIO(file), size, channels, name)
    if os.path.exists(file) and not os.path.isfile(file):  # a pipe would be waited for
      raise UserError(f'{name}: is no file; expected an image')
    with open(file, 'rb') as opened:
      return _decode(opened, size, channels, name)
  except UserError:
    raise
  except Image.DecompressionBombError:
    raise UserError(f'{name}: too many pixels; {_LIMIT}') from None
  except Exception as error:  # Pillow's readers raise anything on damaged bytes
    reason = getattr(error, 'strerror', None) or str(error) or type(error).__name__
    raise UserError(f'{name}: cannot be read: {reason.splitlines()[0]}') from None


def _decode(file: BinaryIO, size: int, channels: int, name: str) -> np.ndarray:
  head = file.read(formats.HEAD)
  if not head:
    raise UserError(f'{name}: the file is empty (0 bytes)')
  file.seek(0)
  try:
    image = Image.open(file, formats=formats.FORMATS)
  except Image.UnidentifiedImageError:
    raise UserError(f'{name}: {formats.refusal(name, head)}') from None
  with image:
    width, height = image.size
    if min(width, height) < MIN_SIDE:
      raise UserError(f'{name}: {width}x{height} pixels; expected at least {MIN_SIDE}x{MIN_SIDE}')
    if width * height > MAX_PIXELS:
      raise UserError(f'{name}: {width}x{height} pixels; {_LIMIT}')
    damage.check(image, file, MAX_PIXELS)
    return _resize(image, size, channels)


def _resize(image: Image.Image, size: int, channels: int) -> np.ndarray:
  """An open image as uint8 [size, size, channels]."""
  # JPEG only: decodes at a fraction of the size where that still is at least twice the target.
  image.draft(None, (2 * size, 2 * size))
  deep, white_is_zero = _as_stored(image)
  image = ImageOps.exif_transpose(image)
  if deep is not None:
    pixels = np.asarray(image)
    pixels = pixels.view(deep) if pixels.itemsize == deep.itemsize else pixels.astype(deep)
    image = Image.fromarray(depth.to_eight_bits(pixels, white_is_zero=white_is_zero))
  image = image.convert('L' if channels == 1 else 'RGB')
  if image.size != (size, size):
    image = image.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=3.0)
  return np.asarray(image).reshape(size, size, channels)


def _as_stored(image: Image.Image) -> tuple[np.dtype | None, bool]:
  """The type of the values of deep greys, None for other images; and whether 0 is white in them.

  Pillow's 'I' stands for several types, and its 'L' for signed bytes too.
  """
  usual = np.asarray(image).dtype if image.mode[0] in 'IF' else None
  if image.format != 'TIFF':
    return usual, False
  tags = image.tag_v2  # type: ignore[attr-defined]
  signed = tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,))[0] == _SIGNED
  if image.mode == 'L' and signed:
    usual = np.dtype(np.int8)
  elif image.mode == 'I':
    bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (32,))[0]
    usual = np.dtype(f'{"i" if signed else "u"}{bits // 8}')
  photometric = tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION)
  return usual, usual is not None and photometric == _WHITE_IS_ZERO


def encode(pixels: np.ndarray) -> bytes:
  """uint8 [H, W] or [H, W, 1 or 3] as PNG bytes (lossless)."""
  image = Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels)
  buffer = io.BytesIO()
  image.save(buffer, 'PNG', compress_level=1)
  return buffer.getvalue()
