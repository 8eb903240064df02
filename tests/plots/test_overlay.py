"""Overlays: red for, blue against, the image where nothing speaks."""

import numpy as np
import pytest

from medjax.plots.overlay import overlay


def test_colours_and_the_image_itself():
  image = np.full((10, 12, 1), 128, np.uint8)
  value = np.zeros((10, 12))
  value[2, 3], value[4, 5] = 5.0, -5.0
  pixels = np.asarray(overlay(image, value))
  assert pixels.shape == (10, 28, 3)
  np.testing.assert_array_equal(pixels[:, :12], np.full((10, 12, 3), 128))
  right = pixels[:, 16:].astype(int)
  assert tuple(right[0, 0]) == (128, 128, 128)
  assert right[2, 3, 0] > right[2, 3, 2] + 60
  assert right[4, 5, 2] > right[4, 5, 0] + 60


def test_channels_are_summed_and_nothing_is_no_error():
  image = np.zeros((4, 4, 3), np.uint8)
  value = np.random.default_rng(0).normal(size=(4, 4, 3))
  one, other = overlay(image, value), overlay(image, value.sum(axis=2))
  np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
  assert np.asarray(overlay(image, np.zeros((4, 4))))[:, 8:].max() == 0


def test_other_shapes():
  with pytest.raises(ValueError, match='explanation is'):
    overlay(np.zeros((4, 4), np.uint8), np.zeros((5, 4)))
