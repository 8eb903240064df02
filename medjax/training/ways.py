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
_FAR = 3.0  # times as slow as alone, of which more timing would change nothing
_SHARE = 0.5  # of the memory that is free


@dataclasses.dataclass(frozen=True)
class Measured:
  """Seconds of an update.

  Attributes:
    alone: of one run.
    together: of one run among ``at_once`` in one program; None where that is not possible.
    at_once: members of a program.
    reason: why not together; '' where it is measured.
    start: seconds that a run takes before its first update is done.
  """

  alone: float
  together: float | None = None
  at_once: int = 1
  reason: str = ''
  start: float = 0.0


def updates(all_members: Sequence[Member]) -> int:
  """Updates of all members, from their beginning."""
  counts = (-(-len(m.train) // m.config.batch_size) * m.config.num_epochs for m in all_members)
  return sum(counts)


def alone(member: Member, devices: Devices) -> tuple[float, float]:
  """Seconds of an update of a run, with its own random parameters, which nobody keeps; and of what
  is to be done before the first."""
  begun = time.monotonic()
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
  start = time.monotonic() - begun
  return _median(once), start


def _median(once: Callable[[], int]) -> float:
  """Median of the seconds of an update."""
  found: list[float] = []
  begun = time.monotonic()
  while len(found) < _FEWEST or (len(found) < _MOST and time.monotonic() - begun < _SECONDS):
    start = time.monotonic()
    count = once()
    found.append((time.monotonic() - start) / count)
  return float(np.median(found))


def measure(
  all_members: Sequence[Member],
  devices: Devices,
  alike: Callable[[], Sequence[Sequence[int]]],
  program: Callable[[Sequence[int]], Together],
) -> Measured:
  """Times some updates of the first member alone and of members together.

  Args:
    all_members: of one study.
    devices: devices of all hosts.
    alike: gives their numbers by program; see ``members.alike``.
    program: makes the program of members by their numbers, which is kept for their training.
  """
  of_one, start = alone(all_members[0], devices)
  if reason := members.unsuited(all_members[0], devices):
    return Measured(of_one, reason=reason, start=start)
  whole = updates(all_members) * of_one + len(all_members) * start
  if whole < (_WORTH if of_one <= _SLOW else _WORTH_OF_SLOW) * start:
    reason = 'it could not save what its measure takes'
    return Measured(of_one, reason=reason, start=start)
  fits = _fits(all_members[0], devices)
  if fits < 2:
    return Measured(of_one, reason='two of them may not fit in memory', start=start)
  groups = alike()
  largest = max(groups, key=len)
  if len(largest) < 2:
    return Measured(of_one, reason='no two of them have the same program', start=start)
  count = -(-len(largest) // -(-len(largest) // fits))  # chunks that are alike
  if of_one > _SLOW and count > 2:
    pair = _together(program(largest[:2]), devices, of_one)
    if pair > 0.95 * of_one:
      return Measured(of_one, pair, 2, start=start)
  of_each = _together(program(largest[:count]), devices, of_one)
  return Measured(of_one, of_each, count, start=start)


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
