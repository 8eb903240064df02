"""Greys of any depth: closed forms, and what a single pixel may not do."""

import contextlib

import made_images
import made_tiff
import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from medjax.data.images import decode, depth
from medjax.errors import UserError
from medjax.ops import native

WHITE, BLACK = made_tiff.WHITE_IS_ZERO, made_tiff.BLACK_IS_ZERO
FILM = np.random.default_rng(0).uniform(0, 1, (40, 40)) * np.linspace(0.02, 1, 40)


def _levels(shares):
  return np.round(255 * np.clip(shares, 0, 1)).astype(int)


def _read(pixels, photometric=BLACK, **tags):
  return decode.decode(made_tiff.tiff(pixels, photometric, **tags), len(pixels), 1)[..., 0]


@pytest.mark.parametrize('order', '<>')
@pytest.mark.parametrize('bits', [9, 10, 12, 14, 16])
@pytest.mark.parametrize('turned_at', ['depth in use', '16 bits'])
def test_white_is_zero_is_the_same_film(order, bits, turned_at):
  black = np.round(FILM * (2**bits - 1)).astype('u2')
  top = 2 ** (16 if turned_at == '16 bits' else bits) - 1
  white = (top - black.astype(int)).astype(order + 'u2')
  found = _read(white, WHITE)
  np.testing.assert_array_equal(found, _read(black))
  np.testing.assert_allclose(found, _levels(black / (2**bits - 1)), atol=1)


@pytest.mark.parametrize('compression', ['tiff_lzw', 'tiff_adobe_deflate', 'packbits'])
def test_white_is_zero_in_a_compressed_file(compression):
  black = np.round(FILM * 65535).astype('u2')
  tag = {TiffImagePlugin.PHOTOMETRIC_INTERPRETATION: WHITE}
  white = Image.fromarray(65535 - black)
  content = made_images.saved(white, 'TIFF', compression=compression, tiffinfo=tag)
  np.testing.assert_array_equal(decode.decode(content, 40, 1)[..., 0], _read(black))


@pytest.mark.parametrize('kind', ['u1', 'i1', '>i2', '<i2', '<u4', '<i4', '>i4', '<f4', '>f4'])
def test_white_is_zero_of_other_types(kind):
  dtype = np.dtype(kind)
  if dtype.kind == 'f':
    black, top = FILM.astype(kind), 1
    expected = _levels(FILM)
  else:
    top = np.iinfo(dtype).max
    black = np.round(FILM * float(top)).astype(kind)
    expected = _levels(FILM if dtype.itemsize > 1 or dtype.kind == 'u' else FILM * 127 / 255)
  white = (top - black.astype(np.float64 if dtype.kind == 'f' else np.int64)).astype(kind)
  np.testing.assert_array_equal(_read(white, WHITE), _read(black))
  np.testing.assert_allclose(_read(black), expected, atol=1)


@pytest.mark.parametrize('kind', ['i1', '<i2', '>i2', '<i4', '<f4'])
def test_negative_values_are_turned_round_too(kind):
  hounsfield = np.round(FILM * 200 - 100).astype(kind)
  white = (-1 - hounsfield.astype(int)).astype(kind)
  expected = _levels((hounsfield - hounsfield.min().astype(float)) / np.ptp(hounsfield.astype(int)))
  np.testing.assert_allclose(_read(hounsfield), expected, atol=1)
  np.testing.assert_allclose(_read(white, WHITE).astype(int), expected, atol=1)


@pytest.mark.parametrize(
  'odd', [1.004, -0.004, 1.09, 40.0, -40.0, 1e20, -3e38, np.inf, -np.inf, np.nan]
)
@pytest.mark.parametrize('times', [1, 255, 4095, 65535])
def test_no_odd_pixel_of_fractions_sets_the_scale(odd, times):
  clean = (FILM * times).astype('f4')
  spoilt = clean.copy()
  with np.errstate(over='ignore'):
    spoilt[7, 9] = odd * times
  found, right = _read(spoilt).copy(), _read(clean)
  np.testing.assert_allclose(right, _levels(FILM), atol=1)
  found[7, 9] = right[7, 9]
  np.testing.assert_array_equal(found, right)
  where = 255 if odd > 1 else 0
  assert _read(spoilt)[7, 9] == where


@pytest.mark.parametrize(('kind', 'odd'), [('u2', 65535), ('<i2', -3000), ('<i4', 2**31 - 1)])
def test_no_odd_pixel_far_away_sets_the_scale_of_integers(kind, odd):
  clean = np.round(FILM * 4095).astype(kind)
  spoilt = clean.copy()
  spoilt[7, 9] = odd
  found, right = _read(spoilt).copy(), _read(clean)
  found[7, 9] = right[7, 9]
  np.testing.assert_array_equal(found, right)


def test_overshoot_of_resampling_is_clipped_at_every_depth():
  edges = np.repeat(np.repeat(np.linspace(0, 1, 16).reshape(4, 4), 10, 0), 10, 1)
  ring = np.where(np.arange(40) % 10 == 0, 0.06, 0.0)  # a tenth of the pixels: they are not odd
  for times in (1, 255, 4095):
    for sharpened in (edges + ring, edges - ring):
      found = depth.to_eight_bits((sharpened * times).astype(np.float32))
      np.testing.assert_allclose(found, _levels(sharpened), atol=1)


@pytest.mark.parametrize(
  ('low', 'top', 'black', 'white'),
  [
    (0.0, 0.3, 0, 1),
    (0.0, 3.2, 0, 3.2),  # optical densities
    (0.0, 19.0, 0, 19.0),  # uptake values
    (0.0, 200.0, 0, 255),
    (-1.0, 1.0, -1, 1),
    (-3.0, 4.5, -3, 4.5),
    (-0.5, -0.2, -0.5, -0.2),
  ],
)
def test_the_scale_of_fractions(low, top, black, white):
  values = np.linspace(low, top, 1600).reshape(40, 40).astype(np.float32)
  expected = _levels((values - black) / (white - black))
  np.testing.assert_allclose(depth.to_eight_bits(values), expected, atol=1)


def test_what_has_no_scale_is_refused():
  half = FILM.astype('f4')
  half.flat[:801] = np.nan
  with pytest.raises(UserError, match='more than half of the pixels are not finite'):
    _read(half)
  half.flat[:2] = 0
  assert _read(half).max() > 200
  with pytest.raises(UserError, match='expected at most 1e30'):
    _read((FILM * 1e35).astype('f4'))
  assert not _read(np.full((8, 8), -np.float32(3.5))).any()


@pytest.mark.parametrize('white_is_zero', [False, True])
@pytest.mark.parametrize('kind', ['u1', 'u2', '>u2'])
def test_what_is_not_sorted_is_as_if_it_were(kind, white_is_zero):
  rng = np.random.default_rng(3)
  for top, odd, outlier in (
    (200, 0, 0),
    (255, 9, 255),
    (3000, 0, 0),
    (900, 1, 60000),
    (4000, 200, 9000),
  ):
    top, outlier = (min(number, np.iinfo(kind).max) for number in (top, outlier))
    pixels = rng.integers(0, top + 1, 40_000).astype(kind)
    pixels[:odd] = outlier
    different, counts = np.unique(pixels, return_counts=True)
    table = np.round(depth.levels(different, counts, white_is_zero=white_is_zero))
    wanted = table[np.searchsorted(different, pixels)]
    found = depth.to_eight_bits(pixels, white_is_zero=white_is_zero)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize('with_kernels', [True, False])
@pytest.mark.parametrize('kind', ['u1', 'i1', 'u2', 'i2', 'i8'])
def test_levels_are_shown_in_any_shape_and_from_any_number_on(kind, with_kernels):
  rng = np.random.default_rng(5)
  first = -100 if kind[0] == 'i' else 0
  number = rng.integers(first, first + 200, (30, 50)).astype(kind).T
  ways = {
    'any': rng.uniform(0, 255, 200),
    'a window': np.linspace(-300, 400, 200).clip(0, 255),
    'a narrow window': np.linspace(-9000, 9000, 200).clip(0, 255),
    'a window turned round': 255 - np.linspace(-20, 400, 200).clip(0, 255),
    'all': np.linspace(0, 255, 200),
    'black': np.zeros(200),
  }
  with contextlib.nullcontext() if with_kernels else native.disabled():
    for name, levels in ways.items():
      found = depth.Shades.of(levels).show(number, first)
      wanted = np.round(levels).astype(np.uint8)[number.astype(int) - first]
      np.testing.assert_array_equal(found, wanted, name)


def test_scales_and_windows_are_lines_unless_halves_are_rounded_to_even():
  for bits in (9, 10, 12):
    assert depth.Shades.of(np.arange(2**bits) * (255 / (2**bits - 1))).line
  window = ((np.arange(2048) - 800) / 399).clip(0, 1) * 255
  assert depth.Shades.of(window).line
  assert depth.Shades.of(255 - window).line
  assert not depth.Shades.of(np.arange(512) / 2).line  # 0.5 is 0 and 1.5 is 2
  assert not depth.Shades.of(np.full(512, 3.0)).line
