"""Explanations in the report: of the cases that it shows, and how good the methods are."""

import pathlib
from typing import Any

import numpy as np

from medjax import explain
from medjax.errors import UserError
from medjax.evaluation import Decision, Predictions
from medjax.experiment import Experiment
from medjax.explain.methods import METHODS, smooth
from medjax.training import evaluate
from medjax.workdir import Workdir, read_json


def explain_cases(
  experiment: Experiment,
  variables: dict[str, Any],
  workdir: Workdir,
  table: Predictions,
  images: dict[str, np.ndarray],
  method: str,
) -> dict[str, np.ndarray]:
  """What speaks for the class that each case is called, [H, W] by id.

  Args:
    experiment: Data description and model.
    variables: Of the checkpoint that made the table.
    workdir: Its run folder, for how probabilities become calls.
    table: Calibrated predictions of the cases.
    images: uint8 [H, W, C] by id.
    method: In ``explain.methods.METHODS``.

  Raises:
    ValueError: The method does not suit the model.
  """
  row = {name: i for i, name in enumerate(table.id.tolist())}
  calls = evaluate.read_decision(Decision.from_json, workdir).calls(table.probability)
  target = calls[[row[name] for name in images]]
  inputs = np.asarray(experiment.data.inputs({'image': np.stack(list(images.values()))}))
  score = explain.score_function(experiment, variables)
  parts, _ = METHODS[method](score, inputs, target)
  return dict(zip(images, smooth(parts, method), strict=True))


def grade_rows(workdir: Workdir) -> tuple[list[str], list[dict[str, Any]], list[str]]:
  """What ``explain --grade`` wrote of every method.

  Returns:
    Names of the grades; for each method 'title', 'cases', 'split', whether it is 'stale' (of
    another checkpoint than the one evaluated), and 'cells': for each grade the estimates by kind
    ('trained', 'randomised', 'fixed place'), or None; and the problems with files that cannot be
    used.
  """
  found, problems = {}, []
  for method in METHODS:
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
