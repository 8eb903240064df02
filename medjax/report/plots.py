"""The figures of the report, each as one inline SVG.

Figures are drawn without pyplot, which keeps a global list of figures and may ask for a display.
"""

import io
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from medjax.evaluation import Predictions, auroc

# Okabe and Ito's colours, which people with any common colour blindness tell apart.
_COLORS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000')
_GREY = '#767676'
# Small, so that the text is still readable when a phone shows the figure at its own width.
_SIZE_INCHES = (4.8, 3.5)


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
  figure, axes = _figure('Epoch', ylabel)
  for color, (name, (epochs, values)) in zip(_COLORS, curves.items(), strict=False):
    axes.plot(epochs, values, color=color, marker='.', markersize=5, linewidth=1.6, label=name)
  if best is not None:
    axes.axvline(best, color=_GREY, linestyle=':', linewidth=1.2, label=f'best epoch, {best}')
  axes.xaxis.set_major_locator(MaxNLocator(integer=True))
  axes.legend(frameon=False, fontsize=10)
  return _svg(figure, f'{ylabel} by epoch')


def roc(table: Predictions, threshold: float | None) -> str:
  """Draws the ROC curve, or with three or more classes that of each against the rest.

  Args:
    table: Labelled predictions.
    threshold: Operating point to mark, with two classes; None for none.

  Returns:
    The SVG element; empty where no class has both cases and non-cases.
  """
  figure, axes = _figure('1 - specificity', 'Sensitivity')
  axes.plot([0, 1], [0, 1], color=_GREY, linestyle=':', linewidth=1)
  if table.is_binary:
    of_class = {table.classes[1]: (table.label == 1, table.probability)}
  else:
    of_class = {
      name: (table.label == index, table.probability[:, index])
      for index, name in enumerate(table.classes)
    }
  of_class = {name: pair for name, pair in of_class.items() if 0 < pair[0].sum() < len(table)}
  if not of_class:
    return ''
  for index, (name, (positive, score)) in enumerate(of_class.items()):
    false, true = _roc_points(positive, score)
    axes.plot(
      false,
      true,
      color=_COLORS[index % len(_COLORS)],
      linestyle=('-', '--', '-.')[index // len(_COLORS) % 3],
      linewidth=1.8,
      # The number first: matplotlib leaves out a label that begins with an underscore.
      label=f'{auroc(positive.astype(int), score):.3f}  {_plain(name)}',
    )
  if table.is_binary and threshold is not None:
    positive, called = table.label == 1, table.probability >= threshold
    point = called[~positive].mean(), called[positive].mean()
    axes.plot(*point, 'o', color=_COLORS[1], markersize=8, label='operating point')
  axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
  if len(axes.get_legend_handles_labels()[0]) <= 12:
    axes.legend(frameon=False, fontsize=10, loc='lower right')
  return _svg(figure, 'ROC curve')


def _roc_points(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """False and true positive rates from (0, 0) to (1, 1), without points inside a straight line."""
  order = np.argsort(-score, kind='stable')
  ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
  true = np.append(0, np.cumsum(positive[order])[ends])
  false = np.append(0, np.cumsum(~positive[order])[ends])
  turns = np.diff(true[1:]) * np.diff(false[:-1]) != np.diff(true[:-1]) * np.diff(false[1:])
  kept = np.concatenate([[True], turns, [True]])
  return false[kept] / false[-1], true[kept] / true[-1]


def _figure(xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
  figure = Figure(figsize=_SIZE_INCHES, layout='constrained')
  axes = figure.add_subplot()
  axes.set_xlabel(xlabel, fontsize=11)
  axes.set_ylabel(_plain(ylabel), fontsize=11)
  axes.tick_params(labelsize=10, color=_GREY)
  axes.spines[['top', 'right']].set_visible(False)
  axes.spines[['left', 'bottom']].set_color(_GREY)
  axes.grid(color='#e6e6e6', linewidth=0.8)
  axes.set_axisbelow(True)
  return figure, axes


def _plain(text: str) -> str:
  """Keeps a dollar sign in a class name from starting a formula."""
  return text.replace('$', r'\$')


def _svg(figure: Figure, title: str) -> str:
  file = io.StringIO()
  # Text stays text (searchable, in the page's font); the salt keeps the ids of two figures on one
  # page apart and makes the same run give the same file.
  with matplotlib.rc_context({'svg.fonttype': 'none', 'svg.hashsalt': title}):
    figure.savefig(file, format='svg', transparent=True, metadata={'Date': None})
  svg = file.getvalue()
  svg = svg[svg.index('<svg') :]
  start, end = svg.find('<metadata>'), svg.find('</metadata>')
  if start >= 0:
    svg = svg[:start] + svg[end + len('</metadata>') :]
  return svg.replace('<svg', f'<svg role="img" aria-label="{_attribute(title)}"', 1)


def _attribute(text: str) -> str:
  for character, entity in (('&', '&amp;'), ('<', '&lt;'), ('"', '&quot;')):
    text = text.replace(character, entity)
  return text
