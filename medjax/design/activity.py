"""What a finished run predicts of molecules, as a score from 0 to 1."""

from collections.abc import Sequence

import numpy as np

from medjax import runtime
from medjax.config import Config
from medjax.data import ragged
from medjax.deploy.predictor import Predictor
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.workdir import Workdir

_AT_ONCE = 128


class Activity:
  """The evaluated checkpoint of a run on molecules.

  Attributes:
    title: what is predicted, for readers.

  Args:
    experiment: data description, model and task of the run.
    config: its settings.
    workdir: its folder.
    named: the class whose probability is wanted; '' for the positive one of two, or the number.

  Raises:
    UserError: the run was not evaluated, or there is no such class.
  """

  def __init__(self, experiment: Experiment, config: Config, workdir: Workdir, named: str = ''):
    self._predictor = Predictor.of_run(experiment, config, workdir, runtime.devices(1), _AT_ONCE)
    self._modality, self._outcome = experiment.data.modality, experiment.task.outcome
    self._place = _place(experiment.data.classes, named)
    self._scale = experiment.data.details
    self.title = 'prediction' if self._place is None else experiment.data.classes[self._place]

  def predict(self, smiles: Sequence[str]) -> np.ndarray:
    """The calibrated probability of the class, or the number in its unit, [N]; NaN of a molecule
    that the run does not take."""
    found = np.full(len(smiles), np.nan)
    arrays = {}
    for row, case in enumerate(self._modality.open(smiles)):
      try:
        arrays[row] = case.load()
      except UserError:
        continue
    axes = self._modality.axes
    order = sorted(arrays, key=lambda row: (*ragged.sizes(arrays[row], axes).values(), row))
    for start in range(0, len(order), _AT_ONCE):
      rows = order[start : start + _AT_ONCE]
      predicted, _ = self._predictor.predict([arrays[row] for row in rows])
      values = self._outcome.calls(self._predictor.decision, predicted)[1]
      found[rows] = values[:, self._place or 0]
    return found

  def scores(self, predicted: np.ndarray) -> np.ndarray:
    """Scores from 0 to 1: a probability itself, and of a number the logistic function of how many
    standard deviations of the training labels it is above their mean; 0 of NaN."""
    if self._place is None:
      above = (predicted - self._scale['label_mean']) / self._scale['label_scale']
      predicted = 1 / (1 + np.exp(-above))
    return np.nan_to_num(predicted, nan=0.0)


def _place(classes: Sequence[str], named: str) -> int | None:
  """The number of a class; None where the run predicts a number."""
  if not classes:
    if named:
      raise UserError(f'--class={named}: the run predicts a number; expected no --class')
    return None
  if named:
    if named not in classes:
      raise UserError(f'--class={named}: expected one of {", ".join(classes)}')
    return classes.index(named)
  if len(classes) > 2:
    raise UserError(f'--class: expected one of {", ".join(classes)}')
  return len(classes) - 1
