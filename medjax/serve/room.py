"""How much a server takes on at once: cases and bytes, so that memory is bounded."""

import concurrent.futures
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from medjax.serve.refused import busy


class Room:
  """What is being worked on; threads may ask for more of it.

  Args:
    cases: that may be in work or waiting.
    size: bytes of their requests.
  """

  def __init__(self, cases: int, size: int):
    self._most_cases, self._most_bytes = cases, size
    self.cases = self.bytes = 0
    self._lock = threading.Lock()

  @contextlib.contextmanager
  def taken(self) -> Iterator['Taken']:
    """Room for a request of one case, which may grow.

    What was given up is worked on until its thread comes to an end, and has its room until then.

    Raises:
      RefusedError: there is none.
    """
    own = Taken(self)
    try:
      own.grow(cases=1)
      yield own
    finally:
      if own.work is None:
        self._give_back(own)
      else:  # at once where it is done
        own.work.add_done_callback(lambda _: self._give_back(own))

  def _give_back(self, own: 'Taken') -> None:
    with self._lock:
      self.cases -= own.cases
      self.bytes -= own.bytes

  def grow(self, own: 'Taken', cases: int, size: int) -> None:
    """Gives a request more room; raises as ``taken``."""
    with self._lock:
      # A request larger than the whole queue is taken where it is alone.
      alone = self.cases == own.cases and self.bytes == own.bytes
      too_many = self.cases + cases > self._most_cases or self.bytes + size > self._most_bytes
      if too_many and not alone:
        raise busy('the queue is full; send it again in a second')
      own.cases, own.bytes = own.cases + cases, own.bytes + size
      self.cases, self.bytes = self.cases + cases, self.bytes + size


class Taken:
  """The room that one request has.

  Attributes:
    cases: in it.
    bytes: in it.
    work: of a thread on it, the last one.
  """

  def __init__(self, room: Room):
    self._room, self.cases, self.bytes = room, 0, 0
    self.work: concurrent.futures.Future[Any] | None = None

  def grow(self, cases: int = 0, size: int = 0) -> None:
    """Takes more; raises as ``Room.taken``."""
    self._room.grow(self, cases, size)

  def has(self, cases: int = 0, size: int = 0) -> None:
    """Takes as much as there turn out to be, if that is more."""
    self.grow(max(0, cases - self.cases), max(0, size - self.bytes))
