"""Explains the predictions of image files: a picture, an array and a row for each."""

import csv
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax import explain, runtime
from medjax.config import Config
from medjax.data.dataset import Case
from medjax.deploy import files as deploy
from medjax.errors import UserError
from medjax.evaluation import Decision
from medjax.evaluation.table import by_class
from medjax.experiment import Experiment
from medjax.explain.methods import METHODS, smooth
from medjax.report.overlay import overlay
from medjax.training import evaluate, parallel
from medjax.workdir import Workdir

_AT_ONCE = 8  # images in memory
_COLUMNS = ('file', 'call', 'probability', 'completeness_gap', 'fit', 'picture', 'array', 'error')


def explain_files(
  experiment: Experiment,
  config: Config,
  workdir: Workdir,
  names: Sequence[str],
  method: str,
  folder: pathlib.Path,
) -> list[dict[str, str]]:
  """Writes an overlay PNG and an array for each file, and explanations.csv for all.

  What is explained is the class that the file is called; see ``predict``.

  Args:
    experiment: data description, model and task of the run.
    config: settings of the run.
    workdir: the run folder.
    names: files and folders.
    method: in ``explain.methods.METHODS``.
    folder: where to write.

  Returns:
    The rows of explanations.csv: file, call, probability (of the class called, calibrated),
    completeness_gap (of Integrated Gradients: how far the parts are from adding up to the logit
    less that of a black image), fit (of LIME: R2 of its linear model), picture, array and error.

  Raises:
    UserError: there is no such method, it does not suit the model, nothing was found, or the run
      was not evaluated.
  """
  if method not in METHODS:
    raise UserError(f'--method={method}: expected one of {", ".join(METHODS)}')
  found = experiment.data.open(names)
  if not found:
    raise UserError(f'explain {names[0]}: no image files there')
  explainer = _Explainer(experiment, config, workdir, method)
  folder.mkdir(parents=True, exist_ok=True)
  rows: list[dict[str, str]] = []
  with open(folder / 'explanations.csv', 'w', newline='', encoding='utf-8') as file:
    writer = csv.DictWriter(file, _COLUMNS)
    writer.writeheader()
    for start in range(0, len(found), _AT_ONCE):
      done = explainer.rows(found[start : start + _AT_ONCE], folder, start)
      writer.writerows(done)
      file.flush()
      rows += done
  failed = sum(bool(row['error']) for row in rows)
  print(f'{len(rows) - failed} explained by {method}, {failed} could not be read')
  print(f'explanations: {folder}')
  return rows


class _Explainer:
  """The best checkpoint of a run and one method."""

  def __init__(self, experiment: Experiment, config: Config, workdir: Workdir, method: str):
    variables, step = evaluate.best_variables(experiment, workdir)
    self._data, self._method = experiment.data, method
    self._decision = evaluate.read_decision(Decision.from_json, workdir, step)
    self._score = explain.score_function(experiment, variables)
    # As predict does, so that the class that is explained is the one that it calls.
    device = runtime.devices(1)
    self._compiled = parallel.compile_predict(experiment, device, config.precision)
    self._variables = device.replicate(variables)

  def rows(self, cases: Sequence[Case], folder: pathlib.Path, first: int) -> list[dict[str, str]]:
    """Explains a few files, numbered from ``first`` on."""
    rows = [dict.fromkeys(_COLUMNS, '') for _ in cases]
    images: list[np.ndarray] = []
    good: list[int] = []
    for place, case in enumerate(cases):
      rows[place]['file'] = case.name.encode(errors='backslashreplace').decode()
      loaded = deploy.load(case)
      if isinstance(loaded, str):
        rows[place]['error'] = loaded
      else:
        images.append(loaded['image'])
        good.append(place)
    if not good:
      return rows
    pixels = np.stack(images)
    probability = self._decision.calibration.apply(
      explain.in_chunks(self._predict, _AT_ONCE, pixels)
    )
    calls = self._decision.calls(probability)
    inputs = np.asarray(self._data.inputs({'image': pixels}))
    try:
      parts, notes = METHODS[self._method](self._score, inputs, calls)
    except ValueError as error:
      raise UserError(f'--method={self._method}: {error}') from None
    shares = by_class(probability)[np.arange(len(calls)), calls]
    shown = smooth(parts, self._method)
    for i, (place, image, call, share) in enumerate(zip(good, images, calls, shares, strict=True)):
      row = rows[place]
      if not np.isfinite(share):
        row['error'] = 'the network gives no number for this file'
        continue
      # Files of different folders may have the same name.
      stem = pathlib.Path(row['file']).stem[:100]
      path = folder / f'{first + place:04d}-{stem}-{self._method}'
      picture, array = f'{path}.png', f'{path}.npy'
      overlay(image, shown[i]).save(picture)
      np.save(array, parts[i])
      row |= {'call': self._data.classes[int(call)], 'probability': f'{share:.4f}'}
      row |= {'picture': picture, 'array': array}
      row |= {name: f'{values[i]:.4g}' for name, values in notes.items()}
    return rows

  def _predict(self, image: np.ndarray) -> Any:
    return self._compiled(self._variables, {'image': image[None]})['prediction']
