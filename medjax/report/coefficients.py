"""The coefficients of a regression on a table: computed, printed and written."""

from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from medjax.evaluation import Coefficients
from medjax.experiment import Experiment
from medjax.workdir import Workdir

_LAYER = 'Dense_0'
_RATIOS = {'logistic': 'odds', 'cox': 'hazard'}
"""What the exponential of a coefficient is a ratio of, by kind of regression."""


def of_run(experiment: Experiment, variables: dict[str, Any]) -> Coefficients | None:
  """Inference on the training rows; None where the model is no regression on a table.

  Coefficients are per standard deviation of a column of numbers and per level of a text; of a
  linear regression in the label's unit, of a Cox regression log hazard ratios.

  Args:
    experiment: Its training split holds the rows that were fitted.
    variables: Of the fitted model.
  """
  if experiment.privacy is not None:  # standard errors are of the training rows
    return None
  params, data = variables['params'], experiment.data
  linear = set(params) == {_LAYER} and params[_LAYER]['kernel'].shape[1:] == (1,)
  named = data.modality.named_inputs()
  if named is None or not linear:
    return None
  train = data.splits['train']
  inputs = np.asarray(data.modality.inputs(train.read(np.arange(len(train)))), np.float64)
  names, scales = named
  return experiment.task.coefficients(
    inputs,
    train.label,
    np.asarray(params[_LAYER]['kernel'], np.float64)[:, 0],
    float(params[_LAYER]['bias'][0]) if 'bias' in params[_LAYER] else 0.0,
    names=names,
    scales=scales,
    l2=0.0 if experiment.penalty is None else 1.0,
  )


def write(experiment: Experiment, variables: dict[str, Any], workdir: Workdir) -> None:
  """Prints the table and writes coefficients.csv and coefficients.json, for a regression."""
  coefficients = of_run(experiment, variables)
  if coefficients is None:
    return
  workdir.write(workdir.coefficients, coefficients.to_json())
  if coefficients.rows():
    coefficients.write_csv(workdir.coefficients.with_suffix('.csv'))
    _show(coefficients)
  if coefficients.reason:
    print(f'coefficients: {coefficients.reason}')


def _show(coefficients: Coefficients) -> None:
  ratio = _RATIOS.get(coefficients.kind)
  columns = ['input', 'per standard deviation', '95% interval', 'p']
  columns += [f'{ratio} ratio (interval)'] if ratio else []
  kind = 'Cox' if coefficients.kind == 'cox' else coefficients.kind
  table = Table(*columns, 'per unit', title=f'{kind} regression, training rows')
  for row in coefficients.rows():
    cells = [row['name'], _number(row['estimate']), _interval(row, 'low', 'high')]
    cells.append('' if row['p_value'] is None else f'{row["p_value"]:.2g}')
    if ratio:
      ends = _interval(row, f'{ratio}_low', f'{ratio}_high')
      cells.append(f'{_number(row[f"{ratio}_ratio"])} {ends and f"({ends})"}'.strip())
    table.add_row(*cells, _number(row['estimate_per_unit']))
  console = Console()
  if not console.is_terminal:
    console = Console(width=160)
  console.print(table, highlight=False, markup=False)


def _number(value: float | None) -> str:
  return '' if value is None else f'{value:.4g}'


def _interval(row: dict[str, Any], low: str, high: str) -> str:
  return '' if row[low] is None else f'{row[low]:.4g} to {row[high]:.4g}'
