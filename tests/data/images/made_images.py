"""Small pictures in every form of file that is read."""

import io

import made_tiff
import numpy as np
from PIL import Image

SIDE = 24


def saved(image, form, **options):
  buffer = io.BytesIO()
  image.save(buffer, form, **options)
  return buffer.getvalue()


def forms():
  """Bytes by name: of each format those kinds that are decoded in different ways."""
  rng = np.random.default_rng(0)
  ramp = np.add.outer(np.arange(SIDE) * 5, np.arange(SIDE) * 3)
  grey = np.clip(ramp + rng.integers(0, 30, ramp.shape), 0, 255).astype(np.uint8)
  deep = Image.fromarray(grey.astype(np.uint16) * 257)
  ink = Image.fromarray(np.stack([grey, grey.T, 255 - grey], axis=2))
  grey = Image.fromarray(grey)
  rows = b'\n'.join(b' '.join(b'%d' % v for v in row) for row in np.asarray(grey))
  made = {
    'plain pgm': b'P2 %d %d 255\n' % (SIDE, SIDE) + rows + b'\n',
    'white is zero': made_tiff.tiff(np.asarray(deep), made_tiff.WHITE_IS_ZERO),
    'fractions': made_tiff.tiff((np.asarray(grey) / 255).astype('<f4')),
  }
  kinds = [
    ('PNG', ink, {}), ('PNG', deep, {}), ('PNG', ink.convert('P'), {}),
    ('JPEG', ink, {}), ('JPEG', grey, {'progressive': True}),
    ('TIFF', ink, {}), ('TIFF', ink, {'compression': 'tiff_lzw'}),
    ('TIFF', deep, {'compression': 'tiff_adobe_deflate'}), ('TIFF', grey, {'big_tiff': True}),
    ('TIFF', grey.convert('1'), {'compression': 'group4'}), ('TIFF', ink, {'compression': 'jpeg'}),
    ('BMP', ink, {}), ('BMP', grey, {}), ('GIF', grey, {'interlace': 1}), ('GIF', ink, {}),
    ('WEBP', ink, {}), ('WEBP', ink, {'lossless': True}),
    ('WEBP', ink, {'save_all': True, 'append_images': [ink.rotate(90)]}),
    ('JPEG2000', ink, {}), ('JPEG2000', deep, {'no_jp2': True}),
    ('JPEG2000', ink, {'irreversible': True, 'quality_layers': [20, 5]}),
    ('JPEG2000', ink, {'tile_size': (8, 8)}), ('PPM', ink, {}), ('PPM', deep, {}),
    ('PPM', grey.convert('1'), {}),
  ]  # fmt: skip
  for form, image, options in kinds:
    made[' '.join([form, image.mode, *map(str, options)])] = saved(image, form, **options)
  return made
