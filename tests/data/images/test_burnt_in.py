"""Text in pixels: planted lines are found, and what is none is left."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from medjax.data.images import burnt_in


def ground(seed, side=224, level=110):
  coarse = np.random.default_rng(seed).normal(level, 15, (12, 12)).clip(0, 255).astype(np.uint8)
  return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


def written(image, text, height, fill, place=(6, 6)):
  ImageDraw.Draw(image).text(place, text, fill=fill, font=ImageFont.load_default(height))
  return image


@pytest.mark.parametrize('height', [12, 16, 24])
@pytest.mark.parametrize('fill', [0, 30, 220, 255])
def test_a_line_is_found_where_it_stands(height, fill):
  image = written(ground(height), 'MEIER, Anna 1953', height, fill, (6, 150))
  line = burnt_in.find(image)[0]
  left, top, right, bottom = line.box
  assert line.letters >= 4
  assert 0 <= left < right <= 224
  assert 140 < top < bottom < 150 + 2 * height


def test_a_large_image_is_looked_at_smaller_and_places_are_its_own():
  image = written(ground(1, 3000), 'MEIER, Anna 1953-04-07', 48, 250, (1800, 2800))
  left, top, right, bottom = burnt_in.find(image)[0].box
  assert 1750 < left < right <= 3000
  assert 2760 < top < bottom < 2900


@pytest.mark.parametrize('seed', range(8))
def test_smooth_images_noise_and_stripes_show_none(seed):
  rng = np.random.default_rng(seed)
  assert burnt_in.find(ground(seed)) == []
  assert burnt_in.find(Image.fromarray(rng.integers(0, 256, (96, 96), np.uint8))) == []
  stripes = np.where(np.arange(128) % 16 < 3, 230, 40).astype(np.uint8)[None].repeat(128, 0)
  assert burnt_in.find(Image.fromarray(stripes)) == []


def test_a_letter_by_itself_and_an_empty_image_are_no_text():
  assert burnt_in.find(written(ground(3), 'R', 32, 250)) == []
  assert burnt_in.find(Image.new('RGB', (10, 10))) == []


def test_planted_in_real_radiographs(shared_data):
  """Nine of ten lines of 16 pixels, 100 grey levels brighter; few alarms where none is planted."""
  from medjax.bench import burnt_in as bench

  files = sorted((shared_data('chest_nih') / 'images').rglob('*.jpg'))[::100]
  images = [Image.open(path).convert('L') for path in files]
  import random

  draw = random.Random(0)
  found = sum(bool(burnt_in.find(bench.planted(image, 16, 100, draw))) for image in images)
  alarms = sum(bool(burnt_in.find(image)) for image in images)
  assert len(images) >= 10
  assert found >= 0.9 * len(images)
  assert alarms <= 0.1 * len(images)
