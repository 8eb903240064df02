"""The loop: epochs of steps, validation, checkpoints; resumes where a killed run stopped."""

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from medjax import runtime
from medjax.config import Config
from medjax.data import feed
from medjax.errors import NonFiniteError, UserError
from medjax.experiment import Experiment
from medjax.spent import CHECKPOINTS, DATA, STEPS, VALIDATION, WAITING, Spent
from medjax.training import parallel, predict, state, weights
from medjax.training.checkpoint import Checkpoints, Position
from medjax.training.log import Meter, MetricsLog
from medjax.training.updates import Updates
from medjax.workdir import Workdir


class PreemptedError(UserError):
  """The system asked the run to end; its state is saved."""

  exit_code = 75


def train(
  experiment: Experiment,
  config: Config,
  workdir: Workdir,
  devices: runtime.Devices,
  evaluate_step: Callable | None = None,
  spent: Spent | None = None,
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

  Returns:
    The number of updates done by this call; 0 when the run was already complete.

  Raises:
    NonFiniteError: names the step; the checkpoints before it are kept.
    PreemptedError: SIGTERM came; the state is saved.
    DiskFullError: a checkpoint could not be written; the ones before it are kept.
    UserError: the folder holds a run on other data, or weights to start from do not fit.
  """
  lead = jax.process_index() == 0
  if lead:
    workdir.claim(config)
  workdir.claim_data(experiment.data.summary(), write=lead)
  runtime.meet('claimed')  # the others read what the lead has written
  identity = workdir.identity()
  keep = config.keep_checkpoints
  spent = spent or Spent()
  evaluate_step = evaluate_step or parallel.compile_evaluate(experiment, devices, config.precision)
  with (
    spent.on(CHECKPOINTS),
    Checkpoints(
      workdir.checkpoints, keep, identity, trains=True, pause=config.checkpoint_seconds
    ) as checkpoints,
  ):
    restored = checkpoints.latest(state.abstract(experiment))
    if restored is None:
      current, step = weights.begin(experiment, config.seed, workdir, write=lead), 0
    else:
      current, step = restored[0], restored[1].step
    with spent.on(DATA):
      run = _Run(experiment, config, workdir, devices, checkpoints, step, evaluate_step, spent)
    try:
      with runtime.Preemption() as preemption, spent.on(STEPS):
        run.epochs(devices.replicate(current), preemption)
      run.end()
    finally:
      run.close()
    return run.step - step


class _Run:
  """One process's work on a run, from a step to the end."""

  def __init__(
    self,
    experiment: Experiment,
    config: Config,
    workdir: Workdir,
    devices: runtime.Devices,
    checkpoints: Checkpoints,
    step: int,
    evaluate_step: Callable,
    spent: Spent,
  ):
    self.evaluate_step, self.spent = evaluate_step, spent
    self.experiment, self.config, self.devices = experiment, config, devices
    self.checkpoints, self.step = checkpoints, step
    self.split = experiment.data.splits['train']
    self.steps_per_epoch = -(-len(self.split) // config.batch_size)
    self.multiple = len(devices.all) * config.accumulate * (2 if experiment.mix else 1)
    self.updates = Updates(experiment, config, devices)
    self.pending: tuple[int, int, Any] | None = None
    self.lead = jax.process_index() == 0
    self.log = MetricsLog(workdir, step) if self.lead else None
    total = self.steps_per_epoch * config.num_epochs
    self.meter = Meter(total, step) if self.lead else None
    if step and self.meter:
      self.meter.note(f'continuing after step {step} of {total}')

  def epochs(self, current: state.State, preemption: runtime.Preemption) -> None:
    finished = self._finished()
    while not finished:
      epoch, done = divmod(self.step, self.steps_per_epoch)
      if epoch == self.config.num_epochs - 1:
        with self.spent.on(CHECKPOINTS):
          self.checkpoints.hasten()
      plan = feed.epoch_plan(
        self.split,
        self.config.seed,
        epoch,
        self.config.batch_size,
        self.multiple,
        self.experiment.balance,
      )
      updates = self.updates(plan[done:], self._room)
      for count, update in self.spent.each(WAITING, updates):
        current, metrics = update(current)
        self.step += count
        self._settle()
        self.pending = (self.step - count, count, metrics)
        if self.step % self.steps_per_epoch == 0:
          break  # the end of the epoch validates and saves before it may stop
        asked = preemption.requested(self.step)
        if asked or self._saves():
          self._save(current, None)
        if asked:
          self._stop()
      score = self._validate(current, epoch) if self._validates() else None
      asked = preemption.requested(self.step)
      saved = asked or self._saves() or self._last_epoch()
      if saved:
        self._save(current, score)
      elif self._validates():
        saved = self._save(current, score, offered=True)
      finished = self._finished()
      if finished and not saved:  # patience is at its end
        self._save(current, score)
      if asked:
        self._stop()

  def _saves(self) -> bool:
    """Whether a checkpoint is due after this update, validated or not."""
    every = self.config.checkpoint_steps
    return every > 0 and self.step % every == 0

  def _finished(self) -> bool:
    """Whether all epochs are done, or as many as ``patience`` allows were no better."""
    if self._last_epoch():
      return True
    patience = self.config.patience * self.steps_per_epoch
    at_an_end = self.step > 0 and self.step % self.steps_per_epoch == 0
    best = self.checkpoints.best() if patience and at_an_end else None
    return best is not None and self.step - best >= patience

  def _last_epoch(self) -> bool:
    return self.step >= self.steps_per_epoch * self.config.num_epochs

  def _validates(self) -> bool:
    """Whether the epoch that has just ended is one after which there is a validation."""
    epochs = self.step // self.steps_per_epoch
    return epochs % self.config.validate_epochs == 0 or epochs == self.config.num_epochs

  def _room(self) -> int:
    """Updates until the next checkpoint within an epoch."""
    every = self.config.checkpoint_steps or self.steps_per_epoch
    return every - self.step % every

  def _settle(self) -> None:
    """Reads the metrics of the call before, while the one just started is computed."""
    if self.pending is None:
      return
    before, count, metrics = self.pending
    self.pending = None
    arrays = {name: np.atleast_1d(value) for name, value in jax.device_get(metrics).items()}
    self.updates.took(count)
    for i in range(count):
      self._note(before + 1 + i, {name: float(array[i]) for name, array in arrays.items()})

  def _note(self, step: int, values: dict[str, float]) -> None:
    if not all(math.isfinite(values[name]) for name in ('loss', 'grad_norm', 'update_norm')):
      newest = max(self.checkpoints.steps(), default=None)
      kept = f'the checkpoint of step {newest} is kept' if newest else 'no checkpoint was made yet'
      raise NonFiniteError(
        f'step {step}: loss is {values["loss"]}, norm of the gradient {values["grad_norm"]}, '
        f'of the update {values["update_norm"]}; {kept}; try a smaller config.learning_rate'
      )
    if self.log and self.meter:
      epoch = (step - 1) // self.steps_per_epoch
      self.log.write(step, epoch, 'train', values)
      self.meter.update(step, epoch, values['loss'], int(values['examples']))

  def _validate(self, current: state.State, epoch: int) -> float | None:
    self._settle()
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
      score = self.experiment.task.outcome.score(table)
    if self.log and self.meter:
      monitor = self.experiment.task.outcome.monitor
      self.log.write(self.step, epoch, 'val', {'loss': loss, monitor: score})
      shown = 'undefined' if score is None else f'{score:.3f}'
      self.meter.note(f'epoch {epoch + 1}: validation loss {loss:.3f}, {monitor} {shown}')
    return score

  def _save(self, current: state.State, score: float | None, *, offered: bool = False) -> bool:
    """Saves the state, or offers it; see ``Checkpoints``. Returns whether it is being written."""
    self._settle()  # a state whose loss is not finite must not replace a good one
    if self.config.select == 'last':
      score = None  # without scores the newest counts
    epoch, batch = divmod(self.step, self.steps_per_epoch)
    position = Position(self.step, epoch, batch, score, self.experiment.data.fingerprint)
    with self.spent.on(CHECKPOINTS):
      if offered:
        saved = self.checkpoints.offer(current, position)
      else:
        self.checkpoints.save(current, position)
        saved = True
    if self.log and saved:
      self.log.took(self.step)
    return saved

  def end(self) -> None:
    """Notes that training is complete, when its last checkpoint is on disk."""
    self.checkpoints.wait()
    if self.log:
      self.log.took(self.step, ended=True)

  def _stop(self) -> None:
    self.checkpoints.wait()
    raise PreemptedError(f'asked to end: saved step {self.step}; repeat the command to continue')

  def close(self) -> None:
    if self.log:
      self.log.close()
    if self.meter:
      self.meter.close()
