"""Outlines lie just outside of masks."""

import numpy as np
import pytest
import scipy.ndimage

from medjax.plots import outlines


@pytest.mark.parametrize('side', [64, 300])
def test_an_outline_is_what_a_dilation_adds(side):
  mask = np.zeros((side, side), bool)
  mask[10:20, 30:50] = mask[15:40, 5] = True
  image = np.random.default_rng(0).integers(0, 200, (side, side, 3)).astype(np.uint8)
  drawn = outlines.draw(image, [(mask, outlines.TRUE)])
  factor = 4 if side == 64 else 1
  assert drawn.shape == (factor * side, factor * side, 3)
  large = np.kron(mask, np.ones((factor, factor), bool))
  around = scipy.ndimage.binary_dilation(large, np.ones((3, 3))) & ~large
  np.testing.assert_array_equal((drawn == outlines.TRUE).all(-1), around)
  np.testing.assert_array_equal(drawn[~around], image.repeat(factor, 0).repeat(factor, 1)[~around])


def test_grey_images_are_drawn_on_in_colour_and_later_masks_over_earlier_ones():
  mask = np.zeros((256, 256), bool)
  mask[9, 9] = True
  drawn = outlines.draw(np.full((256, 256, 1), 7, np.uint8), [
    (mask, outlines.TRUE), (mask, outlines.CALLED)
  ])  # fmt: skip
  assert (drawn == outlines.CALLED).all(-1).sum() == 8
  assert (drawn == 7).all(-1).sum() == 256 * 256 - 8
