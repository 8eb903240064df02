"""What checks see of images, against pixels counted by hand and by other means."""

import numpy as np
import PIL.Image
import pytest

from medjax.data.images import facts, looks
from medjax.data.looks import joined
from medjax.errors import UserError


def test_gradients_are_counted_in_their_cell_and_direction():
  grey = np.zeros((1, 56, 56), np.float32)
  grey[0, :, 10:] = 200  # an edge from left to right, in the second column of cells
  found = looks.orientations(grey).reshape(8, 8, 9)
  assert found[:, 1, 0] == pytest.approx(1, abs=2e-3)
  assert np.count_nonzero(found) == 8
  turned = looks.orientations(grey.swapaxes(1, 2)).reshape(8, 8, 9)
  assert turned[1, :, 4] == pytest.approx(1, abs=2e-3)  # 90 of 180 degrees is the fifth of nine


def test_orientations_are_those_of_a_plain_loop():
  grey = np.random.default_rng(0).integers(0, 256, (2, 56, 56)).astype(np.float32)
  expected = np.zeros((2, 8, 8, 9))
  for n in range(2):
    down, right = np.gradient(grey[n] / 255)
    for y in range(56):
      for x in range(56):
        degrees = np.degrees(np.arctan2(down[y, x], right[y, x])) % 180
        strength = np.hypot(down[y, x], right[y, x])
        expected[n, y // 7, x // 7, int(degrees // 20) % 9] += strength
  expected = np.sqrt(expected)
  expected /= np.linalg.norm(expected, axis=3, keepdims=True) + 1e-3
  np.testing.assert_allclose(looks.orientations(grey), expected.reshape(2, -1), atol=1e-4)


def test_the_frame_knows_nothing_of_what_is_inside():
  images = np.random.default_rng(1).integers(0, 256, (2, 40, 60, 3), np.uint8)
  other = images.copy()
  other[:, 2:-2, 3:-3] = 0
  np.testing.assert_array_equal(looks.frame(images), looks.frame(other))
  other[:, 0] = 255
  assert (looks.frame(images) != looks.frame(other)).any()
  first = images[:, :2, :8].astype(float)  # 60 columns in eight parts, the first of eight
  np.testing.assert_allclose(looks.frame(images)[:, :3], first.mean((1, 2)) / 255, rtol=1e-5)


def test_blank_is_what_has_no_contrast():
  images = np.full((3, 30, 30, 1), 90, np.uint8)
  images[1, ::2] += 1  # the last bit
  images[2, :, :15] += 10
  found = looks.of_images(images)
  assert found.blank.tolist() == [True, True, False]
  assert found.thumbnails.shape == (3, 24, 24)


def test_grey_has_no_hue_and_colour_has():
  grey = np.random.default_rng(2).integers(0, 256, (2, 16, 16, 1), np.uint8)
  assert not looks.hues(grey.repeat(3, 3)).any()
  red = np.zeros((1, 16, 16, 3), np.uint8)
  red[..., 0] = 255
  assert looks.hues(red).reshape(-1, 2).tolist() == [[-1, 0]] * 16


def test_images_of_any_size_have_looks_and_can_be_joined():
  for size in (8, 20, 57):
    images = np.random.default_rng(3).integers(0, 256, (3, size, size, 1), np.uint8)
    both = joined([looks.of_images(images[:1]), looks.of_images(images[1:])])
    np.testing.assert_allclose(both.features, looks.of_images(images).features, atol=1e-5)
    assert len(both) == 3


def test_what_a_file_is_by_its_header(tmp_path):
  PIL.Image.new('RGB', (30, 20)).save(tmp_path / 'a.jpg')
  assert facts.of_file(str(tmp_path / 'a.jpg')) == {
    'file format': 'JPEG', 'file width': '30', 'file height': '20', 'file pixels': 'RGB'
  }  # fmt: skip
  (tmp_path / 'b.dcm').write_bytes(b'\0' * 200)
  assert facts.of_file(str(tmp_path / 'b.dcm')) == {}
  with pytest.raises(UserError, match=r'none\.png: cannot be read'):
    facts.of_file(str(tmp_path / 'none.png'))
