"""Files of masks as class numbers of pixels."""

import os
import pathlib
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from medjax.data import source_files
from medjax.data.images import formats, limits, nifti
from medjax.data.images.messages import one_line
from medjax.data.images.options import Axis
from medjax.data.images.resize import Picture
from medjax.errors import UserError

_APART = 32  # of 255: channels of a grey JPEG may differ by so much
_COLOURS = ('CMYK', 'YCbCr', 'LAB', 'HSV')
_GREY = 0.2  # share of pixels between dark and bright that edges and JPEG explain
_PROPORTION = 0.02  # by which those of mask and image may differ, as by rounding


def read(
  path: str | os.PathLike[str], structures: int, *, place: int = 0, axis: Axis = 'axial'
) -> np.ndarray:
  """What each pixel is, uint8 [H, W]: 0 for background, k for the k-th structure.

  Of one structure, masks are 0 and 1, or dark and bright: what is above half of the range of 8 or
  16 bits is foreground, whatever JPEG or smooth edges made of it. Of several, the values are the
  numbers, exactly. Three equal channels are one, transparency is dropped, and of a palette the
  indices count. A mask may be empty.

  Args:
    path: PNG, TIFF or another picture, or a NIfTI volume; told by its content.
    structures: how many there are.
    place: of the slice or page, from 0, where the file has several.
    axis: across which volumes are cut.

  Raises:
    packages.MissingPackageError: the format needs a package that is not installed.
    UserError: names the file and what is wrong: it cannot be read, or holds other values.
  """
  name = one_line(str(path))
  try:
    with source_files.open_file(path) as file:
      values = _values(file, name, place, axis)
    return _binary(values, name) if structures == 1 else _numbers(values, structures, name)
  except UserError:
    raise
  except Exception as error:  # Pillow's readers raise anything on damaged bytes
    reason = getattr(error, 'strerror', None) or str(error) or type(error).__name__
    raise UserError(f'{name}: mask that cannot be read: {reason.splitlines()[0]}') from None


def require_alike(mask: np.ndarray, picture: Picture, path: pathlib.Path) -> None:
  """Raises UserError where a mask [H, W] has other proportions than its image."""
  height, width = mask.shape
  if abs(width * picture.size[1] / (height * picture.size[0]) - 1) > _PROPORTION:
    raise UserError(
      f'{one_line(str(path))}: the mask has {width} x {height} pixels and its image '
      f'{picture.size[0]} x {picture.size[1]}; expected the same, or the same proportions'
    )


def _values(file: BinaryIO, name: str, place: int, axis: Axis) -> np.ndarray:
  """Numbers as stored, [H, W] or [H, W, channels]."""
  head = file.read(formats.HEAD)
  if not head:
    raise UserError(f'{name}: the file is empty (0 bytes)')
  if formats.medical(name, head) == 'NIfTI':
    return nifti.values(file, name, axis, place)
  file.seek(0)
  try:
    image = Image.open(file, formats=formats.FORMATS)
  except Image.UnidentifiedImageError:
    raise UserError(f'{name}: {formats.refusal(name, head)}') from None
  with image:
    if getattr(image, 'n_frames', 1) > 1:
      image.seek(place)
    limits.require(name, *image.size)
    plain = image.convert('RGB') if image.mode in _COLOURS else image
    upright = ImageOps.exif_transpose(plain)
    found = np.asarray(upright)
    if found.dtype == bool:
      found = found.astype(np.uint8)
    if found.ndim == 3 and found.shape[2] in (2, 4):
      found = found[..., :-1]
    if upright.mode == 'P' and any((upright.getpalette() or [0])[:3]):
      raise UserError(
        f'{name}: index 0 of its palette is not black; expected 0 to be the background'
      )
    return found


def _one_channel(values: np.ndarray, name: str, apart: float) -> np.ndarray:
  if not np.isfinite(values).all():
    raise UserError(f'{name}: a pixel is not a finite number; expected a mask')
  if values.ndim == 2:
    return values
  channels = values.astype(np.float64)
  if np.ptp(channels, axis=2).max(initial=0) > apart:
    raise UserError(f'{name}: has colours; expected a mask of one channel, or of equal ones')
  return channels.mean(axis=2)


def _binary(values: np.ndarray, name: str) -> np.ndarray:
  values = _one_channel(values, name, _APART)
  low, top = float(values.min()), float(values.max())
  if low < 0:
    raise UserError(f'{name}: has values below 0; expected a mask of 0 and 1, or of 0 and 255')
  if top <= 1:
    return (values > 0.5).astype(np.uint8)
  full = 255 if top <= 255 else 65535
  if top <= full / 2:
    raise UserError(
      f'{name}: its largest value is {top:g}; expected a mask of 0 and 1, or of 0 and {full} (with '
      'config.data.structures=A,B the values 1 and 2 stand for A and B)'
    )
  grey = float(((values > full / 4) & (values < 3 * full / 4)).mean())
  if grey > _GREY:
    raise UserError(
      f'{name}: {grey:.0%} of its pixels are neither dark nor bright; expected a mask'
    )
  return (values > full / 2).astype(np.uint8)


def _numbers(values: np.ndarray, structures: int, name: str) -> np.ndarray:
  values = _one_channel(values, name, 0)
  odd = values[(values < 0) | (values > structures) | (values != np.round(values))]
  if odd.size:
    raise UserError(
      f'{name}: has the value {float(odd[0]):g}; expected whole numbers from 0 to {structures}, '
      'those of config.data.structures'
    )
  return values.astype(np.uint8)
