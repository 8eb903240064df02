"""The runs of a cross-validation side by side: the mean of every metric of the test splits."""

import csv
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from medjax import files, sealed
from medjax.evaluation import Estimate, csv_cells
from medjax.outcomes import Outcome
from medjax.report import folds_baseline, folds_page, run_means
from medjax.report.sweep import Sweep
from medjax.workdir import Workdir


def summarise(sweep: Sweep, outcome: Outcome) -> dict[str, Estimate]:
  """Mean and 95% interval of the test metrics of runs; see ``run_means.mean_over_runs``.

  Metrics that a run does not define are left out of the mean, and said.

  Args:
    sweep: the runs.
    outcome: What their labels are.

  Raises:
    UserError: A run is not evaluated.
  """
  evaluated = [run.read(run.evaluation)['test'] for run in sweep.done]
  every = dict.fromkeys(name for metrics in evaluated for name in metrics)
  names = [name for name in every if name not in run_means.LEFT_OUT]
  ratio, means = sweep.ratio(), {}
  for name in names:
    share = run_means.is_share(outcome, name, names)
    values = sweep.grid(_values(evaluated, name))
    means[name] = run_means.mean_over_runs(values, ratio, share)
  return means


def show(
  sweep: Sweep, outcome: Outcome, folder: pathlib.Path, failed: Mapping[str, str] | None = None
) -> dict[str, Estimate]:
  """Prints means, spread and what the outcome pools, and writes them to crossval.json and, for
  readers, to crossval.html; and what every run predicted of its test cases to out_of_fold.csv.

  Args:
    sweep: the runs.
    outcome: What their labels are.
    folder: Where the files are written.
    failed: why runs failed, by their names.

  Raises:
    UserError: A run is not evaluated.
  """
  runs = sweep.done
  means = summarise(sweep, outcome)
  evaluated = [run.read(run.evaluation)['test'] for run in runs]
  pooled = outcome.pooled(
    [outcome.read_table(run.verified(run.predictions('test'))) for run in runs]
  )
  about: dict[str, Any] = {
    'runs': [run.folder.name for run in runs],
    'failed': dict(failed or {}),
    'repeats': sweep.repeats,
    'seeds': sweep.seeds,
    'tested_to_trained': sweep.ratio(),
    'test': {
      name: mean.to_json() | _spread(sweep, _values(evaluated, name))
      for name, mean in means.items()
    },
    'baseline': folds_baseline.summarise(sweep, outcome),
  }
  if pooled:
    about['pooled'] = {name: estimate.to_json() for name, estimate in pooled.items()}
  _print(about, outcome)
  path = folder / 'crossval.json'
  sealed.write(path, about)
  _write_out_of_fold(runs, folder / 'out_of_fold.csv')
  page = folds_page.write(folder, runs, about, outcome)
  print(f'cross-validation: {path}')
  print(f'report: {page}')
  return means


def _write_out_of_fold(runs: Sequence[Workdir], path: pathlib.Path) -> None:
  """Rows of all test tables with the run that predicted them in a column ``member``."""
  with files.replacing(path) as new, open(new, 'w', newline='') as file:
    writer = None
    for run in runs:
      with open(run.verified(run.predictions('test')), newline='') as table:
        lines = (list(map(csv_cells.read, line)) for line in csv.reader(table))
        header = next(lines, [])
        names = [name for name in header if name != 'member']
        if writer is None:
          writer = csv_cells.Writer(file, ['member', *names])
        writer.rows(
          {**dict(zip(header, line, strict=True)), 'member': run.folder.name} for line in lines
        )


def _values(evaluated: Sequence[dict[str, Any]], name: str) -> list[float | None]:
  return [metrics.get(name, {}).get('value') for metrics in evaluated]


def _spread(sweep: Sweep, values: Sequence[float | None]) -> dict[str, Any]:
  """How much a metric differs between runs, and between repeats and seeds."""
  known = [value for value in values if value is not None]
  spread: dict[str, Any] = {
    'standard_deviation': float(np.std(known, ddof=1)) if len(known) > 1 else None,
    'runs': list(values),
  }
  rows = sweep.grid(values).reshape(sweep.repeats * sweep.seeds, -1)
  if len(rows) > 1:
    spread['repeats'] = [None if np.isnan(row).any() else float(row.mean()) for row in rows]
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
  of = f' ({estimate["reason"]})' if estimate.get('reason') else ''
  return shown, f'{estimate["low"]:.4f} to {estimate["high"]:.4f}{of}'
