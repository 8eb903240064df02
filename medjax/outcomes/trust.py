"""What the report shows of a split beyond single numbers: curves with bands, calibration, decision
curve, conformal sets and subgroups.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import markupsafe

from medjax import evaluation
from medjax.evaluation import Decision, Predictions
from medjax.evaluation.bands import curve_bands
from medjax.plots import curves

_CALIBRATION = {
  'ece': 'Expected calibration error (10 bins of equal mass)',
  'brier': 'Brier score',
  'log_loss': 'Log loss (nats)',
  'calibration_slope': 'Calibration slope (1 is right; below 1, predictions are too extreme)',
  'calibration_intercept': 'Calibration in the large (0 is right; above 0, risk is too low)',
}


def figures(table: Predictions, threshold: float | None) -> dict[str, markupsafe.Markup]:
  """The curves of a split by name: roc, precision_recall, reliability and net_benefit.

  Args:
    table: Labelled predictions, calibrated.
    threshold: Operating point, with two classes.

  Returns:
    SVG elements; empty where the cases do not define a curve.
  """
  bands: tuple[Any, Any] = (None, None)
  both = table.is_binary and 0 < table.label.sum() < len(table)
  if both:
    bands = curve_bands(table.label == 1, table.probability, table.group)
  drawings = {
    'roc': curves.roc(table, threshold, bands[0]),
    'precision_recall': curves.precision_recall(table, threshold, bands[1]),
    'reliability': reliability(table) or '',
    'net_benefit': curves.net_benefit(evaluation.decision_curve(table)) if both else '',
  }
  return {name: markupsafe.Markup(svg) for name, svg in drawings.items()}


def reliability(table: Predictions) -> markupsafe.Markup | None:
  """What was predicted and what came true; None without a case."""
  what = f'Predicted probability of {table.classes[1]}' if table.is_binary else 'Confidence'
  bins = evaluation.reliability(table)
  return markupsafe.Markup(curves.reliability(bins, what)) if bins else None


def calibration_rows(metrics: dict[str, Any]) -> list[dict[str, Any]]:
  """What evaluation.json says of calibration, with and without it."""
  return [
    {
      'title': title,
      'calibrated': metrics[name],
      'raw': metrics.get(f'{name}_uncalibrated'),
    }
    for name, title in _CALIBRATION.items()
    if name in metrics
  ]


def conformal_rows(metrics: dict[str, Any], classes: tuple[str, ...]) -> list[tuple[str, Any]]:
  """What evaluation.json says of conformal sets, by what it is."""
  names = {
    'coverage': 'All cases: the set holds the truth',
    **{f'coverage_{c}': f'{c}: the set holds the truth' for c in classes},
    'single': 'The set is a single class, so that a decision is made',
    'single_right': 'That decision is right',
  }
  return [(title, metrics[name]) for name, title in names.items() if name in metrics]


def coverage_warnings(
  metrics: dict[str, Any], classes: Sequence[str], decision: Decision | None
) -> list[str]:
  """Lines on sets that hold the truth less often than promised, beyond what chance explains."""
  if decision is None or decision.conformal.method == 'none':
    return []
  shares = {'all cases': 'coverage'}
  if decision.conformal.method == 'mondrian':
    shares |= {f'cases of {name}': f'coverage_{name}' for name in classes}
  promised, lines = decision.conformal.coverage, []
  for what, name in shares.items():
    found = metrics.get(name) or {}
    if found.get('high') is not None and found['high'] < promised:
      lines.append(
        f'for {what} the set holds the truth in {found["value"]:.1%} (95% interval '
        f'{found["low"]:.1%} to {found["high"]:.1%}), not in {promised:.0%}; the validation '
        'cases were too few, or are unlike these'
      )
  return lines


def moved(metrics: dict[str, Any]) -> str:
  """What calibration of several classes did to the AUROC; '' where it did nothing."""
  after, before = metrics.get('auroc') or {}, metrics.get('raw_auroc') or {}
  if after.get('value') is None or before.get('value') is None:
    return ''
  if abs(after['value'] - before['value']) < 0.0005:
    return ''
  return (
    f'. With several classes it also moves the AUROC, from {before["value"]:.3f} as the network '
    f'gave it, which is what the curves over epochs show, to {after["value"]:.3f}'
  )


def subgroup_rows(table: Predictions, decision: Decision | None) -> list[dict[str, Any]]:
  """Subgroups by every metadata column that can be taken; none without a decision."""
  if decision is None:
    return []
  subgroups = evaluation.subgroups(table, decision.calls(table.probability))
  return [
    {
      **dataclasses.asdict(subgroup),
      'metrics': {name: e.to_json() for name, e in subgroup.metrics.items()},
    }
    for subgroup in subgroups
  ]
