"""Secondary structure along chains as SVG: helices as waves, strands as arrows, coil as a line.

Reference:
  Kabsch and Sander (1983), Dictionary of protein secondary structure, Biopolymers 22:2577-2637
    (the states and their letters).
"""

import html
import itertools
import math
from collections.abc import Sequence

_ROW = 80  # residues of a row
_LEFT, _STEP, _HEIGHT, _GAP = 84, 11, 22, 10  # pixels: names, a residue, a track, between rows
_HELIX, _STRAND, _COIL, _WRONG = '#0072b2', '#d55e00', '#767676', '#f6d5cb'
_HELICES, _STRANDS = 'HGI', 'EB'
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ max-width: 1080px; margin: 24px auto; padding: 0 24px; color: #1c2329;
  font: 16px/1.5 system-ui, sans-serif; }}
h2 {{ font-size: 1rem; margin: 28px 0 8px; overflow-wrap: anywhere; }}
svg {{ width: 100%; height: auto; }}
p {{ color: #5b6670; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>Helices are waves, strands arrows, coil a line; bars are the digits of confidence.
For research only. Not a medical device: not for diagnosis or treatment.</p>
{figures}
</body>
</html>
"""


def chain(
  tracks: Sequence[tuple[str, str]], title: str, *, confidence: str = '', wrong: bool = False
) -> str:
  """One or more predictions of a chain, or the truth, above one another in rows of 80 residues.

  H, G and I are helices, E and B strands, '-' is not known and nothing is drawn there; any other
  letter is coil.

  Args:
    tracks: name and states of each, as many letters.
    title: what it shows, for who cannot see it.
    confidence: digits below the last track, drawn as bars.
    wrong: shade the residues where the first two tracks differ and both are known.

  Returns:
    The SVG element.

  Example:
    >>> drawn = chain([('true', 'CCHHHHCC'), ('predicted', 'CHHHHCCC')], '1abc')
    >>> drawn.count('<svg'), drawn.count('stroke-linejoin="round"')
    (1, 2)
  """
  length = len(tracks[0][1])
  rows = range(0, length, _ROW)
  tall = len(tracks) * _HEIGHT + (14 if confidence else 0) + 14
  parts = []
  for number, start in enumerate(rows):
    top = number * (tall + _GAP)
    end = min(start + _ROW, length)
    if wrong:
      differ = [
        a != b and '-' not in (a, b)
        for a, b in zip(tracks[0][1][start:end], tracks[1][1][start:end], strict=True)
      ]
      for first, last, flag in _runs(differ):
        if flag:
          parts.append(
            f'<rect x="{_x(first)}" y="{top}" width="{(last - first) * _STEP}" '
            f'height="{2 * _HEIGHT}" fill="{_WRONG}"/>'
          )
    for track, (name, states) in enumerate(tracks):
      middle = top + track * _HEIGHT + _HEIGHT // 2
      parts.append(
        f'<text x="{_LEFT - 8}" y="{middle + 4}" text-anchor="end" font-size="12" fill="#5b6670">'
        f'{html.escape(name)}</text>'
      )
      goes_on = end < length and states[end] == states[end - 1]
      for first, last, state in _runs(states[start:end]):
        ends = not (goes_on and last == end - start)
        parts.append(_segment(state, _x(first), _x(last), middle, ends))
    below = top + len(tracks) * _HEIGHT
    for place, digit in enumerate(confidence[start:end]):
      high = 1 + int(digit) * 1.2
      parts.append(
        f'<rect x="{_x(place) + 1.5}" y="{below + 13 - high:.1f}" width="{_STEP - 3}" '
        f'height="{high:.1f}" fill="#9aa5ad"/>'
      )
    below += 14 if confidence else 0
    for place in range(start, end, 10):
      parts.append(
        f'<text x="{_x(place - start)}" y="{below + 10}" font-size="10" fill="#5b6670">'
        f'{place + 1}</text>'
      )
  width, height = _LEFT + _ROW * _STEP + 4, len(rows) * (tall + _GAP)
  return (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
    f'font-family="sans-serif"><title>{html.escape(title)}</title>{"".join(parts)}</svg>'
  )


def page(title: str, drawings: Sequence[tuple[str, str]]) -> str:
  """An HTML page of its own with drawings, each below its caption.

  Args:
    title: of the page.
    drawings: caption and SVG element of each.
  """
  figures = ''.join(f'<h2>{html.escape(caption)}</h2>{drawing}' for caption, drawing in drawings)
  return _PAGE.format(title=html.escape(title), figures=figures)


def _x(place: int) -> int:
  return _LEFT + place * _STEP


def _runs(values: Sequence) -> list[tuple[int, int, str | bool]]:
  """First, one after the last, and value of each stretch of equal values."""
  runs, start = [], 0
  for value, members in itertools.groupby(values):
    count = len(list(members))
    runs.append((start, start + count, value))
    start += count
  return runs


def _segment(state: str | bool, left: int, right: int, middle: int, ends: bool) -> str:
  if state == '-':
    return ''
  if str(state) in _HELICES:
    # A turn has 3.6 residues.
    steps = range(0, right - left + 1, 2)
    points = ' '.join(
      f'{left + x},{middle - 7 * math.sin(2 * math.pi * x / (3.6 * _STEP)):.1f}' for x in steps
    )
    return (
      f'<polyline points="{points}" fill="none" stroke="{_HELIX}" stroke-width="3" '
      'stroke-linejoin="round"/>'
    )
  if str(state) in _STRANDS:
    head = min(14, right - left) if ends else 0
    neck = right - head
    points = f'{left},{middle - 4} {neck},{middle - 4} '
    points += f'{neck},{middle - 9} {right},{middle} {neck},{middle + 9} ' if ends else ''
    return f'<polygon points="{points}{neck},{middle + 4} {left},{middle + 4}" fill="{_STRAND}"/>'
  return f'<path d="M{left} {middle}H{right}" stroke="{_COIL}" stroke-width="2"/>'
