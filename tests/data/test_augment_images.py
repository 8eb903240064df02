"""Elastic, cutout, CLAHE, stains, symmetries and mixtures against independent computations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.interpolate
import scipy.ndimage

from medjax.data import augment
from medjax.data.augment import clahe, stain
from medjax.errors import UserError


def random_image(height, width, channels=1, seed=0):
  return np.random.default_rng(seed).random((height, width, channels), np.float32)


def keys(count):
  return jax.random.split(jax.random.key(0), count)


def ramp(height, width):
  """An image whose bilinear samples are the coordinates that they are taken at."""
  return jnp.asarray(np.stack(np.mgrid[:height, :width], -1).astype(np.float32))


def test_elastic_is_a_spline_of_its_control_points():
  height, width, points = 25, 33, 4
  transform, key = augment.Elastic(0.01, points), jax.random.key(5)
  sampled = np.asarray(transform(key, ramp(height, width)))
  moved = sampled - np.asarray(ramp(height, width))
  grid = np.asarray(jax.random.normal(key, (2, points + 2, points + 2)))
  knots = np.arange(-3, points + 3)  # of cubic B-splines whose centres are -1 ... points
  scale = np.sqrt((2 / 3) ** 2 + 2 / 36)
  for axis, side in enumerate((height, width)):
    at_rows = np.linspace(0, points - 1, height)
    at_columns = np.linspace(0, points - 1, width)
    along = scipy.interpolate.BSpline(knots, grid[axis], 3)(at_rows)
    field = scipy.interpolate.BSpline(knots, along.T, 3)(at_columns).T / scale**2
    expected = 0.01 * (side - 1) / (points - 1) * field
    inside = (slice(3, -3), slice(3, -3))  # beyond, the edge cuts
    np.testing.assert_allclose(moved[..., axis][inside], expected[inside], atol=1e-4)


def test_elastic_displacements_have_the_strength_asked_for():
  def at_the_middle(key):
    return augment.Elastic(0.1, 3)(key, ramp(13, 13))[6, 6] - 6  # a control point

  moved = np.asarray(jax.jit(jax.vmap(at_the_middle))(keys(2000)))
  np.testing.assert_allclose(moved.std(0), 0.1 * 6, rtol=0.06)
  np.testing.assert_allclose(moved.mean(0), 0, atol=0.05)
  np.testing.assert_array_equal(augment.Elastic(0.0)(keys(1)[0], ramp(9, 7)), ramp(9, 7))


def test_cutout_hides_a_square_with_the_mean():
  image = random_image(20, 30, 3)
  cut = jax.jit(jax.vmap(augment.Cutout(0.5, 1.0), (0, None)))
  found = np.asarray(cut(keys(300), jnp.asarray(image)))
  sizes = []
  for one in found:
    hidden = (one != image).all(-1)
    rows, columns = np.flatnonzero(hidden.any(1)), np.flatnonzero(hidden.any(0))
    assert hidden.sum() == len(rows) * len(columns)
    np.testing.assert_allclose(one[hidden] - image.mean((0, 1)), 0, atol=1e-6)
    sizes.append((len(rows), len(columns)))
  assert np.max(sizes, axis=0).tolist() == [10, 10]  # of the shorter side, 20
  some = jax.vmap(augment.Cutout(0.5, 0.3), (0, None))(keys(1000), jnp.asarray(image))
  share = (np.asarray(some) != image).any((1, 2, 3)).mean()
  assert 0.25 < share < 0.35


def slow_clahe(grey, limit, tiles):
  """As Zuiderveld (1994) writes it, pixel by pixel."""
  height, width = grey.shape
  tall, wide = -(-height // tiles), -(-width // tiles)
  padded = np.pad(grey, ((0, tall * tiles - height), (0, wide * tiles - width)), 'reflect')
  level = np.round(padded * 255).astype(int)
  maps = np.zeros((tiles, tiles, 256))
  for i in range(tiles):
    for j in range(tiles):
      tile = level[i * tall : (i + 1) * tall, j * wide : (j + 1) * wide]
      counts = np.bincount(tile.ravel(), minlength=256).astype(float)
      most = limit * tile.size / 256
      excess = np.maximum(counts - most, 0).sum()
      maps[i, j] = np.cumsum(np.minimum(counts, most) + excess / 256) / tile.size
  result = np.zeros_like(grey)
  for row in range(height):
    for column in range(width):
      y, x = (row + 0.5) / tall - 0.5, (column + 0.5) / wide - 0.5
      i, j = int(np.floor(y)), int(np.floor(x))
      weighted = 0.0
      for di, wi in ((0, 1 - (y - i)), (1, y - i)):
        for dj, wj in ((0, 1 - (x - j)), (1, x - j)):
          near = maps[np.clip(i + di, 0, tiles - 1), np.clip(j + dj, 0, tiles - 1)]
          weighted += wi * wj * near[level[row, column]]
      result[row, column] = weighted
  return result


@pytest.mark.parametrize(('shape', 'tiles'), [((24, 24), 3), ((25, 18), 4), ((8, 8), 1)])
def test_clahe_pixel_by_pixel(shape, tiles):
  grey = random_image(*shape)[..., 0] ** 3
  for limit in (1.0, 2.5, 300.0):
    found = clahe.equalised(jnp.asarray(grey), limit, tiles)
    np.testing.assert_allclose(found, slow_clahe(grey, limit, tiles), atol=1e-5)


def test_clahe_moves_all_channels_alike_and_refuses_small_images():
  image = jnp.asarray(random_image(16, 16, 3)) * 0.2 + 0.4
  changed = augment.CLAHE((1.5, 1.5), tiles=2, probability=1.0)(keys(1)[0], image)
  moved = changed - image
  np.testing.assert_allclose(moved, moved[..., :1].repeat(3, -1), atol=1e-6)
  with pytest.raises(ValueError, match='tiles=8 are more than the image of 4x16'):
    augment.CLAHE()(keys(1)[0], jnp.zeros((4, 16, 1)))


def test_stains_of_known_mixtures_come_back():
  unit = stain.STAINS / np.linalg.norm(stain.STAINS, axis=1, keepdims=True)
  amounts = np.random.default_rng(0).random((5, 6, 3)) * 0.8
  image = np.exp(-(amounts @ unit)).astype(np.float32)
  np.testing.assert_allclose(stain.to_stains(jnp.asarray(image)), amounts, atol=1e-4)
  np.testing.assert_allclose(stain.from_stains(jnp.asarray(amounts, jnp.float32)), image, atol=1e-6)
  # Haematoxylin alone absorbs green most and blue least.
  red, green, blue = np.asarray(stain.from_stains(jnp.array([1.0, 0.0, 0.0])))
  assert green < red < blue


def test_stain_changes_each_amount_within_its_range():
  unit = stain.STAINS / np.linalg.norm(stain.STAINS, axis=1, keepdims=True)
  amounts = np.array([0.3, 0.2, 0.1])
  image = jnp.asarray(np.exp(-(amounts @ unit)), jnp.float32)[None, None]
  drawn = jax.vmap(augment.Stain(0.2, 0.05), (0, None))(keys(500), image)
  found = np.asarray(jax.vmap(stain.to_stains)(drawn))[:, 0, 0]
  low, high = 0.8 * amounts - 0.05, 1.2 * amounts + 0.05
  assert (found > low - 1e-3).all()
  assert (found < high + 1e-3).all()
  assert (np.ptp(found, axis=0) > 0.8 * (high - low)).all()
  same = augment.Stain(0.0, 0.0)(keys(1)[0], image)
  np.testing.assert_allclose(same, image, atol=1e-5)
  with pytest.raises(ValueError, match='the image has 1 channels'):
    augment.Stain()(keys(1)[0], jnp.zeros((4, 4, 1)))


def test_all_eight_symmetries_come_equally_often():
  image = random_image(5, 5, 2)
  found = np.asarray(jax.vmap(augment.Symmetry(), (0, None))(keys(1600), jnp.asarray(image)))
  eight = [np.asarray(view(image[None]))[0] for view in augment.views('symmetries')]
  assert len({one.tobytes() for one in eight}) == 8
  counts = [(found == one).all((1, 2, 3)).sum() for one in eight]
  assert sum(counts) == 1600
  assert min(counts) > 150
  wide = np.asarray(jax.vmap(augment.Symmetry(), (0, None))(keys(50), jnp.zeros((4, 6, 1))))
  assert wide.shape == (50, 4, 6, 1)
  with pytest.raises(UserError, match='expected one of none, flip, symmetries'):
    augment.views('mirror')
  assert augment.views('none') == ()


def test_mixup_and_cutmix_give_the_share_of_what_is_seen():
  image, other = jnp.zeros((10, 14, 1)), jnp.ones((10, 14, 1))
  for mix, mean in ((augment.Mixup(1.0), 0.5), (augment.CutMix(1.0), None)):
    mixed, share = jax.vmap(mix, (0, None, None))(keys(400), image, other)
    np.testing.assert_allclose(1 - mixed.mean((1, 2, 3)), share, atol=1e-5)
    assert float(jnp.ptp(share)) > 0.8
    if mean:
      assert float(share.mean()) == pytest.approx(mean, abs=0.05)
    else:  # whole pixels of the other
      assert set(np.unique(mixed)) <= {0.0, 1.0}
  for wrong in (augment.Mixup, augment.CutMix):
    with pytest.raises(ValueError, match='alpha is 0; expected above 0'):
      wrong(0)


def test_padding_is_mixed_with_nothing():
  images = jnp.asarray(random_image(6, 4)).reshape(6, 2, 2, 1)
  batch = {'index': jnp.arange(6), 'mask': jnp.array([True, True, True, False, False, False])}
  mixed, share = augment.mix_batch(augment.Mixup(1.0), jax.random.key(0), images, batch)
  np.testing.assert_array_equal(mixed[2:], images[2:])
  np.testing.assert_array_equal(share[2:], 1)
  assert (np.asarray(share[:2]) < 1).all()
  np.testing.assert_array_equal(augment.beside(batch)['index'], [1, 0, 3, 2, 5, 4])


@pytest.mark.parametrize('name', ['histology', 'endoscopy'])
def test_presets_are_for_colour_images_and_stay_in_range(name):
  images = jax.vmap(augment.preset(name), (0, None))(keys(4), jnp.asarray(random_image(16, 16, 3)))
  assert images.shape == (4, 16, 16, 3)
  assert 0 <= float(images.min()) <= float(images.max()) <= 1
  with pytest.raises(UserError, match='none, radiograph, histology, endoscopy'):
    augment.preset('x')
