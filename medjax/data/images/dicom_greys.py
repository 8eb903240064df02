"""Greys of DICOM frames as they are to be looked at: tables, windows and padding, by pydicom."""

import collections
import dataclasses
import math
import threading
from typing import Any

import numpy as np

from medjax.data.images import depth, dicom_file

# What makes other values of pixels.
_CHANGING = (
  'WindowCenter', 'WindowWidth', 'VOILUTSequence', 'ModalityLUTSequence', 'PixelPaddingValue'
)  # fmt: skip
# Bytes of an element; tables and groups of frames have more, and are not compared.
_SHORT = 256
# So many headers are kept, and windows of one.
_HEADERS, _WINDOWS = 16, 32
# Pixels from which on a table of all values pays.
_MANY = 2**14


@dataclasses.dataclass(frozen=True)
class Header:
  """What files of one series, or of one device, say alike of pixels, so that it is worked out once.

  Attributes:
    dataset: of the first such file, without pixels and without anything else of the file.
    windows: greys by the window, of so many stored values from the first on.
  """

  dataset: Any
  windows: dict[tuple[int, int], depth.Shades] = dataclasses.field(default_factory=dict)


class _Kept(threading.local):
  """Headers of each thread, as pydicom changes a data set while it is read.

  Attributes:
    headers: by all that they say, those asked for last at the end.
  """

  def __init__(self) -> None:
    self.headers: collections.OrderedDict[tuple[Any, ...], Header] = collections.OrderedDict()


_kept = _Kept()


def understood(read: Any, implicit: bool) -> Header:
  """The header of a file, or the earlier one of a file that says the same.

  Args:
    read: as ``dicom_file.header`` gives it, with the tags that pixels rest on and no others, so
      that nothing is kept that tells of a person.
    implicit: whether types of values are left out in the file.
  """
  encoding = read.original_encoding
  syntax = read.file_meta.get('TransferSyntaxUID')
  if not syntax:  # nothing stands in front of the data
    uids = dicom_file.package().uid
    explicit = uids.ExplicitVRLittleEndian if encoding[1] else uids.ExplicitVRBigEndian
    syntax = uids.ImplicitVRLittleEndian if implicit else explicit
  elements = list(read.values())
  raw = dicom_file.package().dataelem.RawDataElement
  told = [(int(one.tag), one.VR, one.value) for one in elements if isinstance(one, raw)]
  kept = len(told) == len(elements) and all(len(value or '') <= _SHORT for *_, value in told)
  key, headers = (syntax, *encoding, *told), _kept.headers
  if kept and key in headers:
    headers.move_to_end(key)
    return headers[key]
  found = Header(dicom_file.of_elements(elements, syntax, encoding))
  if kept:
    headers[key] = found
    if len(headers) > _HEADERS:
      headers.popitem(last=False)
  return found


def greys(stored: np.ndarray, header: Header) -> np.ndarray:
  """Greys of 8 bits, black as 0."""
  dataset = header.dataset
  turned = dataset.PhotometricInterpretation == 'MONOCHROME1'
  if int(dataset.get('BitsAllocated') or 0) == 1:
    return np.where(stored.astype(bool) ^ turned, 255, 0).astype(np.uint8)
  if all(dataset.get(name) is None for name in _CHANGING) and _rescale(dataset) == (1.0, 0.0):
    return depth.to_eight_bits(stored, white_is_zero=turned)
  if windowed(dataset):
    different, number, first = _different(stored, rounded=True)
    try:
      return _window(header, turned, different).show(number, first)
    except (ValueError, TypeError, IndexError, NotImplementedError, AttributeError, KeyError):
      pass  # a table that is not as it says: as without one
  different, number, first = _different(stored)
  counts = np.bincount(number.ravel().astype(np.intp) - first, minlength=len(different))
  padding = _padding(different, dataset)
  if counts[~padding].any():
    counts[padding] = 0
  levels = depth.levels(values(dataset, different), counts, white_is_zero=turned)
  levels[padding] = 0
  return depth.Shades.of(levels).show(number, first)


def _different(stored: np.ndarray, rounded: bool = False) -> tuple[np.ndarray, np.ndarray, int]:
  """Values in order, among them all that pixels have; the number of each pixel, and the first.

  What tables make of a pixel depends on its value alone, and there are fewer of those.

  Args:
    stored: the pixels.
    rounded: many are taken to the next powers of two, so that images of one series have the same.
  """
  if stored.dtype.kind not in 'iu' or stored.itemsize > 2 or stored.size < _MANY:
    different, number = np.unique(stored, return_inverse=True)
    return different, number.reshape(stored.shape), 0
  native = np.ascontiguousarray(stored, stored.dtype.newbyteorder('='))
  most = int(native.max())
  least = min(0, int(native.min())) if native.dtype.kind == 'i' else 0
  if rounded:
    most = 2 ** max(0, most).bit_length() - 1
    least = -(2 ** (-1 - least).bit_length()) if least < 0 else 0
  return np.arange(least, most + 1).astype(native.dtype), native, least


def values(dataset: Any, stored: np.ndarray) -> np.ndarray:
  """Stored pixels after the modality LUT or rescale, by pydicom; whole numbers as integers."""
  found = dicom_file.package().pixels.apply_modality_lut(stored, dataset)
  scale = _rescale(dataset)
  if stored.dtype.kind in 'iu' and all(number.is_integer() for number in scale):
    least, most = float(found.min()), float(found.max())
    if least >= -(2**31) and most < 2**31:
      return found.astype(np.int32)
  return found


def _rescale(dataset: Any) -> tuple[float, float]:
  """Slope and intercept; 1 and 0 where they are not both there, as for pydicom."""
  slope, intercept = dataset.get('RescaleSlope'), dataset.get('RescaleIntercept')
  if slope is None or intercept is None:
    return 1.0, 0.0
  return float(slope), float(intercept)


def windowed(dataset: Any) -> bool:
  """Whether a header has a VOI LUT, or a window of some width."""
  if dataset.get('VOILUTSequence'):
    return True
  linear = str(dataset.get('VOILUTFunction') or 'LINEAR').upper() == 'LINEAR'
  try:
    center, width = (_first(dataset.get(name)) for name in ('WindowCenter', 'WindowWidth'))
  except (TypeError, ValueError, IndexError):
    return False
  return math.isfinite(center) and (width >= 1 if linear else width > 0)


def _first(value: Any) -> float:
  """The number, or the first of several."""
  return float(value if isinstance(value, (int, float, str)) else value[0])


def through_window(dataset: Any, stored: np.ndarray) -> tuple[np.ndarray, float, float]:
  """Stored pixels after modality and VOI LUT or window by pydicom, and what is black and white."""
  pixels = dicom_file.package().pixels
  shown = pixels.apply_voi_lut(pixels.apply_modality_lut(stored, dataset), dataset)
  tables = dataset.get('VOILUTSequence')
  if tables and None not in (tables[0].get('LUTDescriptor'), tables[0].get('LUTData')):
    return shown, 0.0, 2.0 ** int(tables[0].LUTDescriptor[2]) - 1
  # The range that pydicom maps a window to.
  if modality := dataset.get('ModalityLUTSequence'):
    black, white = 0.0, 2.0 ** int(modality[0].LUTDescriptor[2]) - 1
  else:
    bits = int(dataset.BitsStored)
    black = -(2.0 ** (bits - 1)) if dataset.PixelRepresentation else 0.0
    white = black + 2.0**bits - 1
  slope, intercept = dataset.get('RescaleSlope'), dataset.get('RescaleIntercept')
  if slope is not None and intercept is not None:
    black, white = (edge * float(slope) + float(intercept) for edge in (black, white))
  return shown, black, white


def _window(header: Header, turned: bool, stored: np.ndarray) -> depth.Shades:
  """Greys of stored values, which are in order, by the window."""
  key = None
  if stored.dtype.kind in 'iu' and len(stored) == int(stored[-1]) - int(stored[0]) + 1:
    key = int(stored[0]), len(stored)
    if key in header.windows:
      return header.windows[key]
  shown, black, white = through_window(header.dataset, stored)
  if not math.isfinite(white - black) or white == black:
    raise ValueError('a window of no width')
  shares = ((shown - black) / (white - black)).clip(0, 1)
  shades = depth.Shades.of(255 * (1 - shares if turned else shares))
  if key and len(header.windows) < _WINDOWS:
    header.windows[key] = shades
  return shades


def _padding(stored: np.ndarray, dataset: Any) -> np.ndarray:
  """Which stored values are of no pixel but fill the frame."""
  value, limit = dataset.get('PixelPaddingValue'), dataset.get('PixelPaddingRangeLimit')
  if not isinstance(value, int):
    return np.zeros(stored.shape, bool)
  low, high = sorted((value, limit if isinstance(limit, int) else value))
  return (stored >= low) & (stored <= high)
