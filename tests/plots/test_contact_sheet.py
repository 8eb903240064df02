"""The contact sheet: size of the picture, place of the pixels, captions."""

import numpy as np
import PIL.Image
import pytest

from medjax.plots.contact_sheet import contact_sheet, picture


@pytest.mark.parametrize(('count', 'columns', 'rows'), [(1, 1, 1), (4, 4, 1), (9, 4, 3)])
@pytest.mark.parametrize('channels', [1, 3])
def test_dimensions_and_pixels(tmp_path, count, columns, rows, channels):
  random = np.random.default_rng(0)
  before = random.integers(0, 256, (count, 30, 20, channels), np.uint8)
  after = random.integers(0, 256, (count, 40, 50, channels), np.uint8)
  path = tmp_path / 'new' / 'preview.png'
  contact_sheet(before, after, path, [f'case {i}' for i in range(count)])
  with PIL.Image.open(path) as sheet:
    assert sheet.format == 'PNG'
    pixels = np.asarray(sheet.convert('RGB'))
  pair_width, pair_height = 20 + 2 + 50, 18 + 40
  assert pixels.shape == (rows * (pair_height + 8) + 8, columns * (pair_width + 8) + 8, 3)
  row, column = divmod(count - 1, 4)
  top, left = 8 + row * (pair_height + 8) + 18, 8 + column * (pair_width + 8)
  np.testing.assert_array_equal(
    pixels[top : top + 30, left : left + 20], np.broadcast_to(before[-1], (30, 20, 3))
  )
  np.testing.assert_array_equal(
    pixels[top : top + 40, left + 22 : left + 72], np.broadcast_to(after[-1], (40, 50, 3))
  )
  assert pixels[8 : 8 + 18, 8:40].min() < 200  # the caption


def test_a_long_caption_stays_over_its_pair(tmp_path):
  images = np.zeros((2, 10, 30, 1), np.uint8)
  contact_sheet(images, images, tmp_path / 'a.png', ['a very long caption\nof two lines' * 9, ''])
  pixels = np.asarray(PIL.Image.open(tmp_path / 'a.png').convert('L'))
  assert pixels[:26, 8 + 62 : 8 + 62 + 8].min() == 255  # the gap between the pairs


@pytest.mark.parametrize(
  ('before', 'after', 'captions', 'message'),
  [
    (np.zeros((0, 4, 4, 1), np.uint8), np.zeros((0, 4, 4, 1), np.uint8), [], 'at least 1'),
    (np.zeros((2, 4, 4, 1), np.uint8), np.zeros((1, 4, 4, 1), np.uint8), ['a', 'b'], '1 after'),
    (np.zeros((1, 4, 4, 1)), np.zeros((1, 4, 4, 1)), ['a'], 'float64'),
    (np.zeros((1, 4, 4, 2), np.uint8), np.zeros((1, 4, 4, 2), np.uint8), ['a'], r'\(4, 4, 2\)'),
  ],
)
def test_bad_input(tmp_path, before, after, captions, message):
  with pytest.raises(ValueError, match=message):
    contact_sheet(before, after, tmp_path / 'a.png', captions)


def test_picture():
  assert picture(np.zeros((3, 5), np.uint8)).mode == 'L'
  assert picture(np.zeros((3, 5, 1), np.uint8)).mode == 'L'
  assert picture(np.zeros((3, 5, 3), np.uint8)).mode == 'RGB'
