"""What the report shows of survival: groups of risk, calibration and AUROC at horizons."""

from typing import Any

import markupsafe
import numpy as np

from medjax.evaluation import (
  Estimate,
  RiskGroups,
  SurvivalDecision,
  SurvivalTable,
  horizon_calibration,
  risk_groups,
)
from medjax.evaluation.survival import horizon_name
from medjax.outcomes.survival_rows import timed
from medjax.plots import survival as figures

_BINS = 5  # of calibration; fewer cases are observed than are there
_TICKS = 9
_FIGURES = ('kaplan_meier', 'calibration', 'auroc')


def context(
  table: SurvivalTable | None,
  metrics: dict[str, Any],
  decision: SurvivalDecision | None,
  unit: str,
) -> dict[str, Any]:
  """Values for survival.html.

  Args:
    table: Labelled predictions of a split, with survival at horizons; None where there are none.
    metrics: What evaluation.json says of the split.
    decision: Groups of risk, and what survival is made of.
    unit: Of the times; '' where it is not known.
  """
  empty: dict[str, Any] = {
    'figures': dict.fromkeys(_FIGURES, ''),
    'unit': unit,
    'notes': [],
    **dict.fromkeys(('at_risk', 'at_risk_times', 'group_rows', 'calibration', 'test'), ()),
  }
  if table is None or not len(table):
    return empty
  xlabel = f'Time ({unit})' if unit else 'Time'
  values = empty | {'notes': _notes(table)}
  drawn = dict.fromkeys(_FIGURES, '')
  if decision is not None and decision.risk_cuts:
    groups = risk_groups(table, decision.risk_cuts)
    names = _group_names(table, decision)
    curves = dict(zip(names, (group.curve for group in groups.groups), strict=True))
    drawn['kaplan_meier'] = figures.kaplan_meier(curves, xlabel)
    times = _ticks(float(table.time.max()))
    values |= {
      'at_risk_times': [f'{time:g}' for time in times],
      'at_risk': [(name, curve.at_risk_at(times).tolist()) for name, curve in curves.items()],
      'group_rows': _group_rows(names, groups, unit),
      'test': groups.test,
    }
  named = [timed(horizon_name(horizon), unit) for horizon in table.horizons]
  bins = {
    name: horizon_calibration(
      table.time, table.event, 1 - table.survival[:, index], table.horizons[index], _BINS
    )
    for index, name in enumerate(named)
  }
  if bins:
    drawn['calibration'] = figures.calibration(bins)
  areas = [_estimate(metrics, f'auroc_at_{horizon_name(time)}') for time in table.horizons]
  if any(area.value is not None for area in areas):
    drawn['auroc'] = figures.auroc_over_time(table.horizons, areas, xlabel)
  return values | {
    'figures': {name: markupsafe.Markup(svg) for name, svg in drawn.items()},
    'calibration': [
      {
        'horizon': name,
        'ratio': metrics.get(f'observed_to_expected_at_{horizon_name(table.horizons[index])}'),
        'rows': [
          {
            'predicted': part.predicted,
            'observed': part.observed.to_json(),
            'cases': part.cases,
            'events': part.events,
          }
          for part in bins[name]
        ],
      }
      for index, name in enumerate(named)
    ],
  }


def _notes(table: SurvivalTable) -> list[str]:
  """What a reader of the numbers must know of the cases."""
  if not table.event.any():
    return ['Every case is censored: without an event nothing can be said of discrimination.']
  shared = int(table.event.sum()) - len(np.unique(table.time[table.event]))
  return [f'{shared} events are at the time of another one.'] if shared else []


def _group_names(table: SurvivalTable, decision: SurvivalDecision) -> list[str]:
  """Names of the groups that have a case, from the lowest risk on."""
  present = np.unique(decision.groups(table.risk)).tolist()
  return [f'{decision.group_names[index]} risk' for index in present]


def _group_rows(names: list[str], groups: RiskGroups, unit: str) -> list[dict[str, Any]]:
  return [
    {
      'name': name,
      'range': group.name.removeprefix('risk '),
      'cases': group.cases,
      'events': group.events,
      'median': _median(group.curve.quantile(), unit),
    }
    for name, group in zip(names, groups.groups, strict=True)
  ]


def _median(estimate: Estimate, unit: str) -> str:
  """A time with its interval, of which an end may be open."""
  if estimate.value is None:
    return 'not reached'
  ends = ['not reached' if end is None else f'{end:g}' for end in (estimate.low, estimate.high)]
  return f'{timed(f"{estimate.value:g}", unit)} ({ends[0]} to {ends[1]})'


def _ticks(last: float) -> np.ndarray:
  """Round times from 0 to the last observed one."""
  from matplotlib.ticker import MaxNLocator  # here, as Matplotlib takes a second to load

  ticks = np.array(MaxNLocator(nbins=_TICKS, steps=[1, 2, 2.5, 5, 10]).tick_values(0, last))
  return ticks[(ticks >= 0) & (ticks <= last)]


def _estimate(metrics: dict[str, Any], name: str) -> Estimate:
  return Estimate(**metrics[name]) if name in metrics else Estimate(None)
