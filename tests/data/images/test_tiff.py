"""TIFF: pages as cases, and the kinds that Pillow does not read."""

import io
import pathlib

import made_tiff
import numpy as np
import pytest
from PIL import Image

from medjax.data import images
from medjax.data.images import decode, depth, files, folder, packages
from medjax.errors import UserError

tifffile = pytest.importorskip('tifffile')

RNG = np.random.default_rng(0)
GREY = np.add.outer(np.arange(24) * 700, np.arange(24) * 500).astype(np.uint16)
COLOUR = RNG.integers(0, 2**16, (24, 24, 3), np.uint16)


def _bytes(pixels, **options):
  buffer = io.BytesIO()
  tifffile.imwrite(buffer, pixels, **options)
  return buffer.getvalue()


def _pillow_reads(content):
  try:
    with Image.open(io.BytesIO(content)) as image:
      image.load()
  except Exception:
    return False
  return True


DOUBLE = (GREY / GREY.max()).astype(np.float64)
KINDS = {
  'double': (DOUBLE, {}, depth.to_eight_bits(DOUBLE)),
  'half': (DOUBLE.astype(np.float16), {}, depth.to_eight_bits(DOUBLE.astype(np.float16))),
  'white is zero': (
    GREY.astype(np.uint64), {'photometric': 'miniswhite'},
    depth.to_eight_bits(GREY.astype(np.uint64), white_is_zero=True),
  ),
  'tiled doubles in a BigTIFF': (
    DOUBLE, {'tile': (16, 16), 'bigtiff': True, 'compression': 'zlib', 'predictor': True},
    depth.to_eight_bits(DOUBLE),
  ),
  'fractions of colour': (
    (COLOUR / 65535).astype(np.float32), {'photometric': 'rgb'}, np.round(COLOUR / 257),
  ),
  'planes of fractions': (
    np.moveaxis(COLOUR / 65535, 2, 0).astype(np.float32),
    {'photometric': 'rgb', 'planarconfig': 'separate'}, np.round(COLOUR / 257),
  ),
}  # fmt: skip


@pytest.mark.parametrize('name', KINDS)
def test_kinds_that_pillow_does_not_read(name):
  pixels, options, expected = KINDS[name]
  content = _bytes(pixels, **options)
  assert not _pillow_reads(content)
  found = decode.decode(content, 24, 3 if expected.ndim == 3 else 1)
  expected = expected if expected.ndim == 3 else expected[..., None]
  np.testing.assert_allclose(found.astype(int), expected, atol=1)


@pytest.mark.parametrize('compression', ['zstd', 'lerc', 'jpeg2000', 'png'])
def test_compressions_that_pillow_does_not_know(compression):
  pytest.importorskip('imagecodecs')
  grey = (GREY // 257).astype(np.uint8)
  content = _bytes(grey, compression=compression)
  np.testing.assert_allclose(decode.decode(content, 24, 1)[..., 0], grey, atol=2)


def test_pages_are_cases_of_one_group_but_for_masks_and_smaller_copies(tmp_path):
  pages = [np.full((24, 24), 40 * i, np.uint8) for i in range(1, 4)]
  with tifffile.TiffWriter(tmp_path / 'stack.tif') as writer:
    for kind, page in zip((0, 1, 4, 0), [*pages, pages[1]], strict=True):
      mask = {'photometric': 'minisblack'} if kind != 4 else {'photometric': 'mask'}
      writer.write(page if kind != 4 else page > 0, subfiletype=kind, contiguous=False, **mask)
  cases = files.find([str(tmp_path / 'stack.tif')], 24, 1)
  assert [case.name[-11:] for case in cases] == ['stack.tif#1', 'stack.tif#4']
  assert [int(case.load()['image'].max()) for case in cases] == [40, 80]
  (tmp_path / 'stack.tif').unlink()
  for i in range(10):
    noise = RNG.integers(0, 255, (3, 24, 24), np.uint8)
    path = tmp_path / ('a', 'b')[i % 2] / f'{i}.tif'
    path.parent.mkdir(exist_ok=True)
    if i < 2:  # of a kind that Pillow does not read
      tifffile.imwrite(path, (noise / 255).astype(np.float64), photometric='minisblack')
    else:
      first, *others = map(Image.fromarray, noise)
      first.save(path, save_all=True, append_images=others)
  source = folder.load(pathlib.Path(tmp_path), images.Config())
  assert len(source.records) == 30
  assert len({record.group for record in source.records}) == 10
  assert any('10 files hold several pages: each is an image' in note for note in source.notes)
  (third,) = (r for r in source.records if r.id == 'b/9.tif#3')
  np.testing.assert_array_equal(third.read(24, 1)[0][..., 0], noise[2])


def test_what_neither_reads_is_refused_in_one_line(tmp_path):
  cut = _bytes(DOUBLE)
  refused = {
    'complex.tif': (_bytes(GREY.astype(np.complex64)), 'numbers of type complex64'),
    'cut.tif': (cut[: cut.index(DOUBLE.tobytes()[:64]) + 900], 'truncated'),
    'small.tif': (_bytes(DOUBLE[:4]), '24x4 pixels; expected at least 8x8'),
    'tile.tif': (made_tiff.tiff(DOUBLE, tile_width=2**15, tile_length=2**15), 'tiles larger than'),
    'noise.tif': (b'II*\0' + bytes(range(200)), 'not an image that can be read: damaged, or TIFF'),
  }
  for name, (content, reason) in refused.items():
    (tmp_path / name).write_bytes(content)
    for case in files.find([str(tmp_path / name)], 24, 1):
      with pytest.raises(UserError, match=f'{name}: .*{reason}') as caught:
        case.load()
      assert '\n' not in str(caught.value)


def test_a_kind_that_needs_tifffile_says_so_without_it(monkeypatch):
  def missing(name, what):
    raise packages.MissingPackageError(f'{what} files need {name}')

  monkeypatch.setattr(packages, 'load', missing)
  text = r"needs the package tifffile: pip install 'medjax\[imaging\]'"
  with pytest.raises(UserError, match=text):
    decode.decode(_bytes(DOUBLE), 24, 1)
