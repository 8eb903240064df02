"""Files of masks: what each kind says, and which are refused by name."""

import numpy as np
import pytest
from PIL import Image

from medjax.data.images import decode, mask_files, nifti
from medjax.data.images.resize import Picture, from_square, mask_to_square, to_square
from medjax.errors import UserError


@pytest.fixture
def truth():
  mask = np.zeros((24, 40), np.uint8)
  mask[4:16, 8:30] = 1
  return mask


def _save(path, pixels, mode=None, **options):
  image = Image.fromarray(pixels) if mode is None else Image.fromarray(pixels).convert(mode)
  image.save(path, **options)
  return path


@pytest.mark.parametrize(
  ('name', 'made'),
  [
    ('ones.png', lambda m: m),
    ('bright.png', lambda m: m * np.uint8(255)),
    ('deep.png', lambda m: m.astype(np.uint16) * 65535),
    ('three.png', lambda m: np.repeat(m[..., None] * np.uint8(255), 3, 2)),
    ('clear.png', lambda m: np.stack([m * np.uint8(255)] * 3 + [np.full_like(m, 9)], 2)),
    ('jpeg.jpg', lambda m: m * np.uint8(255)),
    ('shares.tif', lambda m: m.astype(np.float32) * 0.9),
  ],
)
def test_one_structure_is_what_is_above_half_of_the_range(tmp_path, truth, name, made):
  path = tmp_path / name
  Image.fromarray(made(truth)).save(path, **({'quality': 60} if name.endswith('jpg') else {}))
  np.testing.assert_array_equal(mask_files.read(path, 1), truth)
  empty = tmp_path / f'empty_{name}'
  Image.fromarray(made(np.zeros_like(truth))).save(empty)
  assert mask_files.read(empty, 1).max() == 0


def test_bits_and_palettes_are_read_by_their_numbers(tmp_path, truth):
  Image.fromarray(truth * np.uint8(255)).convert('1').save(tmp_path / 'bits.png')
  np.testing.assert_array_equal(mask_files.read(tmp_path / 'bits.png', 1), truth)
  image = Image.fromarray(truth + truth).convert('P')
  image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
  image.save(tmp_path / 'voc.png')
  np.testing.assert_array_equal(mask_files.read(tmp_path / 'voc.png', 2), 2 * truth)
  image.putpalette([255, 255, 255, 0, 0, 0, 9, 9, 9])
  image.save(tmp_path / 'white.png')
  with pytest.raises(UserError, match=r'white\.png: index 0 of its palette is not black'):
    mask_files.read(tmp_path / 'white.png', 2)


def test_a_slice_of_nifti_lies_as_its_image_does(tmp_path):
  nibabel = pytest.importorskip('nibabel')
  rng = np.random.default_rng(0)
  volume = rng.integers(0, 3, (10, 9, 8)).astype(np.int16)
  affine = np.diag([-2.0, 3.0, 1.0, 1.0])
  nibabel.save(nibabel.Nifti1Image(volume, affine), tmp_path / 'mask.nii.gz')
  nibabel.save(nibabel.Nifti1Image(volume * 100, affine), tmp_path / 'image.nii.gz')
  for axis, place in (('axial', 1), ('coronal', 5), ('sagittal', 2)):
    mask = mask_files.read(tmp_path / 'mask.nii.gz', 2, place=place, axis=axis)
    with open(tmp_path / 'image.nii.gz', 'rb') as file:
      pixels = np.asarray(nifti.read(file, 'image.nii.gz', axis, place).image).astype(float)
    assert mask.shape == pixels.shape
    # Brighter where the number is larger.
    assert [len(set(pixels[mask == k])) for k in range(3)] == [1, 1, 1]
    assert pixels[mask == 0][0] < pixels[mask == 1][0] < pixels[mask == 2][0]


@pytest.mark.parametrize(
  ('pixels', 'structures', 'reason'),
  [
    (np.full((8, 8), 2, np.uint8), 1, 'its largest value is 2; expected a mask of 0 and 1'),
    (np.full((8, 8), 4095, np.uint16), 1, 'its largest value is 4095'),
    (np.arange(64, dtype=np.uint8).reshape(8, 8) * 4, 1, 'are neither dark nor bright'),
    (np.full((8, 8, 3), [255, 0, 0], np.uint8), 1, 'has colours'),
    (np.full((8, 8), -1, np.float32), 1, 'has values below 0'),
    (np.full((8, 8), np.nan, np.float32), 1, 'not a finite number'),
    (np.full((8, 8), 3, np.uint8), 2, 'has the value 3; expected whole numbers from 0 to 2'),
  ],
)
def test_odd_masks_are_refused_by_name(tmp_path, pixels, structures, reason):
  path = tmp_path / ('odd.tif' if pixels.dtype == np.float32 else 'odd.png')
  Image.fromarray(pixels).save(path)
  with pytest.raises(UserError, match=r'odd\.') as raised:
    mask_files.read(path, structures)
  assert reason in str(raised.value)


def test_files_that_cannot_be_read_are_named(tmp_path):
  (tmp_path / 'empty.png').write_bytes(b'')
  (tmp_path / 'text.png').write_text('a mask')
  (tmp_path / 'cut.png').write_bytes(b'\x89PNG\r\n\x1a\n' + b'0' * 90)
  for name in ('empty.png', 'text.png', 'cut.png', 'gone.png'):
    with pytest.raises(UserError, match=name):
      mask_files.read(tmp_path / name, 1)


def test_masks_of_other_proportions_are_refused(truth, tmp_path):
  picture = Picture(Image.new('L', (80, 48)))
  mask_files.require_alike(truth, picture, tmp_path / 'a.png')  # half the size
  with pytest.raises(UserError, match=r'a\.png: the mask has 24 x 40 pixels and its image 80 x 48'):
    mask_files.require_alike(truth.T, picture, tmp_path / 'a.png')


@pytest.mark.parametrize('how', ['stretch', 'letterbox'])
def test_a_mask_is_resized_to_where_its_picture_is(truth, how):
  picture = Picture(Image.fromarray(truth * np.uint8(255)), pixel=1.5)
  pixels = to_square(picture, 32, 1, how)[..., 0]
  mask = mask_to_square(truth, picture, 32, how)
  assert ((pixels > 127) != mask).mean() < 0.03  # of pixels on the edge
  assert set(np.unique(mask)) == {0, 1}
  back = from_square(mask, picture, how)
  assert back.shape == truth.shape
  assert (back != truth).mean() < 0.04


def test_the_size_of_a_file_is_known_where_it_was_read_smaller_and_turned(tmp_path):
  """JPEG is decoded at a fraction, and EXIF says that the camera lay on its side."""
  image = Image.fromarray(np.zeros((400, 800, 3), np.uint8))
  exif = Image.Exif()
  exif[0x0112] = 6
  image.save(tmp_path / 'turned.jpg', exif=exif)
  picture = decode.picture(tmp_path / 'turned.jpg', 16)
  assert picture.size == (400, 800)
  assert picture.image.size == (50, 100)
  assert from_square(np.zeros((16, 16), np.uint8), picture, 'letterbox').shape == (800, 400)
