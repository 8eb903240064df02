"""Text in the pixels of files is a finding of an audit, with the files to look at."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from medjax.audit import burnt_text
from medjax.data.images.modality import Images
from medjax.data.modality import Modality


@pytest.fixture
def folder(tmp_path):
  for i in range(6):
    coarse = np.random.default_rng(i).normal(110, 15, (12, 12)).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(coarse).resize((160, 160), Image.Resampling.BICUBIC)
    if i in (2, 4):
      text = 'MEIER, Anna 1953' if i == 2 else 'MEIER'
      ImageDraw.Draw(image).text((6, 6), text, fill=250, font=ImageFont.load_default(16))
    image.save(tmp_path / f'{i}.png')
  (tmp_path / 'damaged.png').write_bytes(b'x')
  return tmp_path


def modality():
  return Images(32, 32, 1)


def test_cases_with_text_are_named_the_longest_first(folder):
  names = [*(f'{i}.png' for i in range(6)), 'damaged.png', 'missing.png']
  checked = burnt_text.check(modality(), folder, names)
  (finding,) = checked.findings
  assert finding.line.startswith('2 cases seem to show text, of 6 looked at, the first 2.png')
  assert [row['case'] for row in finding.rows] == ['2.png', '4.png']
  assert 'names of patients' in finding.advice


def test_nothing_is_found_where_nothing_is_or_files_are_not_known(folder):
  assert not burnt_text.check(modality(), folder, ['0.png', '1.png']).findings
  assert not burnt_text.check(modality(), None, ['2.png']).findings


def test_of_many_files_some_are_looked_at(folder, monkeypatch):
  monkeypatch.setattr(burnt_text, '_MOST', 3)
  checked = burnt_text.check(modality(), folder, [f'{i}.png' for i in range(6)])
  assert 'of 3 looked at' in checked.findings[0].line


def test_modalities_without_pixels_are_left(folder):
  assert Modality.letters_in(None, 'a.csv') is None
