"""Every file that pydicom and nibabel bring along is read, or refused in one line."""

import contextlib
import pathlib
import warnings

import numpy as np
import pytest

from medjax.data.images import files
from medjax.data.images.options import Options
from medjax.errors import UserError

# Files of a megabyte of text or code say nothing here.
_NO_DATA = ('.py', '.pyc', '.PAR', '.REC')


def _tried(root):
  """Names of the files that were read, and of those that were refused."""
  read, refused = [], []
  for path in sorted(root.rglob('*')):
    if not path.is_file() or path.suffix in _NO_DATA:
      continue
    cases = files.find([str(path)], 16, 3, Options(slices=7))
    assert cases
    for case in cases[:3]:
      try:
        pixels = case.load()['image']
      except UserError as error:
        message = str(error)
        assert message.startswith(str(path))
        assert '\n' not in message
        assert len(message) < 400
        refused.append(path.name)
      else:
        assert (pixels.shape, pixels.dtype) == ((16, 16, 3), np.uint8)
        read.append(path.name)
  return set(read), set(refused)


def test_files_of_pydicom(capfd):
  pydicom = pytest.importorskip('pydicom')
  with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    read, refused = _tried(pathlib.Path(pydicom.__file__).parent / 'data')
  for name in (
    'CT_small.dcm', 'MR_small_RLE.dcm', 'MR_small_bigendian.dcm', 'JPEG2000.dcm', 'JPGExtended.dcm',
    'SC_rgb_rle_32bit_2frame.dcm', 'examples_palette.dcm', 'examples_ybr_color.dcm',
    'MR_small_jpeg_ls_lossless.dcm', 'image_dfl.dcm', 'rtdose.dcm', 'liver_1frame.dcm', '6293',
  ):  # fmt: skip
    assert name in read
  for name in (
    'DICOMDIR', 'test-SR.dcm', 'rtplan.dcm', 'MR_truncated.dcm', 'waveform_ecg.dcm', 'README.txt',
    'no_meta.dcm', 'hotiron.dcm', 'zipMR.gz', 'badVR.dcm',
  ):  # fmt: skip
    assert name in refused
  assert len(read) > 90
  out, err = capfd.readouterr()
  assert not out
  assert 'Traceback' not in err


def test_files_of_nibabel():
  testing = pytest.importorskip('nibabel.testing')
  with contextlib.suppress(RuntimeWarning), warnings.catch_warnings():
    warnings.simplefilter('ignore')
    read, refused = _tried(pathlib.Path(str(testing.data_path)))
  assert {'anatomical.nii', 'resampled_anat_moved.nii', '0.dcm'} <= read
  assert {
    'example4d.nii.gz',
    'functional.nii',
    'standard.nii.gz',
    'test.mgz',
    'tiny.mnc',
  } <= refused
