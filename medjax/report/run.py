"""Gathers what a report needs from a run: its folder, and pixels of the cases shown."""

import pathlib
import sys
from typing import Any

import jax

from medjax.evaluation import Predictions
from medjax.experiment import Experiment
from medjax.explain.methods import METHODS
from medjax.report import card, coefficients, explanations, page
from medjax.workdir import Workdir, read_json

# Cases shown with their picture.
EXAMPLES = 12


def write(
  experiment: Experiment,
  variables: dict[str, Any],
  workdir: Workdir,
  tables: dict[str, Any],
  explanation: str,
) -> pathlib.Path:
  """Writes report.html and card.md, and returns the path of the first.

  Args:
    experiment: Data and model of the run.
    variables: Of the checkpoint that made the tables.
    workdir: The run folder.
    tables: The task's table of each split.
    explanation: In ``explain.methods.METHODS``, or 'none'. Where it does not suit the model or the
      data, the report is written without, and a line says so.
  """
  table = tables.get('test', tables['val'])
  shown: dict[str, list[str]] = {}
  if isinstance(table, Predictions):
    try:
      shown = explanations.pictures_of(experiment, variables, workdir, table, EXAMPLES, explanation)
    except (
      ValueError,
      jax.errors.JaxRuntimeError,
    ) as error:  # a report without is better than none
      reason = (str(error).splitlines() or [''])[0]
      print(f'the report explains nothing by {explanation}: {reason}', file=sys.stderr)
      explanation = 'none'
      shown = explanations.pictures_of(experiment, variables, workdir, table, EXAMPLES, 'none')
  coefficients.write(experiment, variables, workdir)
  explained = explanation != 'none' and shown and experiment.data.kind in METHODS
  method = explanation if explained else ''
  path = page.write(workdir.folder, pictures=shown, explanation=method)
  card.write(workdir, {name: found.labelled() for name, found in tables.items()})
  return path


def headline(workdir: Workdir, split: str, metric: str) -> str:
  """The one line on a split that the terminal shows."""
  found = read_json(workdir.evaluation)[split][metric]
  text = f'{split} {metric.upper()}'
  if found['value'] is None:
    return f'{text}: undefined ({found.get("reason", "")})'
  text = f'{text}: {found["value"]:.3f}'
  if found['low'] is None:
    return f'{text} (no interval: {found.get("reason", "")})'
  return f'{text} (95% interval {found["low"]:.3f} to {found["high"]:.3f})'
