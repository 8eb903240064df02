"""Explanations in the report: of the cases that it shows, and how good the methods are."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import PIL.Image

from medjax.data import drawings
from medjax.data.dataset import Batch
from medjax.data.modality import Drawing
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.explain import Notes, integrated
from medjax.training import evaluate, forward
from medjax.training.score import score_function
from medjax.workdir import Workdir


@dataclasses.dataclass(frozen=True)
class Shown:
  """Cases that a report shows.

  Attributes:
    pictures: of each by id, data URIs, of which the last is an explanation where there is one.
    notes: what the method says of itself, a line for each case by id.
    summary: the same of all cases, a sentence; '' where it says nothing.
  """

  pictures: Mapping[str, Sequence[str]]
  notes: Mapping[str, str] = dataclasses.field(default_factory=dict)
  summary: str = ''


def pictures_of(
  experiment: Experiment,
  variables: dict[str, Any],
  workdir: Workdir,
  table: Any,
  count: int,
  method: str,
) -> Shown:
  """Cases worth looking at, and what speaks for the class that each is called.

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
    return Shown({})
  row_of = {name: row for row, name in enumerate(split.id.tolist())}
  batch = split.read([row_of[name] for name in shown])
  parts: Sequence[np.ndarray] | None = None
  said: Notes = {}
  if method != 'none' and modality.methods:
    if method not in modality.methods:
      raise ValueError(f'it does not suit {modality.cases}')
    place = {name: i for i, name in enumerate(table.id.tolist())}
    decision = evaluate.read_decision(outcome.read_decision, workdir)
    target = outcome.called(table, decision)[[place[name] for name in shown]]
    score = score_function(experiment, variables)
    parts, said = modality.methods[method](score, modality.explained_inputs(batch), target)
  marked = _marked(experiment, variables, batch) if outcome.marks else None
  sources, notes = {}, {}
  for i, name in enumerate(shown):
    arrays = {key: values[i] for key, values in batch.items() if key != 'label'}
    drawn = [modality.draw(arrays)]
    if marked is not None:
      drawn.append(marked[i])
    if parts is not None:
      drawn.append(modality.draw_explained(arrays, parts[i], method))
    sources[name] = [drawings.uri(drawing) for drawing in drawn if drawing is not None]
    notes[name] = _note({key: values[i] for key, values in said.items()})
  return Shown({name: uris for name, uris in sources.items() if uris}, notes, _summary(said))


def _marked(experiment: Experiment, variables: dict[str, Any], batch: Batch) -> list[Drawing]:
  """The images of a batch with their labels and what is predicted drawn on them."""
  data, task = experiment.data, experiment.task

  @jax.jit
  def predict(variables: Any, batch: Batch) -> Any:
    inputs = data.modality.inputs(batch)
    return task.predict(forward.viewed(experiment, jnp.float32, variables, inputs))

  predicted = jax.device_get(predict(variables, batch))
  images = data.modality.pixels(data.modality.inputs(batch), 'the report')
  return [
    PIL.Image.fromarray(task.outcome.mark(*parts))
    for parts in zip(images, batch['label'], predicted, strict=True)
  ]


def _note(said: Mapping[str, float]) -> str:
  """What the method says of one case; '' where it says nothing."""
  if 'relative_gap' not in said:
    return ''
  return f'{said["steps"]:.0f} gradients, parts off by {said["relative_gap"]:.1%}'


def _summary(said: Notes) -> str:
  """How exact the explanations are that are integrals; '' of others."""
  if 'relative_gap' not in said:
    return ''
  steps, gap = said['steps'], said['relative_gap']
  many = int((gap > integrated.TOLERANCE).sum())
  most = f'{steps.max():.0f}'
  taken = most if steps.min() == steps.max() else f'{steps.min():.0f} to {most}'
  text = (
    f'The parts of a case should add up to its score less that of an input that says nothing; they '
    f'are off by at most {gap.max():.1%} of that difference, with {taken} gradients a case.'
  )
  if not many:
    return text
  cases = 'one case' if many == 1 else f'{many} cases'
  return (
    f'{text} In {cases} that is more than the {integrated.TOLERANCE:.0%} aimed at, after the most '
    'gradients that are taken: read them with care.'
  )


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
