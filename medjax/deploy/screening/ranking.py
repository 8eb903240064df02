"""The number by which molecules are ranked, and what else ``predict`` says of them."""

from collections.abc import Sequence

import numpy as np

from medjax import runtime
from medjax.config import Config
from medjax.data import ragged
from medjax.deploy.predictor import SPREAD, Predictor
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.outcomes import Row
from medjax.workdir import Workdir

_GRAPHS = 64  # molecules of a batch where graphs are padded to the largest


class Ranking:
  """The chosen checkpoint of a run, and the number that ranks molecules.

  Attributes:
    columns: cells of a molecule: those of ``predict`` without file and error, and 'spread' where
      the run has members: the standard deviation of the ranked number over them.
    ranked: the column that molecules are ranked by.
    place: the class whose number it is, or 0.
    step: of the checkpoint.

  Args:
    experiment: data description, model and task of the run.
    config: its settings.
    workdir: its folder.
    named: the class whose probability is ranked; '' for the positive one of two, or the number.
    at_once: molecules that are predicted together; one program is compiled, or one for each bucket
      of sizes of graphs.

  Raises:
    UserError: the run was not evaluated, or there is no such class.
  """

  def __init__(
    self, experiment: Experiment, config: Config, workdir: Workdir, named: str, at_once: int
  ):
    self._axes = experiment.data.modality.axes
    at_once = min(at_once, _GRAPHS) if self._axes else at_once
    self._predictor = Predictor.of_run(experiment, config, workdir, runtime.devices(1), at_once)
    self.step = self._predictor.step
    self._writer = experiment.task.outcome.writer(self._predictor.decision, experiment.data.classes)
    self.ranked, self.place = _ranked(experiment, self._writer.numbers, named)
    self.columns = [name for name in self._writer.columns if name not in ('file', 'error')]
    self.columns += [SPREAD] if self._predictor.members else []

  def rows(self, arrays: Sequence[dict[str, np.ndarray]]) -> list[Row]:
    """A row for each molecule: ``columns``, and 'error' where the network gives no number.

    Args:
      arrays: of each; see ``Features.arrays``.
    """
    order = list(range(len(arrays)))
    if self._axes:  # those of similar size together
      order.sort(key=lambda i: tuple(ragged.sizes(arrays[i], self._axes).values()))
    done: list[Row] = [{}] * len(arrays)
    for start in range(0, len(order), self._predictor.at_once):
      places = order[start : start + self._predictor.at_once]
      predicted, spread = self._predictor.predict([arrays[i] for i in places])
      rows = self._writer.rows([''] * len(places), predicted)
      if spread is not None:
        rows = [
          row | {SPREAD: '' if row['error'] else f'{value:.6g}'}
          for row, value in zip(rows, spread[:, self.place], strict=True)
        ]
      for place, row in zip(places, rows, strict=True):
        done[place] = row
    return done


def _ranked(experiment: Experiment, numbers: Sequence[str], named: str) -> tuple[str, int]:
  """The column that is ranked, and the number of its class."""
  classes = experiment.data.classes
  if not classes:
    if named:
      raise UserError(f'--class={named}: the run predicts a number; expected no class')
    return numbers[0], 0
  if named and named not in classes:
    raise UserError(f'--class={named}: expected one of {", ".join(classes)}')
  if len(numbers) == 1:  # the probability of the positive one of two classes
    if named and named != classes[1]:
      raise UserError(
        f'--class={named}: molecules are ranked by the probability of {classes[1]}; expected '
        '--lowest to have those first that are not'
      )
    return numbers[0], 1
  if not named:
    raise UserError(f'--class: expected the class to rank by, one of {", ".join(classes)}')
  return numbers[classes.index(named)], classes.index(named)
