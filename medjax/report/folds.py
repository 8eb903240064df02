"""The runs of a cross-validation side by side: the mean of every metric of the test splits."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from medjax import sealed
from medjax.evaluation import Estimate
from medjax.outcomes import Outcome
from medjax.report import folds_baseline, folds_page, run_means
from medjax.workdir import Workdir


def summarise(runs: Sequence[Workdir], outcome: Outcome) -> dict[str, Estimate]:
  """Mean and 95% interval of the test metrics of runs.

  The interval is Student's over runs. Training sets of folds overlap, so that it is somewhat too
  narrow (Bengio and Grandvalet 2004, JMLR 5:1089-1105); metrics that a run does not define are
  left out of the mean, and said.

  Args:
    runs: Folders of evaluated runs.
    outcome: What their labels are.

  Raises:
    UserError: A run is not evaluated.
  """
  evaluated = [run.read(run.evaluation)['test'] for run in runs]
  names = [name for name in evaluated[0] if name not in run_means.LEFT_OUT]
  means = {}
  for name in names:
    values = [value for value in _values(evaluated, name) if value is not None]
    share = run_means.is_share(outcome, name, names)
    means[name] = run_means.mean_over_runs(values, len(evaluated), share)
  return means


def show(
  runs: Sequence[Workdir], outcome: Outcome, folder: pathlib.Path, repeats: int = 1
) -> dict[str, Estimate]:
  """Prints means, spread and what the outcome pools, and writes them to crossval.json and, for
  readers, to crossval.html.

  Args:
    runs: Folders of evaluated runs, all folds of the first repeat first.
    outcome: What their labels are.
    folder: Where the files are written.
    repeats: How often all cases were divided into folds.

  Raises:
    UserError: A run is not evaluated.
  """
  means = summarise(runs, outcome)
  evaluated = [run.read(run.evaluation)['test'] for run in runs]
  pooled = outcome.pooled(
    [outcome.read_table(run.verified(run.predictions('test'))) for run in runs]
  )
  about: dict[str, Any] = {
    'runs': [run.folder.name for run in runs],
    'repeats': repeats,
    'test': {
      name: mean.to_json() | _spread(_values(evaluated, name), repeats)
      for name, mean in means.items()
    },
    'baseline': folds_baseline.summarise(runs, outcome),
  }
  if pooled:
    about['pooled'] = {name: estimate.to_json() for name, estimate in pooled.items()}
  _print(about, outcome)
  path = folder / 'crossval.json'
  sealed.write(path, about)
  page = folds_page.write(folder, runs, about, outcome)
  print(f'cross-validation: {path}')
  print(f'report: {page}')
  return means


def _values(evaluated: Sequence[dict[str, Any]], name: str) -> list[float | None]:
  return [metrics.get(name, {}).get('value') for metrics in evaluated]


def _spread(values: Sequence[float | None], repeats: int) -> dict[str, Any]:
  """How much a metric differs between runs, and between repeats: other folds, another seed."""
  known = [value for value in values if value is not None]
  spread: dict[str, Any] = {
    'standard_deviation': float(np.std(known, ddof=1)) if len(known) > 1 else None,
    'runs': list(values),
  }
  if repeats > 1:
    rows = np.array(values, float).reshape(repeats, -1)
    means = [None if np.isnan(row).any() else float(row.mean()) for row in rows]
    spread['repeats'] = means
  return spread


def _print(about: dict[str, Any], outcome: Outcome) -> None:
  console = Console()
  if not console.is_terminal:
    console = Console(width=160)
  runs = len(about['runs'])
  table = Table('metric', 'mean', '95% interval', 'standard deviation', title=f'{runs} runs')
  for name, mean in about['test'].items():
    spread = mean['standard_deviation']
    table.add_row(name, *_cells(mean), '' if spread is None else f'{spread:.4f}')
  console.print(table, highlight=False, markup=False)
  if 'pooled' in about:
    table = Table('metric', 'value', '95% interval', title='test cases of all runs pooled')
    for name, estimate in about['pooled'].items():
      table.add_row(name, *_cells(estimate))
    console.print(table, highlight=False, markup=False)
  for line in folds_baseline.lines(about['baseline'], outcome):
    print(line)


def _cells(estimate: dict[str, Any]) -> tuple[str, str]:
  shown = 'undefined' if estimate['value'] is None else f'{estimate["value"]:.4f}'
  if estimate['low'] is None:
    return shown, estimate.get('reason', '')
  return shown, f'{estimate["low"]:.4f} to {estimate["high"]:.4f}'
