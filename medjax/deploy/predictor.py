"""The chosen checkpoint of a run, at work on new cases in batches of one size."""

import functools
from collections.abc import Callable, Sequence
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
    experiment: data description, model and task.
    decision: as its outcome reads it.
    compute: what the task predicts of a batch [devices, B, ...], leaves [N, ...]; with several
      members also that of each, leaves [N, members, ...].
    at_once: see the attribute. One program is compiled, or one for each bucket of sizes.
    devices: of this host, and of all, on which ``compute`` computes.
  """

  def __init__(
    self,
    experiment: Experiment,
    decision: Any,
    compute: Callable[[dict[str, np.ndarray]], Any],
    at_once: int,
    devices: tuple[int, int] = (1, 1),
  ):
    self._outcome, self._axes = experiment.task.outcome, experiment.data.modality.axes
    self.decision, self.step = decision, decision.checkpoint_step
    self.at_once, self._devices = at_once, devices
    self._widths: tuple[int, ...] = (at_once,)
    self.members = bool(models.members(experiment.model))
    self._compute = compute

  @classmethod
  def of_run(
    cls,
    experiment: Experiment,
    config: Config,
    workdir: Workdir,
    devices: Devices,
    at_once: int,
  ) -> 'Predictor':
    """Of the chosen checkpoint in a run folder.

    Args:
      experiment: data description, model and task of the run.
      config: its settings.
      workdir: its folder.
      devices: devices of this host.
      at_once: see the class.

    Raises:
      UserError: the run's best checkpoint was not evaluated.
    """
    restored, step = evaluate.chosen_variables(experiment, workdir)
    decision = evaluate.read_decision(experiment.task.outcome.read_decision, workdir, step)
    several = models.members(experiment.model)
    compiled = (parallel.compile_predict_members if several else parallel.compile_predict)(
      experiment, devices, config.precision
    )
    compute = functools.partial(compiled, parallel.place(restored, devices))
    number = (len(devices.local), len(devices.all))
    return cls(experiment, decision, compute, at_once, number)

  def predict(self, arrays: Sequence[dict[str, np.ndarray]]) -> tuple[Any, np.ndarray | None]:
    """What the task predicts of cases, and how far the members of an ensemble are apart in it.

    Args:
      arrays: of each case, as of ``Case.load``; from 1 to ``at_once`` cases.

    Returns:
      Leaves [n, ...]; and the standard deviation over the members, float64 [n, C], of the numbers
      of ``Outcome.calls``, or None for one network.
    """
    width = next(width for width in self._widths if width >= len(arrays))
    found = self._found(arrays, width)
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

  def narrow(self, probe: Sequence[dict[str, np.ndarray]]) -> None:
    """Lets fewer cases than ``at_once`` be computed in less time, each with the same numbers.

    A narrower batch is another program, which may add up in another order. Of 1, 2, 4 ... cases
    those widths are used that give the probe the same numbers to the last bit as ``at_once`` do.

    Args:
      probe: arrays of ``at_once`` cases, of sizes that do not differ.
    """
    expected = jax.tree.leaves(self._found(probe, self.at_once))
    kept, width = [], 1
    while width < self.at_once:
      parts = [probe[i : i + width] for i in range(0, len(probe), width)]
      found = [jax.tree.leaves(self._found(part, width)) for part in parts]
      together = [np.concatenate(leaves) for leaves in zip(*found, strict=True)]
      if all(map(_same, together, expected)):
        kept.append(width)
      width *= 2
    self._widths = (*kept, self.at_once)

  def _found(self, arrays: Sequence[dict[str, np.ndarray]], width: int) -> Any:
    found = jax.device_get(self._compute(self._batch(arrays, width)))
    return jax.tree.map(lambda leaf: leaf[: len(arrays)], found)

  def _batch(self, arrays: Sequence[dict[str, np.ndarray]], width: int) -> dict[str, np.ndarray]:
    """Of few sizes, so that the step is compiled once for each, and once a bucket of lengths."""
    local, every = self._devices
    width = feed.batches(np.arange(width), width, every).shape[1]
    return filled(arrays, self._axes, width, local)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
  return np.array_equal(one, other, equal_nan=np.issubdtype(one.dtype, np.floating))


def filled(
  arrays: Sequence[dict[str, np.ndarray]], axes: ragged.Axes, count: int, devices: int
) -> dict[str, np.ndarray]:
  """Arrays [devices, B, ...] of ``count`` cases, zeros after those given."""

  def whole(array: np.ndarray) -> np.ndarray:
    padding = np.zeros((count - len(array), *array.shape[1:]), array.dtype)
    return np.concatenate([array, padding]).reshape(devices, -1, *array.shape[1:])

  return {name: whole(array) for name, array in ragged.stack_in_buckets(arrays, axes).items()}
