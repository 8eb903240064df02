"""Gathers what a report needs from a run: its folder, and pixels of the cases shown."""

import dataclasses
import pathlib
import sys
from collections.abc import Mapping
from typing import Any

import jax

from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.outcomes import Outcome
from medjax.report import baseline, card, coefficients, explanations, matched_pairs, page, privacy
from medjax.training.evaluate import Evaluation
from medjax.workdir import PRIVACY, Workdir

# Cases shown with their picture.
EXAMPLES = 12


@dataclasses.dataclass(frozen=True)
class Explained:
  """Cases that a report shows.

  Attributes:
    shown: their pictures and notes.
    method: that explains them; '' for none.
  """

  shown: explanations.Shown
  method: str


def explain(
  experiment: Experiment, workdir: Workdir, evaluated: Evaluation, method: str
) -> Explained:
  """Pictures of cases worth looking at.

  Args:
    experiment: Data and model of the run.
    workdir: The run folder.
    evaluated: The checkpoint, and what it predicted.
    method: One of the modality's methods, or 'none'. Where it does not suit the model or the
      data, cases are shown without, and a line says so.
  """
  variables, tables = evaluated.variables, evaluated.tables
  table = tables.get('test', tables['val'])
  try:
    shown = explanations.pictures_of(experiment, variables, workdir, table, EXAMPLES, method)
  except (ValueError, UserError, jax.errors.JaxRuntimeError) as error:  # a report without is better
    reason = (str(error).splitlines() or [''])[0]
    print(f'the report explains nothing by {method}: {reason}', file=sys.stderr)
    method = 'none'
    shown = explanations.pictures_of(experiment, variables, workdir, table, EXAMPLES, 'none')
  explained = method != 'none' and shown.pictures and experiment.data.modality.methods
  return Explained(shown, method if explained else '')


def write(
  experiment: Experiment, workdir: Workdir, evaluated: Evaluation, explained: Explained
) -> pathlib.Path:
  """Writes report.html and card.md, and returns the path of the first.

  Args:
    experiment: Data and model of the run.
    workdir: The run folder.
    evaluated: The checkpoint, and what it predicted.
    explained: The cases that it shows.
  """
  modality, outcome = experiment.data.modality, experiment.task.outcome
  coefficients.write(experiment, evaluated.variables, workdir)
  path = page.write(
    workdir.folder,
    outcome,
    modality,
    pictures=explained.shown.pictures,
    notes=explained.shown.notes,
    summary=explained.shown.summary,
    explanation=explained.method,
    matched_pairs=matched_pairs.write(experiment, evaluated.tables, workdir),
  )
  labelled = {name: of_split.labelled() for name, of_split in evaluated.tables.items()}
  network = card.Network.of(
    experiment.model,
    evaluated.variables['params'],
    experiment.task.weights,
    experiment.balance,
  )
  card.write(workdir, outcome, modality, labelled, network)
  return path


def checkpoint_line(workdir: Workdir) -> str:
  """Which checkpoint was evaluated, and how sure that choice is."""
  chosen = next(iter(workdir.read(workdir.evaluation).values()))['checkpoint_step']
  text = f'the checkpoint of step {chosen["value"]}'
  return f'{text}: {chosen["reason"]}' if chosen.get('reason') else text


def headline(workdir: Workdir, split: str, metric: str) -> str:
  """The one line on a split that the terminal shows."""
  return f'{split} {metric.upper()}: {spelled(workdir.read(workdir.evaluation)[split][metric])}'


def spelled(estimate: Mapping[str, Any], sign: str = '') -> str:
  """An estimate as JSON has it, for the terminal; with '+' for ``sign`` as a difference."""
  if estimate['value'] is None:
    return f'undefined ({estimate.get("reason", "")})'
  text = f'{estimate["value"]:{sign}.3f}'
  if estimate['low'] is None:
    return f'{text} (no interval: {estimate.get("reason", "")})'
  return f'{text} (95% interval {estimate["low"]:{sign}.3f} to {estimate["high"]:{sign}.3f})'


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


def privacy_lines(workdir: Workdir) -> list[str]:
  """The line on what a private run has spent; none of another."""
  spent = workdir.read(workdir.evaluation).get(PRIVACY)
  return [] if spent is None else [f'privacy: {privacy.sentence(spent)}']
