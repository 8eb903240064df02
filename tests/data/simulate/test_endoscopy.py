"""Simulated views of the colon: the same for the same arguments, with masks of what is drawn."""

import numpy as np
import pytest
import scipy.ndimage

from medjax.data.simulate import endoscopy


@pytest.fixture(scope='module')
def views():
  return [endoscopy.simulate(seed=5, index=i, size=48) for i in range(96)]


def test_a_view_is_a_function_of_its_arguments(views):
  again = endoscopy.simulate(seed=5, index=3, size=48)
  np.testing.assert_array_equal(again.image, views[3].image)
  np.testing.assert_array_equal(again.mask, views[3].mask)
  assert (endoscopy.simulate(seed=6, index=3, size=48).image != again.image).any()


def test_every_eighth_view_has_no_polyp_and_others_one_in_one_piece(views):
  for i, view in enumerate(views):
    assert view.label == view.mask.any() == (i % 8 != 7)
    assert view.shape == ('' if i % 8 == 7 else endoscopy.SHAPES[i % 3])
    assert view.area == view.mask.mean()
    if view.label:
      pieces, count = scipy.ndimage.label(view.mask, np.ones((3, 3)))
      assert np.bincount(pieces.ravel())[1:].max() > 0.9 * view.mask.sum(), count


def test_brightness_alone_does_not_find_a_polyp(views):
  """The best of all thresholds of brightness, either way round, in each image."""
  best = []
  for view in views:
    if not view.label:
      continue
    grey = view.image.mean(-1)
    dice = []
    for level in np.quantile(grey, np.linspace(0.02, 0.98, 25)):
      for called in (grey > level, grey < level):
        dice.append(2 * (called & view.mask).sum() / (called.sum() + view.mask.sum()))
    best.append(max(dice))
  assert np.mean(best) < 0.45


def test_sizes_that_cannot_be_drawn_are_refused():
  with pytest.raises(ValueError, match='views have 32 to 1024 pixels a side, not 16'):
    endoscopy.simulate(0, 0, 16)
