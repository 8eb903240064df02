"""Work on many images, in threads, and in processes where threads leave cores idle.

Pillow and NumPy let go of the interpreter lock; pydicom and its decoders of JPEG 2000 hold it, so
that all threads together read no faster than one.
"""

import concurrent.futures
import contextlib
import multiprocessing
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing import reduction
from typing import Any, TypeVar

from medjax import machine, runtime
from medjax.data.waiting import in_order

T = TypeVar('T')
R = TypeVar('R')

_AT_ONCE = 32  # items, so that few results wait
_WORTH = 10.0  # seconds to be saved by processes, whose start takes some
_BUSY = 0.7  # of a core; where less is in use, it is a disk or a network that is waited for
_EACH = 2**30  # bytes of memory for a process
_WAITING = 8  # items for each process, so that none is idle and memory stays bounded


def each(work: Callable[[T], R], items: Sequence[T], *, apart: bool) -> Generator[R, None, None]:
  """What a function makes of each item, in their order, each when it is asked for.

  Args:
    work: what is done; its errors come through.
    items: what it is given, one by one.
    apart: whether both can be sent to other processes, and find there what they need. Those are
      started where they save more time than their start takes, by the command line alone; where one
      is lost, threads go on.

  Example:
    >>> list(each(lambda number: 2 * number, [1, 2, 3], apart=False))
    [2, 4, 6]
  """
  apart = apart and runtime.may_start_processes()
  count = min(machine.cores(), machine.free_memory() // _EACH) if apart else 1
  done, pace = 0, Pace()
  with concurrent.futures.ThreadPoolExecutor() as pool:
    while done < len(items):
      chunk = items[done : done + _AT_ONCE]
      yield from pool.map(work, chunk)
      done += len(chunk)
      pace.step(len(chunk))
      if count < 2 or pace.saved(len(items) - done, count) < _WORTH:
        continue
      try:
        for found in in_processes(work, items[done:], count):
          yield found
          done += 1
      except ChildProcessError as error:  # as where memory ends, of which threads need less
        print(f'data: images are read without further processes: {error}', file=sys.stderr)
        count = 1


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
  """What a function makes of each item, in their order, by processes of their own.

  Args:
    work: what is done; its errors come through.
    items: what it is given, one by one.
    count: processes.

  Raises:
    ChildProcessError: processes cannot be started or sent this work, or one was killed.
  """
  with contextlib.closing(_outcomes(work, items, count)) as outcomes:
    while True:
      try:
        value, error = next(outcomes)
      except StopIteration:
        return
      except Exception as problem:  # of pickle, of the system, or of a pool that is broken
        reason = ' '.join(str(problem).split()) or type(problem).__name__
        raise ChildProcessError(reason) from None
      if error is not None:
        raise error
      yield value


def _outcomes(
  work: Callable[[T], R], items: Sequence[T], count: int
) -> Generator[tuple[Any, Exception | None], None, None]:
  # Not forked: threads of JAX may hold locks.
  context = multiprocessing.get_context('spawn')
  with concurrent.futures.ProcessPoolExecutor(count, context, runtime.begin_worker) as pool:

    def submit(item: T) -> Any:
      reduction.ForkingPickler.dumps((work, item))  # what cannot be sent a pool may wait for
      return pool.submit(_outcome, work, item)

    with contextlib.closing(in_order(submit, items, _WAITING * count)) as found:
      yield from (outcome for _, outcome in found)


def _outcome(work: Callable[[T], R], item: T) -> tuple[R | None, Exception | None]:
  """A result, or the error of the work itself, which is none of the process."""
  try:
    return work(item), None
  except Exception as error:
    return None, error
