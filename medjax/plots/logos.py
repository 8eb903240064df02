"""Sequences with letters as high as they count, as SVG.

Reference:
  Schneider and Stephens (1990), Sequence logos: a new way to display consensus sequences, Nucleic
    Acids Research 18:6097-6100.
"""

import html

import numpy as np

_WIDTH, _HEIGHT = 12.0, 60.0  # of a letter and of a row, in pixels
_CAPITAL = 0.72  # height of a capital letter as a share of its font's size
_LEAST = 0.4  # pixels; nobody sees smaller letters
_ROW = 80  # letters of a row

# Bases in the usual colours, in shades that the colour-blind tell apart; residues by their nature.
_COLORS = dict.fromkeys('A', '#009e73') | dict.fromkeys('C', '#0072b2')
_COLORS |= dict.fromkeys('G', '#b8860b') | dict.fromkeys('TU', '#d55e00')
_RESIDUES = (
  dict.fromkeys('AVLIMFWPC', '#333333')
  | dict.fromkeys('GSTYNQ', '#009e73')
  | dict.fromkeys('KRH', '#0072b2')
  | dict.fromkeys('DE', '#d55e00')
)


def logo(heights: np.ndarray, letters: str, title: str, first: int = 1) -> str:
  """Letters on a line, those below 0 hanging from it, in rows of 80 places.

  Args:
    heights: [places, letters], any unit; the largest sum at one place fills its row.
    letters: of the alphabet, in order.
    title: what it shows, for who cannot see it.
    first: number of the first place.

  Returns:
    The SVG element.

  Example:
    >>> logo(np.eye(4), 'ACGT', 'a motif').count('<text')
    5
  """
  heights = np.asarray(heights, np.float64)
  up, down = (np.maximum(sign * heights, 0).sum(axis=1).max(initial=0) for sign in (1, -1))
  scale = _HEIGHT / (up + down) if up + down else 0.0
  colors = _COLORS if len(letters) == 4 else _RESIDUES
  parts = []
  rows = range(0, max(len(heights), 1), _ROW)
  gap = _HEIGHT + 18
  for number, start in enumerate(rows):
    zero = number * gap + up * scale + 2
    some = heights[start : start + _ROW]
    end = len(some) * _WIDTH
    parts.append(f'<path d="M0 {zero:.1f}H{end:.0f}" stroke="#999" stroke-width=".5"/>')
    parts.append(
      f'<text x="0" y="{number * gap + _HEIGHT + 13:.1f}" font-size="10" fill="#666">'
      f'{first + start}</text>'
    )
    for place, row in enumerate(some * scale):
      parts += _column(row, letters, colors, place * _WIDTH, zero)
  width = min(len(heights), _ROW) * _WIDTH
  label = html.escape(title, quote=True)
  return (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {max(width, 1):.0f} '
    f'{len(rows) * gap:.0f}" width="{max(width, 1):.0f}" role="img" aria-label="{label}" '
    f'font-family="DejaVu Sans, Arial, Helvetica, sans-serif">{"".join(parts)}</svg>'
  )


def _column(
  row: np.ndarray, letters: str, colors: dict[str, str], left: float, zero: float
) -> list[str]:
  """The letters of one place, the largest furthest from the line."""
  elements = []
  for sign in (1, -1):
    at = zero
    for i in np.argsort(sign * row, kind='stable'):
      height = sign * row[i]
      if height < _LEAST:
        continue
      base = at if sign > 0 else at + height
      elements.append(
        f'<text transform="translate({left + _WIDTH / 2:.1f} {base:.1f}) '
        f'scale({_WIDTH / 12:.2f} {height / (12 * _CAPITAL):.3f})" font-size="12" '
        f'font-weight="bold" text-anchor="middle" fill="{colors.get(letters[i], "#333")}"'
        f'{"" if sign > 0 else " opacity=" + chr(34) + ".6" + chr(34)}>{letters[i]}</text>'
      )
      at -= sign * height
  return elements
