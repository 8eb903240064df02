"""Letters as high as they count."""

import re
import xml.etree.ElementTree

import numpy as np
import pytest

from medjax.plots import logos


def drawn(svg):
  """(letter, height as a share of a capital) of every letter."""
  root = xml.etree.ElementTree.fromstring(svg)
  found = []
  for text in root.iter('{http://www.w3.org/2000/svg}text'):
    scale = re.search(r'scale\([\d.]+ ([\d.]+)\)', text.get('transform') or '')
    if scale:
      found.append((text.text, float(scale[1])))
  return found


@pytest.mark.core
def test_heights_are_in_proportion_and_both_signs_are_drawn():
  heights = np.array([[2.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, -1.0, 0], [0, 0, 0, 0]])
  letters = dict(drawn(logos.logo(heights, 'ACGT', 'a <title>')))
  assert set(letters) == {'A', 'C', 'G'}
  assert letters['A'] == pytest.approx(2 * letters['C'], rel=1e-2)
  assert letters['C'] == pytest.approx(letters['G'], rel=1e-2)
  assert 'a &lt;title&gt;' in logos.logo(heights, 'ACGT', 'a <title>')


@pytest.mark.core
def test_nothing_to_draw_and_long_sequences():
  assert drawn(logos.logo(np.zeros((5, 4)), 'ACGT', '')) == []
  svg = logos.logo(np.eye(20)[np.arange(200) % 20], 'ACDEFGHIKLMNPQRSTVWY', '')
  assert len(drawn(svg)) == 200
  assert [f'>{first}<' in svg for first in (1, 81, 161, 241)] == [True, True, True, False]
