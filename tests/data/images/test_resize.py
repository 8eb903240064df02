"""Squares: stretched or with proportions kept, in training and for new files alike."""

import numpy as np
import pytest
import reseal
from PIL import Image

from medjax.data import images
from medjax.data.images import files, loader
from medjax.data.images.options import Options
from medjax.data.images.resize import Picture, to_square


def _extent(square):
  """Rows and columns that are not black."""
  seen = square[..., 0] > 0
  return int(seen.any(axis=1).sum()), int(seen.any(axis=0).sum())


@pytest.mark.parametrize(
  ('width', 'height', 'pixel', 'rows', 'columns'),
  [
    (40, 20, 1.0, 16, 32),
    (20, 40, 1.0, 32, 16),
    (40, 40, 1.0, 32, 32),
    (40, 20, 2.0, 32, 32),  # as tall as wide in millimetres
    (40, 20, 4.0, 32, 16),
    (1000, 9, 1.0, 1, 32),
  ],
)
def test_a_letterbox_keeps_millimetres_in_proportion(width, height, pixel, rows, columns):
  picture = Picture(Image.new('L', (width, height), 200), pixel)
  square = to_square(picture, 32, 3, 'letterbox')
  assert square.shape == (32, 32, 3)
  assert _extent(square) == (rows, columns)
  top, left = np.argwhere(square[..., 0])[0]
  assert (top, left) == ((32 - rows) // 2, (32 - columns) // 2)
  assert _extent(to_square(picture, 32, 1, 'stretch')) == (32, 32)


def test_training_and_new_files_are_resized_alike(tmp_path):
  for i in range(20):
    pixels = np.random.default_rng(i).integers(100, 255, (20, 40), np.uint8)
    path = tmp_path / 'set' / ('a', 'b')[i % 2] / f'{i}.png'
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
  kept = {'source': str(tmp_path / 'set'), 'image_size': 16, 'channels': 1}
  made = {}
  for how in ('stretch', 'letterbox'):
    config = images.Config(**kept, resize=how)
    data = loader.load(config, simulator=None, classes=('a', 'b'))
    made[how] = data
    config = images.Config(**kept, resize=how, stored=reseal.described(tmp_path / how, data))
    modality = loader.load(config, simulator=None, classes=('a', 'b')).modality
    train = data.splits['train']
    (case,) = modality.open([str(tmp_path / 'set' / str(train.id[0]))])
    np.testing.assert_array_equal(case.load()['image'], train.read([0])['image'][0])
    assert _extent(case.load()['image']) == ((16, 16) if how == 'stretch' else (8, 16))
  assert made['stretch'].fingerprint != made['letterbox'].fingerprint


def test_spacings_of_dicom_and_nifti_count(tmp_path):
  made_dicom = pytest.importorskip('made_dicom', exc_type=ImportError)
  nibabel = pytest.importorskip('nibabel')
  pixels = np.full((16, 16), 900, np.uint16)
  for spacing, extent in (([0.5, 1.0], (16, 32)), ([1.0, 0.5], (32, 16)), (['', ''], (32, 32))):
    tags = {} if spacing == ['', ''] else {'PixelSpacing': spacing}
    made_dicom.write(tmp_path / 'a.dcm', pixels, WindowCenter=100, WindowWidth=100, **tags)
    (case,) = files.find([str(tmp_path / 'a.dcm')], 32, 1, Options(resize='letterbox'))
    assert _extent(case.load()['image']) == extent
  voxels = np.random.default_rng(0).integers(500, 900, (16, 16, 16)).astype(np.int16)
  image = nibabel.Nifti1Image(voxels, np.diag([1.0, 1.0, 2.0, 1.0]))
  image.header['cal_max'] = 900
  nibabel.save(image, tmp_path / 'a.nii')
  for axis, extent in (('axial', (32, 32)), ('coronal', (32, 16)), ('sagittal', (32, 16))):
    options = Options(resize='letterbox', slice_axis=axis)
    (case,) = files.find([str(tmp_path / 'a.nii')], 32, 1, options)
    assert _extent(case.load()['image']) == extent
