"""Small pixels are means of areas, whatever the size."""

import numpy as np
import pytest

from medjax.data.images import Images, thumbnails


@pytest.mark.parametrize(('height', 'width', 'channels'), [(64, 96, 1), (32, 32, 3), (12, 20, 1)])
def test_whole_areas(height, width, channels):
  images = np.random.default_rng(0).integers(0, 256, (2, height, width, channels), np.uint8)
  rows, columns = min(height, 32), min(width, 32)
  areas = images.reshape(2, rows, height // rows, columns, width // columns, channels)
  expected = areas.mean(axis=(2, 4)).reshape(2, -1) / 255
  np.testing.assert_allclose(thumbnails.flat(images), expected, atol=1e-6)


def test_areas_that_cut_pixels():
  """Of 48 pixels to 32 an area is one and a half: the second is shared."""
  line = np.arange(48, dtype=np.uint8)
  image = np.broadcast_to(line[None, :, None], (48, 48, 1))[None]
  found = thumbnails.flat(image).reshape(32, 32)[0] * 255
  np.testing.assert_allclose(found[:2], [(0 + 0.5 * 1) / 1.5, (0.5 * 1 + 2) / 1.5], atol=1e-4)
  assert found.mean() == pytest.approx(line.mean(), abs=1e-4)


def test_there_are_no_more_components_than_cases():
  assert thumbnails.components((7, 1024))[0].n_components == 7
  assert thumbnails.components((700, 1024))[0].n_components == 50


def test_what_the_page_says_of_them():
  features = Images(224, 20, 3).simple_models[0].features
  assert features == 'at most 50 principal components of 32 x 20 pixels in colour'
