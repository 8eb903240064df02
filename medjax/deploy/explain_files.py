"""Explains the predictions of image files: a picture, an array and a row for each."""

import csv
import pathlib
from collections.abc import Sequence

import numpy as np

from medjax import explain, runtime
from medjax.config import Config
from medjax.data import decode
from medjax.deploy import files as deploy
from medjax.errors import UserError
from medjax.evaluation.table import by_class
from medjax.experiment import Experiment
from medjax.explain.methods import METHODS
from medjax.report.overlay import overlay
from medjax.training import evaluate, parallel
from medjax.workdir import Workdir

_AT_ONCE = 8  # images in memory


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
    picture, array and error.

  Raises:
    UserError: there is no such method, it does not suit the model, nothing was found, or the run
      was not evaluated.
  """
  if method not in METHODS:
    raise UserError(f'--method={method}: expected one of {", ".join(METHODS)}')
  found = list(deploy.find(names))
  if not found:
    raise UserError(f'explain {names[0]}: no image files there')
  variables, step = evaluate.best_variables(experiment, workdir)
  decision = evaluate.read_decision(workdir, step)
  score = explain.score_function(experiment, variables)
  one = runtime.devices(1)
  # As predict does, so that the class that is explained is the one that it calls.
  compiled = parallel.compile_predict(experiment, one, config.precision)
  replicated = one.replicate(variables)
  size, _, channels = experiment.data.input_shape

  def predict(image: np.ndarray) -> np.ndarray:
    return compiled(replicated, {'image': image[None]})['prediction']

  folder.mkdir(parents=True, exist_ok=True)
  rows: list[dict[str, str]] = []
  for start in range(0, len(found), _AT_ONCE):
    images: dict[int, np.ndarray] = {}
    errors: dict[int, str] = {}
    for number in range(start, min(start + _AT_ONCE, len(found))):
      try:
        images[number] = decode.decode(found[number], size, channels)
      except UserError as error:
        errors[number] = str(error).removeprefix(f'{found[number]}: ')
    explained = {}
    if images:
      pixels = np.stack(list(images.values()))
      predicted = explain.in_chunks(predict, _AT_ONCE, pixels)
      probability = decision.calibration.apply(predicted)
      calls = decision.calls(probability)
      try:
        parts = METHODS[method](score, np.asarray(experiment.data.inputs({'image': pixels})), calls)
      except ValueError as error:
        raise UserError(f'--method={method}: {error}') from None
      shares = by_class(probability)[np.arange(len(calls)), calls]
      explained = dict(zip(images, zip(calls, shares, parts, strict=True), strict=True))
    for number in range(start, min(start + _AT_ONCE, len(found))):
      row = dict.fromkeys(('file', 'call', 'probability', 'picture', 'array', 'error'), '')
      row['file'] = found[number].encode(errors='backslashreplace').decode()
      if number in errors:
        row['error'] = errors[number]
      else:
        call, share, part = explained[number]
        # Files of different folders may have the same name.
        stem = folder / f'{number:04d}-{pathlib.Path(row["file"]).stem[:100]}-{method}'
        picture, array = f'{stem}.png', f'{stem}.npy'
        overlay(images[number], part).save(picture)
        np.save(array, part)
        row |= {'call': experiment.data.classes[int(call)], 'probability': f'{share:.4f}'}
        row |= {'picture': picture, 'array': array}
      rows.append(row)
  with open(folder / 'explanations.csv', 'w', newline='', encoding='utf-8') as file:
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
  failed = sum(bool(row['error']) for row in rows)
  print(f'{len(rows) - failed} explained by {method}, {failed} could not be read')
  print(f'explanations: {folder}')
  return rows
