"""Slices of NIfTI volumes, as a radiologist looks at them.

A volume is turned to the nearest axes of the body by its affine, as nibabel's
``as_closest_canonical`` does, though one slice alone is read. Slices are shown as DICOM shows them:
the patient's right is on the left of axial and coronal slices, the front on the left of sagittal
ones, and the head, or in axial slices the front, is up.
"""

import functools
import gzip
import io
import os
import threading
import zlib
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from medjax.data import received
from medjax.data.images import depth, limits, packages
from medjax.data.images.messages import EmptySliceError, one_line
from medjax.data.images.options import Axis
from medjax.data.images.resize import Picture
from medjax.errors import UserError

_HEADER = 540  # bytes, of version 2
_ACROSS: dict[Axis, int] = {'sagittal': 0, 'coronal': 1, 'axial': 2}
_MARKS = ((344, b'n+1\0'), (4, b'n+2\0'))
_GZIP = b'\x1f\x8b'
_KEPT = 'NIfTI'
_MOST_TIMES = 8  # that a volume which was sent may be as large as a request


def is_nifti(name: str, head: bytes) -> bool:
  """Whether a file is a volume, by its content, or packed and by its name.

  Args:
    name: of the file.
    head: its first bytes.
  """
  if head.startswith(_GZIP):
    if name.lower().endswith('.nii.gz'):
      return True
    try:
      head = zlib.decompressobj(31).decompress(head, _HEADER)
    except zlib.error:
      return False
  return any(head[place:].startswith(mark) for place, mark in _MARKS)


def slices(file: BinaryIO, name: str, axis: Axis) -> int:
  """How many slices a volume has along an axis of the body.

  Raises:
    UserError: it is damaged, too large, or no single volume.
  """
  return _guarded(name, lambda: _count(_opened(file, name), axis))


def read(
  file: BinaryIO, name: str, axis: Axis, place: int, *, one_of_many: bool = False
) -> Picture:
  """One slice as a picture of 8 bits.

  Black and white are cal_min and cal_max where the header has them, and otherwise as
  ``depth.to_eight_bits`` says of the slice.

  Args:
    file: from its beginning on.
    name: what it is called in errors.
    axis: across which the slice is cut.
    place: of the slice, from 0: from left to right, back to front or down to up.
    one_of_many: whether others of the volume will be asked for, so that a packed one is kept.

  Raises:
    EmptySliceError: it is all one number.
    UserError: it is damaged, too large, or no single volume.
  """
  return _guarded(name, lambda: _picture(_opened(file, name, one_of_many), axis, place, name))


def values(file: BinaryIO, name: str, axis: Axis, place: int) -> np.ndarray:
  """The numbers of one slice, [H, W], turned as the picture of ``read`` is; as of a mask.

  Raises:
    UserError: as ``read``, but for a slice that is all one number.
  """
  return _guarded(name, lambda: _slice(_opened(file, name), axis, place, name)[0])


def _guarded(name: str, read: Any) -> Any:
  try:
    return read()
  except UserError:
    raise
  except MemoryError:
    raise UserError(f'{name}: has more voxels than there is memory') from None
  except EOFError:
    raise UserError(f'{name}: NIfTI file that is cut off') from None
  except Exception as error:  # nibabel raises anything on damaged bytes
    reason = one_line(str(error)) or type(error).__name__
    raise UserError(f'{name}: NIfTI file that cannot be read: {reason[:200]}') from None


_unpacked_one_by_one = threading.Lock()


def _opened(file: BinaryIO, name: str, keep: bool = False) -> Any:
  """The volume as nibabel has it, of three axes; voxels are read when they are asked for."""
  nibabel = packages.load('nibabel', 'NIfTI')
  file.seek(0)
  packed = file.read(2) == _GZIP
  file.seek(0)
  if packed and keep:
    with _unpacked_one_by_one:  # threads that ask for slices of one volume
      volume = _of_request(file, name) if isinstance(file, io.BytesIO) else _unpacked(_Whole(file))
  else:
    volume = _image(nibabel, gzip.GzipFile(fileobj=file) if packed else file)
  shape = [int(length) for length in volume.shape]
  while len(shape) > 3 and shape[-1] == 1:
    shape.pop()
  if len(shape) > 3:
    kind = 'volumes' if len(shape) == 4 else 'numbers at each place'
    raise UserError(
      f'{name}: {len(shape)} axes ({" x ".join(map(str, shape))}), which are several {kind}; '
      'expected one volume in a file'
    )
  if len(shape) < 2 or np.prod(shape, dtype=float) > limits.MAX_VOXELS:
    raise UserError(
      f'{name}: {" x ".join(map(str, shape))} voxels; expected 2 or 3 axes and at most '
      f'{limits.MAX_VOXELS:,} in all'
    )
  if not (packed and keep):
    _require_whole(file, packed, volume, name)
  return volume


def _require_whole(file: BinaryIO, packed: bool, volume: Any, name: str) -> None:
  """Sees that all voxels are there, though one slice is read."""
  needed = volume.dataobj.offset + int(np.prod(volume.shape)) * volume.dataobj.dtype.itemsize
  size = file.seek(0, 2)
  if packed:
    file.seek(max(0, size - 4))
    size = int.from_bytes(file.read(4), 'little')  # of what was packed last, modulo 2**32
    if size < needed:
      file.seek(0)
      unpacked, size = gzip.GzipFile(fileobj=file), 0
      while size < needed and (chunk := unpacked.read(2**20)):
        size += len(chunk)
  file.seek(0)
  if size < needed:
    raise UserError(f'{name}: NIfTI file that is cut off')


def _image(nibabel: Any, file: Any) -> Any:
  head = file.read(_HEADER)
  file.seek(0)
  if any(head[place:].startswith(mark) for place, mark in ((344, b'ni1\0'), (4, b'ni2\0'))):
    raise ValueError('a header without voxels; expected both in one file')
  kind = nibabel.Nifti2Image if head[4:].startswith(b'n+2') else nibabel.Nifti1Image
  holder = nibabel.FileHolder(fileobj=file)
  return kind.from_file_map({'image': holder, 'header': holder})


class _Whole:
  """A packed file that is read once; told from others by its place on disk, size and time."""

  def __init__(self, file: BinaryIO):
    self.file = file
    found = os.fstat(file.fileno())
    self.key = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

  def __hash__(self) -> int:
    return hash(self.key)

  def __eq__(self, other: object) -> bool:
    return isinstance(other, _Whole) and self.key == other.key


@functools.lru_cache(maxsize=1)
def _unpacked(whole: _Whole) -> Any:
  return _read_whole(whole.file)


def _of_request(file: io.BytesIO, name: str) -> Any:
  """As ``_unpacked`` of bytes that were sent, which are kept until their request is read."""
  content, kept = file.getvalue(), received.kept()
  if kept.get(_KEPT, (None,))[0] is not content:
    kept.pop(_KEPT, None)
    kept[_KEPT] = content, _read_whole(file, name)
  return kept[_KEPT][1]


def _read_whole(file: BinaryIO, name: str = '') -> Any:
  nibabel = packages.load('nibabel', 'NIfTI')
  volume = _image(nibabel, gzip.GzipFile(fileobj=file))
  if np.prod(volume.shape, dtype=float) > limits.MAX_VOXELS:
    return volume  # is refused by who asks
  needed = int(np.prod(volume.shape)) * volume.dataobj.dtype.itemsize
  if needed > _MOST_TIMES * received.room():
    raise UserError(
      f'{name}: {needed} bytes of voxels; expected at most {int(_MOST_TIMES * received.room())} '
      'in a request'
    )
  return type(volume)(volume.dataobj[...], volume.affine, volume.header)


def _turned(volume: Any, axis: Axis) -> tuple[int, tuple[int, int], np.ndarray]:
  """The stored axis that is cut, those of the rows and columns, and where each axis leads.

  Args:
    volume: of nibabel.
    axis: of the body.

  Returns:
    Numbers of stored axes, and for each stored one the axis of the body and 1 or -1.
  """
  nibabel = packages.load('nibabel', 'NIfTI')
  leads = nibabel.io_orientation(volume.affine)
  if np.isnan(leads).any():
    raise UserError('its affine has an axis without direction')
  stored = {int(body): number for number, body in enumerate(leads[:, 0])}
  across = _ACROSS[axis]
  columns, rows = (body for body in range(3) if body != across)
  return stored[across], (stored[rows], stored[columns]), leads


def _count(volume: Any, axis: Axis) -> int:
  cut, _, _ = _turned(volume, axis)
  return int([*volume.shape[:3], 1][cut])


def _picture(volume: Any, axis: Axis, place: int, name: str) -> Picture:
  turned, pixel = _slice(volume, axis, place, name)
  return Picture(Image.fromarray(np.ascontiguousarray(_eight_bits(volume, turned, name))), pixel)


def _slice(volume: Any, axis: Axis, place: int, name: str) -> tuple[np.ndarray, float]:
  """The numbers of a slice, turned, and the height of a pixel divided by its width."""
  cut, (rows, columns), leads = _turned(volume, axis)
  lengths = [*volume.shape[:3], 1][:3]
  if len(volume.shape) == 2 and cut != 2:
    raise UserError(f'{name}: is one slice; expected config.data.slice_axis=axial')
  limits.require(name, lengths[columns], lengths[rows])
  at: list[Any] = [slice(None)] * 3 + [0] * (len(volume.shape) - 3)
  at[cut] = place if leads[cut, 1] > 0 else lengths[cut] - 1 - place
  at = at[: len(volume.shape)]
  found = np.asarray(volume.dataobj[tuple(at)])
  if found.dtype.kind == 'c':
    raise UserError(f'{name}: has complex numbers; expected real ones')
  if found.dtype.names:
    pixels = np.stack([found[colour] for colour in found.dtype.names[:3]], axis=2)
  else:
    pixels = found
  # As stored, the axis with the smaller number comes first.
  turned = pixels if rows < columns else pixels.swapaxes(0, 1)
  # Rows of the picture lead down or back, columns to the left or back: against the body's axes.
  for number, stored in enumerate((rows, columns)):
    if leads[stored, 1] > 0:
      turned = np.flip(turned, number)
  zooms = [*map(float, volume.header.get_zooms()[:3]), 1.0][:3]
  square = min(zooms[rows], zooms[columns]) > 0
  return turned, zooms[rows] / zooms[columns] if square else 1.0


def _eight_bits(volume: Any, pixels: np.ndarray, name: str) -> np.ndarray:
  if not np.any(pixels != pixels.flat[0]):
    raise EmptySliceError(f'{name}: a slice that is all one number')
  if pixels.ndim == 3:
    return pixels.astype(np.uint8)
  black, white = (float(volume.header[edge]) for edge in ('cal_min', 'cal_max'))
  if black < white and np.isfinite(white - black):
    shares = (np.nan_to_num(pixels.astype(np.float64), nan=black) - black) / (white - black)
    return np.round(255 * shares.clip(0, 1)).astype(np.uint8)
  if volume.get_data_dtype().kind in 'iu' and pixels.dtype.kind == 'f':
    whole = np.round(pixels)
    if np.array_equal(whole, pixels) and abs(whole).max() < 2**31:
      pixels = whole.astype(np.int32)  # of a slope and an intercept without fractions
  return depth.to_eight_bits(pixels)
