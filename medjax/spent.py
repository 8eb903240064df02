"""Where the time of a command went, by parts that do not overlap."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar('T')

START, DATA, COMPILE, STEPS = 'start-up', 'data', 'compile', 'steps'
WAITING, VALIDATION, CHECKPOINTS = 'waiting for data', 'validation', 'checkpoints'
EVALUATION, BASELINE, REPORT, REST = 'evaluation', 'baseline', 'report', 'other'
_ORDER = (
  *(START, DATA, COMPILE, STEPS, WAITING, VALIDATION, CHECKPOINTS),
  *(EVALUATION, BASELINE, REPORT, REST),
)


class Spent:
  """A clock that is always on one part; what compiles within a part counts as compiling.

  Args:
    before: seconds of start-up until now.
    compiled: seconds of compilation so far, of this thread.

  Example:
    >>> spent = Spent()
    >>> with spent.on(STEPS):
    ...   with spent.on(VALIDATION):
    ...     pass
    >>> list(spent.seconds())
    ['start-up', 'steps', 'validation', 'other']
  """

  def __init__(self, before: float = 0.0, compiled: Callable[[], float] = lambda: 0.0):
    self._compiled = compiled
    self._seconds = {START: before}
    self._parts = [REST]
    self._since, self._compiled_by = time.monotonic(), compiled()

  @contextlib.contextmanager
  def on(self, part: str) -> Iterator[None]:
    """Counts for ``part`` what is inside, but for what is inside of another part there."""
    self._count()
    self._parts.append(part)
    try:
      yield
    finally:
      self._count()
      self._parts.pop()

  def each(self, part: str, items: Iterable[T]) -> Iterator[T]:
    """The items; the time until each one comes counts for ``part``."""
    iterator, end = iter(items), object()
    while True:
      with self.on(part):
        item = next(iterator, end)
      if item is end:
        return
      yield item  # type: ignore[misc]

  def seconds(self) -> dict[str, float]:
    """So far, by part; parts that did not occur are left out."""
    self._count()
    return {part: round(self._seconds[part], 2) for part in _ORDER if part in self._seconds}

  def _count(self) -> None:
    now, compiled = time.monotonic(), self._compiled()
    part, whole = self._parts[-1], now - self._since
    compiling = min(compiled - self._compiled_by, whole)
    if compiling:
      self._seconds[COMPILE] = self._seconds.get(COMPILE, 0.0) + compiling
    self._seconds[part] = self._seconds.get(part, 0.0) + whole - compiling
    self._since, self._compiled_by = now, compiled


def line(seconds: dict[str, float]) -> str:
  """Parts of a second or more, in words.

  Example:
    >>> line({'start-up': 2.1, 'steps': 83.4, 'report': 0.2})
    'time: 86 s: start-up 2, steps 83, the rest 0'
  """
  shown = {part: value for part, value in seconds.items() if value >= 1 and part != REST}
  rest = sum(seconds.values()) - sum(shown.values())
  parts = [f'{part} {value:.0f}' for part, value in shown.items()]
  return f'time: {sum(seconds.values()):.0f} s: {", ".join([*parts, f"the rest {rest:.0f}"])}'
