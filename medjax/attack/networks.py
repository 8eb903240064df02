"""Networks trained for an attack: on parts of the training patients, and kept by nobody."""

import copy
import dataclasses
from typing import Any

import jax
import numpy as np

from medjax.config import Config
from medjax.data import feed
from medjax.data.dataset import Split
from medjax.experiment import Experiment
from medjax.runtime import Devices
from medjax.training import budget, loop, parallel, state, weights


class Networks:
  """Trains networks of one experiment on parts of its training split, with one program.

  Args:
    experiment: without a mechanism; it is solved for as many patients as each network sees.
    config: its settings.
    devices: devices of all hosts.
    units: patients that each network sees.
  """

  def __init__(self, experiment: Experiment, config: Config, devices: Devices, units: int):
    self._config, self._devices = config, devices
    split = experiment.data.splits['train']
    _, first = np.unique(budget.units(split), return_index=True)
    self._experiment = budget.applied(_on(experiment, taken(split, first[:units])), config)
    self._step = parallel.compile_train(
      self._experiment, devices, config.precision, config.accumulate
    )
    self._evaluate = parallel.compile_evaluate(self._experiment, devices, config.precision)

  @property
  def claimed(self) -> tuple[float, float] | None:
    """Epsilon and delta that each network claims; None where it claims nothing."""
    privacy = self._experiment.privacy
    return None if privacy is None else (privacy.epsilon, privacy.delta)

  def scores(self, trained_on: Split, asked: Split, seed: int) -> np.ndarray:
    """How sure a network is of each of some examples that was trained on others.

    Args:
      trained_on: the examples that it sees.
      asked: the examples.
      seed: of its weights, and of its order of examples where that is not private.

    Returns:
      float64 [N]: the logit of the probability of the true class, or less the loss where there are
      no classes.
    """
    config = copy.copy(self._config)
    config.seed = seed
    one = _on(self._experiment, trained_on)
    variables = self._trained(one, config)
    plan = feed.batches(np.arange(len(asked)), config.batch_size, len(self._devices.all))
    losses = np.empty(len(asked))
    for row, batch in zip(plan, feed.Streamed(asked, self._devices)(plan), strict=True):
      given = {name: leaf for name, leaf in batch.items() if name != 'index'}
      found = np.asarray(jax.device_get(self._evaluate(variables, given)['loss']), np.float64)
      losses[row[row >= 0]] = found[row >= 0]
    if not one.data.classes:
      return -losses
    losses = np.clip(losses, 1e-12, 700.0)
    return -losses - np.log(-np.expm1(-losses))

  def _trained(self, one: Experiment, config: Config) -> Any:
    devices, split = self._devices, one.data.splits['train']
    fed = feed.make(split, devices, config.feeding, config.resident_gib)
    created = weights.started(one, state.create(one, config.seed), config.seed)
    current = parallel.place(created, devices)
    for epoch in range(config.num_epochs):
      key = budget.key(one, config)
      for batch in fed(loop.epoch_plan(one, config, epoch, devices)):
        current, _ = self._step(current, batch, key)
    return current.variables


def taken(split: Split, rows: np.ndarray, label: Any = None) -> Split:
  """Some examples of a split, with other labels if they are given.

  Args:
    split: where they are.
    rows: their numbers.
    label: of all examples of the split.
  """
  label = split.label if label is None else label
  return dataclasses.replace(
    split,
    source=_Rows(split.source, rows),
    id=split.id[rows],
    label=jax.tree.map(lambda leaf: leaf[rows], label),
    group=split.group[rows],
    metadata={name: [values[i] for i in rows] for name, values in split.metadata.items()},
    sizes={axis: sizes[rows] for axis, sizes in split.sizes.items()},
  )


@dataclasses.dataclass(frozen=True)
class _Rows:
  """Some stored examples, in another order."""

  source: Any
  rows: np.ndarray

  def __len__(self) -> int:
    return len(self.rows)

  def __getitems__(self, numbers: Any) -> Any:
    return self.source.__getitems__([int(self.rows[number]) for number in numbers])


def _on(experiment: Experiment, train: Split) -> Experiment:
  data = dataclasses.replace(experiment.data, splits={**experiment.data.splits, 'train': train})
  return dataclasses.replace(experiment, data=data)
