"""Work on many images, in threads, and in processes where threads leave cores idle.

Pillow and NumPy let go of the interpreter lock; pydicom and its decoders of JPEG 2000 hold it, so
that all threads together read no faster than one.
"""

import concurrent.futures
import contextlib
import functools
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import grain

from medjax import machine, runtime

T = TypeVar('T')
R = TypeVar('R')

_AT_ONCE = 32  # items, so that few results wait
_WORTH = 10.0  # seconds to be saved by processes, whose start takes some
_BUSY = 0.7  # of a core; where less is in use, it is a disk or a network that is waited for
_EACH = 2**30  # bytes of memory for a process


def each(work: Callable[[T], R], items: Sequence[T], *, apart: bool) -> Iterator[R]:
  """What a function makes of each item, in their order, each when it is asked for.

  Args:
    work: what is done; its errors come through.
    items: what it is given, one by one.
    apart: whether both can be sent to other processes, and find there what they need. Those are
      started where they save more time than their start takes.

  Example:
    >>> list(each(lambda number: 2 * number, [1, 2, 3], apart=False))
    [2, 4, 6]
  """
  count = min(machine.cores(), machine.free_memory() // _EACH)
  done, pace = 0, Pace()
  with concurrent.futures.ThreadPoolExecutor() as pool:
    while done < len(items):
      chunk = items[done : done + _AT_ONCE]
      yield from pool.map(work, chunk)
      done += len(chunk)
      pace.step(len(chunk))
      if not apart or count < 2 or pace.saved(len(items) - done, count) < _WORTH:
        continue
      try:
        for found in in_processes(work, items[done:], count):
          yield found
          done += 1
      except ChildProcessError as error:  # threads need less memory
        print(f'data: {error}; going on without', file=sys.stderr)
        apart = False


class Pace:
  """How long items take, and how many cores they keep busy."""

  def __init__(self) -> None:
    self._items = -1  # nothing is said of the first step, in which packages are loaded
    self._start = 0.0, 0.0

  def step(self, items: int) -> None:
    """Some more items are done."""
    if self._items < 0:
      self._items, self._start = 0, _now()
    else:
      self._items += items

  def saved(self, left: int, count: int) -> float:
    """Seconds by which so many processes end sooner than threads.

    Args:
      left: items that are to be done.
      count: processes, each of which keeps a core busy.
    """
    if self._items < 1:
      return 0.0
    wall, busy = (now - then for now, then in zip(_now(), self._start, strict=True))
    if busy < _BUSY * wall:
      return 0.0
    return left / self._items * (wall - busy / count)


def _now() -> tuple[float, float]:
  return time.monotonic(), time.process_time()


def in_processes(work: Callable[[T], R], items: Sequence[T], count: int) -> Iterator[R]:
  """What a function makes of each item, in their order, by worker processes of Grain.

  Args:
    work: what is done; its errors come through.
    items: what it is given, one by one.
    count: processes.

  Raises:
    ChildProcessError: a process was killed, as where memory ends, or could not begin.
  """
  runtime.use_no_flags()
  source: Any = grain.MapDataset.source(items).map(functools.partial(_found, work))
  reading = grain.ReadOptions(num_threads=2, prefetch_buffer_size=4)
  options = grain.MultiprocessingOptions(num_workers=count, per_worker_buffer_size=8)
  dataset = source.to_iter_dataset(reading).mp_prefetch(options, worker_init_fn=_begin)
  with contextlib.closing(iter(dataset)) as found:
    try:
      yield from (one.value for one in found)
    except RuntimeError as error:
      if 'terminated unexpectedly' not in str(error):
        raise
      raise ChildProcessError('a process that reads images was ended from outside') from None


class _Found(Generic[R]):
  """A result, of which Grain neither leaves out what is None nor looks at the parts."""

  def __init__(self, value: R):
    self.value = value


def _found(work: Callable[[T], R], item: T) -> _Found[R]:
  return _Found(work(item))


def _begin(index: int, count: int) -> None:
  runtime.end_with_parent()
  runtime.ignore_interrupts()
