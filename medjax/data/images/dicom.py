"""Pixels of DICOM files as they are to be looked at; pydicom decodes them and applies the tables.

Of a grey frame the modality LUT or rescale is applied, then the VOI LUT or the first window, and
MONOCHROME1 is turned round. What a window calls black and white is black and white; without a
window that can be used ``depth.to_eight_bits`` says it, in which padding takes no part. Overlays
and ICC profiles are not looked at.
"""

import contextlib
import functools
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from medjax.data.images import depth, limits, packages
from medjax.data.images.resize import Picture
from medjax.errors import UserError

_WINDOW = ('WindowCenter', 'WindowWidth', 'VOILUTFunction', 'VOILUTSequence')
_SPACINGS = ('PixelSpacing', 'ImagerPixelSpacing', 'NominalScannedPixelSpacing', 'PixelAspectRatio')
_COLOURS = ('Red', 'Green', 'Blue', 'SegmentedRed', 'SegmentedGreen', 'SegmentedBlue')
# What pixels rest on. Nothing else of a header is read here, so that nothing else can be told.
_TAGS = (
  'SOPClassUID', 'Rows', 'Columns', 'NumberOfFrames', 'SamplesPerPixel', 'BitsAllocated',
  'BitsStored', 'PixelRepresentation', 'PhotometricInterpretation', 'PixelPaddingValue',
  'PixelPaddingRangeLimit', 'PixelPresentation', 'ModalityLUTSequence', 'RescaleSlope',
  'RescaleIntercept', 'SharedFunctionalGroupsSequence', 'PerFrameFunctionalGroupsSequence',
  *_WINDOW, *_SPACINGS, *(f'{colour}PaletteColorLookupTableDescriptor' for colour in _COLOURS[:3]),
  *(f'{colour}PaletteColorLookupTableData' for colour in _COLOURS),
)  # fmt: skip
_LAYOUT = (
  'PlanarConfiguration', 'HighBit', 'ExtendedOffsetTable', 'ExtendedOffsetTableLengths'
)  # fmt: skip
_PIXELS = ('PixelData', 'FloatPixelData', 'DoubleFloatPixelData')
# Where enhanced images of many frames say what others say of all.
_GROUPS = ('PixelValueTransformationSequence', 'FrameVOILUTSequence', 'PixelMeasuresSequence')
# Of uncompressed pixels, in the order of bytes that the machines of today have.
_AS_THEY_ARE = ('1.2.840.10008.1.2', '1.2.840.10008.1.2.1')
# What makes other values of pixels.
_CHANGING = (*_WINDOW[:2], 'VOILUTSequence', 'ModalityLUTSequence', 'PixelPaddingValue')
# Pixels from which on a table of all values pays.
_MANY = 2**14


class NoPictureError(UserError):
  """A DICOM file that holds no pixels, such as a report or the list of a medium's files."""


def package() -> Any:
  """The package pydicom, which takes headers as they are.

  Raises:
    MissingPackageError: it is not installed.
  """
  pydicom = packages.load('pydicom', 'DICOM')
  pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
  return pydicom


def header(file: BinaryIO, name: str, keywords: tuple[str, ...]) -> Any:
  """Some tags of a file that holds pixels, as a pydicom data set.

  Args:
    file: from its beginning on.
    name: what it is called in errors.
    keywords: of the tags; a data set without others is given.

  Raises:
    NoPictureError: it holds no pixels.
    UserError: it is damaged.
  """
  pydicom = package()
  tags = _numbers(*keywords, 'Rows', 'Columns')
  file.seek(0)
  found = guarded(
    name,
    lambda: pydicom.dcmread(file, stop_before_pixels=True, force=True, specific_tags=tags),
  )
  if 'Rows' not in found or 'Columns' not in found:
    uid = found.get('SOPClassUID') or found.file_meta.get('MediaStorageSOPClassUID') or ''
    known = getattr(uid, 'name', '')
    if not uid and not found.file_meta:
      raise UserError(f'{name}: is no DICOM file, or damaged: expected DICM at its byte 128')
    what = f' ({known})' if known and known != uid else ''
    raise NoPictureError(f'{name}: DICOM file without pixels{what}; expected an image')
  return found


@functools.cache
def _numbers(*keywords: str) -> list[Any]:
  """Tags as pydicom reads them fastest."""
  return [package().tag.Tag(keyword) for keyword in keywords]


def frames(dataset: Any, name: str) -> int:
  """How many frames a header says that there are.

  Raises:
    UserError: none, or more than any file has; ``name`` says of what.
  """
  count = int(dataset.get('NumberOfFrames') or 1)
  if not 1 <= count <= limits.MAX_PLACES:
    raise UserError(f'{name}: {count} frames; expected 1 to {limits.MAX_PLACES:,}')
  return count


def guarded(name: str, read: Callable[[], Any]) -> Any:
  """What ``read`` gives; what pydicom says of a failure may quote the header, and is not told.

  Raises:
    UserError: it failed; ``name`` says of what.
  """
  try:
    return read()
  except UserError:
    raise
  except MemoryError:
    raise UserError(f'{name}: has more pixels than there is memory') from None
  except NotImplementedError:
    raise UserError(
      f'{name}: DICOM file in a transfer syntax, or with values, that is not read'
    ) from None
  except (KeyboardInterrupt, SystemExit):
    raise
  except BaseException as error:  # a panic of the decoder of RLE, which is in Rust, is no Exception
    raise UserError(
      f'{name}: DICOM file that is damaged, cut off, or of a kind that is not read '
      f'({type(error).__name__})'
    ) from None


def read(file: BinaryIO, name: str, place: int = 0) -> Picture:
  """One frame as a picture of 8 bits.

  Args:
    file: from its beginning on.
    name: what it is called in errors.
    place: of the frame, from 0.

  Raises:
    NoPictureError: it holds no pixels.
    UserError: it is damaged, too large, or of a kind that is not read.
  """
  dataset = header(file, name, (*_TAGS, *_LAYOUT))
  # As the data are, which is not always what the file says of them.
  rows = dataset.get_item('Rows')
  implicit = bool(getattr(rows, 'is_implicit_VR', dataset.original_encoding[0]))
  return guarded(name, lambda: _picture(file, dataset, implicit, name, place))


def _picture(file: BinaryIO, dataset: Any, implicit: bool, name: str, place: int) -> Picture:
  limits.require(name, int(dataset.Columns), int(dataset.Rows))
  if frames(dataset, name) <= place:
    raise UserError(f'{name}: has no frame {place + 1}')
  frame = _stored(file, dataset, implicit, place)
  for element in _of_frame(dataset, place):
    dataset[element.tag] = element
  if frame.ndim == 3:
    pixels = _colours(frame, int(dataset.BitsStored or 8))
  elif dataset.PhotometricInterpretation == 'PALETTE COLOR':
    mapped = package().pixels.apply_color_lut(frame, dataset)[..., :3]
    pixels = _colours(mapped, 8 * mapped.itemsize)
  else:
    pixels = _greys(frame, dataset)
  return Picture(Image.fromarray(pixels), _pixel(dataset))


def _stored(file: BinaryIO, dataset: Any, implicit: bool, place: int) -> np.ndarray:
  """The frame as it is stored, [rows, columns] or in RGB; YBR is converted.

  Args:
    file: where reading the header has ended.
    dataset: the header; the pixels are put there.
    implicit: whether types of values are left out in the file.
    place: of the frame, from 0.
  """
  pydicom = package()
  little = dataset.original_encoding[1]
  if int(dataset.get('NumberOfFrames') or 1) > 1:
    with contextlib.suppress(Exception):  # does not know deflated files, and odd fragments
      return pydicom.pixels.pixel_array(file, index=place)  # reads no other frame
    file.seek(0)
  else:
    # Not ``read_dataset``, which takes the length of some pixels for a type of values.
    elements = pydicom.filereader.data_element_generator(
      file, implicit, little, specific_tags=_numbers(*_PIXELS)
    )
    dataset.update({element.tag: element for element in itertools.islice(elements, 1)})
    plain = _plain(dataset)
    if plain is not None:
      return plain
  if all(keyword not in dataset for keyword in _PIXELS):  # a deflated file has been read to its end
    file.seek(0)
    dataset = pydicom.dcmread(file, force=True, specific_tags=_numbers(*_TAGS, *_LAYOUT, *_PIXELS))
    implicit = dataset.original_encoding[0]
  if not dataset.file_meta.get('TransferSyntaxUID'):  # nothing stands in front of the data
    kind = 'ImplicitVRLittleEndian' if implicit else 'ExplicitVRLittleEndian'
    dataset.file_meta.TransferSyntaxUID = getattr(
      pydicom.uid, kind if little else 'ExplicitVRBigEndian'
    )
  return pydicom.pixels.pixel_array(dataset, index=place)


def _plain(whole: Any) -> np.ndarray | None:
  """The one frame of whole numbers that stand as they are, without a copy.

  None for others, and where bits beyond those stored are in use: pydicom knows what to do.
  """
  allocated, data, signed = (
    whole.get(keyword) for keyword in ('BitsAllocated', 'PixelData', 'PixelRepresentation')
  )
  usual = (
    whole.file_meta.get('TransferSyntaxUID') in _AS_THEY_ARE
    and whole.get('SamplesPerPixel') == 1
    and signed in (0, 1)
    and allocated in (8, 16)
    and isinstance(data, bytes)
  )
  size = int(whole.Rows) * int(whole.Columns)
  if not usual or size == 0 or size * allocated // 8 not in (len(data), len(data) - 1):
    return None
  kind = f'<{"i" if signed else "u"}{allocated // 8}'
  frame = np.frombuffer(data, kind, size).reshape(whole.Rows, whole.Columns)
  bits = int(whole.BitsStored) - signed
  lowest = -(2**bits) if signed else 0
  return frame if int(frame.max()) < 2**bits and int(frame.min()) >= lowest else None


def _of_frame(dataset: Any, place: int) -> Iterator[Any]:
  """What the functional groups of an enhanced image say of pixels, those of the frame last."""
  shared = dataset.get('SharedFunctionalGroupsSequence') or []
  frames = dataset.get('PerFrameFunctionalGroupsSequence') or []
  for item in (*shared[:1], *frames[place : place + 1]):
    for group in _GROUPS:
      for found in (item.get(group) or [])[:1]:
        yield from (element for element in found if element.keyword in _TAGS)


def _colours(pixels: np.ndarray, bits: int) -> np.ndarray:
  """RGB of 8 bits."""
  if pixels.dtype == np.uint8:
    return np.ascontiguousarray(pixels)
  top = 2.0 ** max(8, bits) - 1
  return np.round(pixels * (255 / top)).clip(0, 255).astype(np.uint8)


def _greys(stored: np.ndarray, dataset: Any) -> np.ndarray:
  """Greys of 8 bits, black as 0."""
  turned = dataset.PhotometricInterpretation == 'MONOCHROME1'
  if int(dataset.get('BitsAllocated') or 0) == 1:
    return np.where(stored.astype(bool) ^ turned, 255, 0).astype(np.uint8)
  if all(dataset.get(name) is None for name in _CHANGING) and _rescale(dataset) == (1.0, 0.0):
    return depth.to_eight_bits(stored, white_is_zero=turned)
  different, number = _different(stored)
  if windowed(dataset):
    try:
      return depth.looked_up(_window(dataset, turned, different), number)
    except (ValueError, TypeError, IndexError, NotImplementedError, AttributeError, KeyError):
      pass  # a table that is not as it says: as without one
  counts = np.bincount(number.ravel(), minlength=len(different))
  padding = _padding(different, dataset)
  if counts[~padding].any():
    counts[padding] = 0
  table = depth.to_eight_bits(values(dataset, different), counts, white_is_zero=turned)
  table[padding] = 0
  return depth.looked_up(table, number)


def _different(stored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Values in order, among them all that pixels have, and the number of that of each pixel.

  What tables make of a pixel depends on its value alone, and there are fewer of those.
  """
  if stored.dtype.kind not in 'iu' or stored.itemsize > 2 or stored.size < _MANY:
    different, number = np.unique(stored, return_inverse=True)
    return different, number.reshape(stored.shape)
  native = np.ascontiguousarray(stored, stored.dtype.newbyteorder('='))
  least, most = min(int(native.min()), 0), int(native.max())
  number = native.view(f'u{native.itemsize}')
  if least < 0:
    number = number - np.array(least).astype(number.dtype)  # in the arithmetic of as many bits
  return np.arange(least, most + 1).astype(native.dtype), number


def values(dataset: Any, stored: np.ndarray) -> np.ndarray:
  """Stored pixels after the modality LUT or rescale, by pydicom; whole numbers as integers."""
  found = package().pixels.apply_modality_lut(stored, dataset)
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
  pixels = package().pixels
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


def _window(dataset: Any, turned: bool, stored: np.ndarray) -> np.ndarray:
  """Stored values as 8 bits from the window."""
  shown, black, white = through_window(dataset, stored)
  if not math.isfinite(white - black) or white == black:
    raise ValueError('a window of no width')
  shares = ((shown - black) / (white - black)).clip(0, 1)
  return np.round(255 * (1 - shares if turned else shares)).astype(np.uint8)


def _padding(stored: np.ndarray, dataset: Any) -> np.ndarray:
  """Which stored values are of no pixel but fill the frame."""
  value, limit = dataset.get('PixelPaddingValue'), dataset.get('PixelPaddingRangeLimit')
  if not isinstance(value, int):
    return np.zeros(stored.shape, bool)
  low, high = sorted((value, limit if isinstance(limit, int) else value))
  return (stored >= low) & (stored <= high)


def _pixel(dataset: Any) -> float:
  """Height of a pixel divided by its width."""
  for keyword in _SPACINGS:
    try:
      height, width = map(float, dataset.get(keyword) or ())
    except (TypeError, ValueError):
      continue
    if min(height, width) > 0 and 0.01 < height / width < 100:
      return height / width
  return 1.0
