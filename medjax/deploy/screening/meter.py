"""How far a screen is: a bar on a terminal, a line now and then elsewhere."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

_EVERY = 15.0  # seconds between lines


class Meter:
  """Progress through a file whose rows nobody has counted.

  Args:
    total: bytes of the file.
  """

  def __init__(self, total: int):
    self._total, self._molecules = total, 0
    self._start = self._shown = time.monotonic()
    self._first: int | None = None  # byte of the first molecule that was not done before
    self._bar: Progress | None = None
    if sys.stderr.isatty():
      self._bar = Progress(
        TextColumn('{task.description}'),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn('{task.fields[rate]}'),
        TimeRemainingColumn(),
        console=Console(stderr=True),
      )
      self._task = self._bar.add_task('screening', total=total, rate='')
      self._bar.start()

  def update(self, position: int, molecules: int) -> None:
    """Notes that further molecules are done.

    Args:
      position: bytes of the file that were read so far.
      molecules: that were done since the last call.
    """
    self._molecules += molecules
    now = time.monotonic()
    if self._first is None:
      self._first = position
    if self._bar:
      self._bar.update(self._task, completed=position, rate=f'{self.rate:.0f} molecules/s')
    elif now - self._shown >= _EVERY:
      self._shown = now
      read = position - self._first
      left = (now - self._start) / read * (self._total - position) if read else None
      text = '' if left is None else f'  {left:.0f} s left'
      say(f'{position / self._total:.0%} of the file  {self.rate:.0f} molecules/s{text}')

  @property
  def rate(self) -> float:
    """Molecules a second since the beginning."""
    return self._molecules / max(time.monotonic() - self._start, 1e-9)

  def close(self) -> float:
    """Leaves the terminal as it was; gives the rate."""
    if self._bar:
      self._bar.stop()
    return self.rate


def say(text: str) -> None:
  """One line on standard error, where progress belongs."""
  print(text, file=sys.stderr, flush=True)
