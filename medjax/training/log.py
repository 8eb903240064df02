"""What a run says while it trains: metrics.jsonl, TensorBoard events, and the terminal."""

import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from tensorboardX import SummaryWriter

from medjax import files
from medjax.training import history
from medjax.workdir import Workdir

_PAUSE = 0.2  # seconds between updates that TensorBoard gets


class MetricsLog:
  """Lines of numbers, by step, in metrics.jsonl and as TensorBoard scalars.

  A resumed run continues its own file: lines of steps after the checkpoint are dropped first, and
  what was damaged or lost is counted.

  TensorBoard gets some updates of each second only: writing all takes as long as those of a small
  network do, and no plot shows them.

  Args:
    workdir: the run folder.
    step: the step that training continues from, 0 for a new run.
  """

  def __init__(self, workdir: Workdir, step: int):
    before = history.read(workdir) if step else history.History([], [])
    self._run = workdir.identity()
    self._step, self._start, self._seconds = step, time.monotonic(), before.seconds
    with files.replacing(workdir.metrics) as new:
      new.write_text(''.join(history.spell(line, self._run) for line in _kept(before, step)))
    self._file: TextIO = open(workdir.metrics, 'a')  # noqa: SIM115 - closed in close()
    self._shown = 0.0  # when TensorBoard got the last update
    self._writer = SummaryWriter(str(workdir.tensorboard), purge_step=step or None)

  def write(self, step: int, epoch: int, split: str, values: Mapping[str, float | None]) -> None:
    """Adds one line; values that are not finite are written as null."""
    clean = {k: v if v is not None and abs(v) < float('inf') else None for k, v in values.items()}
    self._add({'step': step, 'epoch': epoch, 'split': split, **clean})
    now = time.monotonic()
    if split == 'train' and now - self._shown < _PAUSE:
      return
    self._shown = now
    for name, value in clean.items():
      if value is not None:
        self._writer.add_scalar(f'{split}/{name}', value, step)

  def took(self, step: int, *, ended: bool = False) -> None:
    """Notes the seconds of training so far, at a checkpoint or at the end.

    A run that was complete before has trained for no longer now: its file stays as it is.
    """
    now = time.monotonic() - self._start if step > self._step else 0.0
    seconds = round(self._seconds + now, 1)
    split = history.END if ended else history.TIME
    self._add({'step': step, 'split': split, 'seconds': seconds})

  def _add(self, line: Mapping[str, Any]) -> None:
    self._file.write(history.spell(line, self._run))
    self._file.flush()

  def close(self) -> None:
    """Writes everything out."""
    self._file.close()
    self._writer.close()


def _kept(before: history.History, step: int) -> list[dict[str, Any]]:
  """The lines with which a run goes on from a step, and one that counts those that it lost."""
  lines = [line for line in before.lines if line['step'] <= step]
  lost = max(before.damaged, step - sum(line['split'] == 'train' for line in lines))
  own = [line for line in before.own if line['step'] <= step and line['split'] != history.END]
  if lost:
    own.append({'step': step, 'split': history.LOST, 'lines': lost})
    say(f'metrics.jsonl: {lost} damaged or lost lines are left out')
  return sorted(lines + own, key=lambda line: line['step'])  # as they were written


class Meter:
  """A progress bar on a terminal, a plain line now and then elsewhere.

  Args:
    total: steps of the whole run.
    done: steps done before.
    every: seconds between plain lines.
  """

  def __init__(self, total: int, done: int, every: float = 15.0):
    self._total, self._step, self._every = total, done, every
    self._start = self._shown = time.monotonic()
    self._first, self._examples = done, 0
    self._bar: Progress | None = None
    if sys.stderr.isatty():
      self._bar = Progress(
        TextColumn('{task.description}'),
        BarColumn(),
        TextColumn('{task.completed}/{task.total} steps  {task.fields[rate]}'),
        TimeRemainingColumn(),
        console=Console(stderr=True),
      )
      self._task = self._bar.add_task('training', total=total, completed=done, rate='')
      self._bar.start()

  def update(self, step: int, epoch: int, loss: float | None, examples: int) -> None:
    """Notes one finished step; None for a loss that nobody may know."""
    now = time.monotonic()
    self._examples += examples
    self._step = step
    rate = self._examples / max(now - self._start, 1e-9)
    if self._bar:
      text = f'epoch {epoch + 1}{_loss(loss)}'
      self._bar.update(self._task, completed=step, description=text, rate=f'{rate:.0f} examples/s')
    elif now - self._shown >= self._every or step == self._total:
      self._shown = now
      left = (now - self._start) / max(step - self._first, 1) * (self._total - step)
      say(
        f'step {step}/{self._total}  epoch {epoch + 1}{_loss(loss)}  {rate:.0f} examples/s  '
        f'{left:.0f} s left'
      )

  def note(self, text: str) -> None:
    """Says a line without breaking the bar."""
    if self._bar:
      self._bar.console.print(text, highlight=False, markup=False)
    else:
      say(text)

  def close(self) -> None:
    """Leaves the terminal as it was."""
    if self._bar:
      self._bar.stop()


def _loss(loss: float | None) -> str:
  return '' if loss is None else f'  loss {loss:.3f}'


def say(text: str) -> None:
  """One line on standard error, where progress belongs."""
  print(text, file=sys.stderr, flush=True)
