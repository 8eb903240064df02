"""Gathers what a report needs from a run: its folder, and pixels of the cases shown."""

import pathlib

import numpy as np

from medjax.evaluation import Predictions
from medjax.experiment import Experiment
from medjax.report import card, page
from medjax.workdir import Workdir, read_json

# Cases shown with their picture.
EXAMPLES = 12


def write(experiment: Experiment, workdir: Workdir, tables: dict[str, Predictions]) -> pathlib.Path:
  """Writes report.html and card.md, and returns the path of the first."""
  table = tables.get('test', tables['val'])
  split = experiment.data.splits[table.split]
  row = {name: i for i, name in enumerate(split.id)}
  shown = page.choose_examples(table, EXAMPLES)
  images: dict[str, np.ndarray] = {}
  if shown:
    pixels = split.read([row[name] for name in shown])['image']
    images = dict(zip(shown, pixels, strict=True))
  path = page.write(workdir.folder, images=images)
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
