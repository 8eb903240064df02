"""Gathers what a report needs from a run: its folder, and pixels of the cases shown."""

import pathlib
from typing import Any

import numpy as np

from medjax.errors import UserError
from medjax.evaluation import Predictions
from medjax.experiment import Experiment
from medjax.report import card, explanations, page
from medjax.workdir import Workdir, read_json

# Cases shown with their picture.
EXAMPLES = 12


def write(
  experiment: Experiment,
  variables: dict[str, Any],
  workdir: Workdir,
  tables: dict[str, Predictions],
  explanation: str,
) -> pathlib.Path:
  """Writes report.html and card.md, and returns the path of the first.

  Args:
    experiment: Data and model of the run.
    variables: Of the checkpoint that made the tables.
    workdir: The run folder.
    tables: Predictions of each split, calibrated.
    explanation: In ``explain.methods.METHODS``, or 'none'.

  Raises:
    UserError: The method does not suit the model.
  """
  table = tables.get('test', tables['val'])
  split = experiment.data.splits[table.split]
  row = {name: i for i, name in enumerate(split.id)}
  shown = page.choose_examples(table, EXAMPLES)
  images: dict[str, np.ndarray] = {}
  explained: dict[str, np.ndarray] = {}
  if shown:
    pixels = split.read([row[name] for name in shown])['image']
    images = dict(zip(shown, pixels, strict=True))
  if shown and explanation != 'none':
    try:
      explained = explanations.explain_cases(
        experiment, variables, workdir, table, images, explanation
      )
    except ValueError as error:
      raise UserError(f'config.explanation={explanation}: {error}') from None
  path = page.write(workdir.folder, images=images, explained=explained, explanation=explanation)
  card.write(workdir, {name: found.labelled() for name, found in tables.items()})
  return path


def headline(workdir: Workdir, split: str) -> str:
  """The one line on a split that the terminal shows."""
  metric = read_json(workdir.evaluation)[split]['auroc']
  if metric['value'] is None:
    return f'{split} AUROC: undefined ({metric.get("reason", "")})'
  text = f'{split} AUROC: {metric["value"]:.3f}'
  if metric['low'] is None:
    return f'{text} (no interval: {metric.get("reason", "")})'
  return f'{text} (95% interval {metric["low"]:.3f} to {metric["high"]:.3f})'
