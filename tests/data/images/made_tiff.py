"""TIFF files written by hand, of every kind of grey."""

import struct

import numpy as np

WHITE_IS_ZERO, BLACK_IS_ZERO = 0, 1


def tiff(pixels: np.ndarray, photometric: int = BLACK_IS_ZERO, **tags: int) -> bytes:
  """An uncompressed TIFF of one strip, in the byte order of the array [H, W].

  ``tags`` replace entries of the directory by name: rows (per strip), tile_width, tile_length.
  """
  order = '>' if pixels.dtype.byteorder == '>' else '<'
  height, width = pixels.shape
  sample_format = {'u': 1, 'i': 2, 'f': 3}[pixels.dtype.kind]
  entries = {
    256: width, 257: height, 258: 8 * pixels.itemsize, 259: 1, 262: photometric, 273: 8,
    277: 1, 278: tags.get('rows', height), 279: pixels.nbytes, 339: sample_format,
  }  # fmt: skip
  if 'tile_width' in tags:
    entries |= {322: tags['tile_width'], 323: tags['tile_length'], 324: 8, 325: pixels.nbytes}
    for tag in (273, 278, 279):
      del entries[tag]
  head = (b'MM\0*' if order == '>' else b'II*\0') + struct.pack(order + 'I', 8 + pixels.nbytes)
  directory = struct.pack(order + 'H', len(entries))
  for tag, value in sorted(entries.items()):
    directory += struct.pack(order + 'HHII', tag, 4, 1, value)
  return head + pixels.tobytes() + directory + bytes(4)
