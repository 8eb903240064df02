"""Cases of many requests, computed together: what waits, and for how long.

A batch begins when it is full, or a few milliseconds after its first case came. While one is
computed the next one fills, so that under load batches are full and nobody waits for the clock. The
results of a request that was given up are not computed.
"""

import asyncio
import collections
import concurrent.futures
import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from medjax.outcomes import Row
from medjax.serve.served import Part


@dataclasses.dataclass
class _Request:
  """Cases that came together."""

  rows: list[Row | None]
  missing: int
  done: asyncio.Future[list[Row | None]]
  largest: int = 0


class Batches:
  """Computes cases in batches, one batch at a time, in a thread of its own.

  Args:
    compute: gives a row of each of at most ``at_once`` cases.
    at_once: cases of a batch.
    wait: seconds that the first case of a batch waits for others.
    told: is told the size of every batch.
  """

  def __init__(
    self,
    compute: Callable[[Sequence[Part]], Sequence[Row]],
    at_once: int,
    wait: float,
    told: Callable[[int], None] = lambda size: None,
  ):
    self._compute, self._at_once, self._wait, self._told = compute, at_once, wait, told
    self._waiting: collections.deque[tuple[_Request, int, Part]] = collections.deque()
    self._came, self._full = asyncio.Event(), asyncio.Event()
    self._thread = concurrent.futures.ThreadPoolExecutor(1, 'device')
    self._task: asyncio.Task[None] | None = None

  def start(self) -> None:
    """Begins to compute; in the loop that asks."""
    self._task = asyncio.get_running_loop().create_task(self._run())

  async def stop(self) -> None:
    """Ends; the thread does once what it computes is done."""
    if self._task is not None:
      self._task.cancel()
      await asyncio.gather(self._task, return_exceptions=True)
    self._thread.shutdown(wait=False, cancel_futures=True)

  async def rows(self, parts: Sequence[Part]) -> tuple[list[Row], int]:
    """The row of each case, and the size of the largest batch that one was in.

    To cancel it takes its cases out of the queue.
    """
    done = asyncio.get_running_loop().create_future()
    request = _Request([None] * len(parts), len(parts), done)
    self._waiting.extend((request, place, part) for place, part in enumerate(parts))
    self._came.set()
    if len(self._waiting) >= self._at_once:
      self._full.set()
    found = await done
    return [row for row in found if row is not None], request.largest

  async def _run(self) -> None:
    loop = asyncio.get_running_loop()
    while True:
      await self._came.wait()
      if len(self._waiting) < self._at_once:
        with contextlib.suppress(TimeoutError):
          await asyncio.wait_for(self._full.wait(), self._wait)
      batch = self._take()
      if not batch:
        continue
      found = await loop.run_in_executor(self._thread, self._each, [part for _, _, part in batch])
      self._told(len(batch))
      for (request, place, _), row in zip(batch, found, strict=True):
        if request.done.done():
          continue
        if isinstance(row, Exception):
          request.done.set_exception(row)
          continue
        request.rows[place] = row
        request.missing -= 1
        request.largest = max(request.largest, len(batch))
        if not request.missing:
          request.done.set_result(request.rows)

  def _each(self, parts: Sequence[Part]) -> Sequence[Row | Exception]:
    """A row of each; where a batch fails, each by itself, so that one spoils no other's."""
    try:
      return self._compute(parts)
    except Exception as error:
      if len(parts) == 1:
        return [error]
      return [one for part in parts for one in self._each([part])]

  def _take(self) -> list[tuple[_Request, int, Part]]:
    """The next batch, without cases that nobody waits for."""
    batch: list[Any] = []
    while self._waiting and len(batch) < self._at_once:
      one = self._waiting.popleft()
      if not one[0].done.done():
        batch.append(one)
    if not self._waiting:
      self._came.clear()
    if len(self._waiting) < self._at_once:
      self._full.clear()
    return batch
