"""Processes of one training: how they join and meet, and how they end where one is lost.

A process that waits for another in a sum waits for minutes, and then JAX ends it with a trace of
its own. So each says every few seconds that it is there, in the store that JAX keeps for all of
them, and ends with one line where another has been silent for too long or has said why it ends.
"""

import atexit
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import jax
from jax.experimental import multihost_utils

from medjax.errors import UserError

LOST = 76  # exit code where another process is lost
_BEAT, _SILENT = 2.0, 40.0  # seconds
_LONGEST = 300_000  # milliseconds that one waits for the others at the end, as JAX does after that
_KEY = 'medjax/processes/'
_ENDED = 'ended: '
_watches: list['Watch'] = []  # of this process; none where it is alone


def join(coordinator: str, num_processes: int, process_id: int) -> None:
  """Connects this process to the others of one training; does nothing for a single process.

  Args:
    coordinator: 'host:port' of process 0, 'auto' to ask the cluster (Slurm, TPU pod, Open MPI), or
      '' for a single process.
    num_processes: how many processes; read from the cluster with 'auto'.
    process_id: number of this process, from 0; read from the cluster with 'auto'.

  Raises:
    UserError: the cluster could not be found or joined.
  """
  if not coordinator:
    return
  try:
    if coordinator == 'auto':
      jax.distributed.initialize()
    else:
      jax.distributed.initialize(coordinator, num_processes, process_id)
  except (ValueError, RuntimeError) as error:
    first = str(error).splitlines()[0]
    raise UserError(f'--coordinator={coordinator}: cannot join the others: {first}') from None
  store = _store()
  if jax.process_count() > 1 and store is not None:
    watch = Watch(store, jax.process_index(), jax.process_count())
    _watches.append(watch)
    thread = threading.Thread(target=watch.run, args=(_end,), daemon=True)
    thread.start()
    atexit.register(_leave, store, watch, thread)


def _leave(store: Any, watch: 'Watch', thread: threading.Thread) -> None:
  """Watches the others until all have come to their end; then no thread may be left.

  One that comes back from JAX's store to an interpreter that is taken down aborts the process.
  """
  with contextlib.suppress(Exception):  # the store is gone, or nobody came
    store.wait_at_barrier(_KEY + 'end', _LONGEST)
  watch.over.set()
  thread.join(_SILENT)


def meet(name: str) -> None:
  """Waits until every process of this training is here; nothing for a single one."""
  if jax.process_count() > 1:
    multihost_utils.sync_global_devices(name)


def end(reason: str, code: int) -> None:
  """Tells the other processes why this one ends, and ends it; nothing for a single one.

  An ordinary end would wait for the others, which may wait for this one.
  """
  for watch in _watches:
    watch.reason = reason
    watch.once()
    if jax.process_index() == 0:
      time.sleep(3 * _BEAT)  # the others read it from a store that ends with this process
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def wait_for_the_end() -> None:
  """Where a sum over processes has failed: waits until it is known which of them is lost, which
  ends this one; returns where that does not become known, and at once for a single process."""
  if _watches:
    time.sleep(_SILENT + 3 * _BEAT)


class Watch:
  """What one process sees of the others.

  Args:
    store: JAX's client of the store, with ``key_value_set`` and ``key_value_dir_get``.
    own: number of this process.
    count: how many processes there are.
    silent: seconds after which one that says nothing is lost.

  Attributes:
    reason: why this process ends; '' where it does not.
    over: set where nobody has to be watched any more.
  """

  def __init__(self, store: Any, own: int, count: int, silent: float = _SILENT):
    self._store, self._own, self._count, self._silent = store, own, count, silent
    self._beats, self.reason, self.over = 0, '', threading.Event()
    self._lock = threading.Lock()  # so that a beat on its way does not replace the reason
    now = time.monotonic()
    self._last = {other: ('', now) for other in range(count) if other != own}

  def run(self, end: Callable[[str], None]) -> None:
    """Says that this process is there and looks at the others, until it is over or one is lost."""
    while not (line := self.once()):
      if self.over.wait(_BEAT):
        return
    end(line)

  def once(self) -> str:
    """Why this process has to end, in one line; '' where all others are there."""
    now = time.monotonic()
    try:
      with self._lock:
        self._beats += 1
        value = _ENDED + self.reason if self.reason else str(self._beats)
        self._store.key_value_set(f'{_KEY}{self._own}', value, allow_overwrite=True)
      told = {key.rpartition('/')[2]: value for key, value in self._store.key_value_dir_get(_KEY)}
    except Exception:  # process 0, which has the store, cannot be reached
      told = {}
    for other, (before, since) in self._last.items():
      value = told.get(str(other), before)
      if value.startswith(_ENDED):
        return f'process {other} of {self._count} ended: {value.removeprefix(_ENDED)}'
      if value != before:
        self._last[other] = value, now
      elif now - since > self._silent:
        which = other if told else 0
        return (
          f'process {which} of {self._count} has not been heard of for {now - since:.0f} s; the '
          'same command continues from the last checkpoint'
        )
    return ''


def _store() -> Any:
  """JAX's store of small values for all processes; None for a single one."""
  try:
    from jax._src import distributed  # which no public module has

    return distributed.global_state.client
  except (ImportError, AttributeError):
    return None


def _end(line: str) -> None:
  print(f'error: {line}', file=sys.stderr, flush=True)
  os._exit(LOST)  # the main thread may wait for the lost process for ever
