"""Figures of survival: curves of groups, predicted against observed risk, and AUROC over time."""

from collections.abc import Mapping, Sequence

import numpy as np

from medjax.evaluation import Estimate, HorizonBin, KaplanMeier
from medjax.plots.figure import COLORS, GREY, legend, new_figure, plain, svg


def kaplan_meier(groups: Mapping[str, KaplanMeier], xlabel: str) -> str:
  """Draws the survival of groups with pointwise 95% bands, as steps.

  Args:
    groups: curves by name.
    xlabel: name of the axis of times.

  Returns:
    The SVG element.
  """
  figure, axes = new_figure(xlabel, 'Probability of no event')
  for color, (name, curve) in zip(COLORS, groups.items(), strict=False):
    time = np.append(0.0, curve.time)
    axes.step(
      time, np.append(1.0, curve.survival), where='post', color=color, linewidth=1.8,
      label=plain(name),
    )  # fmt: skip
    low, high = (np.append(np.nan, end) for end in (curve.low, curve.high))
    axes.fill_between(time, low, high, step='post', color=color, alpha=0.15, linewidth=0)
  axes.set_xlim(left=0)
  axes.set_ylim(-0.02, 1.02)
  legend(figure)
  return svg(figure, 'Kaplan-Meier curves')


def calibration(horizons: Mapping[str, Sequence[HorizonBin]]) -> str:
  """Draws the observed over the predicted risk of bins of cases, a line for each horizon.

  Args:
    horizons: bins by name of the horizon.

  Returns:
    The SVG element.
  """
  figure, axes = new_figure('Predicted risk of the event', 'Observed risk (1 - Kaplan-Meier)')
  axes.plot([0, 1], [0, 1], color=GREY, linestyle=':', linewidth=1, label='perfect')
  for color, (name, bins) in zip(COLORS, horizons.items(), strict=False):
    observed, low, high = (
      np.array([_number(end) for end in ends])
      for ends in zip(*(_ends(part.observed) for part in bins), strict=True)
    )
    errors = np.maximum(0, np.nan_to_num([observed - low, high - observed]))
    axes.errorbar(
      [part.predicted for part in bins], observed, yerr=errors, color=color, marker='o',
      markersize=5, linewidth=1.6, elinewidth=1, capsize=3, label=plain(name),
    )  # fmt: skip
  axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
  legend(figure)
  return svg(figure, 'Predicted and observed risk')


def auroc_over_time(times: Sequence[float], areas: Sequence[Estimate], xlabel: str) -> str:
  """Draws cumulative/dynamic AUROC at horizons with intervals.

  Args:
    times: the horizons.
    areas: of each; without value where undefined.
    xlabel: name of the axis of times.

  Returns:
    The SVG element.
  """
  figure, axes = new_figure(xlabel, 'AUROC of the event until then')
  value, low, high = (
    np.array([_number(end) for end in ends])
    for ends in zip(*(_ends(area) for area in areas), strict=True)
  )
  errors = np.maximum(0, np.nan_to_num([value - low, high - value]))
  axes.errorbar(
    times, value, yerr=errors, color=COLORS[0], marker='o', markersize=5, linewidth=1.6,
    elinewidth=1, capsize=3,
  )  # fmt: skip
  axes.axhline(0.5, color=GREY, linestyle=':', linewidth=1.2, label='guessing')
  axes.set_xlim(left=0)
  bottom = min(0.45, float(np.nanmin(np.append(low, 0.45))) - 0.02)
  axes.set_ylim(bottom, 1.02)
  legend(figure)
  return svg(figure, 'AUROC over time')


def _ends(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
  return estimate.value, estimate.low, estimate.high


def _number(value: float | None) -> float:
  return float('nan') if value is None else value
