"""Runs of one study that differ by folds and seeds, and whether one program can train them.

What differs between such runs is given to a program as arrays: parameters, examples, their order,
keys, and the numbers that data gave, such as the mean of the labels. Whether they are otherwise the
same is not assumed but seen, by comparing what JAX traces of them.
"""

import dataclasses
import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from medjax.config import Config
from medjax.data import feed
from medjax.data.dataset import Batch, Split
from medjax.experiment import Experiment
from medjax.runtime import Devices
from medjax.training import loop, parallel, state, step
from medjax.training.same import same
from medjax.training.state import State
from medjax.workdir import Workdir


@dataclasses.dataclass(frozen=True)
class Member:
  """One run among several.

  Attributes:
    experiment: what is trained.
    config: its settings.
    workdir: its folder.
  """

  experiment: Experiment
  config: Config
  workdir: Workdir

  @property
  def train(self) -> Split:
    """Its training examples."""
    return self.experiment.data.splits['train']


def numbers(experiment: Experiment) -> tuple[list[np.ndarray], Callable[[Any], Experiment]]:
  """The numbers of an experiment that data gave, and how an experiment is made of such numbers.

  They are the leaves of its task and its penalty, where those are trees of JAX.

  Example:
    >>> values, make = numbers(experiment)                         # doctest: +SKIP
    >>> make(values).task.mean
    array(152.1, dtype=float32)
  """
  leaves, tree = jax.tree.flatten((experiment.task, experiment.penalty))
  told = [isinstance(leaf, int | float) for leaf in leaves]

  def make(values: Any) -> Experiment:
    given = iter(values)
    parts = [
      next(given) if is_number else leaf for leaf, is_number in zip(leaves, told, strict=True)
    ]
    task, penalty = jax.tree.unflatten(tree, parts)
    return dataclasses.replace(experiment, task=task, penalty=penalty)

  return [np.asarray(leaf, np.float32) for leaf in leaves if isinstance(leaf, int | float)], make


def unsuited(member: Member, devices: Devices) -> str:
  """Why a member cannot be trained together with others; '' where it can."""
  config, train = member.config, member.train
  if member.experiment.privacy is not None:
    return 'private runs draw their cases and noise by themselves'
  if jax.process_count() > 1:
    return 'several processes train one run'
  if devices.shards > 1:
    return 'the state of one is larger than a device'
  if train.sizes:
    return 'examples differ in size'
  if config.feeding == 'streamed' or not isinstance(
    feed.make(train, devices, config.feeding, config.resident_gib), feed.Resident
  ):
    return 'examples do not fit in memory'
  return ''


def signature(member: Member, devices: Devices, width: int) -> str:
  """A digest of the program of a member's training and evaluation, but for its numbers.

  Args:
    member: the run.
    devices: devices of all hosts.
    width: examples of a batch on a device.
  """
  experiment, config = member.experiment, member.config
  values, make = numbers(experiment)
  dtype = parallel.compute_dtype(config.precision)
  batch: Any = {
    name: jax.tree.map(lambda s: jax.ShapeDtypeStruct((width, *s.shape), s.dtype), spec)
    for name, spec in experiment.data.example.items()
  }
  batch |= {'mask': jax.ShapeDtypeStruct((width,), bool)}
  whole = batch | {'index': jax.ShapeDtypeStruct((width,), np.int32)}
  current, key = state.abstract(experiment), jax.eval_shape(lambda: jax.random.key(0))

  def trains(values: Any, current: State, batch: Batch, key: jax.Array) -> Any:
    return step.train_step(make(values), dtype, config.accumulate, current, batch, key)

  def evaluates(values: Any, variables: Any, batch: Batch) -> Any:
    return step.evaluate_step(make(values), dtype, variables, batch)

  axes = [(step.AXIS, len(devices.all))]
  parts = [str(jax.tree.structure(current))]
  for traced in (
    jax.make_jaxpr(trains, axis_env=axes)(values, current, whole, key),
    jax.make_jaxpr(evaluates, axis_env=axes)(values, current.variables, batch),
  ):
    parts.append(re.sub(r'0x[0-9a-f]+', '', str(traced.jaxpr)))
    parts += [f'{np.shape(c)}{np.asarray(c).tobytes()!r}' for c in traced.consts]
  return hashlib.sha256('\0'.join(parts).encode()).hexdigest()


def alike(members: Sequence[Member], devices: Devices) -> list[list[int]]:
  """The members by program: numbers of those that can be trained in one, in their order."""
  groups: dict[Any, list[int]] = {}
  width = max(plan(member, 0, devices).shape[1] for member in members)
  traced: list[tuple[Member, str]] = []
  for number, member in enumerate(members):
    # Those that differ by their seed alone need not all be traced, which takes a while.
    found = next((text for other, text in traced if _only_seeds_differ(member, other)), '')
    if not found:
      found = signature(member, devices, width)
      traced.append((member, found))
    settings = (member.config.precision, member.config.accumulate)
    groups.setdefault((found, settings), []).append(number)
  return list(groups.values())


def _only_seeds_differ(one: Member, other: Member) -> bool:
  """Whether two members are on the same data and were built alike; no where that cannot be seen."""
  settings = (one.config.precision, one.config.accumulate)
  return (
    one.experiment.data is other.experiment.data
    and settings == (other.config.precision, other.config.accumulate)
    and same(one.experiment, other.experiment)
  )


def plan(member: Member, epoch: int, devices: Devices) -> np.ndarray:
  """The batches of one epoch of a member, of its own example numbers."""
  return loop.epoch_plan(member.experiment, member.config, epoch, devices)
