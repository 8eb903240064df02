"""Pages of TIFF files, and those kinds of them that Pillow does not read, by tifffile."""

from typing import Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin

from medjax.data.images import depth, limits, packages
from medjax.data.images.messages import one_line
from medjax.data.images.resize import Picture
from medjax.errors import UserError

_MARKS = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')
_KIND_OF_PAGE = 254  # of which bit 0 says that it is a smaller copy, and bit 2 that it is a mask
_NO_PICTURE = 0b101


def is_tiff(head: bytes) -> bool:
  """Whether a file is one, by its first bytes."""
  return head.startswith(_MARKS)


def pages(file: BinaryIO, name: str) -> list[int]:
  """Numbers of the pages that are pictures of their own: neither masks nor smaller copies.

  A file that is no whole TIFF has its first page, reading which says what is wrong.

  Args:
    file: from its beginning on.
    name: what it is called in errors.

  Raises:
    UserError: it has more pages than any file has.
  """
  file.seek(0)
  kinds: list[int] = []
  try:
    with Image.open(file, formats=['TIFF']) as image:
      while len(kinds) <= limits.MAX_PLACES:
        kinds.append(image.tag_v2.get(_KIND_OF_PAGE, 0))  # type: ignore[attr-defined]
        image.seek(len(kinds))
  except EOFError:
    pass
  except Exception:  # Pillow's readers raise anything, also on kinds that they do not know
    kinds = _kinds_by_tifffile(file) or kinds
  if len(kinds) > limits.MAX_PLACES:
    raise UserError(f'{name}: more than {limits.MAX_PLACES:,} pages; expected fewer')
  own = [number for number, kind in enumerate(kinds) if not int(kind) & _NO_PICTURE]
  return own or [0]


def _kinds_by_tifffile(file: BinaryIO) -> list[int]:
  """What kind each page is; none where the file cannot be read."""
  try:
    tifffile = packages.load('tifffile', 'TIFF')
    file.seek(0)
    with tifffile.TiffFile(file) as opened:
      return [int(page.subfiletype) for page in opened.pages[: limits.MAX_PLACES + 1]]
  except Exception:
    return []


def read(file: BinaryIO, name: str, place: int) -> Picture:
  """A page that Pillow does not read, as a picture of 8 bits.

  Args:
    file: from its beginning on.
    name: what it is called in errors.
    place: of the page, from 0.

  Raises:
    UserError: it is damaged, too large, or of a kind that tifffile does not read either.
  """
  try:
    tifffile = packages.load('tifffile', 'TIFF')
  except packages.MissingPackageError:
    raise UserError(
      f'{name}: not an image that can be read: damaged, or TIFF of a kind that needs the package '
      "tifffile: pip install 'medjax[imaging]'"
    ) from None
  file.seek(0)
  try:
    with tifffile.TiffFile(file) as opened:
      return Picture(Image.fromarray(_pixels(opened.pages[place], name, _size(file))))
  except UserError:
    raise
  except MemoryError:
    raise UserError(f'{name}: has more pixels than there is memory') from None
  except Exception as error:  # anything, on damaged bytes
    reason = one_line(str(error)) or type(error).__name__
    raise UserError(
      f'{name}: not an image that can be read: damaged, or TIFF of a kind that is not '
      f'({reason[:200]})'
    ) from None


def _size(file: BinaryIO) -> int:
  place = file.tell()
  size = file.seek(0, 2)
  file.seek(place)
  return size


def _pixels(page: Any, name: str, size: int) -> np.ndarray:
  limits.require(name, page.imagewidth, page.imagelength)
  if page.imagedepth != 1 or page.tilewidth * page.tilelength > limits.MAX_PIXELS:
    raise ValueError('a volume in one page, or tiles larger than any image')
  segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
  if not segments or any(not count or start + count > size for start, count in segments):
    raise ValueError('image file is truncated')
  planes = page.asarray(squeeze=False, maxworkers=1)[:, 0]  # [planes, H, W, samples]
  pixels = np.moveaxis(planes, 0, 3).reshape(*planes.shape[1:3], -1)
  return _eight_bits(pixels if pixels.shape[2] > 1 else pixels[..., 0], page)


def _eight_bits(pixels: np.ndarray, page: Any) -> np.ndarray:
  photometric = int(page.photometric)
  if pixels.dtype.kind not in 'uif':
    raise ValueError(f'numbers of type {pixels.dtype}')
  if pixels.ndim == 2:
    if photometric == 3:
      colours = np.asarray(page.colormap)
      return (colours.T[pixels] // 257).astype(np.uint8)
    if pixels.dtype.itemsize == 1 and page.bitspersample == 1:
      return np.where((pixels != 0) ^ (photometric == 0), 255, 0).astype(np.uint8)
    return depth.to_eight_bits(pixels, white_is_zero=photometric == 0)
  if photometric not in (0, 1, 2) and (photometric, int(page.compression)) != (6, 7):  # JPEG
    raise ValueError(f'colours of kind {photometric}')
  if photometric < 2:  # grey, and what is not to be seen
    return depth.to_eight_bits(pixels[..., 0], white_is_zero=photometric == 0)
  pixels = pixels[..., :3]
  if pixels.dtype == np.uint8:
    return np.ascontiguousarray(pixels)
  return depth.to_eight_bits(pixels.reshape(len(pixels), -1)).reshape(pixels.shape)


# Pillow lacks some kinds of TIFF with white as 0 of which it knows the twin with black as 0. It
# reads the values as they are; ``decode`` turns them round.
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _SIGNED = 0, 1, 2
for _key, _modes in list(TiffImagePlugin.OPEN_INFO.items()):
  if _key[1] == _BLACK_IS_ZERO and (_modes[0][0] in 'IF' or _key[2] == (_SIGNED,)):
    TiffImagePlugin.OPEN_INFO.setdefault((_key[0], _WHITE_IS_ZERO, *_key[2:]), _modes)
