"""Figures of a search of settings: what was found when, and with which settings."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from medjax.plots.figure import COLORS, GREY, SIZE_INCHES, legend, new_figure, plain, svg

if TYPE_CHECKING:
  from matplotlib.axes import Axes

_WIDE = 9.6  # inches


@dataclasses.dataclass(frozen=True)
class Axis:
  """One setting.

  Attributes:
    name: of it.
    values: of each trial: numbers, or places in ``names``.
    names: of values that have no order; empty for numbers.
    log: whether factors count.
  """

  name: str
  values: Sequence[float]
  names: Sequence[str] = ()
  log: bool = False


def history(
  numbers: Sequence[int], scores: Sequence[float], pruned: Sequence[bool], default: int, title: str
) -> str:
  """Draws the score of every trial, and the best so far.

  Args:
    numbers: of trials.
    scores: of each.
    pruned: whether it was ended early.
    default: place of the trial with the default settings; -1 for none.
    title: what the score is called.

  Returns:
    The SVG element.
  """
  from matplotlib.ticker import MaxNLocator

  figure, axes = new_figure('Trial', title)
  for is_pruned, color, label in ((False, COLORS[0], 'complete'), (True, GREY, 'pruned')):
    points = [(n, s) for n, s, p in zip(numbers, scores, pruned, strict=True) if p == is_pruned]
    if points:
      shown, of_shown = zip(*points, strict=True)
      axes.scatter(shown, of_shown, color=color, s=26, label=label, zorder=3)
  best, line = None, []
  for number, score, is_pruned in zip(numbers, scores, pruned, strict=True):
    if not is_pruned:
      best = score if best is None else max(best, score)
      line.append((number, best))
  if line:
    line.append((max(numbers), line[-1][1]))
    axes.step(
      *zip(*line, strict=True), where='post', color=COLORS[1], linewidth=1.6, label='best so far'
    )
  if default >= 0:
    axes.axhline(
      scores[default], color=COLORS[2], linestyle=':', linewidth=1.4, label='default settings'
    )
  axes.xaxis.set_major_locator(MaxNLocator(integer=True))
  _keep_in_sight(axes, scores)
  legend(figure)
  return svg(figure, f'{title} of every trial')


def importance(shares: Mapping[str, float]) -> str:
  """Draws how much of the spread of scores each setting explains, the most important at the top.

  Args:
    shares: by setting; they sum to 1.

  Returns:
    The SVG element.
  """
  figure, axes = new_figure('Share of the spread of scores', '')
  names = list(shares)
  axes.barh(range(len(names)), list(shares.values()), color=COLORS[0], height=0.6)
  axes.set_yticks(range(len(names)), [plain(name) for name in names])
  axes.set_ylim(len(names) - 0.4, -0.6)
  axes.set_xlim(0, 1)
  return svg(figure, 'Importance of settings')


def parallel(
  settings: Sequence[Axis], scores: Sequence[float], best: int, default: int, title: str
) -> str:
  """Draws every trial as a line over the settings, darker the better its score.

  Args:
    settings: one axis each.
    scores: of trials.
    best: place of the best trial.
    default: place of the trial with the default settings; -1 for none.
    title: what the score is called.

  Returns:
    The SVG element.
  """
  import numpy as np
  from matplotlib.cm import ScalarMappable
  from matplotlib.colors import LinearSegmentedColormap, Normalize

  figure, axes = new_figure('', '')
  figure.set_size_inches(_WIDE, SIZE_INCHES[1] + 0.4)
  columns = [*settings, Axis(title, scores)]
  places = np.array([_unit(column) for column in columns])  # [columns, trials]
  order = np.argsort(scores, kind='stable')
  middle = scores[order[len(order) // 2]]
  low = middle - 2 * (scores[best] - middle) if scores[best] > middle else min(scores)
  colors = LinearSegmentedColormap.from_list('score', ['#dfe5ea', COLORS[0]])
  norm = Normalize(max(low, min(scores)), scores[best])
  for trial in order:
    axes.plot(places[:, trial], color=colors(norm(scores[trial])), linewidth=1.2, zorder=2)
  if default >= 0:
    axes.plot(
      places[:, default], color=COLORS[2], linewidth=1.8, linestyle='--', label='default settings',
      zorder=4,
    )  # fmt: skip
  axes.plot(places[:, best], color=COLORS[1], linewidth=2.2, label='best trial', zorder=5)
  for at, column in enumerate(columns):
    axes.axvline(at, color=GREY, linewidth=0.8, zorder=1)
    for place, text in _ticks(column):
      axes.annotate(
        plain(text), (at, place), xytext=(4, 0), textcoords='offset points', fontsize=9,
        va='center', zorder=6, bbox={'facecolor': 'white', 'edgecolor': 'none', 'pad': 0.8,
                                    'alpha': 0.75},
      )  # fmt: skip
  axes.set_xticks(
    range(len(columns)),
    [plain(c.name.replace('.', '.\n').replace('_', '_\n')) for c in columns],
    fontsize=10,
  )
  axes.set_xlim(-0.1, len(columns) - 0.55)
  axes.set_ylim(-0.06, 1.06)
  axes.set_yticks([])
  axes.grid(False)
  axes.spines[['left', 'bottom']].set_visible(False)
  bar = figure.colorbar(ScalarMappable(norm, colors), ax=axes, fraction=0.03, pad=0.01)
  bar.outline.set_visible(False)  # type: ignore[operator]
  handles, labels = axes.get_legend_handles_labels()
  figure.legend(handles, labels, loc='outside lower center', ncols=2, frameon=False, fontsize=10)
  return svg(figure, f'{title} and settings of every trial')


def slice_of(setting: Axis, scores: Sequence[float], best: int, default: int, title: str) -> str:
  """Draws the scores of trials over one setting.

  Args:
    setting: the axis.
    scores: of trials.
    best: place of the best trial.
    default: place of the trial with the default settings; -1 for none.
    title: what the score is called.

  Returns:
    The SVG element.
  """
  figure, axes = new_figure(plain(setting.name), title)
  axes.scatter(setting.values, scores, color=COLORS[0], s=24, label='trial', zorder=2)
  if default >= 0:
    axes.scatter(
      [setting.values[default]], [scores[default]], color=COLORS[2], marker='s', s=46,
      label='default settings', zorder=3,
    )  # fmt: skip
  axes.scatter(
    [setting.values[best]], [scores[best]], color=COLORS[1], marker='*', s=120, label='best trial',
    zorder=4,
  )  # fmt: skip
  if setting.names:
    axes.set_xticks(range(len(setting.names)), [plain(name) for name in setting.names])
    axes.set_xlim(-0.5, len(setting.names) - 0.5)
  elif setting.log and min(setting.values) > 0:
    _powers(axes)
  _keep_in_sight(axes, scores)
  legend(figure, 3)
  return svg(figure, f'{title} over {setting.name}')


def _powers(axes: 'Axes') -> None:
  """A horizontal scale of powers whose numbers can be read."""
  from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

  axes.set_xscale('log')
  axes.xaxis.set_major_locator(LogLocator(subs=(1, 3), numticks=7))
  axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f'{x:g}'))
  axes.xaxis.set_minor_formatter(NullFormatter())


def _keep_in_sight(axes: 'Axes', scores: Sequence[float]) -> None:
  """Lets a trial that failed to learn not squeeze all others into a line."""
  import numpy as np

  best, middle = max(scores), float(np.median(scores))
  low = min(scores)
  if best > middle and best - low > 6 * (best - middle):
    low = best - 6 * (best - middle)
    axes.annotate('some are below', (0.01, 0.02), xycoords='axes fraction', fontsize=9, color=GREY)
  room = 0.06 * ((best - low) or abs(best) or 1.0)
  axes.set_ylim(low - room, best + room)


def _unit(column: Axis) -> list[float]:
  """Values of an axis between 0 and 1."""
  import numpy as np

  values = np.asarray(column.values, float)
  if column.names:
    return list(values / max(1, len(column.names) - 1))
  if column.log and (values > 0).all():
    values = np.log(values)
  width = float(np.ptp(values))
  return list((values - values.min()) / width) if width else [0.5] * len(values)


def _ticks(column: Axis) -> list[tuple[float, str]]:
  """Places and texts at an axis: names, or its two ends."""
  if column.names:
    return [(at / max(1, len(column.names) - 1), name) for at, name in enumerate(column.names)]
  low, high = min(column.values), max(column.values)
  return [(0.5, f'{low:.4g}')] if low == high else [(0.0, f'{low:.4g}'), (1.0, f'{high:.4g}')]
