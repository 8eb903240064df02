"""Work on many molecules, in several processes where that is worth their start."""

import concurrent.futures
import multiprocessing
from collections.abc import Callable, Sequence
from typing import TypeVar

from medjax import machine, runtime

T = TypeVar('T')
R = TypeVar('R')

_CHUNKS = 8  # for each process, so that none waits long for another


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
  size = -(-len(items) // (_CHUNKS * count))
  parts = [items[start : start + size] for start in range(0, len(items), size)]
  # Not forked: threads of JAX may hold locks.
  context = multiprocessing.get_context('spawn')
  with concurrent.futures.ProcessPoolExecutor(count, context, runtime.begin_worker) as pool:
    return [found for part in pool.map(work, parts) for found in part]
