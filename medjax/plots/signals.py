"""Signals as small line plots, in SVG of their own: a report shows a dozen of them."""

import html

import numpy as np

_WIDTH, _HEIGHT, _MARGIN, _SIDE, _AXIS = 320, 150, 8, 16, 18  # pixels
# As in ``plots``, so that people with any common colour blindness tell leads apart.
_COLORS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000')


def of_signal(
  signal: np.ndarray, leads: tuple[str, ...] = (), rate: float = 0.0, peak: float = 0.0
) -> str:
  """Draws a signal, every lead in a colour of its own.

  Args:
    signal: [samples, leads]; zeros after the end are not drawn.
    leads: names for the legend; empty for none.
    rate: samples a second; 0 where it is not known, and the axis counts samples.
    peak: seconds to the R peak, from which the axis counts and where a line is.

  Returns:
    The SVG element.

  Example:
    >>> of_signal(np.zeros((140, 1))).count('<polyline')
    1
  """
  there = np.flatnonzero(signal.any(axis=1))
  shown = signal[: there[-1] + 1] if len(there) else signal
  low, high = float(shown.min()), float(shown.max())
  scale = (_HEIGHT - _AXIS - 2 * _MARGIN) / ((high - low) or 1.0)
  step = (_WIDTH - 2 * _SIDE) / max(1, len(signal) - 1)
  x = _SIDE + step * np.arange(len(shown))
  bottom = _HEIGHT - _AXIS
  parts = [f'<line x1="{_SIDE}" y1="{bottom}" x2="{_WIDTH - _SIDE}" y2="{bottom}"'
           ' stroke="#767676" stroke-width="1"/>']  # fmt: skip
  for value, text in _ticks(len(signal), rate, peak):
    place = _SIDE + step * value
    parts.append(
      f'<line x1="{place:.1f}" y1="{bottom}" x2="{place:.1f}" y2="{bottom + 4}" stroke="#767676"/>'
      f'<text x="{place:.1f}" y="{_HEIGHT - 3}" text-anchor="middle">{text}</text>'
    )
  if rate:
    place = _SIDE + step * round(peak * rate)
    parts.append(
      f'<line x1="{place:.1f}" y1="2" x2="{place:.1f}" y2="{bottom}" stroke="#bbbbbb"'
      ' stroke-dasharray="3 3"/>'
    )
  for number in range(shown.shape[1]):
    color = _COLORS[number % len(_COLORS)]
    y = _MARGIN + (high - shown[:, number]) * scale
    points = ' '.join(f'{a:.1f},{b:.1f}' for a, b in zip(x, y, strict=True))
    parts.append(
      f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.4"'
      ' stroke-linejoin="round"/>'
    )
  if len(leads) > 1:
    for number, lead in enumerate(leads):
      parts.append(
        f'<text x="{_MARGIN}" y="{12 + 12 * number}" fill="{_COLORS[number % len(_COLORS)]}">'
        f'{html.escape(lead)}</text>'
      )
  return (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
    f'height="{_HEIGHT}" font-family="sans-serif" font-size="11" fill="#555555" role="img" '
    f'aria-label="Signal">{"".join(parts)}</svg>'
  )


def _ticks(count: int, rate: float, peak: float) -> list[tuple[float, str]]:
  """(sample, text) at round seconds from the peak, or at round samples."""
  if not rate:
    step = next(s for e in range(9) for s in (10**e, 2 * 10**e, 5 * 10**e) if count / s <= 7)
    return [(value, str(value)) for value in range(0, count, step)]
  start, stop = -round(peak * rate) / rate, (count - 1 - round(peak * rate)) / rate
  spacing = next(s for s in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 1e9) if (stop - start) / s <= 7)
  first, last = int(np.ceil(start / spacing - 1e-9)), int(np.floor(stop / spacing + 1e-9))
  seconds = [number * spacing for number in range(first, last + 1)]
  # The text of the last one names the unit.
  return [
    (round(peak * rate) + s * rate, f'{s:.3g}' + (' s' if s == seconds[-1] else ''))
    for s in seconds
  ]
