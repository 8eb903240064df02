"""Gathers what a report needs from a run: its folder, and pixels of the cases shown."""

import pathlib
import sys
from typing import Any

import jax
import numpy as np

from medjax.evaluation import Predictions
from medjax.experiment import Experiment
from medjax.report import card, class_plots, coefficients, explanations, page
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
    explanation: In ``explain.methods.METHODS``, or 'none'. Where it does not suit the model, the
      report is written without, and a line says so.
  """
  table = tables.get('test', tables['val'])
  images: dict[str, np.ndarray] = {}
  explained: dict[str, np.ndarray] = {}
  if experiment.data.kind == 'images' and isinstance(table, Predictions):
    images = _pictures(experiment, table)
  if images and explanation != 'none':
    try:
      explained = explanations.explain_cases(
        experiment, variables, workdir, table, images, explanation
      )
    except (
      ValueError,
      jax.errors.JaxRuntimeError,
    ) as error:  # a report without is better than none
      reason = (str(error).splitlines() or [''])[0]
      print(f'the report explains nothing by {explanation}: {reason}', file=sys.stderr)
  coefficients.write(experiment, variables, workdir)
  path = page.write(workdir.folder, images=images, explained=explained, explanation=explanation)
  card.write(workdir, {name: found.labelled() for name, found in tables.items()})
  return path


def _pictures(experiment: Experiment, table: Predictions) -> dict[str, np.ndarray]:
  split = experiment.data.splits[table.split]
  row = {name: i for i, name in enumerate(split.id)}
  shown = class_plots.choose_examples(table, EXAMPLES)
  pixels = split.read([row[name] for name in shown])['image'] if shown else ()
  return dict(zip(shown, pixels, strict=True))


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
