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
  are; of molecules whether it lies on an atom of it, compared with any atom. A network with its
  weights in another order is explained too: a method that does as well on it shows edges, not what
  was learned.

  Args:
    experiment: Data, model and task of the run.
    workdir: Its folder.
    methods: Of the modality, '' for its usual one; each is written as soon as it is graded.
    count: Cases, at most.

  Returns:
    For each method estimates by grade and by 'trained', 'randomised', 'fixed place' or 'any place';
    intervals as in ``evaluation.metrics`` (shares: Wilson; means: Student's t).

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
    self._masks = None if truth is None else [truth(name, row) for row in self.rows]
    aligned = experiment.data.modality.aligned
    self._usual = _usual_place(experiment, truth) if truth and aligned else None

  def grade(self, method: str, explain: Method) -> Grades:
    """The grades of one method."""
    parts: dict[str, list[np.ndarray]] = {network: [] for network in self._scores}
    areas: list[np.ndarray] = []  # deletion and insertion, [2, 1] of each case
    modality = self._experiment.data.modality
    for start in range(0, len(self.rows), _AT_ONCE):
      some = slice(start, start + _AT_ONCE)
      seen = modality.explained_inputs(self.split.read(self.rows[some]))
      target = self._target[some]
      cases = modality.exchanged(self._scores['trained'], seen, 'explain --grade')
      try:
        for network, score in self._scores.items():
          explained, _ = explain(score, seen, target)
          parts[network] += [
            grade.flat(one[None], case.x.ndim - 2)[0]
            for one, case in zip(explained, cases, strict=True)
          ]
      except ValueError as error:
        raise UserError(f'--method={method}: {error}') from None
      for case, one, number in zip(cases, parts['trained'][start:], target, strict=True):
        area = grade.deletion_insertion(
          case.score, case.x, np.array([number]), one[None], fill=case.blank
        )
        areas.append(np.stack(area))
    deletion, insertion = np.concatenate(areas, axis=1)
    correlations = [
      grade.rank_correlation(one[None], other[None])
      for one, other in zip(parts['trained'], parts['randomised'], strict=True)
    ]
    grades = {
      'deletion area (small is good)': {'trained': _mean(deletion)},
      'insertion area (large is good)': {'trained': _mean(insertion)},
      'rank correlation with the randomised network (small is good)': {
        'trained': _mean(np.concatenate(correlations), low=-1.0)
      },
    }
    if self._masks is not None:
      shown = {
        network: [modality.strength(one[None], method)[0] for one in values]
        for network, values in parts.items()
      }
      grades |= _findings(shown, self._masks, self._usual)
    return grades


def _usual_place(experiment: Experiment, truth: Callable[[str, int], np.ndarray]) -> np.ndarray:
  """Where findings of the training split are, as a share of them, [H, W] or [L]."""
  ill = np.flatnonzero(experiment.data.splits['train'].label == 1)[:_PLACES]
  return np.mean([truth('train', int(row)) for row in ill], axis=0)


def _findings(
  maps: dict[str, list[np.ndarray]], masks: list[np.ndarray], usual: np.ndarray | None
) -> Grades:
  """How well explanations meet what there is to find, in the cases where there is something.

  Args:
    maps: of each network, [H, W], [L] or [atoms] of each case.
    masks: what there is to find, the same shapes, bool.
    usual: see ``_usual_place``; None where places of two cases are not the same, nor those beside
      each other near.
  """
  width = 0 if usual is None else max(1, masks[0].shape[0] // _BLUR)
  there = [i for i, mask in enumerate(masks) if mask.any()]
  if not there:
    return {}

  def met(values: list[np.ndarray]) -> tuple[Estimate, Estimate]:
    blurred = [scipy.ndimage.gaussian_filter(values[i], width) for i in there]
    cases = list(zip(blurred, [masks[i] for i in there], strict=True))
    hit = np.concatenate([grade.pointing_game(one[None], m[None], width) for one, m in cases])
    overlap = np.concatenate([grade.mask_iou(one[None], m[None]) for one, m in cases])
    return proportion(hit, np.arange(len(hit)), 'case'), _mean(overlap)

  found = {network: met(values) for network, values in maps.items()}
  if usual is not None:
    found['fixed place'] = met([usual] * len(masks))
  hits = {network: hit for network, (hit, _) in found.items()}
  overlaps = {network: overlap for network, (_, overlap) in found.items()}
  if usual is None:
    hits['any place'] = _mean(np.array([masks[i].mean() for i in there]))
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
