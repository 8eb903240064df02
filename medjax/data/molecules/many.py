"""Work on many molecules, in several processes where that is worth their start."""

import concurrent.futures
import multiprocessing
import sys
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from medjax import machine, runtime

T = TypeVar('T')
R = TypeVar('R')

_CHUNKS = 8  # for each process, so that none waits long for another
_LARGEST = 256  # items of a part, so that Ctrl-C ends soon


def spread(work: Callable[[Sequence[T]], list[R]], items: Sequence[T], worth: int) -> list[R]:
  """What a function makes of each item, in their order.

  Args:
    work: makes a result of each of several items; a function of a module, or a partial of one.
    items: what it is given, in parts.
    worth: items from which several processes are started, which takes seconds, and which the
      command line alone does.

  Example:
    >>> spread(lambda part: [2 * one for one in part], [1, 2, 3], worth=10)
    [2, 4, 6]
  """
  count = machine.cores()
  if len(items) < worth or count < 2 or not runtime.may_start_processes():
    return work(items)
  size = min(_LARGEST, -(-len(items) // (_CHUNKS * count)))
  parts = [items[start : start + size] for start in range(0, len(items), size)]
  # Not forked: threads of JAX may hold locks.
  context = multiprocessing.get_context('spawn')
  with concurrent.futures.ProcessPoolExecutor(count, context, runtime.begin_worker) as pool:
    try:
      with runtime.deaf_children():
        at_work = [pool.submit(work, part) for part in parts]
      return [found for part in at_work for found in part.result()]
    except BrokenProcessPool:  # as where memory ends, of which one process needs less
      print('data: molecules are read without further processes: one was lost', file=sys.stderr)
    finally:
      pool.shutdown(cancel_futures=True)
  return work(items)
