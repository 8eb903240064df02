"""Grades of a method of explanation on a run's own test cases: ``explain --grade``."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy
from rich.console import Console
from rich.table import Table

from medjax.errors import UserError
from medjax.evaluation import Estimate
from medjax.evaluation.estimate import t_quantile
from medjax.evaluation.proportions import proportion
from medjax.experiment import Experiment
from medjax.explain import Method, grade
from medjax.training import evaluate
from medjax.training.score import score_function
from medjax.workdir import Workdir

_AT_ONCE = 8  # inputs in memory
_BLUR = 56  # an input's length over the width of the blur before grading
_PLACES = 200  # training cases that tell where findings usually are


Grades = dict[str, dict[str, Estimate]]


def grade_run(
  experiment: Experiment, workdir: Workdir, methods: Sequence[str], count: int
) -> dict[str, Grades]:
  """Grades methods on cases that the run found; prints tables and writes grades-METHOD.json.

  The cases are the first ones of the test split that are called rightly; with two classes, those of
  the second. Deletion and insertion show the image's mean where pixels are absent, or any letter
  where one of a sequence is. Where the data are simulated it is known what there is to find: the
  pointing game asks whether the largest value, after a blur, lies on it or within a 56th of the
  input's length, and compares with the best fixed place, where most findings of the training split
  are. A network with its weights in another order is explained too: a method that does as well on
  it shows edges, not what was learned.

  Args:
    experiment: Data, model and task of the run.
    workdir: Its folder.
    methods: Of the modality, '' for its usual one; each is written as soon as it is graded.
    count: Cases, at most.

  Returns:
    For each method estimates by grade and by 'trained', 'randomised' or 'fixed place'; intervals as
    in ``evaluation.metrics`` (shares: Wilson; means: Student's t).

  Raises:
    UserError: Nothing can be taken away from the inputs, there is no such method, it is the only
      one and does not suit the model, the run was not evaluated, or it found no case.
  """
  chosen = dict(experiment.data.modality.method(method) for method in methods)
  grader = _Grader(experiment, workdir, count)
  graded: dict[str, Grades] = {}
  for method, explain in chosen.items():
    try:
      graded[method] = grader.grade(method, explain)
    except UserError as error:
      if len(methods) == 1:
        raise
      print(f'left out: {error}', file=sys.stderr)
      continue
    _show(graded[method], f'{method}: {len(grader.rows)} cases of {grader.split.name}')
    path = workdir.grades(method)
    written = {
      title: {network: estimate.to_json() for network, estimate in grades.items()}
      for title, grades in graded[method].items()
    }
    about = {'method': method, 'cases': len(grader.rows), 'split': grader.split.name}
    workdir.write(path, {**about, 'checkpoint_step': grader.step, 'grades': written})
    print(f'grades: {path}')
  return graded


class _Grader:
  """The best checkpoint of a run, the cases that it found, and a network that learned nothing."""

  def __init__(self, experiment: Experiment, workdir: Workdir, count: int):
    variables, self.step = evaluate.chosen_variables(experiment, workdir)
    outcome = experiment.task.outcome
    decision = evaluate.read_decision(outcome.read_decision, workdir, self.step)
    name = 'test' if 'test' in experiment.data.splits else 'val'
    self.split = experiment.data.splits[name]
    table = outcome.read_table(workdir.verified(workdir.predictions(name)))
    right = outcome.rightly_called(table, decision, 'explain --grade')
    place = {case: row for row, case in enumerate(self.split.id.tolist())}
    self.rows = [place[case] for case in table.id[right].tolist()[:count] if case in place]
    if not self.rows:
      raise UserError(f'{workdir.folder}: no case of {name} is called rightly; nothing to explain')
    self._target = self.split.label[self.rows]
    self._scores = {
      'trained': score_function(experiment, variables),
      'randomised': score_function(experiment, grade.randomised(variables)),
    }
    self._experiment = experiment
    truth = experiment.data.truth
    self._masks = None if truth is None else np.stack([truth(name, row) for row in self.rows])
    self._usual = None if truth is None else _usual_place(experiment, truth)

  def grade(self, method: str, explain: Method) -> Grades:
    """The grades of one method."""
    parts: dict[str, list[np.ndarray]] = {network: [] for network in self._scores}
    areas: list[np.ndarray] = []
    modality = self._experiment.data.modality
    for start in range(0, len(self.rows), _AT_ONCE):
      some = slice(start, start + _AT_ONCE)
      x = np.asarray(modality.inputs(self.split.read(self.rows[some])))
      target = self._target[some]
      try:
        for network, score in self._scores.items():
          explained, _ = explain(score, x, target)
          parts[network].append(grade.flat(explained, x.ndim - 2))
      except ValueError as error:
        raise UserError(f'--method={method}: {error}') from None
      blank = modality.blank(x, 'explain --grade')
      trained = self._scores['trained']
      areas.append(
        np.stack(grade.deletion_insertion(trained, x, target, parts['trained'][-1], fill=blank))
      )
    maps = {network: np.concatenate(batches) for network, batches in parts.items()}
    deletion, insertion = np.concatenate(areas, axis=1)
    grades = {
      'deletion area (small is good)': {'trained': _mean(deletion)},
      'insertion area (large is good)': {'trained': _mean(insertion)},
      'rank correlation with the randomised network (small is good)': {
        'trained': _mean(grade.rank_correlation(maps['trained'], maps['randomised']), low=-1.0)
      },
    }
    if self._masks is not None and self._usual is not None:
      shown = {network: modality.strength(value, method) for network, value in maps.items()}
      grades |= _findings(shown, self._masks, self._usual)
    return grades


def _usual_place(experiment: Experiment, truth: Callable[[str, int], np.ndarray]) -> np.ndarray:
  """Where findings of the training split are, as a share of them, [H, W] or [L]."""
  ill = np.flatnonzero(experiment.data.splits['train'].label == 1)[:_PLACES]
  return np.mean([truth('train', int(row)) for row in ill], axis=0)


def _findings(maps: dict[str, np.ndarray], masks: np.ndarray, usual: np.ndarray) -> Grades:
  """How well explanations meet what there is to find."""
  width = max(1, masks.shape[1] // _BLUR)
  blur = (0, *[width] * (masks.ndim - 1))
  group = np.arange(len(masks))
  hits, overlaps = {}, {}
  for network, value in maps.items():
    blurred = scipy.ndimage.gaussian_filter(value, blur)
    hits[network] = proportion(grade.pointing_game(blurred, masks, width), group, 'case')
    overlaps[network] = _mean(grade.mask_iou(blurred, masks))
  fixed = np.broadcast_to(scipy.ndimage.gaussian_filter(usual, width), masks.shape)
  hits['fixed place'] = proportion(grade.pointing_game(fixed, masks, width), group, 'case')
  overlaps['fixed place'] = _mean(grade.mask_iou(fixed, masks))
  return {'pointing game (large is good)': hits, 'overlap over union (large is good)': overlaps}


def _mean(values: np.ndarray, low: float = 0.0, high: float = 1.0) -> Estimate:
  """The mean of values from ``low`` to ``high`` with its t interval."""
  value = float(values.mean())
  if len(values) < 2:
    return Estimate(value, reason='one case: no interval')
  half_width = t_quantile(0.95, len(values) - 1) * float(values.std(ddof=1)) / len(values) ** 0.5
  return Estimate(value, max(low, value - half_width), min(high, value + half_width))


def _show(by_grade: dict[str, dict[str, Estimate]], title: str) -> None:
  columns: list[str] = list(dict.fromkeys(key for grades in by_grade.values() for key in grades))
  table = Table('grade', *columns, title=title)
  for name, grades in by_grade.items():
    table.add_row(name, *(_text(grades.get(column)) for column in columns))
  console = Console()
  if not console.is_terminal:
    console = Console(width=160)
  console.print(table, highlight=False, markup=False)


def _text(estimate: Any) -> str:
  if estimate is None:
    return ''
  if estimate.low is None:
    return f'{estimate.value:.3f}'
  return f'{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})'
