"""The best checkpoint of a run and one method, which explain new cases."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from medjax.config import Config
from medjax.data import ragged
from medjax.data.modality import Case, Drawing
from medjax.deploy import files
from medjax.deploy.trained import Trained
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.workdir import Workdir

_ADDS = 'adds_'  # before the name of a table's column


@dataclasses.dataclass(frozen=True)
class Explained:
  """What the prediction of a case rests on.

  Attributes:
    row: cells by column, of ``Explainer.columns``; of a case with an error 'file' alone.
    error: why there is no explanation; '' where there is one.
    arrays: of the case; see ``Case.load``.
    parts: what the method gives; None where there is an error.
  """

  row: dict[str, str]
  error: str = ''
  arrays: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
  parts: np.ndarray | None = None


class Explainer:
  """See the module.

  Attributes:
    method: its name.
    columns: of rows; see ``explain_files``.
    always_drawn: see ``Modality``.

  Args:
    experiment: data description, model and task of the run.
    config: settings of the run.
    workdir: the run folder.
    method: one of the modality's; '' for the usual one.
    at_once: cases that are explained together, at most.

  Raises:
    UserError: there is no such method, the run was not evaluated, or its task has no number that
      can be explained.
  """

  def __init__(
    self, experiment: Experiment, config: Config, workdir: Workdir, method: str, at_once: int
  ):
    self._modality, self._classes = experiment.data.modality, experiment.data.classes
    self._outcome = experiment.task.outcome
    self.method, self._explain = self._modality.method(method)
    self.always_drawn = self._modality.always_drawn
    self._trained = Trained('explain', experiment, config, workdir, at_once)
    self._adds = [_ADDS + name for name in self._modality.parts]
    notes = ['completeness_gap', 'relative_gap', 'steps', 'fit']
    self.columns = ['file', *self._outcome.call_columns, *self._adds, *notes]

  def explain(self, cases: Sequence[Case]) -> list[Explained]:
    """Explains at most ``at_once`` cases, each of which is read first.

    Raises:
      UserError: the method does not suit the model.
    """
    return self.explain_arrays([case.name for case in cases], list(map(files.load, cases)))

  def explain_arrays(
    self, names: Sequence[str], loaded: Sequence[dict[str, np.ndarray] | str]
  ) -> list[Explained]:
    """As ``explain``, of cases that ``files.load`` has read."""
    files_of = [{'file': name.encode(errors='backslashreplace').decode()} for name in names]
    done = [
      Explained(row, error=part) if isinstance(part, str) else None
      for row, part in zip(files_of, loaded, strict=True)
    ]
    arrays = [part for part in loaded if not isinstance(part, str)]
    good = [place for place, part in enumerate(loaded) if not isinstance(part, str)]
    if good:
      batch = ragged.stack_in_buckets(arrays, self._modality.axes)
      predicted = self._trained.predict(batch)
      target, shares = self._trained.calls(predicted)
      try:
        seen = self._modality.explained_inputs(batch)
        parts, notes = self._explain(self._trained.score, seen, target)
      except ValueError as error:
        raise UserError(f'--method={self.method}: {error}') from None
      for i, place in enumerate(good):
        row = files_of[place]
        if not np.isfinite(predicted[i]).all():
          done[place] = Explained(row, 'the network gives no number for this file')
          continue
        if not np.isfinite(parts[i]).all():
          done[place] = Explained(row, f'{self.method} gives no number for this case')
          continue
        row |= self._outcome.call_cells(int(target[i]), shares[i], self._classes)
        row |= {name: f'{values[i]:.4g}' for name, values in notes.items()}
        row |= {name: f'{value:.4g}' for name, value in zip(self._adds, parts[i], strict=False)}
        done[place] = Explained(row, '', arrays[i], np.asarray(parts[i]))
    return [one for one in done if one is not None]

  def draw(self, told: Explained) -> Drawing | None:
    """The case under its explanation; None where there is nothing to be seen."""
    if told.parts is None:
      return None
    return self._modality.draw_file(dict(told.arrays), told.parts, self.method)
