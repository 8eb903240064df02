"""Any image file a hospital or a colleague hands over, as uint8 pixels of one size."""

import contextlib
import io
import os
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageOps, TiffImagePlugin

from medjax.data import source_files
from medjax.data.images import damage, depth, dicom, formats, limits, nifti, tiff
from medjax.data.images.messages import one_line
from medjax.data.images.options import Options
from medjax.data.images.resize import Picture, to_square
from medjax.errors import UserError

_WHITE_IS_ZERO, _SIGNED = 0, 2
_ON_ITS_SIDE = 5  # the first orientation of EXIF that is
_USUAL = Options()


def decode(
  file: str | os.PathLike[str] | bytes,
  size: int,
  channels: int,
  name: str = '',
  *,
  place: int = 0,
  options: Options = _USUAL,
) -> np.ndarray:
  """Reads one picture of an image file and makes it the size that the network sees.

  The file's content decides its format, not its suffix: DICOM (see ``dicom``), a NIfTI volume (see
  ``nifti``), or one of ``formats.FORMATS``. Of the last, deep greys and fractions are scaled as
  ``depth.to_eight_bits`` says, so that 12-bit images in 16-bit files do not come out black.
  Palettes are resolved, transparency is dropped, EXIF orientation is applied, and where 0 is white
  that is turned round.

  Time and memory are bounded by ``limits.MAX_PIXELS``, and half an image is never taken for a whole
  one; see ``damage.check``.

  Args:
    file: a path, or the file's bytes.
    size: height and width of the result in pixels.
    channels: 1 for grey, 3 for RGB.
    name: what to call the file in an error, when ``file`` is bytes.
    place: of the frame, slice or page, from 0; animations have their first frame alone.
    options: how files become pictures.

  Returns:
    uint8 [size, size, channels].

  Raises:
    packages.MissingPackageError: the format needs a package that is not installed.
    UserError: one line with the file's name and what is wrong with it.

  Example:
    >>> decode('chest.png', 224, 3).shape                             # doctest: +SKIP
    (224, 224, 3)
  """
  name = _name(file, name)
  with _explained(name):
    return to_square(_open(file, size, name, place, options), size, channels, options.resize)


def picture(
  file: str | os.PathLike[str] | bytes,
  size: int,
  name: str = '',
  *,
  place: int = 0,
  options: Options = _USUAL,
) -> Picture:
  """What ``decode`` resizes; see there for the arguments.

  A JPEG may be read at a fraction of its size that is still twice ``size``.
  """
  name = _name(file, name)
  with _explained(name):
    return _open(file, size, name, place, options)


def _name(file: str | os.PathLike[str] | bytes, name: str) -> str:
  return one_line(name or (str(file) if not isinstance(file, bytes) else 'image'))


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
  """Whatever goes wrong inside is said in one line."""
  try:
    yield
  except UserError:
    raise
  except Image.DecompressionBombError:
    raise UserError(f'{name}: too many pixels; {limits.EXPECTED}') from None
  except Exception as error:  # Pillow's readers raise anything on damaged bytes
    reason = getattr(error, 'strerror', None) or str(error) or type(error).__name__
    raise UserError(f'{name}: cannot be read: {reason.splitlines()[0]}') from None


def _open(
  file: str | os.PathLike[str] | bytes, size: int, name: str, place: int, options: Options
) -> Picture:
  if isinstance(file, bytes):
    return _decode(io.BytesIO(file), 2 * size, name, place, options)
  if source_files.exists(file) and not source_files.is_file(file):  # a pipe would be waited for
    raise UserError(f'{name}: is no file; expected an image')
  with source_files.open_file(file) as opened:
    return _decode(opened, 2 * size, name, place, options)


def _decode(file: BinaryIO, enough: int, name: str, place: int, options: Options) -> Picture:
  """The picture; ``enough`` is the height and width that a JPEG need not exceed."""
  head = file.read(formats.HEAD)
  if not head:
    raise UserError(f'{name}: the file is empty (0 bytes)')
  what = formats.medical(name, head)
  if what == 'DICOM':
    return dicom.read(file, name, place)
  if what == 'NIfTI':
    return nifti.read(file, name, options.slice_axis, place, one_of_many=options.slices > 0)
  file.seek(0)
  try:
    image = Image.open(file, formats=formats.FORMATS)
  except Image.UnidentifiedImageError:
    if tiff.is_tiff(head):
      return tiff.read(file, name, place)
    raise UserError(f'{name}: {formats.refusal(name, head)}') from None
  with image:
    if place:
      image.seek(place)
    limits.require(name, *image.size)
    damage.check(image, file, limits.MAX_PIXELS)
    width, height = image.size
    pixels = _pixels(image, enough)
    if image.getexif().get(ExifTags.Base.Orientation, 1) >= _ON_ITS_SIDE:
      width, height = height, width
    return Picture(pixels, stored=(width, height))


def _pixels(image: Image.Image, enough: int) -> Image.Image:
  """An open image in 8 bits, upright."""
  # JPEG only: decodes at a fraction of the size where that still is enough.
  image.draft(None, (enough, enough))
  deep, white_is_zero = _as_stored(image)
  image = ImageOps.exif_transpose(image)
  if deep is None:
    return image
  pixels = np.asarray(image)
  pixels = pixels.view(deep) if pixels.itemsize == deep.itemsize else pixels.astype(deep)
  return Image.fromarray(depth.to_eight_bits(pixels, white_is_zero=white_is_zero))


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


def stored_numbers(stored: bytes) -> np.ndarray:
  """The numbers of a mask, uint8 [H, W], that ``encode`` made PNG bytes of."""
  return np.asarray(Image.open(io.BytesIO(stored)))
