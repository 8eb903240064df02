"""Legends lie below the figure, where they cover nothing."""

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from medjax.plots.figure import legend, new_figure


@pytest.mark.parametrize('lines', [1, 2, 5, 8])
def test_a_legend_covers_neither_the_curves_nor_the_axes(lines):
  figure, axes = new_figure('1 - specificity', 'Sensitivity')
  for line in range(lines):
    axes.plot([0, 1], [0, line / lines], label=f'0.{line}23  a class with a rather long name')
  legend(figure, columns=1)
  canvas = FigureCanvasAgg(figure)
  canvas.draw()
  below = figure.legends[0].get_window_extent(canvas.get_renderer())
  assert not below.overlaps(axes.get_tightbbox(canvas.get_renderer()))
  assert below.y1 < axes.get_window_extent().y0
  assert axes.get_window_extent().height > 120  # pixels: the curves keep their room
