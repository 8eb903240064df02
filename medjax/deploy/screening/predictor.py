"""The predictions of a finished run, as ``predict`` gives them, in batches of one size."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from medjax import models, runtime
from medjax.config import Config
from medjax.data import ragged
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.outcomes import Row
from medjax.training import evaluate, parallel
from medjax.workdir import Workdir

_GRAPHS = 64  # molecules of a batch where graphs are padded to the largest
SPREAD = 'spread'


class Predictor:
  """The chosen checkpoint of a run.

  Attributes:
    columns: cells of a molecule: those of ``predict`` without file and error, and 'spread' where
      the run has members: the standard deviation of the ranked number over them.
    ranked: the column that molecules are ranked by.
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
    variables, self.step = evaluate.chosen_variables(experiment, workdir)
    self._outcome, self._axes = experiment.task.outcome, experiment.data.modality.axes
    self._decision = evaluate.read_decision(self._outcome.read_decision, workdir, self.step)
    self._writer = self._outcome.writer(self._decision, experiment.data.classes)
    self.ranked, self._place = _ranked(experiment, self._writer.numbers, named)
    self.columns = [name for name in self._writer.columns if name not in ('file', 'error')]
    self._at_once = min(at_once, _GRAPHS) if self._axes else at_once
    device = runtime.devices(1)
    self._compiled = parallel.compile_predict(experiment, device, config.precision)
    self._variables = device.replicate(variables)
    self._members: list[Any] = []
    if isinstance(experiment.model, models.Ensemble):
      self.columns.append(SPREAD)
      one = dataclasses.replace(experiment, model=experiment.model.make())
      self._compiled_member = parallel.compile_predict(one, device, config.precision)
      self._members = [
        device.replicate(_of_member(variables, number)) for number in range(experiment.model.count)
      ]

  def rows(self, arrays: Sequence[dict[str, np.ndarray]]) -> list[Row]:
    """A row for each molecule: ``columns``, and 'error' where the network gives no number.

    Args:
      arrays: of each; see ``Features.arrays``.
    """
    order = list(range(len(arrays)))
    if self._axes:  # those of similar size together
      order.sort(key=lambda i: tuple(ragged.sizes(arrays[i], self._axes).values()))
    done: list[Row] = [{}] * len(arrays)
    for start in range(0, len(order), self._at_once):
      places = order[start : start + self._at_once]
      batch = self._batch([arrays[i] for i in places])
      predicted = jax.device_get(self._compiled(self._variables, batch))[: len(places)]
      rows = self._writer.rows([''] * len(places), predicted)
      if self._members:
        spread = self._spread(batch, len(places))
        rows = [
          row | {SPREAD: '' if row['error'] else f'{value:.6g}'}
          for row, value in zip(rows, spread, strict=True)
        ]
      for place, row in zip(places, rows, strict=True):
        done[place] = row
    return done

  def _spread(self, batch: dict[str, np.ndarray], count: int) -> np.ndarray:
    """Standard deviation over the members, [count]."""
    of_members = []
    for variables in self._members:
      predicted = jax.device_get(self._compiled_member(variables, batch))[:count]
      of_members.append(self._outcome.calls(self._decision, predicted)[1][:, self._place])
    return np.std(of_members, axis=0, ddof=1 if len(of_members) > 1 else 0)

  def _batch(self, arrays: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Arrays [1, B, ...], always of as many molecules; zeros after those given."""
    largest = [ragged.sizes(one, self._axes) for one in arrays]
    widths = {axis: ragged.bucket(max(one[axis] for one in largest)) for axis in largest[0]}
    fill = self._at_once - len(arrays)
    return {
      name: np.concatenate([array, np.zeros((fill, *array.shape[1:]), array.dtype)])[None]
      for name, array in ragged.stack(arrays, self._axes, widths).items()
    }


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


def _of_member(variables: dict[str, Any], number: int) -> dict[str, Any]:
  """The variables of one network of an ensemble."""
  return {kind: tree[f'member_{number}'] for kind, tree in variables.items()}
