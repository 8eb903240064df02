"""How fast several runs of one study are trained in turn, and together in one program: measured.

No rule is right everywhere: on a CPU dense layers of many members are several times faster in one
program, convolutions several times slower, and a GPU has room for others where one run leaves some.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from medjax import machine
from medjax.runtime import Devices
from medjax.training import loop, members, parallel, state
from medjax.training.members import Member
from medjax.training.together import Together
from medjax.training.updates import Updates

_FEWEST, _MOST, _SECONDS = 3, 30, 1.0  # updates that are timed, and how long at most
_SLOW = 0.01  # seconds of an update from which on two members are tried before all
# Starts of a run, in whose time all runs are done before timing them together would pay; where
# updates take long, they may take far longer together.
_WORTH, _WORTH_OF_SLOW = 8, 32
# Starts of a run that idle cores would have to save, where updates take long and a CPU computes.
_WORTH_OF_IDLE = 4
_FAR = 3.0  # times as slow as alone, of which more timing would change nothing
_SHARE = 0.5  # of the memory that is free


class Enough(Exception):
  """Ends a run whose updates were timed, as all runs may be faster in another way."""


class Clock:
  """Times the updates of a run that is trained anyway; see ``loop.train``.

  So what a measure of one run alone takes is not lost where nothing turns out to be faster.

  Args:
    asks: told once, when enough updates were timed; answers whether the run goes on.

  Attributes:
    alone: seconds of an update; 0.0 until enough were timed.
    start: seconds that a run takes before its first update is done.
    busy: share of this machine's cores that this process kept busy during these updates.

  Raises:
    Enough: by its call, where the run is not to go on.

  Example:
    >>> clock = Clock(lambda: True)
    >>> clock.begin(updates=5)
    >>> for _ in range(5):
    ...   clock(1)
    >>> clock.alone > 0.0
    True
  """

  def __init__(self, asks: Callable[[], bool]):
    self.alone = self.start = self.busy = 0.0
    self._asks, self._asked = asks, False
    self.begin(updates=0)

  def begin(self, updates: int) -> None:
    """A run of so many updates begins; what was timed of another does not count."""
    self._updates = updates
    self._begun, self._last = time.monotonic(), 0.0
    self._found: list[float] = []

  def __call__(self, count: int) -> None:
    """Notes that ``count`` updates have ended since the last call."""
    last, self._last = self._last, time.monotonic()
    if self._asked:
      return
    if not last:  # which compiled
      self.start = self._last - self._begun
      self._used = time.process_time()
      return
    self._found.append((self._last - last) / count)
    over = len(self._found) >= self._updates - 1
    if over or _enough(self._found, self._last - self._begun - self.start):
      self.alone, self._asked = float(np.median(self._found)), True
      wall = self._last - self._begun - self.start
      self.busy = (time.process_time() - self._used) / max(wall, 1e-9) / machine.cores()
      if not self._asks():
        raise Enough


@dataclasses.dataclass(frozen=True)
class Measured:
  """Updates of several members in one program.

  Attributes:
    seconds: of an update of one of them; None where that is not possible.
    at_once: members of a program.
    reason: why not together; '' where it is measured.
  """

  seconds: float | None = None
  at_once: int = 1
  reason: str = ''


def updates(all_members: Sequence[Member]) -> int:
  """Updates of all members, from their beginning."""
  counts = (-(-len(m.train) // m.config.batch_size) * m.config.num_epochs for m in all_members)
  return sum(counts)


def alone(member: Member, devices: Devices) -> float:
  """Seconds of an update of a run, with its own random parameters, which nobody keeps."""
  experiment, config = member.experiment, member.config
  run = Updates(experiment, config, devices)
  rows = loop.epoch_plan(experiment, config, 0, devices)
  plan = np.concatenate([rows] * (-(-_MOST // len(rows)) + 1))
  current = parallel.place(state.create(experiment, config.seed), devices)
  calls = run(plan, lambda: 1)

  def once() -> int:
    nonlocal current
    count, update = next(calls)
    current, metrics = update(current)
    jax.block_until_ready(metrics)
    return count

  once()  # which compiles
  return _median(once)


def _median(once: Callable[[], int]) -> float:
  """Median of the seconds of an update."""
  found: list[float] = []
  begun = time.monotonic()
  while not _enough(found, time.monotonic() - begun):
    start = time.monotonic()
    count = once()
    found.append((time.monotonic() - start) / count)
  return float(np.median(found))


def _enough(found: Sequence[float], seconds: float) -> bool:
  return len(found) >= _FEWEST and (len(found) >= _MOST or seconds >= _SECONDS)


def against(all_members: Sequence[Member], devices: Devices, clock: Clock) -> str:
  """Why updates of members together are not timed; '' where they are.

  Args:
    all_members: that are still to be trained.
    devices: devices of all hosts.
    clock: that has timed updates of one alone.
  """
  if reason := members.unsuited(all_members[0], devices):
    return reason
  slow, of_all = clock.alone > _SLOW, updates(all_members) * clock.alone
  whole = of_all + len(all_members) * clock.start
  if whole < (_WORTH_OF_SLOW if slow else _WORTH) * clock.start:
    return 'it could not save what its measure takes'
  # What a CPU is busy with for long is arithmetic, which stays the same. (Short updates are not:
  # most of what they take is spent once for all in one program.)
  idle = max(0.0, 1 - clock.busy)
  on_cpu = devices.local[0].platform == 'cpu'
  if on_cpu and slow and of_all * idle < _WORTH_OF_IDLE * clock.start:
    return f'updates of one keep {min(1.0, clock.busy):.0%} of the cores busy'
  return ''


def measure(
  all_members: Sequence[Member],
  devices: Devices,
  of_one: float,
  alike: Callable[[], Sequence[Sequence[int]]],
  program: Callable[[Sequence[int]], Together],
) -> Measured:
  """Times some updates of members together, where nothing is ``against`` that.

  Args:
    all_members: that are still to be trained.
    devices: devices of all hosts.
    of_one: seconds of an update of one alone.
    alike: gives their numbers by program; see ``members.alike``.
    program: makes the program of members by their numbers, which is kept for their training.
  """
  fits = _fits(all_members[0], devices)
  if fits < 2:
    return Measured(reason='two of them may not fit in memory')
  groups = alike()
  largest = max(groups, key=len)
  if len(largest) < 2:
    return Measured(reason='no two of them have the same program')
  count = -(-len(largest) // -(-len(largest) // fits))  # chunks that are alike
  if of_one > _SLOW and count > 2:
    pair = _together(program(largest[:2]), devices, of_one)
    if pair > 0.95 * of_one:
      return Measured(pair, 2)
  return Measured(_together(program(largest[:count]), devices, of_one), count)


def _together(program: Together, devices: Devices, of_one: float) -> float:
  """Seconds of an update of one member among those of a program; timed once where it is far more
  than ``of_one``, that of one alone."""
  some = program.members
  created = program.created(0)  # how fast does not depend on it
  current = devices.replicate(
    jax.tree.map(lambda leaf: np.stack([np.asarray(leaf)] * len(some)), created)
  )
  plans = [members.plan(member, 0, devices)[:8] for member in some]

  def some_updates(most: int) -> int:
    nonlocal current
    done = min(most, *(len(plan) for plan in plans))
    current, metrics = program.updates(current, [plan[:done] for plan in plans])
    jax.block_until_ready(metrics)
    return done

  some_updates(1)  # which compiles
  begun = time.monotonic()
  some_updates(1)
  of_each = (time.monotonic() - begun) / len(some)
  if of_each > _FAR * of_one:  # convolutions of many members on a CPU
    return of_each
  return _median(lambda: some_updates(8)) / len(some)


def _fits(member: Member, devices: Devices) -> int:
  """How many members one program may hold, by what the step of one of them needs."""
  experiment, config = member.experiment, member.config
  example: Any = experiment.data.example
  width = members.plan(member, 0, devices).shape[1] // len(devices.all)
  batch = {
    name: jax.tree.map(
      lambda s: jax.ShapeDtypeStruct((len(devices.local), width, *s.shape), s.dtype), spec
    )
    for name, spec in example.items()
  }
  shape = (len(devices.local), width)
  batch |= {
    'mask': jax.ShapeDtypeStruct(shape, bool),
    'index': jax.ShapeDtypeStruct(shape, np.int32),
  }
  current, key = state.abstract(experiment), jax.eval_shape(lambda: jax.random.key(0))
  step: Any = parallel.compile_train(experiment, devices, config.precision, config.accumulate)
  needs = step.lower(current, batch, key).compile().memory_analysis()
  data = sum(
    int(np.prod(spec.shape)) * spec.dtype.itemsize for spec in jax.tree.leaves(example)
  ) * len(member.train)
  of_one = data + needs.temp_size_in_bytes + 2 * needs.argument_size_in_bytes
  return int(_SHARE * free(devices) // max(of_one, 1))


def free(devices: Devices) -> float:
  """Bytes of memory that the device, or this machine for a CPU, has left."""
  told = devices.local[0].memory_stats()
  if told and 'bytes_limit' in told:
    return told['bytes_limit'] - told.get('bytes_in_use', 0)
  return machine.free_memory()
