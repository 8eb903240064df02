"""What a finished run predicts of molecules, as a score from 0 to 1."""

from collections.abc import Sequence

import jax
import numpy as np

from medjax import runtime
from medjax.config import Config
from medjax.data import ragged
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.training import evaluate, parallel
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
    variables, step = evaluate.chosen_variables(experiment, workdir)
    self._modality, self._outcome = experiment.data.modality, experiment.task.outcome
    self._decision = evaluate.read_decision(self._outcome.read_decision, workdir, step)
    self._place = _place(experiment.data.classes, named)
    self._scale = experiment.data.details
    self.title = 'prediction' if self._place is None else experiment.data.classes[self._place]
    device = runtime.devices(1)
    self._compiled = parallel.compile_predict(experiment, device, config.precision)
    self._variables = device.replicate(variables)

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
    order = sorted(arrays, key=lambda row: (*ragged.sizes(arrays[row], self._axes).values(), row))
    for start in range(0, len(order), _AT_ONCE):
      rows = order[start : start + _AT_ONCE]
      batch = self._batch([arrays[row] for row in rows])
      predicted = jax.device_get(self._compiled(self._variables, batch))[: len(rows)]
      values = self._outcome.calls(self._decision, predicted)[1]
      found[rows] = values[:, self._place or 0]
    return found

  def scores(self, predicted: np.ndarray) -> np.ndarray:
    """Scores from 0 to 1: a probability itself, and of a number the logistic function of how many
    standard deviations of the training labels it is above their mean; 0 of NaN."""
    if self._place is None:
      above = (predicted - self._scale['label_mean']) / self._scale['label_scale']
      predicted = 1 / (1 + np.exp(-above))
    return np.nan_to_num(predicted, nan=0.0)

  @property
  def _axes(self) -> ragged.Axes:
    return self._modality.axes

  def _batch(self, arrays: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Arrays [1, B, ...] of one B, so that few programs are compiled."""
    largest = [ragged.sizes(one, self._axes) for one in arrays]
    widths = {axis: ragged.bucket(max(one[axis] for one in largest)) for axis in largest[0]}
    filled = [*arrays, *[arrays[0]] * (_AT_ONCE - len(arrays))]
    return {name: leaf[None] for name, leaf in ragged.stack(filled, self._axes, widths).items()}


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
