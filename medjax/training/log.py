"""What a run says while it trains: metrics.jsonl, TensorBoard events, and the terminal."""

import json
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from tensorboardX import SummaryWriter

from medjax.workdir import Workdir


class MetricsLog:
  """Lines of numbers, by step, in metrics.jsonl and as TensorBoard scalars.

  A resumed run continues its own file: lines of steps after the checkpoint are dropped first.

  Args:
    workdir: the run folder.
    step: the step that training continues from, 0 for a new run.
  """

  def __init__(self, workdir: Workdir, step: int):
    kept = [line for line in read_metrics(workdir) if line['step'] <= step] if step else []
    workdir.folder.mkdir(parents=True, exist_ok=True)
    self._file: TextIO = open(workdir.metrics, 'w')  # noqa: SIM115 - closed in close()
    for line in kept:
      self._file.write(json.dumps(line) + '\n')
    self._file.flush()
    self._writer = SummaryWriter(str(workdir.tensorboard), purge_step=step or None)

  def write(self, step: int, epoch: int, split: str, values: Mapping[str, float | None]) -> None:
    """Adds one line; values that are not finite are written as null."""
    clean = {k: v if v is not None and abs(v) < float('inf') else None for k, v in values.items()}
    self._file.write(json.dumps({'step': step, 'epoch': epoch, 'split': split, **clean}) + '\n')
    self._file.flush()
    for name, value in clean.items():
      if value is not None:
        self._writer.add_scalar(f'{split}/{name}', value, step)

  def close(self) -> None:
    """Writes everything out."""
    self._file.close()
    self._writer.close()


def read_metrics(workdir: Workdir) -> list[dict[str, Any]]:
  """The lines of metrics.jsonl; a last line cut off by a kill is left out."""
  lines = []
  if workdir.metrics.exists():
    for text in workdir.metrics.read_text().splitlines():
      try:
        lines.append(json.loads(text))
      except ValueError:
        continue
  return lines


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

  def update(self, step: int, epoch: int, loss: float, examples: int) -> None:
    """Notes one finished step."""
    now = time.monotonic()
    self._examples += examples
    self._step = step
    rate = self._examples / max(now - self._start, 1e-9)
    if self._bar:
      text = f'epoch {epoch + 1}  loss {loss:.3f}'
      self._bar.update(self._task, completed=step, description=text, rate=f'{rate:.0f} examples/s')
    elif now - self._shown >= self._every or step == self._total:
      self._shown = now
      left = (now - self._start) / max(step - self._first, 1) * (self._total - step)
      say(
        f'step {step}/{self._total}  epoch {epoch + 1}  loss {loss:.3f}  {rate:.0f} examples/s  '
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


def say(text: str) -> None:
  """One line on standard error, where progress belongs."""
  print(text, file=sys.stderr, flush=True)
