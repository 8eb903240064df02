"""The runs of a cross-validation in one figure."""

from collections.abc import Sequence

from medjax.plots.figure import COLORS, GREY, SIZE_INCHES, legend, new_figure, plain, svg

_ROWS = 12  # that fit into a figure of the usual height


def runs(names: Sequence[str], values: Sequence[float | None], title: str, mean: float) -> str:
  """Draws a metric of every run, and its mean.

  Args:
    names: of the runs, the first one at the top.
    values: of the metric; a run with None has no point, and one has a point.
    title: what the metric is called.
    mean: over runs.

  Returns:
    The SVG element.
  """
  figure, axes = new_figure(plain(title), '')
  points = [(value, row) for row, value in enumerate(values) if value is not None]
  known, rows = zip(*points, strict=True)
  axes.scatter(known, rows, color=COLORS[0], s=28, label='one run')
  axes.axvline(mean, color=GREY, linestyle=':', linewidth=1.2, label=f'mean, {mean:.3f}')
  axes.set_yticks(range(len(names)), [plain(name) for name in names])
  axes.set_ylim(len(names) - 0.5, -0.5)
  legend(figure)
  extra = max(0, len(names) - _ROWS) * SIZE_INCHES[1] / _ROWS / 1.5
  figure.set_figheight(figure.get_figheight() + extra)
  return svg(figure, f'{title} of every run')
