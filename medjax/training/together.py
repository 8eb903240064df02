"""Members of one study trained at once in one program: folds, seeds.

The step of one run is mapped over the members (``jax.vmap``): dense layers of many members are as
fast as those of a few, and what Python and XLA spend on each operation is spent once for all.
"""

import contextlib
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from medjax.data import feed
from medjax.errors import UserError
from medjax.runtime import Devices, Preemption
from medjax.spent import STEPS, VALIDATION, Spent
from medjax.training import keeper as keeper_lib
from medjax.training import members as members_lib
from medjax.training import parallel, predict, state
from medjax.training.keeper import Keeper
from medjax.training.log import Meter
from medjax.training.members import Member
from medjax.training.pooled import Pool, padded
from medjax.training.state import State

_AT_ONCE = 64  # updates of one call: SIGTERM waits for its end


class Together:
  """Members at work in one program.

  Args:
    members: alike; see ``alike``.
    devices: devices of all hosts.

  Example:
    >>> found = Together(members, devices).train(Spent())          # doctest: +SKIP
  """

  def __init__(self, members: Sequence[Member], devices: Devices):
    self.members, self._devices = members, devices
    first = members[0]
    _, self._make = members_lib.numbers(first.experiment)
    values = [members_lib.numbers(member.experiment)[0] for member in members]
    self._numbers = [np.stack(of) for of in zip(*values, strict=True)]
    self._train = Pool(members, 'train', devices)
    validated = all('val' in member.experiment.data.splits for member in members)
    self._val = Pool(members, 'val', devices) if validated else None
    precision, parts = first.config.precision, first.config.accumulate
    self._step = parallel.compile_train_together(
      self._make, devices, precision, parts, self._train.axes
    )
    if self._val is not None:
      self._evaluate = parallel.compile_evaluate_together(
        self._make, devices, precision, self._val.axes
      )
    self._evaluate_one = parallel.compile_evaluate_of_numbers(self._make, devices, precision)
    self._create = jax.jit(lambda values, key: state.of_key(self._make(values), key))
    self._keys = jnp.stack([jax.random.key(member.config.seed) for member in members])

  def created(self, number: int) -> State:
    """``state.create``'s of a member, compiled once for all."""
    return self._create([of[number] for of in self._numbers], self._keys[number])

  def evaluate_step(self, number: int) -> Callable:
    """``parallel.compile_evaluate``'s function for a member, compiled once for all."""
    values = [of[number] for of in self._numbers]
    return lambda variables, batch: self._evaluate_one(values, variables, batch)

  def updates(self, current: State, plans: Sequence[np.ndarray]) -> tuple[State, Any]:
    """Some updates of every member.

    Args:
      current: of all, leaves [members, ...]; its memory is taken over.
      plans: of each member rows of its own example numbers, -1 for none; at most 64.

    Returns:
      The state, and the metrics of the step, leaves [members, 64], of which those of rows count.
    """
    counts = np.array([len(plan) for plan in plans], np.int32)
    rows = self._train.rows(plans, _AT_ONCE, self._devices)
    return self._step(self._numbers, current, self._train.examples, rows, counts, self._keys)

  def train(self, spent: Spent) -> dict[int, int | Exception]:
    """Trains all to their ends, from where their folders stand.

    Returns:
      Of each member the number of updates done, or the error that stopped it: a loss that is no
      number in one member does not keep the others from going on.

    Raises:
      PreemptedError: SIGTERM came; the states of all are saved.
      DiskFullError: a checkpoint could not be written; the ones before it are kept.
      UserError: a folder holds another run.
    """
    with contextlib.ExitStack() as stack:
      keepers, states = [], []
      for number, member in enumerate(self.members):
        kept = keeper_lib.kept(
          member.experiment,
          member.config,
          member.workdir,
          spent,
          functools.partial(self.created, number),
          shown=False,
        )
        keeper, current = stack.enter_context(kept)
        keepers.append(keeper)
        states.append(current)
      stacked = jax.tree.map(lambda *leaves: np.stack([np.asarray(x) for x in leaves]), *states)
      at_work = _AtWork(self, keepers, spent)
      preemption = stack.enter_context(Preemption())
      with spent.on(STEPS):
        at_work.epochs(self._devices.replicate(stacked), preemption)
      for number, keeper in enumerate(keepers):
        if number not in at_work.failed:
          keeper.end()
      return {
        number: at_work.failed.get(number, keeper.done) for number, keeper in enumerate(keepers)
      }

  def validate(self, current: State) -> list[tuple[Any, float]] | None:
    """Table and loss of every member on its validation cases; None where there are none."""
    if self._val is None:
      return None
    plans = [
      feed.batches(np.arange(len(split)), member.config.batch_size, len(self._devices.all))
      for split, member in zip(self._val.splits, self.members, strict=True)
    ]
    rows = self._val.rows(plans, max(len(plan) for plan in plans), self._devices)
    results = jax.device_get(
      self._evaluate(self._numbers, current.variables, self._val.examples, rows)
    )
    width = rows.shape[0] * rows.shape[-1]
    found = []
    for i, (member, plan) in enumerate(zip(self.members, plans, strict=True)):
      filled = padded(plan, len(plan), width)
      parts = [jax.tree.map(lambda leaf, i=i, r=r: leaf[i, r], results) for r in range(len(plan))]
      try:
        found.append(predict.assembled(member.experiment, self._val.splits[i], filled, parts))
      except UserError as error:  # of this member; the others go on
        found.append((error, math.nan))
    return found


class _AtWork:
  """The members of a program between their first update and their last."""

  def __init__(self, program: Together, keepers: Sequence[Keeper], spent: Spent):
    self.program, self.keepers, self.spent = program, keepers, spent
    self.failed: dict[int, Exception] = {}
    steps = [keeper.steps_per_epoch * keeper.config.num_epochs for keeper in keepers]
    self.meter = Meter(sum(steps), sum(keeper.step for keeper in keepers))

  def epochs(self, current: State, preemption: Preemption) -> None:
    try:
      while going := [i for i in range(len(self.keepers)) if self._goes(i)]:
        current = self._epoch(current, going, preemption)
    finally:
      self.meter.close()

  def _goes(self, number: int) -> bool:
    return number not in self.failed and not self.keepers[number].finished()

  def _epoch(self, current: State, going: Sequence[int], preemption: Preemption) -> State:
    """An epoch of each member that goes on, up to its end."""
    left: dict[int, np.ndarray] = {}
    for number in going:
      keeper = self.keepers[number]
      keeper.begin_epoch()
      epoch, done = divmod(keeper.step, keeper.steps_per_epoch)
      left[number] = members_lib.plan(self.program.members[number], epoch, self.program._devices)[
        done:
      ]
    while any(len(plan) for plan in left.values()):
      nothing = np.zeros((0, 1), np.int32)
      plans = [
        left.get(i, nothing)[: min(_AT_ONCE, keeper.room())]
        for i, keeper in enumerate(self.keepers)
      ]
      current, metrics = self.program.updates(current, plans)
      self._note(jax.device_get(metrics), plans)
      left = {i: plan[len(plans[i]) :] for i, plan in left.items() if i not in self.failed}
      asked = preemption.requested(0)
      if asked or any(len(plan) and self.keepers[i].saves() for i, plan in left.items()):
        states = _Members(current)
        for i, plan in left.items():
          if len(plan) and (asked or self.keepers[i].saves()):
            self.keepers[i].save(states[i])
      if asked:
        break
    ended = [i for i, plan in left.items() if not len(plan)]
    asked = preemption.requested(0)
    self._end(current, ended, asked)
    if asked:
      steps = sum(keeper.step for keeper in self.keepers)
      for keeper in self.keepers:
        keeper.wait()
      raise keeper_lib.PreemptedError(
        f'asked to end: saved {steps} steps of {len(self.keepers)} runs; repeat the command to '
        'continue'
      )
    return current

  def _note(self, metrics: Any, plans: Sequence[np.ndarray]) -> None:
    losses, examples, step, epoch = [], 0.0, sum(k.step for k in self.keepers), 0
    for number, plan in enumerate(plans):
      keeper = self.keepers[number]
      values = keeper_lib.by_step({name: m[number][: len(plan)] for name, m in metrics.items()})
      try:
        for of_step in values:
          keeper.note(keeper.step + 1, of_step)
          keeper.step += 1
      except UserError as error:
        self.failed[number] = error
        continue
      if values:
        losses.append(values[-1]['loss'])
        examples += sum(of_step['examples'] for of_step in values)
        step, epoch = step + len(values), (keeper.step - 1) // keeper.steps_per_epoch
    if losses:
      self.meter.update(step, epoch, float(np.mean(losses)), int(examples))

  def _end(self, current: State, ended: Sequence[int], asked: bool) -> None:
    """Validates and saves the members whose epoch is over."""
    scores: dict[int, float | None] = {}
    validating = [i for i in ended if self.keepers[i].validates()]
    if validating:
      with self.spent.on(VALIDATION):
        found = self.program.validate(current)
        for i in validating if found else ():
          table, loss = found[i]  # type: ignore[index]
          if isinstance(table, Exception):
            self.failed[i] = table
          else:
            scores[i] = self.keepers[i].validated(table, loss)
    states = _Members(current)
    for i in ended:
      if i not in self.failed:
        self.keepers[i].end_epoch(states[i], scores.get(i), asked=asked)


class _Members:
  """The states of members one by one, read from the device once, when one is asked for."""

  def __init__(self, current: State):
    self._current, self._read = current, None

  def __getitem__(self, number: int) -> State:
    if self._read is None:
      self._read = jax.device_get(self._current)
    return jax.tree.map(lambda leaf: leaf[number], self._read)
