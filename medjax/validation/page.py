"""validation.html: one page on a run at another site."""

import pathlib
from collections.abc import Mapping
from typing import Any

import markupsafe

from medjax import files
from medjax.outcomes import Evaluated, Outcome
from medjax.plots import curves, html
from medjax.workdir import Workdir

_TITLES = {
  'calibration_intercept': 'Calibration in the large',
  'calibration_slope': 'Calibration slope',
  'brier': 'Brier score',
  'log_loss': 'Log loss (nats)',
  'ece': 'Expected calibration error',
  'net_benefit': 'Net benefit at the frozen threshold',
  'coverage': 'Sets or intervals hold the truth',
  'single': 'Sets of one class',
}


def write(
  path: pathlib.Path,
  outcome: Outcome,
  decision: Any,
  value: Mapping[str, Any],
  table: Any,
  updated: Mapping[str, Any],
  workdir: Workdir,
) -> None:
  """Writes the page.

  Args:
    path: the file.
    outcome: what labels are.
    decision: of the run.
    value: what validation.json holds.
    table: labelled cases as the run shows them.
    updated: tables after each update, by name.
    workdir: the run folder.

  Raises:
    UserError: it cannot be written.
  """
  rows = _rows(outcome, value)
  shown = Evaluated(
    split='external',
    table=table,
    metrics=dict(value['metrics']),
    decision=decision,
    evaluation_problem='They stand above, beside those of development.',
  )
  page = html.render(
    pathlib.Path(__file__).parent / 'validation.html',
    **value,
    folder=workdir.folder.resolve().name,
    rows=rows,
    update_titles=[_title(outcome, name, ()) for name in value['updates']['names']],
    reliability={
      name: drawn for name, one in updated.items() if (drawn := outcome.calibration_figure(one))
    },
    order_only=outcome.order_only,
    costs=_costs(value['updates']['cost']),
    section=outcome.section(shown),
  )
  with files.replacing(path) as new:
    new.write_text(page, encoding='utf-8', errors='backslashreplace')


def _title(outcome: Outcome, name: str, names: Any) -> str:
  metric = outcome.metric(name, names)
  return _TITLES.get(name, name) if metric is None else metric.title


def _rows(outcome: Outcome, value: Mapping[str, Any]) -> list[dict[str, Any]]:
  """Every metric that is compared, in development, at the site, and their difference."""
  names = list(value['metrics'])
  rows = []
  for name, there in value['metrics'].items():
    if outcome.metric(name, names) is None and name not in _TITLES:
      continue
    rows.append(
      {
        'title': _title(outcome, name, names),
        'method': there.get('method', ''),
        'development': value['development'].get(name),
        'there': there,
        'difference': value['differences'].get(name),
      }
    )
  return rows


def _costs(found: Mapping[str, Any]) -> dict[str, Any]:
  """A figure of what each update gains with cases, and rows on how many it needs."""
  lines = {name: (one['cases'], one['gain']) for name, one in found.items() if one['cases']}
  if not lines:
    return {'figure': '', 'rows': {}}
  figure = curves.over_cases(
    {name: (*line, found[name]['low'], found[name]['high']) for name, line in lines.items()},
    'Loss saved a case',
  )
  return {'figure': markupsafe.Markup(figure), 'rows': found}
