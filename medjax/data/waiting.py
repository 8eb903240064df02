"""Work of a pool in order, with a bounded number of items that wait."""

import collections
import concurrent.futures
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

T = TypeVar('T')
R = TypeVar('R')


def in_order(
  submit: Callable[[T], 'concurrent.futures.Future[R]'], items: Iterable[T], most: int
) -> Generator[tuple[T, R], None, None]:
  """Each item with what was made of it, in their order.

  ``Executor.map`` takes all items at once, and keeps all results until they are asked for.

  Args:
    submit: hands an item to a pool; its errors and those of the work come through.
    items: taken as they are needed.
    most: items that are handed over before the first result is waited for.

  Example:
    >>> with concurrent.futures.ThreadPoolExecutor(2) as pool:
    ...   list(in_order(lambda number: pool.submit(abs, number), [-1, 2], most=8))
    [(-1, 1), (2, 2)]
  """
  waiting: collections.deque[tuple[T, concurrent.futures.Future[R]]] = collections.deque()
  try:
    for item in items:
      waiting.append((item, submit(item)))
      if len(waiting) > most:
        first, future = waiting.popleft()
        yield first, future.result()
    while waiting:
      first, future = waiting.popleft()
      yield first, future.result()
  finally:
    for _, future in waiting:
      future.cancel()
