"""NIfTI volumes: slices are those of the volume that nibabel turns to the axes of the body."""

import gzip
import itertools

import numpy as np
import pytest

from medjax.data import images
from medjax.data.images import decode, files, folder, loader, nifti
from medjax.data.images.options import Options
from medjax.errors import UserError

nibabel = pytest.importorskip('nibabel')

SHAPE = (9, 11, 13)
VOXELS = np.random.default_rng(0).integers(0, 4000, SHAPE).astype(np.int16)
ZOOMS = (1.0, 2.0, 4.0)
ACROSS = {'sagittal': 0, 'coronal': 1, 'axial': 2}


def _written(path, voxels, affine=None, **header):
  image = nibabel.Nifti1Image(voxels, np.diag([*ZOOMS, 1]) if affine is None else affine)
  for name, value in header.items():
    image.header[name] = value
  path.parent.mkdir(parents=True, exist_ok=True)
  nibabel.save(image, path)
  return path


def _read(path, axis, place, **options):
  with open(path, 'rb') as file:
    return nifti.read(file, str(path), axis, place, **options)


@pytest.mark.parametrize('packed', ['', '.gz'])
def test_slices_of_every_orientation_are_those_of_the_canonical_volume(tmp_path, packed):
  window = {'cal_min': 0, 'cal_max': 4000}
  for order in itertools.permutations(range(3)):
    signs = np.random.default_rng(sum(10**i * o for i, o in enumerate(order))).choice([-1, 1], 3)
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for stored, body in enumerate(order):
      affine[body, stored] = signs[stored] * ZOOMS[stored]
    path = _written(tmp_path / f'volume.nii{packed}', VOXELS, affine, **window)
    canonical = nibabel.as_closest_canonical(nibabel.load(path))
    voxels = np.asarray(canonical.dataobj)
    for axis, across in ACROSS.items():
      with open(path, 'rb') as file:
        assert nifti.slices(file, 'volume', axis) == voxels.shape[across]
      place = 3
      shown = np.moveaxis(voxels, across, 0)[place]
      expected = np.round(shown[::-1, ::-1].T / 4000 * 255)
      for many in (False, True):
        picture = _read(path, axis, place, one_of_many=many)
        np.testing.assert_allclose(np.asarray(picture.image), expected, atol=1)
        columns, rows = np.delete(canonical.header.get_zooms(), across)
        assert picture.pixel == pytest.approx(rows / columns)


def test_where_right_front_and_up_are(tmp_path):
  voxels = np.zeros((16, 16, 16), np.uint8)
  voxels[0, :, :] = 50  # left
  voxels[:, 15, :] = 100  # front
  voxels[:, :, 15] = 200  # up
  path = _written(tmp_path / 'a.nii', voxels, np.eye(4), cal_max=255)
  axial, coronal, sagittal = (
    np.asarray(_read(path, axis, 8).image) for axis in ('axial', 'coronal', 'sagittal')
  )
  assert (axial[8, 15], axial[0, 8], axial[8, 0]) == (50, 100, 0)
  assert (coronal[8, 15], coronal[0, 8], coronal[15, 8]) == (50, 200, 0)
  assert (sagittal[8, 0], sagittal[0, 8], sagittal[15, 8]) == (100, 200, 0)


@pytest.mark.parametrize('packed', ['', '.gz'])
def test_slope_and_intercept_apply(tmp_path, packed):
  path = tmp_path / f'scaled.nii{packed}'
  image = nibabel.Nifti1Image(VOXELS, np.eye(4))
  image.header.set_slope_inter(2.0, -1024.0)
  image.header.set_data_dtype(np.int16)
  nibabel.save(image, path)
  found = np.asarray(_read(path, 'axial', 6).image)
  values = np.asarray(nibabel.load(path).dataobj)[::-1, ::-1, 6].T
  assert values.min() < 0
  expected = np.round((values - values.min()) / (values.max() - values.min()) * 255)
  np.testing.assert_allclose(found, expected, atol=1)


def test_colours_and_single_slices(tmp_path):
  rgb = np.zeros(SHAPE, [('R', 'u1'), ('G', 'u1'), ('B', 'u1')])
  rgb['G'] = VOXELS % 256
  path = _written(tmp_path / 'rgb.nii', rgb)
  found = np.asarray(_read(path, 'axial', 6).image)
  np.testing.assert_array_equal(found[..., 1], rgb['G'][::-1, ::-1, 6].T)
  assert not found[..., 0].any()
  flat = _written(tmp_path / 'flat.nii', VOXELS[:, :, 0], cal_max=4000)
  assert decode.decode(flat, 16, 1).shape == (16, 16, 1)
  with pytest.raises(UserError, match=r'is one slice; expected config.data.slice_axis=axial'):
    decode.decode(flat, 16, 1, options=Options(slice_axis='coronal'))
  (one,) = files.find([str(_written(tmp_path / 'one.nii', VOXELS[..., None]))], 16, 1)
  assert one.load()['image'].any()


def test_what_is_no_single_volume_is_refused_with_the_reason(tmp_path):
  series = np.zeros((9, 9, 9, 4), np.int16)
  cases = {
    'series.nii': (series, '4 axes (9 x 9 x 9 x 4), which are several volumes'),
    'field.nii.gz': (series[:, :, :, None], '5 axes (9 x 9 x 9 x 1 x 4), which are several num'),
    'complex.nii': (VOXELS.astype(np.complex64), 'has complex numbers'),
    'empty.nii': (np.full(SHAPE, 7, np.int16), 'a slice that is all one number'),
    'small.nii': (VOXELS[:4], '4x11 pixels; expected at least 8x8'),
  }
  for name, (voxels, reason) in cases.items():
    path = _written(tmp_path / name, voxels)
    with pytest.raises(UserError) as caught:
      decode.decode(path, 16, 1)
    assert str(caught.value).startswith(f'{path}: {reason}')
    assert '\n' not in str(caught.value)


def test_damaged_volumes_are_one_line(tmp_path):
  whole = _written(tmp_path / 'a.nii', VOXELS).read_bytes()
  large = bytearray(whole)
  large[40:48] = np.array([3, 30000, 30000, 30000], '<i2').tobytes()
  damaged = {
    'half.nii': whole[: len(whole) // 2],
    'head.nii': whole[:350],
    'large.nii': bytes(large),
    'half.nii.gz': gzip.compress(whole)[:-4000],
    'none.nii.gz': gzip.compress(b'no volume'),
    'pair.nii.gz': gzip.compress(whole[:344] + b'ni1\0' + whole[348:]),
    'noise.nii': whole[:344] + b'n+1\0' + bytes(40),
  }
  for name, content in damaged.items():
    (tmp_path / name).write_bytes(content)
    for options in (Options(), Options(slices=1)):
      (case, *_) = files.find([str(tmp_path / name)], 16, 1, options)
      with pytest.raises(UserError) as caught:
        case.load()
      assert str(caught.value).startswith(f'{tmp_path / name}: ')
      assert '\n' not in str(caught.value)
  with pytest.raises(UserError, match=r'pair.nii.gz: .*: a header without voxels; expected both'):
    decode.decode(tmp_path / 'pair.nii.gz', 16, 1)
  with pytest.raises(UserError, match='30000 x 30000 x 30000 voxels; expected'):
    decode.decode(tmp_path / 'large.nii', 16, 1)


def test_a_folder_of_volumes_has_the_middle_slices_or_every_nth(tmp_path):
  for i in range(12):
    voxels = np.random.default_rng(i).integers(1, 4000, (10, 10, 9)).astype(np.int16)
    voxels[:5] += 4000 * (i % 2)
    voxels[:, :, :2] = 0  # below the head
    _written(tmp_path / 'set' / ('a', 'b')[i % 2] / f'{i}.nii.gz', voxels)
  kept = {'source': str(tmp_path / 'set'), 'image_size': 10, 'channels': 1}
  data = loader.load(images.Config(**kept), simulator=None, classes=('a', 'b'))
  assert sum(map(len, data.splits.values())) == 12
  assert any('12 files hold several axial slices: the middle one is taken' in n for n in data.notes)
  source = folder.load(tmp_path / 'set', images.Config(**kept, slices=2))
  assert len(source.records) == 12 * 5
  assert {record.group for record in source.records} == {
    f'{"ab"[i % 2]}/{i}.nii.gz' for i in range(12)
  }
  more = loader.load(images.Config(**kept, slices=2), simulator=None, classes=('a', 'b'))
  assert sum(map(len, more.splits.values())) == 12 * 4
  assert '12 slices in which nothing is to be seen are left out' in more.notes
  other = loader.load(
    images.Config(**kept, slice_axis='coronal'), simulator=None, classes=('a', 'b')
  )
  assert len({data.fingerprint, more.fingerprint, other.fingerprint}) == 3
  one = data.splits['train']
  path = tmp_path / 'set' / str(one.id[0])
  np.testing.assert_array_equal(one.read([0])['image'][0], decode.decode(path, 10, 1, place=4))
