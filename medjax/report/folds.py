"""The runs of a cross-validation side by side: the mean of every metric of the test splits."""

import pathlib
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from medjax import sealed
from medjax.evaluation import Estimate
from medjax.outcomes import Outcome
from medjax.report import folds_baseline, run_means
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
    values = [run[name]['value'] for run in evaluated if run.get(name, {}).get('value') is not None]
    share = run_means.is_share(outcome, name, names)
    means[name] = run_means.mean_over_runs(values, len(evaluated), share)
  return means


def show(runs: Sequence[Workdir], outcome: Outcome, folder: pathlib.Path) -> dict[str, Estimate]:
  """Prints means, spread and what the outcome pools, and writes them with every run's values to
  crossval.json."""
  means = summarise(runs, outcome)
  evaluated = [run.read(run.evaluation)['test'] for run in runs]
  table = Table('metric', 'mean', '95% interval', 'standard deviation', title=f'{len(runs)} runs')
  written = {}
  for name, mean in means.items():
    values = [run.get(name, {}).get('value') for run in evaluated]
    known = [value for value in values if value is not None]
    spread = float(np.std(known, ddof=1)) if len(known) > 1 else None
    written[name] = {**mean.to_json(), 'standard_deviation': spread, 'runs': values}
    interval = '' if mean.low is None else f'{mean.low:.4f} to {mean.high:.4f}'
    shown = 'undefined' if mean.value is None else f'{mean.value:.4f}'
    table.add_row(name, shown, interval or mean.reason, '' if spread is None else f'{spread:.4f}')
  console = Console()
  if not console.is_terminal:
    console = Console(width=160)
  console.print(table, highlight=False, markup=False)
  together = outcome.pooled(
    [outcome.read_table(run.verified(run.predictions('test'))) for run in runs]
  )
  if together:
    shown_together = Table('metric', 'value', '95% interval', title='test cases of all runs pooled')
    for name, estimate in together.items():
      shown = 'undefined' if estimate.value is None else f'{estimate.value:.4f}'
      interval = '' if estimate.low is None else f'{estimate.low:.4f} to {estimate.high:.4f}'
      shown_together.add_row(name, shown, interval or estimate.reason)
    console.print(shown_together, highlight=False, markup=False)
  beside = folds_baseline.summarise(runs, outcome)
  for line in folds_baseline.lines(beside, outcome):
    print(line)
  path = folder / 'crossval.json'
  about = {'runs': [run.folder.name for run in runs], 'test': written, 'baseline': beside}
  if together:
    about['pooled'] = {name: estimate.to_json() for name, estimate in together.items()}
  sealed.write(path, about)
  print(f'cross-validation: {path}')
  return means
