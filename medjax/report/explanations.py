"""Explanations in the report: of the cases that it shows, and how good the methods are."""

import pathlib
from typing import Any

import numpy as np

from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.report import pictures
from medjax.training import evaluate
from medjax.training.score import score_function
from medjax.workdir import Workdir


def pictures_of(
  experiment: Experiment,
  variables: dict[str, Any],
  workdir: Workdir,
  table: Any,
  count: int,
  method: str,
) -> dict[str, list[str]]:
  """Cases worth looking at, and what speaks for the class that each is called: data URIs by id.

  Args:
    experiment: Data and model.
    variables: Of the checkpoint that made the table.
    workdir: Its run folder, for how predictions become calls.
    table: The outcome's table of a split, as it is shown.
    count: Cases, at most.
    method: One of the modality's, or 'none', which shows what can be seen without.

  Raises:
    ValueError: The method does not suit the model or the data.
  """
  data, outcome = experiment.data, experiment.task.outcome
  split, modality = data.splits[table.split], data.modality
  shown = outcome.choose_examples(table, count)
  if not shown:
    return {}
  row_of = {name: row for row, name in enumerate(split.id.tolist())}
  batch = split.read([row_of[name] for name in shown])
  parts = None
  if method != 'none' and modality.methods:
    if method not in modality.methods:
      raise ValueError(f'it does not suit {modality.cases}')
    place = {name: i for i, name in enumerate(table.id.tolist())}
    decision = evaluate.read_decision(outcome.read_decision, workdir)
    target = outcome.called(table, decision)[[place[name] for name in shown]]
    score = score_function(experiment, variables)
    parts, _ = modality.methods[method](score, np.asarray(modality.inputs(batch)), target)
  sources = {}
  for i, name in enumerate(shown):
    arrays = {key: values[i] for key, values in batch.items() if key != 'label'}
    drawings = [modality.draw(arrays)]
    if parts is not None:
      drawings.append(modality.draw_explained(arrays, parts[i], method))
    sources[name] = [pictures.uri(drawing) for drawing in drawings if drawing is not None]
  return {name: uris for name, uris in sources.items() if uris}


def grade_rows(workdir: Workdir) -> tuple[list[str], list[dict[str, Any]], list[str]]:
  """What ``explain --grade`` wrote of every method.

  Returns:
    Names of the grades; for each method 'title', 'cases', 'split', whether it is 'stale' (of
    another checkpoint than the one evaluated), and 'cells': for each grade the estimates by name
    ('trained', 'randomised', 'fixed place'), or None; and the problems with files that cannot be
    used.
  """
  graded, problems = {}, []
  for path in sorted(workdir.folder.glob(workdir.grades('*').name)):
    try:
      method, graded_so = _grades(path, workdir.read(path))
      graded[method] = graded_so
    except (KeyError, TypeError, AttributeError, UserError) as error:
      problems.append(f'{path.name} cannot be used: {error}')
  names = list(dict.fromkeys(name for about in graded.values() for name in about['grades']))
  rows = [
    {
      'title': method,
      'cases': about['cases'],
      'split': about['split'],
      'stale': about['checkpoint_step'] != _step(workdir),
      'cells': [about['grades'].get(name) for name in names],
    }
    for method, about in graded.items()
  ]
  return names, rows, problems


def _grades(path: pathlib.Path, about: dict[str, Any]) -> tuple[str, dict[str, Any]]:
  for grades in about['grades'].values():
    for estimate in grades.values():
      float(estimate['value'])
      estimate['low'], estimate['high']
  return path.stem.removeprefix('grades-'), {
    'cases': int(about['cases']),
    'split': str(about['split']),
    'grades': about['grades'],
    'checkpoint_step': about.get('checkpoint_step'),
  }


def _step(workdir: Workdir) -> int | None:
  try:
    return int(workdir.read(workdir.decision)['checkpoint_step'])
  except (OSError, UserError, KeyError, TypeError, ValueError):
    return None
