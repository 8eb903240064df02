"""Headers that files share: the same greys as of each file alone, and nothing else is kept."""

import concurrent.futures
import io
import pathlib

import numpy as np
import pytest

from medjax.data.images import decode, depth, dicom, dicom_file, dicom_greys

pydicom = pytest.importorskip('pydicom')
import made_dicom  # noqa: E402
from pydicom.pixels import apply_modality_lut, apply_windowing  # noqa: E402

RAMP = np.add.outer(np.arange(32) * 60, np.arange(40) * 50).astype(np.uint16)


def _read(path):
  with open(path, 'rb') as file:
    return np.asarray(dicom.read(file, str(path)).image)


def _written(tmp_path, pixels, **tags):
  path = tmp_path / 'image.dcm'
  made_dicom.write(path, pixels, **tags)
  return path


def test_files_of_one_series_are_read_as_each_alone(tmp_path):
  rng = np.random.default_rng(0)
  series = []
  for number, width in enumerate((400, 400, 400, 90, 400)):
    pixels = rng.integers(-1024, (number + 1) * 600, (160, 160)).astype(np.int16)
    path = tmp_path / f'{number}.dcm'
    tags = {'RescaleSlope': 2, 'RescaleIntercept': -100, 'WindowCenter': 50, 'WindowWidth': width}
    made_dicom.write(path, pixels, **tags)
    series.append(path)
  alone = []
  for path in series:
    dicom_greys._kept.headers.clear()
    alone.append(_read(path))
  dicom_greys._kept.headers.clear()
  for path, wanted in [*zip(series, alone, strict=True)] * 2:
    np.testing.assert_array_equal(_read(path), wanted)
  assert len(dicom_greys._kept.headers) == 2  # one for each width
  first = pydicom.dcmread(series[0])
  window = apply_windowing(apply_modality_lut(first.pixel_array, first), first)
  np.testing.assert_allclose(alone[0], 255 * (window + 65636) / (2 * 65535), atol=0.51)


def _reachable(root):
  """What an object holds, and what that holds."""
  found, seen = [root], set()
  for one in found:
    if id(one) in seen or isinstance(one, type):
      continue
    seen.add(id(one))
    yield one
    parts = [*one, *one.values()] if isinstance(one, dict) else []
    parts += list(one) if isinstance(one, (list, tuple, set)) else []
    found += [*parts, *getattr(one, '__dict__', {}).values()]


def test_of_files_nothing_is_kept_but_what_pixels_rest_on(tmp_path):
  dicom_greys._kept.headers.clear()
  deflated = made_dicom.dataset(RAMP, PatientName='Doe^Jane', WindowCenter=4, WindowWidth=3)
  deflated.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
  deflated.save_as(tmp_path / 'deflated.dcm', enforce_file_format=True)
  for path in (
    _written(tmp_path, RAMP, PatientName='Doe^Jane', WindowCenter=9, WindowWidth=5),
    tmp_path / 'deflated.dcm',
    pydicom.data.get_testdata_file('MR_small_RLE.dcm'),
    pydicom.data.get_testdata_file('JPEG2000.dcm'),
  ):
    content = pathlib.Path(path).read_bytes()
    decode.decode(content, 16, 1, 'a file')
    assert dicom_greys._kept.headers
    for one in _reachable(dicom_greys._kept.headers):
      assert not isinstance(one, io.BytesIO)
      if isinstance(one, (bytes, str)):
        assert len(one) < 300
        assert 'Doe' not in str(one)
      if isinstance(one, pydicom.Dataset):
        assert 'PixelData' not in one
        assert not hasattr(one, 'filename')
  for number in range(20):
    _read(_written(tmp_path, RAMP, WindowCenter=number, WindowWidth=5))
  assert len(dicom_greys._kept.headers) == dicom_greys._HEADERS


def test_threads_share_no_header(tmp_path):
  # pydicom keeps the bytes of some values for a moment, before it knows their type.
  path = _written(tmp_path, RAMP, WindowCenter=9, WindowWidth=5)

  def kept(_=None):
    with open(path, 'rb') as file:
      header = dicom_file.header(file, 'a file', (*dicom._TAGS, *dicom._LAYOUT))
    return dicom_greys.understood(header, False)

  with concurrent.futures.ThreadPoolExecutor(1) as pool:
    others = list(pool.map(kept, range(2)))
  assert others[0] is others[1]
  assert kept() is kept()
  assert kept().dataset is not others[0].dataset


def test_fractions_have_no_window_of_others(tmp_path):
  found = []
  for low, high in ((0.2, 1.9), (0.9, 1.1)):
    made = made_dicom.dataset(RAMP, WindowCenter=1, WindowWidth=2, VOILUTFunction='LINEAR_EXACT')
    made.FloatPixelData = np.array([low, high] * (RAMP.size // 2), np.float32).tobytes()
    made.BitsAllocated = 32
    del made.PixelData
    path = tmp_path / f'{low}.dcm'
    made.save_as(path, enforce_file_format=True)
    dicom_greys._kept.headers.clear()
    alone = _read(path)
    found.append((path, alone))
  dicom_greys._kept.headers.clear()
  for path, alone in found:
    np.testing.assert_array_equal(_read(path), alone)
  assert (found[0][1] != found[1][1]).any()


def test_windows_that_are_kept_are_few(tmp_path):
  dicom_greys._kept.headers.clear()
  for number in range(dicom_greys._WINDOWS + 5):
    pixels = np.arange(number, number + 100, dtype=np.uint16).reshape(10, 10)
    path = _written(tmp_path, pixels, WindowCenter=60, WindowWidth=80)
    _read(path)
  with open(path, 'rb') as file:
    header = dicom_file.header(file, 'a file', (*dicom._TAGS, *dicom._LAYOUT))
  assert len(dicom_greys.understood(header, False).windows) == dicom_greys._WINDOWS


def test_values_of_no_pixel_set_no_scale(tmp_path):
  # To the next power of two, some numbers would be too large for 32 bits, and all fractions.
  pixels = np.random.default_rng(0).integers(0, 16_401, (160, 160)).astype(np.uint16)
  found = _read(_written(tmp_path, pixels, RescaleSlope=66_000, RescaleIntercept=0))
  np.testing.assert_array_equal(found, depth.to_eight_bits(pixels.astype(np.int64) * 66_000))


def test_every_value_of_sixteen_bits_is_told_apart(tmp_path):
  pixels = np.arange(-(2**15), 2**15, dtype=np.int16).reshape(256, 256)
  found = _read(_written(tmp_path, pixels, RescaleSlope=1, RescaleIntercept=7))
  np.testing.assert_array_equal(found, depth.to_eight_bits(pixels.astype(np.int32) + 7))
