"""Explains the predictions of new cases: a picture, an array and a row for each."""

import pathlib
from collections.abc import Sequence

import numpy as np

from medjax.config import Config
from medjax.deploy import files as deploy
from medjax.deploy.explainer import Explained, Explainer
from medjax.errors import UserError
from medjax.evaluation import csv_cells
from medjax.experiment import Experiment
from medjax.workdir import Workdir

_AT_ONCE = 8  # cases in memory
_PICTURES = 200  # of cases that have none of their own; arrays and rows are written for all


def explain_files(
  experiment: Experiment,
  config: Config,
  workdir: Workdir,
  names: Sequence[str],
  method: str,
  folder: pathlib.Path,
) -> list[dict[str, str]]:
  """Writes a picture and an array for each case, and explanations.csv for all.

  What is explained is the class that the case is called, or the number predicted; see ``predict``.
  The picture is the image under its explanation, the letters of the sequence as high as they count,
  or the columns that count most, and the array is what the method gives.

  Args:
    experiment: data description, model and task of the run.
    config: settings of the run.
    workdir: the run folder.
    names: files and folders.
    method: one of the modality's; '' for the usual one.
    folder: where to write.

  Returns:
    The rows of explanations.csv: file; call and probability (of the class called, calibrated), or
    prediction; of tables adds_COLUMN, what each column adds to the logit or number;
    completeness_gap (of Integrated Gradients: how far the parts are from adding up to the logit
    less that of an input that says nothing), relative_gap (its size as a share of that difference)
    and steps (gradients that it took), fit (of LIME: R2 of its linear model), picture, array
    and error.

  Raises:
    UserError: there is no such method, it does not suit the model, nothing was found, the run was
      not evaluated, or it predicts neither a class nor a number.
  """
  modality = experiment.data.modality
  method, _ = modality.method(method)
  cases = modality.open(names)
  if not cases:
    raise UserError(f'explain {names[0]}: no {modality.cases} there')
  deploy.say_notes(cases, modality.cases)
  explainer = Explainer(experiment, config, workdir, method, _AT_ONCE)
  columns = [*explainer.columns, 'picture', 'array', 'error']
  folder.mkdir(parents=True, exist_ok=True)
  rows: list[dict[str, str]] = []
  with open(folder / 'explanations.csv', 'w', newline='', encoding='utf-8') as file:
    writer = csv_cells.Writer(file, columns)
    for start in range(0, len(cases), _AT_ONCE):
      chunk = cases[start : start + _AT_ONCE]
      done = []
      for number, told in enumerate(explainer.explain(chunk), start=start):
        row = dict.fromkeys(columns, '') | told.row | {'error': told.error}
        if told.parts is not None:
          row |= _written(explainer, told, folder, number)
        done.append(row)
      writer.rows(done)
      file.flush()
      rows += done
  failed = sum(bool(row['error']) for row in rows)
  print(f'{len(rows) - failed} explained by {method}, {failed} could not be read')
  print(f'explanations: {folder}')
  return rows


def _written(
  explainer: Explainer, told: Explained, folder: pathlib.Path, number: int
) -> dict[str, str]:
  """Writes the array and, where there is one, the picture of a case; their names."""
  # Files of different folders may have the same name; rows and entries have no suffix.
  name = pathlib.Path(told.row['file'])
  named = name.stem if name.is_file() else name.name
  stem = ''.join(c if c.isalnum() or c in '._-' else '_' for c in named)
  path = folder / f'{number:04d}-{stem[:100]}-{explainer.method}'
  np.save(f'{path}.npy', np.asarray(told.parts))
  written = {'picture': '', 'array': f'{path}.npy'}
  if number >= _PICTURES and not explainer.always_drawn:
    return written
  drawing = explainer.draw(told)
  if isinstance(drawing, str):
    written['picture'] = f'{path}.svg'
    pathlib.Path(written['picture']).write_text(drawing)
  elif drawing is not None:
    written['picture'] = f'{path}.png'
    drawing.save(written['picture'])
  return written
