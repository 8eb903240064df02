"""The runs of a cross-validation side by side: the mean of every metric of the test splits."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from medjax import sealed
from medjax.evaluation import Estimate
from medjax.evaluation.estimate import t_quantile
from medjax.outcomes import Outcome
from medjax.workdir import Workdir

# Metrics between 0 and 1 that the report shows elsewhere, by the first part of their name.
_SHARES = ('brier', 'coverage', 'ece', 'single')
_LEFT_OUT = ('checkpoint_step', 'threshold', 'half_width')


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
  names = [name for name in evaluated[0] if name not in _LEFT_OUT]
  means = {}
  for name in names:
    values = [run[name]['value'] for run in evaluated if run.get(name, {}).get('value') is not None]
    mean = _mean(np.array(values, float), len(evaluated))
    metric = outcome.metric(name, names)
    share = metric.share if metric else name.split('_')[0] in _SHARES
    if share and mean.low is not None and mean.high is not None:
      mean = dataclasses.replace(mean, low=max(mean.low, 0.0), high=min(mean.high, 1.0))
    means[name] = mean
  return means


def _mean(values: np.ndarray, runs: int) -> Estimate:
  if not len(values):
    return Estimate(None, reason='no run defines it')
  value = float(values.mean())
  reason = '' if len(values) == runs else f'of {len(values)} runs'
  if len(values) < 2:
    return Estimate(value, reason=reason or 'one run: no interval')
  half_width = t_quantile(0.95, len(values) - 1) * float(values.std(ddof=1)) / len(values) ** 0.5
  return Estimate(value, value - half_width, value + half_width, reason)


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
  path = folder / 'crossval.json'
  about = {'runs': [run.folder.name for run in runs], 'test': written}
  if together:
    about['pooled'] = {name: estimate.to_json() for name, estimate in together.items()}
  sealed.write(path, about)
  print(f'cross-validation: {path}')
  return means
