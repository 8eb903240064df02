"""Augmentation against scipy and closed forms; it depends on the example alone."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from medjax.data import augment
from medjax.data.sequences import strands
from medjax.errors import UserError

EVERY_TRANSFORM = [
  augment.Affine(rotation=20, translation=0.1, scale=(0.8, 1.2), flip=0.5),
  augment.Resize((6, 9)),
  augment.RandomCrop((7, 5), pad=2),
  augment.RandomResizedCrop((8, 6)),
  augment.Brightness(0.3),
  augment.Contrast(0.5, 2),
  augment.Gamma(0.5, 2),
  augment.GaussianNoise(0.2),
  augment.Blur(0.5, 1.5),
  augment.radiograph(),
  augment.Elastic(0.2),
  augment.Cutout(0.4, probability=0.9),
  augment.CLAHE(tiles=2, probability=0.9),
]
NEW_SIZE = {augment.Resize: (6, 9), augment.RandomCrop: (7, 5), augment.RandomResizedCrop: (8, 6)}


def random_image(height, width, channels=1, seed=0):
  return np.random.default_rng(seed).random((height, width, channels), np.float32)


def keys(count):
  return jax.random.split(jax.random.key(0), count)


@pytest.mark.parametrize('transform', EVERY_TRANSFORM, ids=lambda t: type(t).__name__)
@pytest.mark.parametrize('shape', [(16, 12, 1), (11, 13, 3), (5, 5, 2)])
def test_every_transform_keeps_the_contract(transform, shape):
  image = jnp.asarray(random_image(*shape))
  results = jax.jit(jax.vmap(transform, (0, None)))(keys(8), image)
  size = NEW_SIZE.get(type(transform), shape[:2])
  assert results.shape == (8, *size, shape[2])
  assert results.dtype == jnp.float32
  assert bool(jnp.isfinite(results).all())
  assert float(results.min()) >= 0
  assert float(results.max()) <= 1
  if not isinstance(transform, augment.Resize):
    assert float(jnp.ptp(results, axis=0).max()) > 0.01  # random
  # vmap gathers and reduces in another order, so equality is up to rounding.
  np.testing.assert_allclose(results[3], transform(keys(8)[3], image), atol=2e-6)
  assert hash(transform) == hash(dataclasses.replace(transform))


@pytest.mark.parametrize('shape', [(20, 20), (17, 24), (1, 9)])
@pytest.mark.parametrize(
  ('matrix', 'offset'),
  [
    ([[0.9, 0.2], [-0.1, 1.1]], [1.3, -2.2]),
    ([[math.cos(0.3), math.sin(0.3)], [-math.sin(0.3), math.cos(0.3)]], [0.0, 0.0]),
    ([[1, 0], [0, 1]], [30.0, -30.0]),
    ([[1, 0], [0, -1]], [0.0, 8.0]),
  ],
)
def test_affine_equals_scipy(shape, matrix, offset):
  image = random_image(*shape, 3)
  result = augment.affine(jnp.asarray(image), jnp.array(matrix), jnp.array(offset))
  for channel in range(3):
    expected = scipy.ndimage.affine_transform(
      image[..., channel].astype(np.float64), matrix, offset, order=1, mode='nearest'
    )
    np.testing.assert_allclose(result[..., channel], expected, atol=1e-5)


def drawn_map(transform, key, height, width):
  """The matrix and the offset that `transform` draws for `key`, read off a linear ramp.

  Bilinear sampling of the image (row, column) gives the sampled coordinates themselves; the fit
  leaves out what the edge has cut off.
  """
  row, column = np.mgrid[:height, :width].astype(np.float32)
  sampled = np.asarray(transform(key, jnp.stack([row, column], axis=-1)))
  inside = (
    (sampled[..., 0] > 0.1)
    & (sampled[..., 0] < height - 1.1)
    & (sampled[..., 1] > 0.1)
    & (sampled[..., 1] < width - 1.1)
  )
  design = np.stack([row[inside], column[inside], np.ones(inside.sum())], axis=1)
  solution = np.linalg.lstsq(design, sampled[inside], rcond=None)[0]
  return solution[:2].T, solution[2]


def test_affine_draws_within_its_ranges():
  height, width = 40, 60
  transform = augment.Affine(rotation=30, translation=0.1, scale=(0.8, 1.25), flip=0.5)
  centre = np.array([(height - 1) / 2, (width - 1) / 2])
  angles, scales, shifts, flips = [], [], [], []
  for key in keys(200):
    matrix, offset = drawn_map(transform, key, height, width)
    flip = np.linalg.det(matrix) < 0
    rotation = np.diag([1, -1 if flip else 1]) @ matrix
    scale = 1 / math.sqrt(np.linalg.det(rotation))
    angles.append(math.degrees(math.atan2(rotation[0, 1], rotation[0, 0])))
    np.testing.assert_allclose(rotation @ rotation.T * scale**2, np.eye(2), atol=1e-3)
    scales.append(scale)
    # The image's centre is seen at the output pixel centre + shift.
    shifts.append((np.linalg.solve(matrix, centre - offset) - centre) / [height, width])
    flips.append(flip)
  for drawn, low, high in ((angles, -30, 30), (scales, 0.8, 1.25), (shifts, -0.1, 0.1)):
    margin = (high - low) * 0.05
    assert low - 1e-3 <= np.min(drawn) < low + margin
    assert high - margin < np.max(drawn) <= high + 1e-3
    assert abs(np.mean(drawn) - (low + high) / 2) < 3 * margin
  assert 75 < sum(flips) < 125


@pytest.mark.parametrize('shape', [(16, 16, 1), (15, 8, 3), (1, 1, 1)])
def test_affine_that_changes_nothing_is_exact(shape):
  image = random_image(*shape)
  np.testing.assert_array_equal(augment.Affine()(jax.random.key(3), jnp.asarray(image)), image)


@pytest.mark.parametrize('shape', [(16, 16, 1), (15, 8, 3), (7, 9, 1)])
def test_flip_is_exact(shape):
  image = random_image(*shape)
  flipped = augment.HorizontalFlip(1)(jax.random.key(0), jnp.asarray(image))
  np.testing.assert_array_equal(flipped, image[:, ::-1])


def test_flip_probability():
  image = jnp.array([[[0.0], [1.0]]])
  flipped = jax.vmap(augment.HorizontalFlip(0.3), (0, None))(keys(2000), image)[:, 0, 0, 0]
  assert 0.26 < float(flipped.mean()) < 0.34


def test_radiograph_never_flips_vertically():
  # Dark above, bright below: upside down in no draw.
  image = jnp.repeat(jnp.linspace(0.2, 0.8, 32)[:, None, None], 32, axis=1)
  results = jax.vmap(augment.radiograph(), (0, None))(keys(300), image)
  assert bool((results[:, 20:].mean((1, 2, 3)) > results[:, :12].mean((1, 2, 3)) + 0.1).all())


def test_thin_constructors():
  assert augment.Rotation(7) == augment.Affine(rotation=7)
  assert augment.Translation(0.1) == augment.Affine(translation=0.1)
  assert augment.Scale(0.9, 1.1) == augment.Affine(scale=(0.9, 1.1))
  assert augment.HorizontalFlip() == augment.Affine(flip=0.5)


def test_depends_on_the_example_alone():
  images = jnp.asarray(np.random.default_rng(0).random((6, 16, 16, 3), np.float32))
  index = jnp.array([5, 900_000, 0, 17, 3, 4])
  key = jax.random.fold_in(jax.random.key(7), 42)
  apply = jax.jit(lambda *args: augment.augment_batch(augment.radiograph(), *args))
  whole = apply(key, images, index)
  order = jnp.array([3, 0, 5, 1, 4, 2])
  np.testing.assert_array_equal(apply(key, images[order], index[order]), whole[order])
  np.testing.assert_allclose(apply(key, images[2:4], index[2:4]), whole[2:4], atol=2e-6)
  same_image = jnp.broadcast_to(images[:1], images.shape)
  results = apply(key, same_image, index)
  assert all(float(abs(results[0] - results[i]).max()) > 0.01 for i in range(1, 6))
  other_step = apply(jax.random.fold_in(jax.random.key(7), 43), images, index)
  assert float(abs(other_step - whole).max()) > 0.01


def test_chain_gives_each_transform_a_key_of_its_own():
  chain = augment.Chain((augment.Brightness(0.2), augment.Brightness(0.2)))
  image = jnp.full((2, 2, 1), 0.5)
  key = jax.random.key(0)
  first, second = (
    float(augment.Brightness(0.2)(jax.random.fold_in(key, i), image)[0, 0, 0]) - 0.5 for i in (0, 1)
  )
  assert first != second
  assert float(chain(key, image)[0, 0, 0]) == pytest.approx(0.5 + first + second, abs=1e-6)


@pytest.mark.parametrize('seed', range(4))
def test_intensity_closed_forms(seed):
  image = 0.4 + 0.2 * random_image(9, 9)  # far enough from 0 and 1 that nothing is clipped
  key = jax.random.key(seed)

  added = np.asarray(augment.Brightness(0.3)(key, jnp.asarray(image))) - image
  assert np.ptp(added) < 1e-6
  assert 1e-4 < abs(added[0, 0, 0]) <= 0.3

  stretched = np.asarray(augment.Contrast(0.5, 1.5)(key, jnp.asarray(image)))
  factor = stretched.std() / image.std()
  assert 0.5 <= factor <= 1.5
  np.testing.assert_allclose(stretched, image.mean() + factor * (image - image.mean()), atol=1e-6)

  powered = np.asarray(augment.Gamma(0.5, 2)(key, jnp.asarray(image)))
  power = np.log(powered[0, 0, 0]) / np.log(image[0, 0, 0])
  assert 0.5 <= power <= 2
  np.testing.assert_allclose(powered, image**power, atol=1e-6)


def test_gamma_is_symmetric_about_one():
  image = jnp.full((1, 1, 1), 0.5)
  results = jax.vmap(augment.Gamma(0.5, 2), (0, None))(keys(4000), image)
  powers = np.log(np.asarray(results)) / np.log(0.5)
  assert abs(np.median(powers) - 1) < 0.05


def test_clips():
  white = jnp.ones((4, 4, 1))
  results = jax.vmap(augment.Brightness(0.5), (0, None))(keys(20), white)
  assert float(results.max()) == 1
  assert float(results.min()) >= 0.5


@pytest.mark.parametrize('channels', [1, 3])
def test_noise(channels):
  image = jnp.full((200, 200, channels), 0.5)
  noise = np.asarray(augment.GaussianNoise(0.05)(jax.random.key(0), image)) - 0.5
  assert noise.std() == pytest.approx(0.05, rel=0.02)
  assert abs(noise.mean()) < 0.001
  np.testing.assert_array_equal(noise, noise[..., :1].repeat(channels, -1))


@pytest.mark.parametrize('sigma', [0.5, 1.0, 2.3])
@pytest.mark.parametrize('shape', [(20, 31, 1), (9, 9, 3), (4, 40, 1)])
def test_blur_equals_scipy(sigma, shape):
  image = random_image(*shape)
  result = augment.Blur(sigma, sigma)(jax.random.key(0), jnp.asarray(image))
  expected = scipy.ndimage.gaussian_filter(
    image.astype(np.float64), sigma, mode='nearest', radius=math.ceil(3 * sigma), axes=(0, 1)
  )
  np.testing.assert_allclose(result, expected, atol=1e-5)


def test_crop_is_a_window_at_every_place():
  image = jnp.arange(16.0).reshape(4, 4, 1)
  results = np.asarray(jax.vmap(augment.RandomCrop((3, 2)), (0, None))(keys(200), image))
  corners = {int(result[0, 0, 0]) for result in results}
  assert corners == {0, 1, 2, 4, 5, 6}
  for result in results:
    row, column = divmod(int(result[0, 0, 0]), 4)
    np.testing.assert_array_equal(result, image[row : row + 3, column : column + 2])


def test_crop_repeats_the_edge():
  image = jnp.full((2, 2, 1), 0.7)
  result = augment.RandomCrop((6, 6), pad=2)(jax.random.key(0), image)
  np.testing.assert_array_equal(result, np.full((6, 6, 1), 0.7, np.float32))


def test_resized_crop_of_the_whole_image_is_a_resize():
  image = jnp.asarray(random_image(20, 16, 3))
  crop = augment.RandomResizedCrop((10, 9), area=(1, 1))(jax.random.key(0), image)
  resize = augment.Resize((10, 9))(jax.random.key(0), image)
  np.testing.assert_allclose(crop, resize, atol=1e-5)


def test_resized_crop_stays_inside_and_keeps_its_area():
  row, column = np.mgrid[:40, :40].astype(np.float32) / 39
  image = jnp.stack([jnp.asarray(row), jnp.asarray(column)], axis=-1)
  results = np.asarray(
    jax.vmap(augment.RandomResizedCrop((40, 40), area=(0.25, 0.25)), (0, None))(keys(50), image)
  )
  # Half of each side, so a ramp of half the slope, away from the edge's interpolation.
  slopes = np.diff(results[:, 2:-2, 2:-2, 0], axis=1)
  np.testing.assert_allclose(slopes, 0.5 / 39, atol=1e-4)
  starts = results[:, 0, 0, 0]
  assert starts.min() < 0.06
  assert starts.max() > 0.44


def test_resize_is_antialiased():
  # Alternating columns average to grey; without antialiasing they would alias to black or white.
  stripes = jnp.tile(jnp.array([0.0, 1.0]), 32)[None, :, None] * jnp.ones((64, 1, 1))
  small = augment.Resize((16, 16))(jax.random.key(0), stripes)
  assert float(abs(small[:, 1:-1] - 0.5).max()) < 0.05


def test_preset():
  assert augment.preset('none') is None
  assert augment.preset('radiograph') == augment.radiograph()
  with pytest.raises(UserError, match="'xray'; expected one of none, radiograph"):
    augment.preset('xray')


@pytest.mark.parametrize(
  ('make', 'message'),
  [
    (lambda: augment.Affine(rotation=-1), 'Affine rotation is -1'),
    (lambda: augment.Affine(translation=5), 'Affine translation is 5'),
    (lambda: augment.Affine(scale=(1.1, 0.9)), r'Affine scale is \(1.1, 0.9\)'),
    (lambda: augment.Affine(flip=2), 'Affine flip is 2'),
    (lambda: augment.Resize((0, 4)), 'Resize size'),
    (lambda: augment.RandomCrop((4, 4), pad=-1), 'RandomCrop pad'),
    (lambda: augment.RandomResizedCrop((4, 4), area=(0.5, 2)), 'RandomResizedCrop area'),
    (lambda: augment.Brightness(-0.1), 'Brightness delta'),
    (lambda: augment.Contrast(0, 1), 'Contrast low, high'),
    (lambda: augment.Gamma(2, 1), 'Gamma low, high'),
    (lambda: augment.GaussianNoise(float('nan')), 'GaussianNoise std'),
    (lambda: augment.Blur(0, 1), 'Blur low, high'),
    (lambda: augment.Chain(()), 'no transform'),
  ],
)
def test_validation(make, message):
  with pytest.raises(ValueError, match=message):
    make()


def test_bad_images():
  index = jnp.arange(2)
  with pytest.raises(ValueError, match='uint8'):
    augment.augment_batch(
      augment.radiograph(), jax.random.key(0), jnp.zeros((2, 4, 4, 1), jnp.uint8), index
    )
  with pytest.raises(ValueError, match=r'\[B, H, W, C\]'):
    augment.augment_batch(augment.radiograph(), jax.random.key(0), jnp.zeros((2, 4, 4)), index)
  strand = strands.RandomStrand((3, 2, 1, 0))
  with pytest.raises(ValueError, match='with 2 axes after the batch'):
    augment.augment_batch(strand, jax.random.key(0), jnp.zeros((2, 4, 4, 1)), index)
  with pytest.raises(ValueError, match='larger than the image'):
    augment.RandomCrop((9, 9))(jax.random.key(0), jnp.zeros((8, 8, 1)))
