"""Grades of a method of explanation on a run's own test cases: ``explain --grade``."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.ndimage
from rich.console import Console
from rich.table import Table

from medjax import evaluation, explain
from medjax.errors import UserError
from medjax.evaluation import Estimate, metrics
from medjax.evaluation.estimate import t_quantile
from medjax.experiment import Experiment
from medjax.explain import grade
from medjax.explain.methods import MAGNITUDE, METHODS
from medjax.training import evaluate
from medjax.workdir import Workdir, write_json

_AT_ONCE = 8  # images in memory
_BLUR = 56  # an image's side over the width of the blur and the tolerance of the pointing game
_PLACES = 200  # training cases that tell where findings usually are


def grade_run(
  experiment: Experiment, workdir: Workdir, method: str, count: int
) -> dict[str, dict[str, Estimate]]:
  """Grades a method on cases that the run found, prints a table and writes grades-METHOD.json.

  The cases are the first ones of the test split that are called rightly; with two classes, those of
  the second. Deletion and insertion show the image's mean where pixels are absent. Where the data
  are simulated it is known what there is to find: the pointing game asks whether the largest value,
  after a blur, lies on it or within a 56th of the image's side, and compares with the best fixed
  place, where most findings of the training split are. A network with its weights in another order
  is explained too: a method that does as well on it shows edges, not what was learned.

  Args:
    experiment: Data, model and task of the run.
    workdir: Its folder.
    method: In ``explain.methods.METHODS``.
    count: Cases, at most.

  Returns:
    Estimates by grade and by 'trained', 'randomised' or 'fixed place'; intervals as in
    ``evaluation.metrics`` (shares: Wilson; means: Student's t).

  Raises:
    UserError: There is no such method, it does not suit the model, the run was not evaluated, or it
      found no case.
  """
  if method not in METHODS:
    raise UserError(f'--method={method}: expected one of {", ".join(METHODS)}')
  variables, step = evaluate.best_variables(experiment, workdir)
  decision = evaluate.read_decision(workdir, step)
  name = 'test' if 'test' in experiment.data.splits else 'val'
  split = experiment.data.splits[name]
  table = evaluation.read_csv(workdir.predictions(name))
  calls = decision.calls(table.probability)
  right = (calls == table.label) & ((calls == 1) | (not table.is_binary))
  place = {case: row for row, case in enumerate(split.id.tolist())}
  rows = [place[case] for case in table.id[right].tolist()[:count] if case in place]
  if not rows:
    raise UserError(f'{workdir.folder}: no case of {name} is called rightly; nothing to explain')
  target = split.label[rows]
  score = explain.score_function(experiment, variables)
  other = explain.score_function(experiment, grade.randomised(variables))
  parts: dict[str, list[np.ndarray]] = {'trained': [], 'randomised': []}
  areas: list[np.ndarray] = []
  for start in range(0, len(rows), _AT_ONCE):
    some = slice(start, start + _AT_ONCE)
    x = np.asarray(experiment.data.inputs(split.read(rows[some])))
    try:
      for kind, of in (('trained', score), ('randomised', other)):
        parts[kind].append(grade.flat(METHODS[method](of, x, target[some])))
    except ValueError as error:
      raise UserError(f'--method={method}: {error}') from None
    mean = x.mean(axis=tuple(range(1, x.ndim)), keepdims=True)
    areas.append(
      np.stack(grade.deletion_insertion(score, x, target[some], parts['trained'][-1], fill=mean))
    )
  maps = {kind: np.concatenate(found) for kind, found in parts.items()}
  deletion, insertion = np.concatenate(areas, axis=1)
  found = {
    'deletion area (small is good)': {'trained': _mean(deletion)},
    'insertion area (large is good)': {'trained': _mean(insertion)},
    'rank correlation with the randomised network (small is good)': {
      'trained': _mean(grade.rank_correlation(maps['trained'], maps['randomised']))
    },
  }
  truth = experiment.data.truth
  if truth is not None:
    found |= _findings(
      experiment, maps, np.stack([truth(name, row) for row in rows]), method, truth
    )
  _show(found, f'{method}: {len(rows)} cases of {name}')
  written = {
    title: {kind: estimate.to_json() for kind, estimate in grades.items()}
    for title, grades in found.items()
  }
  path = workdir.folder / f'grades-{method}.json'
  write_json(path, {'method': method, 'cases': len(rows), 'split': name, 'grades': written})
  print(f'grades: {path}')
  return found


def _findings(
  experiment: Experiment,
  maps: dict[str, np.ndarray],
  masks: np.ndarray,
  method: str,
  truth: Callable[[str, int], np.ndarray],
) -> dict[str, dict[str, Estimate]]:
  """How well explanations meet what there is to find."""
  width = max(1, masks.shape[1] // _BLUR)
  group = np.arange(len(masks))
  hits, overlaps = {}, {}
  for kind, value in maps.items():
    value = np.abs(value) if method in MAGNITUDE else value
    blurred = scipy.ndimage.gaussian_filter(value, (0, width, width))
    hits[kind] = metrics.proportion(grade.pointing_game(blurred, masks, width), group, 'case')
    overlaps[kind] = _mean(grade.mask_iou(blurred, masks))
  ill = np.flatnonzero(experiment.data.splits['train'].label == 1)[:_PLACES]
  usual = np.mean([truth('train', int(row)) for row in ill], axis=0)
  fixed = np.broadcast_to(scipy.ndimage.gaussian_filter(usual, width), masks.shape)
  hits['fixed place'] = metrics.proportion(grade.pointing_game(fixed, masks, width), group, 'case')
  overlaps['fixed place'] = _mean(grade.mask_iou(fixed, masks))
  return {'pointing game (large is good)': hits, 'overlap over union (large is good)': overlaps}


def _mean(values: np.ndarray) -> Estimate:
  value = float(values.mean())
  if len(values) < 2:
    return Estimate(value, reason='one case: no interval')
  half_width = t_quantile(0.95, len(values) - 1) * float(values.std(ddof=1)) / len(values) ** 0.5
  return Estimate(value, value - half_width, value + half_width)


def _show(found: dict[str, dict[str, Estimate]], title: str) -> None:
  kinds: list[str] = list(dict.fromkeys(kind for grades in found.values() for kind in grades))
  table = Table('grade', *kinds, title=title)
  for name, grades in found.items():
    table.add_row(name, *(_text(grades.get(kind)) for kind in kinds))
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
