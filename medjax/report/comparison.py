"""Two runs side by side, as the verb ``compare`` prints them."""

from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from medjax.errors import UserError
from medjax.evaluation import Difference
from medjax.outcomes import Outcome
from medjax.training import evaluate
from medjax.workdir import Workdir


def show(
  outcome: Outcome, first: Workdir, second: Workdir, split: str = 'test'
) -> dict[str, Difference]:
  """Prints how much two runs differ on the cases of a split, and returns it.

  Each run calls cases at its own threshold.

  Args:
    outcome: What the labels of both are.
    first: Run folder.
    second: Run folder of a run that predicted the same cases.
    split: Name of the split.

  Raises:
    UserError: a run is not evaluated, or they predicted other cases.
  """
  runs = (first, second)
  tables = [_table(outcome, run, split) for run in runs]
  decisions = [evaluate.read_decision(outcome.read_decision, run) for run in runs]
  differences = outcome.compare(tables, decisions)
  title = f'{split}: {first.folder} less {second.folder}, {len(tables[0])} cases of '
  title += f'{len(np.unique(tables[0].group))} groups'
  shown = Table('metric', 'difference', '95% interval', 'p', title=Text(title))
  for name, difference in differences.items():
    shown.add_row(name, *_cells(difference))
  console = Console()
  if not console.is_terminal:
    console = Console(width=160)
  console.print(shown, highlight=False, markup=False)
  print('p values are two-sided and not corrected for the number of metrics')
  return differences


def _cells(difference: Difference) -> tuple[str, str, str]:
  value = 'undefined' if difference.value is None else f'{difference.value:+.3f}'
  if difference.low is None or difference.high is None:
    return value, difference.reason, ''
  p = difference.p_value
  spelled = '' if p is None else '< 0.001' if p < 0.001 else f'{p:.3f}'
  return value, f'{difference.low:+.3f} to {difference.high:+.3f}', spelled


def _table(outcome: Outcome, workdir: Workdir, split: str) -> Any:
  path = workdir.predictions(split)
  if not path.exists():
    last = f'it has no split {split}' if workdir.evaluation.exists() else 'run evaluate first'
    raise UserError(f'{workdir.folder}: no predictions of {split} there; {last}')
  return outcome.read_table(workdir.verified(path))
