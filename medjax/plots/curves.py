"""The figures of the report, each as one inline SVG."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medjax.evaluation import Predictions, auroc
from medjax.evaluation.bands import Band
from medjax.evaluation.calibration import Bin
from medjax.evaluation.net_benefit import DecisionCurve
from medjax.evaluation.ranking import Ranking
from medjax.plots.figure import COLORS, GREY, SIZE_INCHES, legend, new_figure, plain, svg

if TYPE_CHECKING:
  from matplotlib.axes import Axes
  from matplotlib.figure import Figure


def learning_curve(
  curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
  ylabel: str,
  best: int | None = None,
) -> str:
  """Draws numbers over epochs.

  Args:
    curves: (epochs from 1, values) by name; a value that is NaN leaves a gap.
    ylabel: Name of the vertical axis.
    best: Epoch to mark as the one that was kept, if any.

  Returns:
    The SVG element.
  """
  from matplotlib.ticker import MaxNLocator

  figure, axes = new_figure('Epoch', ylabel)
  for color, (name, (epochs, values)) in zip(COLORS, curves.items(), strict=False):
    axes.plot(epochs, values, color=color, marker='.', markersize=5, linewidth=1.6, label=name)
  if best is not None:
    axes.axvline(best, color=GREY, linestyle=':', linewidth=1.2, label=f'best epoch, {best}')
  axes.xaxis.set_major_locator(MaxNLocator(integer=True))
  legend(figure)
  return svg(figure, f'{ylabel} by epoch')


def over_cases(
  lines: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float], Sequence[float]]],
  ylabel: str,
) -> str:
  """Draws numbers over how many cases something was fitted to, on a scale of powers of ten.

  Args:
    lines: (cases, values, lower ends, upper ends) by name.
    ylabel: Name of the vertical axis.

  Returns:
    The SVG element.
  """
  from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

  figure, axes = new_figure('Cases', ylabel)
  for color, (name, (cases, values, low, high)) in zip(COLORS, lines.items(), strict=False):
    axes.plot(cases, values, color=color, marker='.', markersize=5, linewidth=1.6, label=name)
    axes.fill_between(cases, low, high, color=color, alpha=0.15, linewidth=0)
  axes.axhline(0, color=GREY, linewidth=1.0)
  axes.set_xscale('log')
  axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
  axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f'{x:g}'))
  axes.xaxis.set_minor_formatter(NullFormatter())
  # A fit to few cases may lose so much that nothing else could be read.
  best = max((max(map(abs, values)) for _, values, _, _ in lines.values()), default=1.0)
  ends = [end for _, _, low, high in lines.values() for end in (*low, *high)]
  axes.set_ylim(max(min(ends), -1.5 * best), min(max(ends), 1.5 * best))
  legend(figure)
  return svg(figure, f'{ylabel} by cases')


def over_rounds(lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], ylabel: str) -> str:
  """Draws numbers over the rounds of a training.

  Args:
    lines: (rounds, values) by name.
    ylabel: name of the vertical axis.

  Returns:
    The SVG element.
  """
  from matplotlib.ticker import MaxNLocator

  figure, axes = new_figure('Round', ylabel)
  for color, (name, (rounds, values)) in zip(COLORS, lines.items(), strict=False):
    axes.plot(rounds, values, color=color, marker='.', markersize=5, linewidth=1.6, label=name)
  axes.xaxis.set_major_locator(MaxNLocator(integer=True))
  legend(figure)
  return svg(figure, f'{ylabel} by rounds')


def roc(table: Predictions, threshold: float | None, band: Band | None = None) -> str:
  """Draws the ROC curve, or with three or more classes that of each against the rest.

  Args:
    table: Labelled predictions.
    threshold: Operating point to mark, with two classes; None for none.
    band: Interval of the curve to shade, with two classes.

  Returns:
    The SVG element; empty where no class has both cases and non-cases.
  """
  figure, axes = new_figure('1 - specificity', 'Sensitivity')
  axes.plot([0, 1], [0, 1], color=GREY, linestyle=':', linewidth=1)
  of_class = _by_class(table)
  if not of_class:
    return ''
  if band is not None:
    _shade(axes, band)
  for index, (name, (positive, score)) in enumerate(of_class.items()):
    false, true = _roc_points(positive, score)
    axes.plot(
      false,
      true,
      **_line(index),
      # The number first: matplotlib leaves out a label that begins with an underscore.
      label=f'{auroc(positive.astype(int), score):.3f}  {plain(name)}',
    )
  if table.is_binary and threshold is not None:
    positive, called = table.label == 1, table.probability >= threshold
    point = called[~positive].mean(), called[positive].mean()
    _mark(axes, point)
  _shares(figure)
  return svg(figure, 'ROC curve')


def precision_recall(table: Predictions, threshold: float | None, band: Band | None = None) -> str:
  """Draws precision over recall, or with three or more classes that of each against the rest.

  Args:
    table: Labelled predictions.
    threshold: Operating point to mark, with two classes; None for none.
    band: Interval of the curve to shade, with two classes.

  Returns:
    The SVG element; empty where no class has both cases and non-cases.
  """
  figure, axes = new_figure('Recall (sensitivity)', 'Precision (PPV)')
  of_class = _by_class(table)
  if not of_class:
    return ''
  if band is not None:
    _shade(axes, band)
  for index, (name, (positive, score)) in enumerate(of_class.items()):
    true, called = (part[0] for part in Ranking(positive, score).counts(np.ones((1, len(score)))))
    # The precision of a step holds for all the recall that it adds, as in average precision.
    recall = np.append(0, true / true[-1])
    precision = true / called
    axes.step(
      recall, np.append(precision[0], precision), where='pre', label=plain(name), **_line(index)
    )
  if table.is_binary:
    axes.axhline(
      (table.label == 1).mean(), color=GREY, linestyle=':', linewidth=1, label='guessing'
    )
    if threshold is not None:
      called = table.probability >= threshold
      if called.any():
        positive = table.label == 1
        point = called[positive].mean(), positive[called].mean()
        _mark(axes, point)
  _shares(figure)
  return svg(figure, 'Precision-recall curve')


def reliability(bins: Sequence[Bin], xlabel: str) -> str:
  """Draws what came true over what was predicted, with the intervals of the bins."""
  figure, axes = new_figure(xlabel, 'Share that came true')
  axes.plot([0, 1], [0, 1], color=GREY, linestyle=':', linewidth=1, label='perfect')
  x = np.array([part.predicted for part in bins])
  y = np.array([_number(part.observed.value) for part in bins])
  low = np.array([_number(part.observed.low) for part in bins])
  high = np.array([_number(part.observed.high) for part in bins])
  axes.errorbar(
    x,
    y,
    yerr=np.maximum(0, [y - low, high - y]),
    color=COLORS[0],
    marker='o',
    markersize=5,
    linewidth=1.6,
    elinewidth=1,
    capsize=3,
    label='as many cases each',
  )
  _shares(figure)
  return svg(figure, 'Reliability')


def net_benefit(curve: DecisionCurve) -> str:
  """Draws a decision curve up to the probability where nobody would be treated."""
  figure, axes = new_figure('Probability at which one would act', 'Net benefit')
  axes.fill_between(
    curve.threshold, curve.low, curve.high, color=COLORS[0], alpha=0.15, linewidth=0
  )
  axes.plot(curve.threshold, curve.model, color=COLORS[0], linewidth=1.8, label='by the model')
  axes.plot(
    curve.threshold, curve.everybody, color=COLORS[1], linewidth=1.4, linestyle='--', label='all'
  )
  axes.axhline(0, color=GREY, linewidth=1.4, linestyle=':', label='nobody')
  top = max(float(curve.high.max()), float(curve.everybody.max()), 0.01)
  axes.set(xlim=(0, 1), ylim=(-0.25 * top, 1.08 * top))
  legend(figure, 3)
  return svg(figure, 'Decision curve')


def scatter(label: np.ndarray, prediction: np.ndarray, half_width: float | None) -> str:
  """Draws true against predicted numbers, and the interval around the prediction if it is known."""
  figure, axes = new_figure('Predicted', 'True')
  ends = np.array([min(label.min(), prediction.min()), max(label.max(), prediction.max())])
  axes.plot(ends, ends, color=GREY, linewidth=1.2)
  for side in (-1, 1) if half_width is not None else ():
    line = ends + side * float(half_width or 0)
    axes.plot(ends, line, color=GREY, linewidth=1.2, linestyle='--')
  _points(axes, prediction, label)
  return svg(figure, 'True against predicted')


def residuals(prediction: np.ndarray, label: np.ndarray) -> str:
  """Draws what is left over, against the prediction."""
  figure, axes = new_figure('Predicted', 'True less predicted')
  axes.axhline(0, color=GREY, linewidth=1.2)
  _points(axes, prediction, label - prediction)
  return svg(figure, 'Residuals')


def bars(names: Sequence[str], values: Sequence[float], xlabel: str) -> str:
  """Draws a bar for each value, the first one on top."""
  figure, axes = new_figure(xlabel, '')
  shown = [name[:28] for name in names]
  wide, high = SIZE_INCHES[0], 0.8 + 0.26 * len(names)
  figure.set_size_inches(wide, high)
  # Room for the names by their own width: a report has dozens of these figures, and Matplotlib's
  # layout would draw each of them twice.
  figure.set_layout_engine(None)
  left = max(map(_inches, shown), default=0.0) + 0.15
  figure.subplots_adjust(left / wide, 0.55 / high, 0.97, 1 - 0.08 / high)
  places = np.arange(len(names))
  axes.barh(places, values, color=[COLORS[1] if value > 0 else COLORS[0] for value in values])
  axes.set_yticks(places, [plain(name) for name in shown])
  axes.invert_yaxis()
  axes.axvline(0, color=GREY, linewidth=1.0)
  return svg(figure, xlabel)


def histogram(values: np.ndarray, xlabel: str, ylabel: str, mark: float, what: str) -> str:
  """Draws how often values are in 50 equal ranges, on a scale of powers of ten.

  Args:
    values: [N], at least one.
    xlabel: what they are.
    ylabel: what is counted.
    mark: a value to mark.
    what: the mark says.
  """
  figure, axes = new_figure(plain(xlabel), ylabel)
  axes.hist(values, bins=50, color=COLORS[0])
  axes.set_yscale('log')
  axes.axvline(mark, color=COLORS[1], linestyle='--', linewidth=1.4, label=what)
  legend(figure)
  return svg(figure, f'{ylabel} by {xlabel}')


def _inches(text: str) -> float:
  """How wide a label of an axis is."""
  from matplotlib import font_manager

  font = font_manager.get_font(font_manager.findfont(font_manager.FontProperties()))
  font.set_size(10, 72)
  font.set_text(text)
  return font.get_width_height()[0] / 64 / 72


def _points(axes: 'Axes', x: np.ndarray, y: np.ndarray) -> None:
  # As a picture inside the figure: thousands of vector points would make the page heavy.
  axes.plot(x, y, '.', color=COLORS[0], alpha=0.45, markersize=5, rasterized=len(x) > 2000)


def _number(value: float | None) -> float:
  return float('nan') if value is None else value


def _by_class(table: Predictions) -> dict[str, tuple[np.ndarray, np.ndarray]]:
  """Who is positive and the score, by class, of those with cases and non-cases."""
  if table.is_binary:
    pairs = {table.classes[1]: (table.label == 1, table.probability)}
  else:
    pairs = {
      name: (table.label == index, table.probability[:, index])
      for index, name in enumerate(table.classes)
    }
  return {name: pair for name, pair in pairs.items() if 0 < pair[0].sum() < len(table)}


def _line(index: int) -> dict[str, Any]:
  """The style of line number ``index``."""
  style = ('-', '--', '-.')[index // len(COLORS) % 3]
  return {'color': COLORS[index % len(COLORS)], 'linestyle': style, 'linewidth': 1.8}


def _mark(axes: 'Axes', point: tuple[float, float]) -> None:
  axes.plot(*point, 'o', color=COLORS[1], markersize=8, label='operating point')


def _shares(figure: 'Figure') -> None:
  """Both axes from 0 to 1, and a legend below unless it would be longer than the figure."""
  axes = figure.axes[0]
  axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
  if len(axes.get_legend_handles_labels()[0]) <= 16:
    legend(figure)


def _shade(axes: 'Axes', band: Band) -> None:
  axes.fill_between(band.x, band.low, band.high, color=COLORS[0], alpha=0.15, linewidth=0)


def _roc_points(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """False and true positive rates from (0, 0) to (1, 1), without points inside a straight line."""
  order = np.argsort(-score, kind='stable')
  ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
  true = np.append(0, np.cumsum(positive[order])[ends])
  false = np.append(0, np.cumsum(~positive[order])[ends])
  turns = np.diff(true[1:]) * np.diff(false[:-1]) != np.diff(true[:-1]) * np.diff(false[1:])
  kept = np.concatenate([[True], turns, [True]])
  return false[kept] / false[-1], true[kept] / true[-1]
