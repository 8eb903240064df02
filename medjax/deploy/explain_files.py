"""Explains the predictions of new cases: a picture, an array and a row for each."""

import csv
import pathlib
from collections.abc import Sequence

import numpy as np

from medjax.config import Config
from medjax.data import ragged
from medjax.data.modality import Case
from medjax.deploy import files as deploy
from medjax.deploy.trained import Trained
from medjax.errors import UserError
from medjax.evaluation import csv_cells
from medjax.experiment import Experiment
from medjax.explain import Method
from medjax.workdir import Workdir

_AT_ONCE = 8  # cases in memory
_PICTURES = 200  # of cases that have none of their own; arrays and rows are written for all
_ADDS = 'adds_'  # before the name of a table's column


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
  method, explain = modality.method(method)
  cases = modality.open(names)
  if not cases:
    raise UserError(f'explain {names[0]}: no {modality.cases} there')
  deploy.say_notes(cases, modality.cases)
  explainer = _Explainer(experiment, config, workdir, method, explain)
  folder.mkdir(parents=True, exist_ok=True)
  rows: list[dict[str, str]] = []
  with open(folder / 'explanations.csv', 'w', newline='', encoding='utf-8') as file:
    writer = csv.DictWriter(file, explainer.columns)
    writer.writeheader()
    for start in range(0, len(cases), _AT_ONCE):
      done = explainer.rows(cases[start : start + _AT_ONCE], folder, start)
      writer.writerows(map(csv_cells.write_row, done))
      file.flush()
      rows += done
  failed = sum(bool(row['error']) for row in rows)
  print(f'{len(rows) - failed} explained by {method}, {failed} could not be read')
  print(f'explanations: {folder}')
  return rows


class _Explainer:
  """The best checkpoint of a run and one method."""

  def __init__(
    self, experiment: Experiment, config: Config, workdir: Workdir, method: str, explain: Method
  ):
    self._modality, self._classes = experiment.data.modality, experiment.data.classes
    self._outcome = experiment.task.outcome
    self._method, self._explain = method, explain
    self._trained = Trained('explain', experiment, config, workdir, _AT_ONCE)
    self._adds = [_ADDS + name for name in self._modality.parts]
    notes = ['completeness_gap', 'relative_gap', 'steps', 'fit']
    called = self._outcome.call_columns
    self.columns = ['file', *called, *self._adds, *notes, 'picture', 'array', 'error']

  def rows(self, cases: Sequence[Case], folder: pathlib.Path, first: int) -> list[dict[str, str]]:
    """Explains a few cases, numbered from ``first`` on."""
    rows = [dict.fromkeys(self.columns, '') for _ in cases]
    arrays: list[dict[str, np.ndarray]] = []
    good: list[int] = []
    for place, case in enumerate(cases):
      rows[place]['file'] = case.name.encode(errors='backslashreplace').decode()
      loaded = deploy.load(case)
      if isinstance(loaded, str):
        rows[place]['error'] = loaded
      else:
        arrays.append(loaded)
        good.append(place)
    if not good:
      return rows
    batch = ragged.stack_in_buckets(arrays, self._modality.axes)
    predicted = self._trained.predict(batch)
    target, shares = self._trained.calls(predicted)
    try:
      seen = self._modality.explained_inputs(batch)
      parts, notes = self._explain(self._trained.score, seen, target)
    except ValueError as error:
      raise UserError(f'--method={self._method}: {error}') from None
    for i, place in enumerate(good):
      row = rows[place]
      if not np.isfinite(predicted[i]).all():
        row['error'] = 'the network gives no number for this file'
        continue
      if not np.isfinite(parts[i]).all():
        row['error'] = f'{self._method} gives no number for this case'
        continue
      # Files of different folders may have the same name; rows and entries have no suffix.
      name = pathlib.Path(row['file'])
      named = name.stem if name.is_file() else name.name
      stem = ''.join(c if c.isalnum() or c in '._-' else '_' for c in named)
      path = folder / f'{first + place:04d}-{stem[:100]}-{self._method}'
      row |= self._outcome.call_cells(int(target[i]), shares[i], self._classes) | {
        name: f'{values[i]:.4g}' for name, values in notes.items()
      }
      row |= {name: f'{value:.4g}' for name, value in zip(self._adds, parts[i], strict=False)}
      row['picture'], row['array'] = (
        self._draw(path, arrays[i], parts[i], first + place),
        f'{path}.npy',
      )
      np.save(row['array'], parts[i])
    return rows

  def _draw(
    self, path: pathlib.Path, arrays: dict[str, np.ndarray], parts: np.ndarray, number: int
  ) -> str:
    """Writes the picture and returns its name; '' where there is none."""
    if number >= _PICTURES and not self._modality.always_drawn:
      return ''
    drawing = self._modality.draw_file(arrays, parts, self._method)
    if drawing is None:
      return ''
    if isinstance(drawing, str):
      pathlib.Path(f'{path}.svg').write_text(drawing)
      return f'{path}.svg'
    drawing.save(f'{path}.png')
    return f'{path}.png'
