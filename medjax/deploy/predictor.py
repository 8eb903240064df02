"""The chosen checkpoint of a run, at work on new cases in batches of one size."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from medjax import models
from medjax.config import Config
from medjax.data import feed, ragged
from medjax.experiment import Experiment
from medjax.runtime import Devices
from medjax.training import evaluate, parallel
from medjax.workdir import Workdir

SPREAD = 'spread'
"""Column of the standard deviation over the members of an ensemble."""


class Predictor:
  """Predictions of cases whose arrays are read.

  Attributes:
    at_once: cases that are predicted together.
    step: of the checkpoint.
    decision: how predictions become decisions.
    members: whether the run has several networks, whose ``spread`` is told.

  Args:
    experiment: data description, model and task of the run.
    config: its settings.
    workdir: its folder.
    devices: devices of this host.
    at_once: see the attribute. One program is compiled, or one for each bucket of sizes.

  Raises:
    UserError: the run's best checkpoint was not evaluated.
  """

  def __init__(
    self, experiment: Experiment, config: Config, workdir: Workdir, devices: Devices, at_once: int
  ):
    variables, self.step = evaluate.chosen_variables(experiment, workdir)
    self._outcome, self._axes = experiment.task.outcome, experiment.data.modality.axes
    self.decision = evaluate.read_decision(self._outcome.read_decision, workdir, self.step)
    self.at_once, self._devices = at_once, devices
    self.members = bool(models.members(experiment.model))
    self._variables = devices.replicate(variables)
    compiled = parallel.compile_predict_members if self.members else parallel.compile_predict
    self._compiled = compiled(experiment, devices, config.precision)

  def predict(self, arrays: Sequence[dict[str, np.ndarray]]) -> tuple[Any, np.ndarray | None]:
    """What the task predicts of cases, and how far the members of an ensemble are apart in it.

    Args:
      arrays: of each case, as of ``Case.load``; from 1 to ``at_once`` cases.

    Returns:
      Leaves [n, ...]; and the standard deviation over the members, float64 [n, C], of the numbers
      of ``Outcome.calls``, or None for one network.
    """
    found = jax.device_get(self._compiled(self._variables, self._batch(arrays)))
    found = jax.tree.map(lambda leaf: leaf[: len(arrays)], found)
    if not self.members:
      return found, None
    together, of_each = found
    count = jax.tree.leaves(of_each)[0].shape[1]
    values = [
      self._outcome.calls(self.decision, jax.tree.map(lambda leaf, i=i: leaf[:, i], of_each))[1]
      for i in range(count)
    ]
    return together, np.std(values, axis=0, ddof=min(1, count - 1))

  def spread_of_calls(self, predicted: Any, spread: np.ndarray) -> np.ndarray:
    """Of the class that each case is called, or of the number: [n], of what ``predict`` gave."""
    calls, _ = self._outcome.calls(self.decision, predicted)
    return spread[np.arange(len(spread)), calls]

  def _batch(self, arrays: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Always of one size, so that the step is compiled once, or once a bucket of lengths."""
    width = feed.batches(np.arange(self.at_once), self.at_once, len(self._devices.all)).shape[1]
    return filled(arrays, self._axes, width, len(self._devices.local))


def filled(
  arrays: Sequence[dict[str, np.ndarray]], axes: ragged.Axes, count: int, devices: int
) -> dict[str, np.ndarray]:
  """Arrays [devices, B, ...] of ``count`` cases, zeros after those given."""

  def whole(array: np.ndarray) -> np.ndarray:
    padding = np.zeros((count - len(array), *array.shape[1:]), array.dtype)
    return np.concatenate([array, padding]).reshape(devices, -1, *array.shape[1:])

  return {name: whole(array) for name, array in ragged.stack_in_buckets(arrays, axes).items()}
