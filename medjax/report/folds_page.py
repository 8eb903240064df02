"""crossval.html: one page on all runs of a cross-validation, with links to the page of each."""

import pathlib
from collections.abc import Sequence
from typing import Any

import markupsafe

from medjax import files
from medjax.errors import UserError
from medjax.outcomes import Outcome
from medjax.plots import folds, html
from medjax.report import folds_baseline
from medjax.workdir import Workdir


def write(
  folder: pathlib.Path, runs: Sequence[Workdir], about: dict[str, Any], outcome: Outcome
) -> pathlib.Path:
  """Writes `folder/crossval.html`.

  Args:
    folder: of the cross-validation, in which the folders of its runs lie.
    runs: evaluated runs.
    about: what crossval.json holds; see ``folds.show``.
    outcome: what the labels are.

  Returns:
    The path of the page.
  """
  means = about['test']
  names = list(means)
  titles = {name: _title(outcome, name, names) for name in names}
  heads = [name for name in outcome.headline if name in means]
  data, environment = _read(runs[0].data, runs[0]), _read(runs[0].environment, runs[0])
  page = html.render(
    pathlib.Path(__file__).parent / 'folds.html',
    name=environment.get('experiment') or folder.resolve().name,
    folder=folder.resolve().name,
    command=environment.get('command', ''),
    simulated=data.get('simulated'),
    source=data.get('source', 'not stated'),
    notes=data.get('notes', []),
    runs=len(runs),
    repeats=about['repeats'],
    seeds=about['seeds'],
    failed=about['failed'],
    main=heads[0] if heads else '',
    heads=heads[:4],
    titles=titles,
    # Metrics that the outcome does not name are shown in the pages of the runs.
    rows=[name for name in names if outcome.metric(name, names) is not None],
    means=means,
    figure=_figure(about, heads[0], titles[heads[0]]) if heads else '',
    runs_rows=[_run_row(run, folder, heads[:4]) for run in runs],
    pooled=about.get('pooled', {}),
    pooled_titles={name: _title(outcome, name, names) for name in about.get('pooled', {})},
    baseline=folds_baseline.rows(about['baseline'], outcome),
  )
  path = folder / 'crossval.html'
  with files.replacing(path) as new:
    new.write_text(page, encoding='utf-8')
  return path


def _title(outcome: Outcome, name: str, names: Sequence[str]) -> str:
  metric = outcome.metric(name, names)
  return name if metric is None else metric.title


def _read(path: pathlib.Path, run: Workdir) -> dict[str, Any]:
  try:
    return run.read(path)
  except UserError:  # said in the page of that run
    return {}


def _figure(about: dict[str, Any], name: str, title: str) -> markupsafe.Markup | str:
  mean = about['test'][name]
  if mean['value'] is None:
    return ''
  return markupsafe.Markup(folds.runs(about['runs'], mean['runs'], f'Test {title}', mean['value']))


def _run_row(run: Workdir, folder: pathlib.Path, names: Sequence[str]) -> dict[str, Any]:
  """A run in the table of runs: its page, how many cases it tested, and its metrics."""
  metrics = run.read(run.evaluation)['test']
  splits = _read(run.data, run).get('splits', {})
  return {
    'name': run.folder.name,
    'page': run.report.relative_to(folder).as_posix() if run.report.exists() else '',
    'cases': splits.get('test', {}).get('examples'),
    'cells': [metrics.get(name) for name in names],
  }
