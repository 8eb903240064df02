"""What is kept of one run while it trains: its log, its checkpoints, and where it stands."""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from medjax import hosts
from medjax.config import Config
from medjax.errors import NonFiniteError, UserError
from medjax.experiment import Experiment
from medjax.spent import CHECKPOINTS, STEPS, Spent
from medjax.training import budget, state, weights
from medjax.training.checkpoint import Checkpoints, Position
from medjax.training.log import Meter, MetricsLog
from medjax.workdir import Workdir

Watch = Callable[[int, float | None], None]  # of an epoch from 1, and the score after it


class PreemptedError(UserError):
  """The system asked the run to end; its state is saved."""

  exit_code = 75


class Keeper:
  """Log, checkpoints and position of one run; whoever makes its updates tells what they gave.

  Attributes:
    experiment: what is trained.
    config: seed, batch size, epochs and the like.
    workdir: the run folder.
    step: updates done.
    steps_per_epoch: updates of an epoch.

  Args:
    experiment: see there.
    config: see there.
    workdir: see there.
    checkpoints: of the run.
    step: that training continues from.
    spent: counts where the time goes.
    shown: whether its progress is shown on the terminal.
    watch: told of every validation; see ``loop.train``.
    steps_per_epoch: see there; 0 for as many as there are batches.
  """

  def __init__(
    self,
    experiment: Experiment,
    config: Config,
    workdir: Workdir,
    checkpoints: Checkpoints,
    step: int,
    spent: Spent,
    *,
    shown: bool = True,
    watch: Watch | None = None,
    steps_per_epoch: int = 0,
  ):
    self._watch = watch
    self.experiment, self.config, self.workdir = experiment, config, workdir
    self.step, self._begun = step, step
    self._checkpoints, self._spent = checkpoints, spent
    self.steps_per_epoch = steps_per_epoch or -(
      -len(experiment.data.splits['train']) // config.batch_size
    )
    lead = jax.process_index() == 0
    self._log = MetricsLog(workdir, step) if lead else None
    total = self.steps_per_epoch * config.num_epochs
    self._meter = Meter(total, step) if lead and shown else None
    if step and self._meter:
      self._meter.note(f'continuing after step {step} of {total}')

  @property
  def done(self) -> int:
    """Updates since training began or was continued."""
    return self.step - self._begun

  @property
  def epoch(self) -> int:
    """Number of the epoch that the next update is of."""
    return self.step // self.steps_per_epoch

  def begin_epoch(self) -> None:
    """Before the last one, begins to write the best state that is still in memory alone."""
    if self.epoch == self.config.num_epochs - 1:
      with self._spent.on(CHECKPOINTS):
        self._checkpoints.hasten()

  def room(self) -> int:
    """Updates until the next checkpoint within an epoch."""
    every = self.config.checkpoint_steps or self.steps_per_epoch
    return every - self.step % every

  def saves(self) -> bool:
    """Whether a checkpoint is due after this update, validated or not."""
    every = self.config.checkpoint_steps
    return every > 0 and self.step % every == 0

  def validates(self) -> bool:
    """Whether the epoch that has just ended is one after which there is a validation."""
    epochs = self.step // self.steps_per_epoch
    return epochs % self.config.validate_epochs == 0 or epochs == self.config.num_epochs

  def finished(self) -> bool:
    """Whether all epochs are done, or as many as ``patience`` allows were no better."""
    if self._last_epoch():
      return True
    patience = self.config.patience * self.steps_per_epoch
    at_an_end = self.step > 0 and self.step % self.steps_per_epoch == 0
    best = self._checkpoints.best() if patience and at_an_end else None
    return best is not None and self.step - best >= patience

  def _last_epoch(self) -> bool:
    return self.step >= self.steps_per_epoch * self.config.num_epochs

  def note(self, step: int, values: Mapping[str, float]) -> None:
    """Logs what one update gave.

    Args:
      step: updates done with it.
      values: the metrics of ``train_step``.

    Raises:
      NonFiniteError: they are no numbers; names the step.
    """
    told = dict(values)
    if self.experiment.privacy is not None:
      for name in ('loss', 'examples'):  # of private cases, and without noise
        told.pop(name, None)
    if not all(math.isfinite(value) for value in told.values()):
      newest = max(self._checkpoints.steps(), default=None)
      kept = f'the checkpoint of step {newest} is kept' if newest else 'no checkpoint was made yet'
      raise NonFiniteError(
        f'step {step}: loss is {told.get("loss", "private")}, norm of the gradient '
        f'{values["grad_norm"]}, of the update {values["update_norm"]}; {kept}; try a smaller '
        'config.learning_rate'
      )
    epoch = (step - 1) // self.steps_per_epoch
    if self._log:
      self._log.write(step, epoch, 'train', told)
    if self._meter:
      self._meter.update(step, epoch, told.get('loss'), int(values['examples']))

  def validated(self, table: Any, loss: float) -> float | None:
    """Logs a validation after an epoch.

    Args:
      table: the outcome's table of val.
      loss: its mean loss.

    Returns:
      The score by which checkpoints are best; None where it is undefined.
    """
    return self.scored(self.experiment.task.outcome.score(table), loss)

  def scored(self, score: float | None, loss: float) -> float | None:
    """As ``validated``, of the score itself."""
    monitor, epoch = self.experiment.task.outcome.monitor, self.epoch - 1
    if self._log:
      self._log.write(self.step, epoch, 'val', {'loss': loss, monitor: score})
    if self._meter:
      shown = 'undefined' if score is None else f'{score:.3f}'
      self._meter.note(f'epoch {epoch + 1}: validation loss {loss:.3f}, {monitor} {shown}')
    if self._watch:
      self._watch(epoch + 1, score)
    return score

  def save(self, current: state.State, score: float | None = None) -> None:
    """Saves the state; see ``Checkpoints.save``."""
    with self._spent.on(CHECKPOINTS):
      self._checkpoints.save(current, self._position(score))
    if self._log:
      self._log.took(self.step)

  def end_epoch(self, current: state.State, score: float | None, *, asked: bool = False) -> None:
    """Saves the state after an epoch, or offers it; see ``Checkpoints``.

    Args:
      current: the state.
      score: what ``validated`` gave; None where there was no validation.
      asked: whether the run is to end here.
    """
    saved = asked or self.saves() or self._last_epoch()
    if saved:
      self.save(current, score)
    elif self.validates() and (self.config.select == 'best' or self._checkpoints.due()):
      with self._spent.on(CHECKPOINTS):
        saved = self._checkpoints.offer(current, self._position(score))
      if self._log and saved:
        self._log.took(self.step)
    if not saved and self.finished():  # patience is at its end
      self.save(current, score)

  def _position(self, score: float | None) -> Position:
    if self.config.select == 'last':
      score = None  # without scores the newest counts
    epoch, batch = divmod(self.step, self.steps_per_epoch)
    return Position(self.step, epoch, batch, score, self.experiment.data.fingerprint)

  def wait(self) -> None:
    """Returns when everything that was saved is on disk."""
    self._checkpoints.wait()

  def end(self) -> None:
    """Notes that training is complete, when its last checkpoint is on disk."""
    self.wait()
    if self._log:
      self._log.took(self.step, ended=True)

  def stop(self) -> None:
    """Ends a run that was asked to, and whose state is saved.

    Raises:
      PreemptedError: always.
    """
    self.wait()
    raise PreemptedError(f'asked to end: saved step {self.step}; repeat the command to continue')

  def close(self) -> None:
    """Closes the log; leaves the terminal as it was."""
    if self._log:
      self._log.close()
    if self._meter:
      self._meter.close()


@contextlib.contextmanager
def kept(
  experiment: Experiment,
  config: Config,
  workdir: Workdir,
  spent: Spent,
  create: Callable[[], state.State],
  *,
  shown: bool = True,
  watch: Watch | None = None,
  steps_per_epoch: int = 0,
) -> Iterator[tuple[Keeper, state.State]]:
  """A run's keeper and the state that it continues from: of its newest whole checkpoint, or new.

  Args:
    experiment: what to train.
    config: its settings.
    workdir: the run folder.
    spent: counts where the time goes.
    create: gives the state with random weights, if it is needed.
    shown: whether progress is shown on the terminal.
    watch: told of every validation; see ``loop.train``.
    steps_per_epoch: see ``Keeper``.

  Raises:
    DiskFullError: a checkpoint could not be written; the ones before it are kept.
    UserError: the folder holds a run on other data, or weights to start from do not fit.
  """
  lead = jax.process_index() == 0
  if lead:
    workdir.claim(config)
  workdir.claim_data(experiment.data.summary(), write=lead)
  hosts.meet('claimed')  # the others read what the lead has written
  with (
    spent.on(CHECKPOINTS),
    Checkpoints(
      workdir.checkpoints,
      config.keep_checkpoints,
      workdir.identity(),
      trains=True,
      pause=config.checkpoint_seconds,
    ) as checkpoints,
  ):
    restored = checkpoints.latest(state.abstract(experiment))
    if restored is None:
      with spent.on(STEPS):  # what is fitted first takes a while
        current = weights.begin(experiment, create(), workdir, write=lead, seed=config.seed)
      step = 0
    else:
      current, step = restored[0], restored[1].step
    if lead:
      budget.lost(experiment, workdir, step)
    keeper = Keeper(
      experiment,
      config,
      workdir,
      checkpoints,
      step,
      spent,
      shown=shown,
      watch=watch,
      steps_per_epoch=steps_per_epoch,
    )
    try:
      yield keeper, current
    finally:
      keeper.close()


def by_step(metrics: Any) -> list[dict[str, float]]:
  """Metrics of a call, scalars or arrays [R] of several updates, as numbers of each."""
  arrays = {name: np.atleast_1d(value) for name, value in metrics.items()}
  count = min(len(array) for array in arrays.values())
  return [{name: float(array[i]) for name, array in arrays.items()} for i in range(count)]
