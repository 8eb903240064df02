"""What a federation of real sites gave: metrics as each site told them, and who was left out."""

import pathlib
from collections.abc import Mapping
from typing import Any

import markupsafe
import numpy as np

from medjax import files, sealed
from medjax.experiment import Experiment
from medjax.federated import server
from medjax.federated import sites as sites_lib
from medjax.federated.result import PAGE, SUMMARY
from medjax.flower.plan import Plan
from medjax.flower.sites import Answer
from medjax.plots import curves, html
from medjax.training import history
from medjax.workdir import PRIVACY, Workdir


def show(
  workdir: Workdir,
  experiment: Experiment,
  plan: Plan,
  known: Mapping[str, Mapping[str, Any]],
  answers: Mapping[str, Answer],
  failed: Mapping[str, str],
  step: int,
  notes: list[str],
) -> dict[str, Any]:
  """Prints metrics of sites and writes them to federation.json and federation.html.

  Args:
    workdir: the server's run folder.
    experiment: without cases.
    plan: of the federation.
    known: what sites told of their data, by name.
    answers: of sites to the final model.
    failed: why others did not answer.
    step: the round whose model it is.
    notes: on what sites agreed on.
  """
  outcome = experiment.task.outcome
  name = outcome.monitor
  metric = outcome.metric(name, [name])
  rows = {}
  for site, answer in answers.items():
    if row := _row(answer.about, known[site], name):
      rows[site] = row
    else:
      failed = {**failed, site: 'what it told cannot be read'}
  lines = [line for line in history.read(workdir).lines if line['split'] == 'val']
  about = {
    'metric': name,
    'title': name if metric is None else metric.title,
    'round': step,
    'rounds': plan.config.num_epochs,
    'settings': plan.settings.to_json(),
    'strategy': plan.settings.spell(plan.config.num_epochs),
    'fewest': plan.fewest,
    'lines': [sites_lib.spell(site, one['splits']) for site, one in known.items()],
    'notes': notes,
    'sites': rows,
    'not_told': dict(failed),
    'fairness': _fairness(rows),
    'left_out': [line for line in server.read(workdir) if line['left_out']],
    'validation': {line['step']: line.get(name) for line in lines},
  }
  sealed.write(workdir.folder / SUMMARY, about)
  _print(about)
  page = _write(about, workdir)
  print(f'federation: {workdir.folder / SUMMARY}')
  print(f'report: {page}', flush=True)
  return about


def _row(told: Mapping[str, Any], known: Mapping[str, Any], name: str) -> dict[str, Any] | None:
  """What a site told of the metric; None where that cannot be read."""
  try:
    split = str(told['split'])
    found = told['metrics'].get(name) or {}
    values = {part: found.get(part) for part in ('value', 'low', 'high')}
    if not all(v is None or isinstance(v, int | float) for v in values.values()):
      return None
    cases = int(known['splits'][split]['examples'])
  except (KeyError, TypeError, ValueError, AttributeError):
    return None
  reason = '' if values['value'] is not None else 'not defined there'
  about = {'split': split, 'cases': cases, **values, 'reason': reason, 'all': _numbers(told)}
  return about | {'privacy': _guarantee(told.get(PRIVACY))}


def _guarantee(spent: Any) -> dict[str, float] | None:
  """What a site says that it has spent; None for a site without private training."""
  if not isinstance(spent, Mapping):
    return None
  found = {name: spent.get(name) for name in ('epsilon', 'delta')}
  return found if all(isinstance(v, int | float) for v in found.values()) else None  # type: ignore[return-value]


def _numbers(told: Mapping[str, Any]) -> dict[str, Any]:
  """All metrics that are numbers."""
  return {
    str(name): one['value']
    for name, one in told['metrics'].items()
    if isinstance(one, dict) and isinstance(one.get('value'), int | float)
  }


def _fairness(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
  """The worst and the best site, and the mean by cases."""
  values = {site: row['value'] for site, row in rows.items() if row['value'] is not None}
  if not values:
    return None
  worst, best = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
  return {
    'worst': worst,
    'best': best,
    'lowest': values[worst],
    'highest': values[best],
    'difference': values[best] - values[worst],
    'mean': float(
      np.average(list(values.values()), weights=[rows[site]['cases'] for site in values])
    ),
  }


def _print(about: Mapping[str, Any]) -> None:
  for site, row in about['sites'].items():
    value = 'not defined' if row['value'] is None else f'{row["value"]:.3f}'
    if row['low'] is not None and row['high'] is not None:
      value += f' (95% interval {row["low"]:.3f} to {row["high"]:.3f})'
    spent = row['privacy']
    told = f'; epsilon {spent["epsilon"]:.2f} at delta {spent["delta"]:.2g}' if spent else ''
    print(f'{site}: {row["split"]} {about["title"]} {value} of {row["cases"]} cases{told}')
  for site, why in about['not_told'].items():
    print(f'{site}: no metrics: {why}')
  if fair := about['fairness']:
    print(
      f'sites from {fair["lowest"]:.3f} ({fair["worst"]}) to {fair["highest"]:.3f} '
      f'({fair["best"]}), mean by cases {fair["mean"]:.3f}'
    )


def _write(about: Mapping[str, Any], workdir: Workdir) -> pathlib.Path:
  data, environment = workdir.read(workdir.data), workdir.read(workdir.environment)
  path = workdir.folder / PAGE
  page = html.render(
    pathlib.Path(__file__).parent / 'federation.html',
    name=environment['experiment'],
    folder=workdir.folder.resolve().name,
    simulated=data.get('simulated'),
    source=data['source'],
    about=about,
    figure=_figure(about),
  )
  with files.replacing(path) as new:
    new.write_text(page, encoding='utf-8')
  return path


def _figure(about: Mapping[str, Any]) -> markupsafe.Markup | str:
  """Validation over rounds."""
  found = {step: value for step, value in about['validation'].items() if value is not None}
  if len(found) < 2:
    return ''
  lines = {about['settings']['strategy']: ([*found], [*found.values()])}
  return markupsafe.Markup(curves.over_rounds(lines, f'Validation {about["title"]}'))
