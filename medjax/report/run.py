"""Gathers what a report needs from a run: its folder, and pixels of the cases shown."""

import pathlib
import sys
from typing import Any

import jax

from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.outcomes import Outcome
from medjax.report import baseline, card, coefficients, explanations, page
from medjax.workdir import Workdir

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
    tables: The outcome's table of each split.
    explanation: One of the modality's methods, or 'none'. Where it does not suit the model or the
      data, the report is written without, and a line says so.
  """
  data, outcome = experiment.data, experiment.task.outcome
  table = tables.get('test', tables['val'])
  shown: dict[str, list[str]] = {}
  try:
    shown = explanations.pictures_of(experiment, variables, workdir, table, EXAMPLES, explanation)
  except (ValueError, UserError, jax.errors.JaxRuntimeError) as error:  # a report without is better
    reason = (str(error).splitlines() or [''])[0]
    print(f'the report explains nothing by {explanation}: {reason}', file=sys.stderr)
    explanation = 'none'
    shown = explanations.pictures_of(experiment, variables, workdir, table, EXAMPLES, 'none')
  coefficients.write(experiment, variables, workdir)
  explained = explanation != 'none' and shown and data.modality.methods
  method = explanation if explained else ''
  path = page.write(workdir.folder, outcome, data.modality, pictures=shown, explanation=method)
  labelled = {name: of_split.labelled() for name, of_split in tables.items()}
  network = card.Network.of(experiment.model, variables['params'], experiment.task.weights)
  card.write(workdir, outcome, data.modality, labelled, network)
  return path


def checkpoint_line(workdir: Workdir) -> str:
  """Which checkpoint was evaluated, and how sure that choice is."""
  chosen = next(iter(workdir.read(workdir.evaluation).values()))['checkpoint_step']
  text = f'the checkpoint of step {chosen["value"]}'
  return f'{text}: {chosen["reason"]}' if chosen.get('reason') else text


def headline(workdir: Workdir, split: str, metric: str) -> str:
  """The one line on a split that the terminal shows."""
  estimate = workdir.read(workdir.evaluation)[split][metric]
  text = f'{split} {metric.upper()}'
  if estimate['value'] is None:
    return f'{text}: undefined ({estimate.get("reason", "")})'
  text = f'{text}: {estimate["value"]:.3f}'
  if estimate['low'] is None:
    return f'{text} (no interval: {estimate.get("reason", "")})'
  return f'{text} (95% interval {estimate["low"]:.3f} to {estimate["high"]:.3f})'


def baseline_lines(workdir: Workdir, outcome: Outcome) -> list[str]:
  """The lines on simple models that the terminal shows."""
  found = baseline.read(workdir, outcome)
  if found.problem:
    return [f'no baseline: {found.problem}']
  return [
    f'no baseline by {row.name}: {row.problem}'
    if row.problem
    else f'baseline: {row.name}: {row.figure}; {row.difference}: {row.verdict}'
    for row in found.rows
  ]
