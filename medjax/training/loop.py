"""The loop: epochs of steps, validation, checkpoints; resumes where a killed run stopped."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from medjax import runtime
from medjax.config import Config
from medjax.data import feed
from medjax.experiment import Experiment
from medjax.privacy import sampling
from medjax.spent import DATA, STEPS, VALIDATION, WAITING, Spent
from medjax.training import budget, parallel, predict, state
from medjax.training import keeper as keeper_lib
from medjax.training.keeper import Keeper
from medjax.training.updates import Updates
from medjax.workdir import Workdir


def train(
  experiment: Experiment,
  config: Config,
  workdir: Workdir,
  devices: runtime.Devices,
  evaluate_step: Callable | None = None,
  spent: Spent | None = None,
  watch: keeper_lib.Watch | None = None,
  timed: Callable[[int], None] | None = None,
) -> int:
  """Trains to the last epoch, from the newest whole checkpoint in the run folder if there is one.

  The parameters that it ends with are the same to the bit, on the same machine, however often it
  was killed and started again.

  Args:
    experiment: what to train.
    config: seed, batch size, epochs and the like.
    workdir: the run folder.
    devices: devices of all hosts.
    evaluate_step: ``parallel.compile_evaluate``'s function, where others use it too.
    spent: counts where the time goes.
    watch: called after every validation with the epoch, from 1, and the score by which checkpoints
      are best, None where it is undefined. What it raises ends the training there.
    timed: called whenever updates have ended, with how many; what it raises as well.

  Returns:
    The number of updates done by this call; 0 when the run was already complete.

  Raises:
    NonFiniteError: names the step; the checkpoints before it are kept.
    PreemptedError: SIGTERM came; the state is saved.
    DiskFullError: a checkpoint could not be written; the ones before it are kept.
    UserError: the folder holds a run on other data, or weights to start from do not fit.
  """
  spent = spent or Spent()
  evaluate_step = evaluate_step or parallel.compile_evaluate(experiment, devices, config.precision)
  create = functools.partial(parallel.create, experiment, config.seed, devices)
  begun = keeper_lib.kept(experiment, config, workdir, spent, create, watch=watch)
  with begun as (keeper, current):
    with spent.on(DATA):
      run = _Run(keeper, devices, evaluate_step, spent, timed)
    with runtime.Preemption() as preemption, spent.on(STEPS):
      run.epochs(parallel.place(current, devices), preemption)
    keeper.end()
    return keeper.done


class _Run:
  """One process's work on a run, from a step to the end."""

  def __init__(
    self,
    keeper: Keeper,
    devices: runtime.Devices,
    evaluate_step: Callable,
    spent: Spent,
    timed: Callable[[int], None] | None,
  ):
    self.keeper, self.evaluate_step, self.spent, self.timed = keeper, evaluate_step, spent, timed
    self.experiment, self.config, self.devices = keeper.experiment, keeper.config, devices
    self.updates = Updates(self.experiment, self.config, devices)
    self.pending: tuple[int, int, Any] | None = None

  def epochs(self, current: state.State, preemption: runtime.Preemption) -> None:
    keeper, config = self.keeper, self.config
    while not keeper.finished():
      epoch, done = divmod(keeper.step, keeper.steps_per_epoch)
      keeper.begin_epoch()
      plan = epoch_plan(self.experiment, config, epoch, self.devices)
      updates = self.updates(plan[done:], keeper.room)
      for count, update in self.spent.each(WAITING, updates):
        current, metrics = update(current)
        keeper.step += count
        self._settle()
        self.pending = (keeper.step - count, count, metrics)
        if keeper.step % keeper.steps_per_epoch == 0:
          break  # the end of the epoch validates and saves before it may stop
        asked = preemption.requested(keeper.step)
        if asked or keeper.saves():
          self._settle()  # a state whose loss is not finite must not replace a good one
          keeper.save(current)
        if asked:
          keeper.stop()
      self._settle()
      score = self._validate(current) if keeper.validates() else None
      asked = preemption.requested(keeper.step)
      keeper.end_epoch(current, score, asked=asked)
      if asked:
        keeper.stop()

  def _settle(self) -> None:
    """Reads the metrics of the call before, while the one just started is computed."""
    if self.pending is None:
      return
    before, count, metrics = self.pending
    self.pending = None
    values = keeper_lib.by_step(jax.device_get(metrics))[:count]
    self.updates.took(count)
    for i, of_step in enumerate(values):
      self.keeper.note(before + 1 + i, of_step)
    if self.timed:
      self.timed(count)

  def _validate(self, current: state.State) -> float | None:
    split = self.experiment.data.splits.get('val')
    if split is None:
      return None
    with self.spent.on(VALIDATION):
      table, loss = predict.predict_split(
        self.experiment,
        self.evaluate_step,
        current.variables,
        split,
        self.devices,
        self.config.batch_size,
      )
      return self.keeper.validated(table, loss)


def epoch_plan(
  experiment: Experiment, config: Config, epoch: int, devices: runtime.Devices
) -> np.ndarray:
  """The batches of one training epoch, as ``feed.epoch_plan`` gives them.

  Those of a private run are drawn anew whenever it is asked.
  """
  split, privacy = experiment.data.splits['train'], experiment.privacy
  wide = multiple(experiment, config, devices)
  if privacy is None:
    balance = experiment.balance
    return feed.epoch_plan(split, config.seed, epoch, config.batch_size, wide, balance)
  updates = budget.steps_per_epoch(len(split), config)
  return sampling.poisson(budget.units(split), privacy.rate, updates, privacy.width, wide)


def multiple(experiment: Experiment, config: Config, devices: runtime.Devices) -> int:
  """What every batch is padded to a multiple of: devices, parts, and pairs that are mixed."""
  return len(devices.all) * config.accumulate * (2 if experiment.mix else 1)
