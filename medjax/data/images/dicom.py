"""Pixels of DICOM files as they are to be looked at; pydicom decodes them and applies the tables.

Of a grey frame the modality LUT or rescale is applied, then the VOI LUT or the first window, and
MONOCHROME1 is turned round. What a window calls black and white is black and white; without a
window that can be used ``depth.to_eight_bits`` says it, in which padding takes no part. Overlays
and ICC profiles are not looked at.
"""

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from medjax.data.images import dicom_file, dicom_greys, limits
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
_RLE = '1.2.840.10008.1.2.5'
_PIXEL_DATA = 0x7FE00010
# Where enhanced images of many frames say what others say of all.
_GROUPS = ('PixelValueTransformationSequence', 'FrameVOILUTSequence', 'PixelMeasuresSequence')
# Of uncompressed pixels, in the order of bytes that the machines of today have.
_AS_THEY_ARE = ('1.2.840.10008.1.2', '1.2.840.10008.1.2.1')


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
  dataset = dicom_file.header(file, name, (*_TAGS, *_LAYOUT))
  # As the data are, which is not always what the file says of them.
  rows = dataset.get_item('Rows')
  implicit = bool(getattr(rows, 'is_implicit_VR', dataset.original_encoding[0]))
  return dicom_file.guarded(name, lambda: _picture(file, dataset, implicit, name, place))


def _picture(file: BinaryIO, dataset: Any, implicit: bool, name: str, place: int) -> Picture:
  header = dicom_greys.understood(dataset, implicit)
  dataset = header.dataset
  limits.require(name, int(dataset.Columns), int(dataset.Rows))
  if dicom_file.frames(dataset, name) <= place:
    raise UserError(f'{name}: has no frame {place + 1}')
  frame = _stored(file, dataset, implicit, place)
  if of_frame := list(_of_frame(dataset, place)):
    dataset = _with(dataset, *of_frame)
    header = dicom_greys.Header(dataset)
  if frame.ndim == 3:
    pixels = _colours(frame, int(dataset.BitsStored or 8))
  elif dataset.PhotometricInterpretation == 'PALETTE COLOR':
    mapped = dicom_file.package().pixels.apply_color_lut(frame, dataset)[..., :3]
    pixels = _colours(mapped, 8 * mapped.itemsize)
  else:
    pixels = dicom_greys.greys(frame, header)
  return Picture(Image.fromarray(pixels), _pixel(dataset))


def _with(dataset: Any, *elements: Any) -> Any:
  """A data set of the same elements and others: what is kept with a header must not hold pixels."""
  syntax = dataset.file_meta.TransferSyntaxUID
  every = (*dataset.values(), *elements)
  return dicom_file.of_elements(every, syntax, dataset.original_encoding)


def _stored(file: BinaryIO, dataset: Any, implicit: bool, place: int) -> np.ndarray:
  """The frame as it is stored, [rows, columns] or in RGB; YBR is converted.

  Args:
    file: where reading the header has ended.
    dataset: the header, which is not changed.
    implicit: whether types of values are left out in the file.
    place: of the frame, from 0.
  """
  pydicom = dicom_file.package()
  little = dataset.original_encoding[1]
  whole = None
  if int(dataset.get('NumberOfFrames') or 1) > 1:
    with contextlib.suppress(Exception):  # does not know deflated files, and odd fragments
      return pydicom.pixels.pixel_array(file, index=place)  # reads no other frame
    file.seek(0)
  else:
    # Not ``read_dataset``, which takes the length of some pixels for a type of values.
    elements = pydicom.filereader.data_element_generator(
      file, implicit, little, specific_tags=dicom_file.numbers(*_PIXELS)
    )
    for element in itertools.islice(elements, 1):
      plain = _plain(dataset, element)
      if plain is not None:
        return plain
      whole = _with(dataset, element)
  if whole is None or all(keyword not in whole for keyword in _PIXELS):
    file.seek(0)  # a deflated file has been read to its end
    tags = dicom_file.numbers(*_TAGS, *_LAYOUT, *_PIXELS)
    whole = pydicom.dcmread(file, force=True, specific_tags=tags)
    whole.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
  return pydicom.pixels.pixel_array(whole, index=place)


def _plain(dataset: Any, element: Any) -> np.ndarray | None:
  """The one frame of whole numbers that stand in the element as they are, or as RLE.

  None for others, and where bits beyond those stored are in use: pydicom knows what to do.
  """
  syntax, data = dataset.file_meta.get('TransferSyntaxUID'), element.value
  allocated, signed = dataset.get('BitsAllocated'), dataset.get('PixelRepresentation')
  usual = (
    element.tag == _PIXEL_DATA
    and syntax in (*_AS_THEY_ARE, _RLE)
    and dataset.get('SamplesPerPixel') == 1
    and signed in (0, 1)
    and allocated in (8, 16)
    and isinstance(data, bytes)
  )
  size = int(dataset.Rows) * int(dataset.Columns)
  if not usual or size == 0:
    return None
  if syntax == _RLE:
    decoder = dicom_file.package().pixels.get_decoder(syntax)
    data, _ = decoder.as_buffer(_with(dataset, element), index=0)
  if size * allocated // 8 not in (len(data), len(data) - 1):
    return None
  kind = f'<{"i" if signed else "u"}{allocated // 8}'
  frame = np.frombuffer(data, kind, size).reshape(dataset.Rows, dataset.Columns)
  bits = int(dataset.BitsStored) - signed
  if int(frame.max()) >= 2**bits or (signed and int(frame.min()) < -(2**bits)):
    return None
  return frame


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
