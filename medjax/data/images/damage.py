"""What Pillow takes for a whole image and is half of one, or would keep it busy without end."""

import math
import struct
from typing import BinaryIO

from PIL import Image, TiffImagePlugin

# Ten or so are usual; each is a pass over the whole image, of a few bytes in the file.
MAX_SCANS = 100

# Bytes of the types of TIFF, where it is not one; and the last tag that says how pixels are stored.
_SIZES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_LAST_OF_PIXELS = 347

_START_OF_SCAN, _END_OF_CODESTREAM = b'\xff\xda', b'\xff\xd9'


def check(image: Image.Image, file: BinaryIO, max_pixels: int) -> None:
  """Sees that an image that was opened and not yet decoded is whole.

  A TIFF has its directory and every strip or tile, a JPEG 2000 its end, and a JPEG no more than
  100 scans. For the other formats Pillow's decoders find out themselves.

  Args:
    image: as ``Image.open`` gives it.
    file: its file; where it is read next stays as it is.
    max_pixels: of a tile of a TIFF, which may be larger than the image.

  Raises:
    ValueError: what is wrong.
  """
  place = file.tell()
  if image.format == 'TIFF':
    file.seek(0)
    _check_directory(file)
    _check_strips(image, max_pixels)
  elif image.format in ('JPEG', 'MPO'):
    file.seek(0)
    scans = file.read().count(_START_OF_SCAN)  # escaped within the data of a scan
    if scans > MAX_SCANS:
      raise ValueError(f'has {scans} scans; expected at most {MAX_SCANS}')
  elif image.format == 'JPEG2000':
    file.seek(0)
    if not _codestream(file.read()).rstrip(b'\0').endswith(_END_OF_CODESTREAM):
      raise ValueError('image file is truncated: JPEG 2000 without its end')
  file.seek(place)


def _check_directory(file: BinaryIO) -> None:
  """Sees that the first directory of a TIFF is in the file with the values that pixels rest on.

  Pillow goes on without them: fractions would be read as integers.
  """
  head = file.read(16)
  order = '<' if head.startswith(b'II') else '>'
  big = b'+' in head[2:4]
  one, many, inline = ('Q', 'HHQQ', 8) if big else ('I', 'HHII', 4)
  (start,) = struct.unpack_from(order + one, head, inline)
  entry = struct.Struct(order + many)
  count_of = struct.Struct(order + ('Q' if big else 'H'))
  size = file.seek(0, 2)
  file.seek(start)
  (count,) = count_of.unpack(file.read(count_of.size).ljust(count_of.size, b'\0'))
  if start + count_of.size + count * entry.size > size:
    raise ValueError('image file is truncated: TIFF without its directory')
  for tag, kind, number, place in entry.iter_unpack(file.read(count * entry.size)):
    bytes_of = number * _SIZES.get(kind, 1)
    if tag <= _LAST_OF_PIXELS and bytes_of > inline and place + bytes_of > size:
      raise ValueError(f'image file is truncated: TIFF without the value of tag {tag}')


def _check_strips(image: Image.Image, max_pixels: int) -> None:
  tags = image.tag_v2  # type: ignore[attr-defined]
  width, height = image.size
  planes = len(image.getbands()) if tags.get(TiffImagePlugin.PLANAR_CONFIGURATION) == 2 else 1
  across, down = tags.get(TiffImagePlugin.TILEWIDTH), tags.get(TiffImagePlugin.TILELENGTH)
  if across and down:
    if across * down > max_pixels:
      raise ValueError(f'has tiles of {across}x{down} pixels; expected at most {max_pixels:,}')
    expected = math.ceil(width / across) * math.ceil(height / down)
    found = tags.get(TiffImagePlugin.TILEOFFSETS, ())
  else:
    rows = tags.get(TiffImagePlugin.ROWSPERSTRIP, height) or height
    expected = math.ceil(height / min(rows, height))
    found = tags.get(TiffImagePlugin.STRIPOFFSETS, ())
  if len(found) < expected * planes:
    raise ValueError(
      f'image file is truncated: {len(found)} strips or tiles; expected {expected * planes}'
    )


def _codestream(content: bytes) -> bytes:
  """The codestream of a JPEG 2000 file: that of its box, or all where there are no boxes."""
  if content.startswith(b'\xff\x4f'):
    return content
  start = 0
  while start + 8 <= len(content):
    length, kind = struct.unpack_from('>I4s', content, start)
    header = 8
    if length == 1 and start + 16 <= len(content):
      (length,) = struct.unpack_from('>Q', content, start + 8)
      header = 16
    end = start + length if length else len(content)
    if kind == b'jp2c':
      return content[start + header : end] if end <= len(content) else b''
    start = max(end, start + header)
  return b''
