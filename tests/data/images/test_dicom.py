"""DICOM: pixels as pydicom gives them, and what is black and white."""

import pathlib

import numpy as np
import pytest
from damage import little_memory
from PIL import Image

from medjax.data.images import decode, depth, dicom, dicom_file, dicom_greys, files, packages
from medjax.data.images.options import Options
from medjax.errors import UserError

pydicom = pytest.importorskip('pydicom')
import made_dicom  # noqa: E402
from pydicom.dataset import Dataset  # noqa: E402
from pydicom.pixels import apply_modality_lut, apply_voi_lut, apply_windowing  # noqa: E402

RAMP = np.add.outer(np.arange(32) * 60, np.arange(40) * 50).astype(np.uint16)


def _read(path, size=None, **options):
  """The picture of a file at its own size, or squeezed into a square."""
  with open(path, 'rb') as file:
    return np.asarray(dicom.read(file, str(path), **options).image)


def _written(tmp_path, pixels, **tags):
  path = tmp_path / 'image.dcm'
  made_dicom.write(path, pixels, **tags)
  return path


def _share(values, black, white):
  return np.round(255 * np.clip((values - black) / (white - black), 0, 1)).astype(int)


@pytest.mark.parametrize('kind', ['u1', 'i1', 'u2', 'i2'])
@pytest.mark.parametrize('used', [0, 3])  # bits beyond those stored, as of an overlay
def test_plain_pixels_are_those_of_pydicom(tmp_path, kind, used):
  bits = 8 * np.dtype(kind).itemsize - 3
  low = -(2 ** (bits + used - 1)) if kind[0] == 'i' else 0
  pixels = np.random.default_rng(0).integers(low, low + 2 ** (bits + used), (31, 15)).astype(kind)
  pixels[0, :2] = low, low + 2 ** (bits + used) - 1
  path = _written(tmp_path, pixels, BitsStored=bits, HighBit=bits - 1)
  with open(path, 'rb') as file:
    header = dicom_file.header(file, 'a file', dicom._TAGS)
    found = dicom._stored(file, header, False, 0)
  whole = pydicom.dcmread(path)
  assert (dicom._plain(whole, whole['PixelData']) is None) == bool(used)
  np.testing.assert_array_equal(found, pydicom.dcmread(path).pixel_array)


@pytest.mark.parametrize('said', [True, False])  # of the form that the data have
def test_the_length_of_pixels_is_no_type_of_values(tmp_path, said):
  # 218,448 bytes: their length begins with the letters PU, as a type of values would.
  pixels = np.random.default_rng(0).integers(0, 4000, (328, 333), np.uint16)
  made = made_dicom.dataset(pixels)
  made.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
  path = tmp_path / 'image.dcm'
  made.save_as(path, enforce_file_format=True)
  if not said:
    true, false = b'\x12\x001.2.840.10008.1.2\x00', b'\x14\x001.2.840.10008.1.2.1\x00'
    assert path.read_bytes().count(true) == 1
    path.write_bytes(path.read_bytes().replace(true, false))
  with open(path, 'rb') as file:
    found = np.asarray(dicom.read(file, 'a file').image)
  np.testing.assert_array_equal(found, depth.to_eight_bits(pixels))


@pytest.mark.parametrize('function', ['LINEAR', 'LINEAR_EXACT'])
@pytest.mark.parametrize(
  ('pixels', 'rescale'),
  [(RAMP, (1, 0)), (RAMP.astype(np.int16) - 1500, (1, 0)), (RAMP, (2.5, -1024)), (RAMP, (-1, 9))],
)
def test_a_window_is_black_below_and_white_above(tmp_path, pixels, rescale, function):
  slope, intercept = rescale
  values = pixels * float(slope) + intercept
  center, width = float(values.mean()), float(values.std())
  path = _written(
    tmp_path, pixels, RescaleSlope=slope, RescaleIntercept=intercept, WindowCenter=center,
    WindowWidth=width, VOILUTFunction=function,
  )  # fmt: skip
  if function == 'LINEAR':  # PS3.3 C.11.2.1.2.1
    low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
  else:  # C.11.2.1.3.2
    low, high = center - width / 2, center + width / 2
  np.testing.assert_allclose(_read(path).astype(int), _share(values, low, high), atol=1)


def test_monochrome1_is_turned_round(tmp_path):
  tags = {'WindowCenter': 2000, 'WindowWidth': 1500}
  found = _read(_written(tmp_path, RAMP, **tags)).astype(int)
  turned = _read(_written(tmp_path, RAMP, PhotometricInterpretation='MONOCHROME1', **tags))
  np.testing.assert_array_equal(turned, 255 - found)
  without = _read(_written(tmp_path, RAMP, PhotometricInterpretation='MONOCHROME1'))
  np.testing.assert_array_equal(without, depth.to_eight_bits(RAMP, white_is_zero=True))


def test_the_first_window_of_several_counts(tmp_path):
  one = _read(_written(tmp_path, RAMP, WindowCenter=900, WindowWidth=400))
  two = _read(_written(tmp_path, RAMP, WindowCenter=[900, 3000], WindowWidth=[400, 90]))
  np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize('side', [32, 150])  # of few pixels, and of many
@pytest.mark.parametrize('kind', [np.uint8, np.uint16, np.int16, np.uint32])
def test_without_a_window_the_scale_is_that_of_the_pixels(tmp_path, kind, side):
  rng = np.random.default_rng(0)
  low = -900 if kind == np.int16 else 0
  pixels = rng.integers(low, 250 if kind == np.uint8 else 3000, (side, side)).astype(kind)
  np.testing.assert_array_equal(_read(_written(tmp_path, pixels)), depth.to_eight_bits(pixels))
  scaled = _read(_written(tmp_path, pixels, RescaleSlope=2, RescaleIntercept=-100))
  expected = depth.to_eight_bits(pixels.astype(np.int64) * 2 - 100)
  np.testing.assert_array_equal(scaled, expected)


@pytest.mark.parametrize('width', [0, -3, 'none'])
def test_a_window_of_no_width_is_as_none(tmp_path, width):
  tags = {'WindowCenter': 100} | ({} if width == 'none' else {'WindowWidth': width})
  path = _written(tmp_path, RAMP, **tags)
  np.testing.assert_array_equal(_read(path), depth.to_eight_bits(RAMP))
  assert not dicom_greys.windowed(pydicom.dcmread(path))  # which is counted in a note


def test_padding_has_no_part_in_the_scale(tmp_path):
  pixels = RAMP.astype(np.int16)
  padded = pixels.copy()
  padded[:, :8] = -30000
  found = _read(_written(tmp_path, padded, PixelPaddingValue=-30000))
  np.testing.assert_array_equal(found[:, 8:], depth.to_eight_bits(pixels)[:, 8:])
  assert not found[:, :8].any()


def _lut(values, first, bits=16):
  item = Dataset()
  item.LUTDescriptor = [len(values), first, bits]
  item.LUTData = [int(value) for value in values]
  item['LUTDescriptor'].VR = item['LUTData'].VR = 'US'
  return [item]


def test_tables_of_modality_and_voi(tmp_path):
  root = np.sqrt(np.arange(4096) / 4095) * 4095
  path = _written(tmp_path, RAMP, VOILUTSequence=_lut(root, 0, 12))
  np.testing.assert_allclose(_read(path), np.sqrt(np.minimum(RAMP, 4095) / 4095) * 255, atol=1)
  path = _written(
    tmp_path, RAMP, ModalityLUTSequence=_lut(np.arange(4096)[::-1], 0), WindowCenter=2048,
    WindowWidth=4096,
  )  # fmt: skip
  expected = _share(4095.0 - np.minimum(RAMP, 4095), 0, 4095)
  np.testing.assert_allclose(_read(path).astype(int), expected, atol=1)


def _packaged():
  root = pathlib.Path(pydicom.__file__).parent / 'data' / 'test_files'
  return sorted(path for path in root.glob('*.dcm') if path.stat().st_size < 400_000)


def _grey(path):
  """The data set of a packaged file of one grey frame with 8 bits or more; None for others."""
  try:
    found = pydicom.dcmread(path)
    stored = found.pixel_array
  except Exception:
    return None
  usual = str(found.PhotometricInterpretation).startswith('MONOCHROME') and stored.ndim == 2
  return (found, stored) if usual and found.BitsAllocated > 1 else None


@pytest.mark.filterwarnings('ignore::UserWarning')
def test_values_of_packaged_files_are_those_of_pydicom():
  windowed = signed = deep = compared = 0
  for path in _packaged():
    if not (both := _grey(path)):
      continue
    found, stored = both
    compared += 1
    expected = apply_modality_lut(stored, found)
    np.testing.assert_array_equal(dicom_greys.values(found, stored), expected, str(path))
    signed += stored.dtype.kind == 'i'
    deep += stored.itemsize == 2
    if dicom_greys.windowed(found):
      windowed += 1
      shown, black, white = dicom_greys.through_window(found, stored)
      np.testing.assert_array_equal(shown, apply_voi_lut(expected, found), str(path))
      np.testing.assert_array_equal(
        apply_windowing(np.array([-1e9, 1e9]), found), [black, white], str(path)
      )
      if min(stored.shape) >= 8:
        np.testing.assert_allclose(
          _read(path).astype(int), _share(shown.astype(float), black, white), atol=1
        )
  assert compared >= 20
  assert min(windowed, signed, deep) > 4


def test_colours_palettes_and_ybr_are_rgb(tmp_path):
  rng = np.random.default_rng(0)
  rgb = rng.integers(0, 255, (12, 10, 3), np.uint8)
  np.testing.assert_array_equal(_read(_written(tmp_path, rgb)), rgb)
  ybr = np.asarray(Image.fromarray(rgb).convert('YCbCr'))
  path = _written(tmp_path, ybr, PhotometricInterpretation='YBR_FULL')
  np.testing.assert_allclose(_read(path).astype(int), rgb.astype(int), atol=2)
  deep = rgb.astype(np.uint16) * 16
  path = _written(tmp_path, deep, BitsStored=12, HighBit=11)
  np.testing.assert_allclose(_read(path).astype(int), rgb.astype(int), atol=1)
  tables = rng.integers(0, 2**16, (3, 256), np.uint16)
  tags = {'PhotometricInterpretation': 'PALETTE COLOR'}
  for colour, table in zip(('Red', 'Green', 'Blue'), tables, strict=True):
    tags[f'{colour}PaletteColorLookupTableDescriptor'] = [256, 0, 16]
    tags[f'{colour}PaletteColorLookupTableData'] = table.tobytes()
  indices = rgb[..., 0]
  found = _read(_written(tmp_path, indices, **tags))
  np.testing.assert_allclose(found, np.moveaxis(tables, 0, 1)[indices] / 257, atol=1)


def test_compressed_frames_are_those_that_were_compressed(tmp_path):
  made = made_dicom.dataset(RAMP, WindowCenter=2000, WindowWidth=1500)
  expected = _read(_written(tmp_path, RAMP, WindowCenter=2000, WindowWidth=1500))
  for syntax in (pydicom.uid.RLELossless, pydicom.uid.JPEG2000Lossless):
    made.compress(syntax)
    made.save_as(tmp_path / 'packed', enforce_file_format=True)
    np.testing.assert_array_equal(_read(tmp_path / 'packed'), expected)
    made.decompress()


def test_frames_have_windows_of_their_own(tmp_path):
  film = np.stack([RAMP, RAMP, RAMP + 500])
  items = []
  for center in (500, 1000, 2000):
    window, item = Dataset(), Dataset()
    window.WindowCenter, window.WindowWidth = center, 600
    item.FrameVOILUTSequence = [window]
    items.append(item)
  shared, rescale = Dataset(), Dataset()
  rescale.RescaleSlope, rescale.RescaleIntercept = 2, -50
  shared.PixelValueTransformationSequence = [rescale]
  path = _written(
    tmp_path, film, PerFrameFunctionalGroupsSequence=items, SharedFunctionalGroupsSequence=[shared]
  )
  for place, center in enumerate((500, 1000, 2000)):
    expected = _share(film[place] * 2.0 - 50, center - 0.5 - 299.5, center - 0.5 + 299.5)
    np.testing.assert_allclose(_read(path, place=place).astype(int), expected, atol=1)


def test_frames_of_a_film_are_cases_by_the_setting(tmp_path):
  film = np.stack([np.full((16, 16), 40 * i, np.uint8) for i in range(5)])
  path = _written(tmp_path, film)
  (middle,) = files.find([str(path)], 16, 1)
  assert (middle.name, middle.note) == (str(path), 'the middle one of 5 frames')
  assert (middle.load()['image'] == 80).all()
  cases = files.find([str(tmp_path)], 16, 1, Options(slices=2))
  assert [case.name for case in cases] == [f'{path}#{number}' for number in (1, 3, 5)]
  assert [int(case.load()['image'].max()) for case in cases] == [0, 80, 160]


@pytest.mark.parametrize('name', ['IM000001', 'scan.png', 'scan.DCM', 'a.b.c'])
def test_content_counts_and_not_the_name(tmp_path, name):
  path = tmp_path / name
  made_dicom.write(path, RAMP)
  assert decode.decode(path, 16, 1).shape == (16, 16, 1)


def test_a_file_without_preamble_is_read_by_its_name(tmp_path):
  made = made_dicom.dataset(RAMP)
  expected = _read(_written(tmp_path, RAMP))
  for implicit in (True, False):
    path = tmp_path / 'bare.dcm'
    bare = Dataset(made)
    bare.save_as(path, implicit_vr=implicit, little_endian=True)
    np.testing.assert_array_equal(_read(path), expected)
    assert decode.decode(path, 16, 3).shape == (16, 16, 3)
  path.rename(tmp_path / 'bare')
  with pytest.raises(UserError, match='bare: not an image that can be read'):
    decode.decode(tmp_path / 'bare', 16, 1)


def test_what_is_wrong_is_one_line_that_quotes_no_header(tmp_path):
  secret = 'Doe^Jane'
  cases = {
    'report.dcm': (
      {'SOPClassUID': '1.2.840.10008.5.1.4.1.1.88.11'},
      'pixels \\(Basic Text',
    ),
    'pdf': ({'SOPClassUID': '1.2.840.10008.5.1.4.1.1.104.1'}, 'pixels \\(Encapsulated PDF'),
    'private': ({'SOPClassUID': '1.2.3.4'}, 'without pixels; expected an'),
    'tiny': ({'Rows': 4, 'Columns': 4}, '4x4 pixels; expected at least 8x8'),
    'huge': ({'Rows': 60000, 'Columns': 60000}, 'expected at most 89,478,485'),
    'short': ({'Rows': 64}, 'damaged, cut off, or of a kind that is not read'),
    'words': ({'BitsStored': None}, 'damaged, cut off, or of a kind that is not read'),
  }
  for name, (tags, reason) in cases.items():
    made = made_dicom.dataset(RAMP, PatientName=secret, PatientID=secret, **tags)
    if 'pixels \\(' in reason or 'without' in reason:
      del made.PixelData, made.Rows, made.Columns
    made.save_as(tmp_path / name, enforce_file_format=True)
    with pytest.raises(UserError, match=f'{name}: .*{reason}') as caught:
      decode.decode(tmp_path / name, 16, 1)
    assert '\n' not in str(caught.value)
    assert secret not in str(caught.value)
  (tmp_path / 'half.dcm').write_bytes(_written(tmp_path, RAMP).read_bytes()[:-40])
  with pytest.raises(UserError, match=r'half.dcm: DICOM file that is damaged, cut off'):
    decode.decode(tmp_path / 'half.dcm', 16, 1)


def test_too_many_frames_are_refused(tmp_path):
  path = _written(tmp_path, RAMP, NumberOfFrames=10**6)
  (case,) = files.find([str(path)], 16, 1)
  with pytest.raises(UserError, match=r'image.dcm: 1000000 frames; expected 1 to 100,000'):
    case.load()


def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch):
  path = _written(tmp_path, RAMP)

  def missing(name):
    raise ImportError(f'No module named {name!r}')

  monkeypatch.setattr('importlib.import_module', missing)
  packages.load.cache_clear()
  try:
    with pytest.raises(UserError, match=r"DICOM files need .*: pip install 'medjax\[imaging\]'"):
      decode.decode(path, 16, 1)
  finally:
    packages.load.cache_clear()


def test_a_decoder_that_panics_is_an_error_and_an_interrupt_is_none(tmp_path, monkeypatch):
  class PanicError(BaseException):
    """As of decoders in Rust."""

  path = _written(tmp_path, RAMP.astype(np.int32))  # which pydicom decodes
  for raised, expected in ((PanicError, UserError), (KeyboardInterrupt, KeyboardInterrupt)):

    def panic(*_, raised=raised, **__):
      raise raised('of what is in the file')

    monkeypatch.setattr('pydicom.pixels.pixel_array', panic)
    with pytest.raises(expected):
      decode.decode(path, 16, 1)


def _refusal(case):
  try:
    assert case.load()['image'].shape == (16, 16, 3)
  except UserError as error:
    return str(error)
  return ''


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('name', ['MR_small', 'MR_small_jp2klossless', 'image_dfl', 'liver_1frame'])
def test_damaged_files_are_an_image_or_refused(tmp_path, name):
  (source,) = (path for path in _packaged() if path.stem == name)
  whole = source.read_bytes()
  rng = np.random.default_rng(0)
  path, refused = tmp_path / 'damaged.dcm', 0
  for kind in range(24):
    content = bytearray(whole[: rng.integers(len(whole)) if kind % 3 == 0 else len(whole)])
    if content:
      for place in rng.integers(0, min(len(content), 2500), 4):
        content[place] = rng.integers(256)
    path.write_bytes(content)
    with little_memory():
      for case in files.find([str(path)], 16, 3, Options(slices=9))[:2]:
        message = _refusal(case)
        refused += bool(message)
        assert message.startswith(f'{path}: ') or not message
        assert '\n' not in message
  assert refused >= 8
