"""Half of an image is none, and nothing keeps the decoder busy without end or takes much memory."""

import io
import time

import hypothesis
import made_images
import made_tiff
import numpy as np
import pytest
from damage import little_memory
from hypothesis import strategies
from PIL import Image

from medjax.data.images import damage, decode, formats
from medjax.errors import UserError

# Pillow warns of bombs and of odd tags before it refuses them.
pytestmark = pytest.mark.filterwarnings('ignore::UserWarning', 'ignore::RuntimeWarning')
FORMS = made_images.forms()
WHOLE = {name: decode.decode(content, made_images.SIDE, 3) for name, content in FORMS.items()}
GREY = np.random.default_rng(0).integers(0, 255, (24, 24), np.uint8)


def test_every_format_is_among_the_forms():
  read = {Image.open(io.BytesIO(content)).format for content in FORMS.values()}
  assert read == set(formats.FORMATS)


@pytest.mark.parametrize('name', FORMS)
def test_a_truncated_file_is_never_half_an_image(name):
  content, refused = FORMS[name], 0
  for end in range(0, len(content), max(1, len(content) // 300)):
    try:
      found = decode.decode(content[:end], made_images.SIDE, 3)
    except UserError:
      refused += 1
    else:  # what is cut off held no pixels
      np.testing.assert_array_equal(found, WHOLE[name])
  assert refused > 40


def _read_or_refused(content):
  start = time.monotonic()
  problem = ''
  try:
    with little_memory():
      found = decode.decode(content, 16, 3, 'damaged.png')
  except UserError as error:
    problem = str(error)
  if problem:
    assert problem.startswith('damaged.png: ')
    assert '\n' not in problem
    assert len(problem) < 300
  else:
    assert (found.shape, found.dtype) == ((16, 16, 3), np.uint8)
  assert time.monotonic() - start < 20


@hypothesis.settings(max_examples=300, deadline=None, derandomize=True)
@hypothesis.given(strategies.binary(max_size=2000))
def test_any_bytes_are_an_image_or_refused(content):
  _read_or_refused(content)


@hypothesis.settings(max_examples=600, deadline=None, derandomize=True)
@hypothesis.given(
  strategies.sampled_from(sorted(FORMS)),
  strategies.lists(strategies.tuples(strategies.floats(0, 1), strategies.integers(0, 7))),
  strategies.floats(0, 1),
  strategies.binary(max_size=12),
)
def test_damaged_files_are_an_image_or_refused(name, flips, cut, inserted):
  content = bytearray(FORMS[name])
  for place, bit in flips:
    content[min(int(place * len(content)), len(content) - 1)] ^= 1 << bit
  end = int(cut * len(content))
  _read_or_refused(bytes(content[:end]) + inserted + bytes(content[end:]))
  _read_or_refused(bytes(content[:end]))


def test_a_tiff_without_some_of_its_strips_is_refused():
  whole = made_tiff.tiff(GREY)
  np.testing.assert_array_equal(decode.decode(whole, 24, 1)[..., 0], GREY)
  with pytest.raises(UserError, match=r'image: .*is truncated: 1 strips or tiles; expected 3'):
    decode.decode(made_tiff.tiff(GREY, rows=8), 24, 1)


@pytest.mark.parametrize(
  ('side', 'reason'), [(2**15, r'tiles of 32768x32768 pixels; .*at most 89,478,485'), (16, '1 st')]
)
def test_tiles_that_are_larger_than_any_image_or_missing(side, reason):
  with pytest.raises(UserError, match=reason):
    decode.decode(made_tiff.tiff(GREY, tile_width=side, tile_length=side), 24, 1)


def test_a_jpeg_of_thousands_of_passes_is_refused():
  content = made_images.saved(Image.fromarray(GREY), 'JPEG', progressive=True)
  more = content[:-2] + b'\xff\xda' * damage.MAX_SCANS + content[-2:]
  with pytest.raises(UserError, match=r'has 10\d scans; expected at most 100'):
    decode.decode(more, 24, 1)


def test_a_jpeg_2000_without_its_end_is_refused():
  for name in ('JPEG2000 RGB', 'JPEG2000 I;16 no_jp2'):
    with pytest.raises(UserError, match='truncated'):
      decode.decode(FORMS[name][:-2], 24, 1)
    np.testing.assert_array_equal(
      decode.decode(FORMS[name] + bytes(7), made_images.SIDE, 3), WHOLE[name]
    )


@pytest.mark.parametrize('form', ['PNG', 'TIFF', 'GIF', 'PPM'])
def test_bombs_are_refused_before_they_are_decoded(form):
  side = 10_000
  content = made_images.saved(Image.new('1', (side, side)), form)
  start = time.monotonic()
  with pytest.raises(UserError, match='expected at most 89,478,485'):
    decode.decode(content, 16, 1)
  assert time.monotonic() - start < 5
