"""Explanations in the report: of the cases that it shows, and how good the methods are."""

import pathlib
from typing import Any

import numpy as np

from medjax import explain
from medjax.errors import UserError
from medjax.evaluation import Decision, Predictions
from medjax.experiment import Experiment
from medjax.explain.methods import METHODS
from medjax.report import class_plots, pictures
from medjax.training import evaluate
from medjax.workdir import Workdir, read_json


def pictures_of(
  experiment: Experiment,
  variables: dict[str, Any],
  workdir: Workdir,
  table: Predictions,
  count: int,
  method: str,
) -> dict[str, list[str]]:
  """Cases worth looking at, and what speaks for the class that each is called: data URIs by id.

  Args:
    experiment: Data and model.
    variables: Of the checkpoint that made the table.
    workdir: Its run folder, for how probabilities become calls.
    table: Calibrated predictions of a split.
    count: Cases, at most.
    method: In ``explain.methods.METHODS``, or 'none', which shows what can be seen without.

  Raises:
    ValueError: The method does not suit the model or the data.
  """
  data = experiment.data
  split = data.splits[table.split]
  shown = class_plots.choose_examples(table, count)
  if not shown:
    return {}
  row_of = {name: row for row, name in enumerate(split.id.tolist())}
  batch = split.read([row_of[name] for name in shown])
  parts = None
  if method != 'none' and data.kind in METHODS:
    if method not in METHODS[data.kind]:
      raise ValueError(f'it does not suit {data.kind}')
    place = {name: i for i, name in enumerate(table.id.tolist())}
    calls = evaluate.read_decision(Decision.from_json, workdir).calls(table.probability)
    target = calls[[place[name] for name in shown]]
    score = explain.score_function(experiment, variables)
    parts, _ = METHODS[data.kind][method](score, np.asarray(data.inputs(batch)), target, data)
  found = {}
  for i, name in enumerate(shown):
    arrays = {key: values[i] for key, values in batch.items()}
    found[name] = pictures.sources(data, arrays, None if parts is None else parts[i], method)
  return {name: sources for name, sources in found.items() if sources}


def grade_rows(workdir: Workdir) -> tuple[list[str], list[dict[str, Any]], list[str]]:
  """What ``explain --grade`` wrote of every method.

  Returns:
    Names of the grades; for each method 'title', 'cases', 'split', whether it is 'stale' (of
    another checkpoint than the one evaluated), and 'cells': for each grade the estimates by kind
    ('trained', 'randomised', 'fixed place'), or None; and the problems with files that cannot be
    used.
  """
  found, problems = {}, []
  for method in dict.fromkeys(name for methods in METHODS.values() for name in methods):
    path = workdir.grades(method)
    if path.exists():
      try:
        found[method] = _grades(path)
      except (KeyError, TypeError, AttributeError, UserError) as error:
        problems.append(f'{path.name} cannot be used: {error}')
  names = list(dict.fromkeys(name for about in found.values() for name in about['grades']))
  rows = [
    {
      'title': method,
      'cases': about['cases'],
      'split': about['split'],
      'stale': about['checkpoint_step'] != _step(workdir),
      'cells': [about['grades'].get(name) for name in names],
    }
    for method, about in found.items()
  ]
  return names, rows, problems


def _grades(path: pathlib.Path) -> dict[str, Any]:
  about = read_json(path)
  for grades in about['grades'].values():
    for estimate in grades.values():
      float(estimate['value'])
      estimate['low'], estimate['high']
  return {
    'cases': int(about['cases']),
    'split': str(about['split']),
    'grades': about['grades'],
    'checkpoint_step': about.get('checkpoint_step'),
  }


def _step(workdir: Workdir) -> int | None:
  try:
    return evaluate.read_decision(Decision.from_json, workdir).checkpoint_step
  except UserError:
    return None
