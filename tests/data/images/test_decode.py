"""Images as they come: depths, palettes, transparency, and broken files."""

import io

import numpy as np
import pytest
from PIL import Image

from medjax.data.images import decode
from medjax.errors import UserError


def _png(image, **options):
  buffer = io.BytesIO()
  image.save(buffer, options.pop('format', 'PNG'), **options)
  return buffer.getvalue()


@pytest.fixture
def gradient():
  return np.linspace(0, 255, 32 * 32).reshape(32, 32).astype(np.uint8)


def test_eight_bits_are_exact(gradient):
  for channels in (1, 3):
    found = decode.decode(_png(Image.fromarray(gradient)), 32, channels)
    assert found.shape == (32, 32, channels)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, np.repeat(gradient[..., None], channels, 2))
  colour = np.stack([gradient, gradient.T, 255 - gradient], axis=2)
  np.testing.assert_array_equal(decode.decode(_png(Image.fromarray(colour)), 32, 3), colour)
  np.testing.assert_array_equal(decode.decode(decode.encode(colour), 32, 3), colour)


@pytest.mark.parametrize('bits', [10, 12, 16])
def test_deep_greys_are_scaled_by_the_depth_in_use(gradient, bits):
  deep = np.round(gradient / 255 * (2**bits - 1)).astype(np.uint16)
  found = decode.decode(_png(Image.fromarray(deep)), 32, 1)[..., 0]
  np.testing.assert_allclose(found.astype(int), gradient.astype(int), atol=1)


def test_floats_in_0_to_1_and_beyond(gradient):
  unit = Image.fromarray((gradient / 255).astype(np.float32))
  found = decode.decode(_png(unit, format='TIFF'), 32, 1)[..., 0]
  np.testing.assert_allclose(found.astype(int), gradient.astype(int), atol=1)


@pytest.mark.parametrize('kind', [np.int32, np.float32])
def test_negative_values_are_kept(gradient, kind):
  hounsfield = Image.fromarray((gradient * 16.0 - 1024).astype(kind))
  found = decode.decode(_png(hounsfield, format='TIFF'), 32, 1)[..., 0]
  np.testing.assert_array_equal(found, gradient)
  air = Image.fromarray(np.full((32, 32), -1000, kind))
  assert not decode.decode(_png(air, format='TIFF'), 32, 1).any()


def test_palette_transparency_and_one_bit(gradient):
  grey = Image.fromarray(gradient)
  palette = grey.convert('P')
  np.testing.assert_allclose(decode.decode(_png(palette), 32, 1)[..., 0], gradient, atol=1)
  alpha = np.stack([gradient] * 3 + [np.full_like(gradient, 7)], axis=2)
  found = decode.decode(_png(Image.fromarray(alpha, 'RGBA')), 32, 1)
  np.testing.assert_array_equal(found[..., 0], gradient)
  assert set(np.unique(decode.decode(_png(grey.convert('1')), 32, 1))) == {0, 255}
  assert decode.decode(_png(grey.convert('CMYK'), format='TIFF'), 16, 3).shape == (16, 16, 3)


def test_other_sizes_are_resized(gradient):
  wide = Image.fromarray(np.full((10, 40), 100, np.uint8))
  np.testing.assert_array_equal(decode.decode(_png(wide), 16, 1), np.full((16, 16, 1), 100))


def test_each_kind_of_broken_file_is_named(tmp_path, gradient):
  whole = _png(Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)))
  cases = {
    'empty.png': (b'', 'is empty'),
    'text.png': (b'not a picture', 'not an image'),
    'short.png': (whole[: len(whole) // 2], 'cannot be read'),
    'tiny.png': (_png(Image.new('L', (1, 1))), '1x1 pixels; expected at least 8x8'),
  }
  for name, (content, reason) in cases.items():
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f'{name}: .*{reason}') as caught:
      decode.decode(tmp_path / name, 32, 3)
    assert '\n' not in str(caught.value)
  with pytest.raises(UserError, match=r'missing.png: cannot be read: No such file'):
    decode.decode(tmp_path / 'missing.png', 32, 3)


def test_a_line_break_in_a_name_makes_no_second_line(tmp_path):
  path = tmp_path / 'two\nlines.png'
  path.write_bytes(b'no image')
  with pytest.raises(UserError, match=r'two lines.png: not an image') as caught:
    decode.decode(path, 32, 3)
  assert '\n' not in str(caught.value)


def test_huge_images_are_refused_before_they_are_decoded(tmp_path):
  for side in (10_000, 20_000):
    Image.new('1', (side, side)).save(tmp_path / 'huge.png')
    with pytest.raises(UserError, match=r'huge.png: .*expected at most'):
      decode.decode(tmp_path / 'huge.png', 32, 3)
