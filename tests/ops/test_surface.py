"""Distances between outlines, against scipy and figures worked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from medjax.ops import surface


@pytest.fixture(scope='module')
def masks():
  """Pairs of blobs of several sizes, some touching the border, in images that are not square."""
  rng = np.random.default_rng(0)
  noise = rng.standard_normal((2, 12, 20, 33))
  return [scipy.ndimage.gaussian_filter(part, (0, 3, 3)) > 0.02 for part in noise]


def test_squared_distances_are_those_of_scipy(masks):
  points = masks[0].copy()
  points[3] = False
  found = np.asarray(jax.jit(surface.squared_distance)(jnp.asarray(points)))
  expected = [scipy.ndimage.distance_transform_edt(~mask) ** 2 for mask in masks[0]]
  there = np.arange(12) != 3
  np.testing.assert_allclose(found[there], np.array(expected)[there], atol=1e-3)
  assert found[3].min() > 1e8  # no point is far from everywhere


def _hausdorff95(first, second):
  """As MONAI: the larger of the two directed percentiles between outlines."""
  lines = [mask & ~scipy.ndimage.binary_erosion(mask) for mask in (first, second)]
  apart = [scipy.ndimage.distance_transform_edt(~line) for line in lines]
  directed = (apart[1][lines[0]], apart[0][lines[1]])
  return max(np.percentile(one, 95) for one in directed)


HAUSDORFF = jax.jit(surface.hausdorff95)


def test_hausdorff95_is_that_of_scipy_and_numpy(masks):
  found = np.asarray(HAUSDORFF(*map(jnp.asarray, masks)))
  expected = [_hausdorff95(*pair) for pair in zip(*masks, strict=True)]
  np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_hausdorff95_by_hand_and_of_empty_masks():
  first, second = np.zeros((2, 12, 20, 33), bool)
  first[0, 3, 2] = second[0, 3, 9] = True  # points 7 apart
  first[1, 2:7, 4:9] = second[1, 2:7, 4:9] = True  # the same square
  first[2, 3, 5:25] = True  # a line of 20 and its end: of 0 to 19, at 0.95 * 19
  second[2, 3, 5] = True
  first[3, 3, 3] = True
  second[4, 3, 3] = True
  found = HAUSDORFF(jnp.asarray(first), jnp.asarray(second))
  np.testing.assert_allclose(found[:6], [7, 0, 18.05, -1, -1, -1], rtol=1e-6)
