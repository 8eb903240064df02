"""Two runs side by side, as the verb ``compare`` prints them."""

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from medjax import evaluation
from medjax.errors import UserError
from medjax.evaluation import Decision, Difference, Predictions
from medjax.training import evaluate
from medjax.workdir import Workdir


def show(first: Workdir, second: Workdir, split: str = 'test') -> dict[str, Difference]:
  """Prints how much two runs differ on the cases of a split, and returns it.

  Each run calls cases at its own threshold.

  Args:
    first: Run folder.
    second: Run folder of a run that predicted the same cases.
    split: Name of the split.

  Raises:
    UserError: a run is not evaluated, or they predicted other cases.
  """
  tables = [_table(workdir, split) for workdir in (first, second)]
  calls = [
    evaluate.read_decision(Decision.from_json, workdir).calls(table.probability)
    for workdir, table in zip((first, second), tables, strict=True)
  ]
  found = evaluation.compare(tables[0], tables[1], (calls[0], calls[1]))
  title = f'{split}: {first.folder} less {second.folder}, {len(tables[0])} cases of '
  title += f'{len(np.unique(tables[0].group))} groups'
  shown = Table('metric', 'difference', '95% interval', 'p', title=Text(title))
  for name, difference in found.items():
    shown.add_row(name, *_cells(difference))
  console = Console()
  if not console.is_terminal:
    console = Console(width=160)
  console.print(shown, highlight=False, markup=False)
  print('p values are two-sided and not corrected for the number of metrics')
  return found


def _cells(difference: Difference) -> tuple[str, str, str]:
  value = 'undefined' if difference.value is None else f'{difference.value:+.3f}'
  if difference.low is None or difference.high is None:
    return value, difference.reason, ''
  p = difference.p_value
  spelled = '' if p is None else '< 0.001' if p < 0.001 else f'{p:.3f}'
  return value, f'{difference.low:+.3f} to {difference.high:+.3f}', spelled


def _table(workdir: Workdir, split: str) -> Predictions:
  path = workdir.predictions(split)
  if not path.exists():
    last = f'it has no split {split}' if workdir.evaluation.exists() else 'run evaluate first'
    raise UserError(f'{workdir.folder}: no predictions of {split} there; {last}')
  return evaluation.read_csv(path)
