"""The runs of a cross-validation side by side: the mean of every metric of the test splits."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from medjax.evaluation import Decision, Estimate, Predictions, multiclass_metrics, read_csv
from medjax.evaluation.estimate import t_quantile
from medjax.report import decisions
from medjax.workdir import Workdir, read_json, write_json

# Metrics between 0 and 1, by the first part of their name; so are their intervals.
_SHARES = (
  'accuracy', 'auprc', 'auroc', 'balanced', 'brier', 'coverage', 'ece', 'exact', 'f1', 'npv', 'ppv',
  'q3', 'sensitivity', 'single', 'sov', 'specificity',
)  # fmt: skip
_LEFT_OUT = ('checkpoint_step', 'threshold', 'half_width')


def summarise(runs: Sequence[Workdir]) -> dict[str, Estimate]:
  """Mean and 95% interval of the test metrics of runs.

  The interval is Student's over runs. Training sets of folds overlap, so that it is somewhat too
  narrow (Bengio and Grandvalet 2004, JMLR 5:1089-1105); metrics that a run does not define are
  left out of the mean, and said.

  Args:
    runs: Folders of evaluated runs.

  Raises:
    UserError: A run is not evaluated.
  """
  found = [read_json(run.evaluation)['test'] for run in runs]
  names = [name for name in found[0] if name not in _LEFT_OUT]
  means = {}
  for name in names:
    values = [run[name]['value'] for run in found if run.get(name, {}).get('value') is not None]
    mean = _mean(np.array(values, float), len(found))
    if name.split('_')[0] in _SHARES and mean.low is not None and mean.high is not None:
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


def pooled(runs: Sequence[Workdir]) -> dict[str, Estimate]:
  """Metrics of the calls that all runs made on their test splits, taken together.

  A mean over folds is undefined, or taken of few folds, where a class has fewer cases than there
  are folds; and the mean of F1 over folds is biased (Forman and Scholz 2010, Apples-to-apples in
  cross-validation studies, SIGKDD Explorations 12:49-57). Probabilities of different networks are
  not ranked against one another, so AUROC and AUPRC are not pooled. An example that several
  repeats have tested has the mean of its probabilities. Intervals are over examples, or groups,
  and do not know that training sets vary.

  Args:
    runs: Folders of evaluated runs.

  Returns:
    accuracy, balanced_accuracy, f1 (mean over classes), mcc, and sensitivity, ppv and f1 of each
    class; nothing for two classes, whose calls need a threshold in each run, and for other tasks.
  """
  one_class_each = isinstance(decisions.from_json(read_json(runs[0].decision)), Decision)
  if not one_class_each or len(read_json(runs[0].data)['classes']) < 3:
    return {}
  tables = [read_csv(run.predictions('test')) for run in runs]
  every = np.concatenate([table.id for table in tables])
  _, first, number = np.unique(every, return_index=True, return_inverse=True)
  probability = np.zeros((len(first), len(tables[0].classes)))
  np.add.at(probability, number, np.concatenate([table.probability for table in tables]))
  together = Predictions(
    id=every[first],
    label=np.concatenate([table.label for table in tables])[first],
    probability=probability / np.bincount(number)[:, None],
    group=np.concatenate([table.group for table in tables])[first],
    split='test',
    classes=tables[0].classes,
  )
  found = multiclass_metrics(together)
  return {
    name: found[name]
    for name in found
    if name.split('_')[0] in ('accuracy', 'balanced', 'f1', 'mcc', 'sensitivity', 'ppv')
  }


def show(runs: Sequence[Workdir], folder: pathlib.Path) -> dict[str, Estimate]:
  """Prints means, spread and what is ``pooled``, and writes them with every run's values to
  crossval.json."""
  means = summarise(runs)
  found = [read_json(run.evaluation)['test'] for run in runs]
  table = Table('metric', 'mean', '95% interval', 'standard deviation', title=f'{len(runs)} runs')
  written = {}
  for name, mean in means.items():
    values = [run.get(name, {}).get('value') for run in found]
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
  together = pooled(runs)
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
  write_json(path, about)
  print(f'cross-validation: {path}')
  return means
