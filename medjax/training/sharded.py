"""States that are larger than one device: every device of a host holds a part of each large array.

Parameters, what the optimiser remembers of them and their average lie in parts on a second axis of
the mesh, and the batch is spread over both axes. XLA gathers the parameters of a layer where they
are used, forgets them again, and leaves each device its part of the update: fully sharded data
parallelism. The step is the one of ``training.step``, here of the whole batch, so that nothing is
left of its own sums over devices: those are XLA's too.

Results are those of a state that is not sharded up to rounding, but for dropout, which draws for
the whole batch rather than for each device, and for statistics of batches that are computed in
parts, which are other parts. A state has to fit on the devices of one host.

References:
  Rajbhandari et al. (2020), ZeRO: memory optimizations toward training trillion parameter models.
  Xu et al. (2021), GSPMD: general and scalable parallelization for ML computation graphs.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from medjax.config import Config
from medjax.data.dataset import Batch
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.ops import native
from medjax.runtime import Devices
from medjax.training import gradient, state

_AXIS = 'shard'
_SMALL = 1024  # numbers of an array from which on it is cut in parts
_SHARE = 0.5  # of a device's memory; what a layer leaves for its gradient needs the rest


def chosen(experiment: Experiment, config: Config, devices: Devices) -> Devices:
  """The devices with the number of parts that ``config.shard`` asks for.

  'auto' cuts the state in parts where it would fill half of the memory that a device says it has.

  Example:
    >>> chosen(experiment, Config(shard='off'), devices).shards    # doctest: +SKIP
    1
  """
  count = len(devices.local)
  if config.shard == 'off' or count < 2:
    return devices
  if experiment.privacy is not None:
    if config.shard == 'on':
      raise UserError('config.shard=on: a private training needs the whole state on each device')
    return devices
  if config.shard == 'auto' and not _fills(experiment, devices.local[0]):
    return devices
  return dataclasses.replace(devices, shards=count)


def _fills(experiment: Experiment, device: jax.Device) -> bool:
  told = device.memory_stats()  # None for a CPU
  if not told or 'bytes_limit' not in told:
    return False
  whole = state.abstract(experiment)
  needed = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves((whole, whole.params)))
  return needed > _SHARE * told['bytes_limit']


def create(experiment: Experiment, seed: int, devices: Devices) -> state.State:
  """``state.create``'s in parts, of which no device ever has more than its own."""
  mesh = _mesh(devices)
  cut = jax.tree.map(
    lambda leaf: NamedSharding(mesh, _cut(leaf.shape, devices.shards)), state.abstract(experiment)
  )
  made = jax.jit(functools.partial(state.of_key, experiment), out_shardings=cut)
  return made(jax.random.key(seed))


def place(tree: Any, devices: Devices) -> Any:
  """A tree in parts on the devices, those of each host together holding all of it.

  Args:
    tree: whole arrays, or parts as they are to be.
    devices: devices of all hosts.
  """
  mesh = _mesh(devices)

  def parts(leaf: Any) -> jax.Array:
    sharding = NamedSharding(mesh, _cut(leaf.shape, devices.shards))
    if isinstance(leaf, jax.Array) and leaf.sharding == sharding:
      return leaf
    whole = np.asarray(leaf)
    return jax.make_array_from_callback(whole.shape, sharding, lambda at: whole[at])

  return jax.tree.map(parts, tree)


def compiled(function: Callable, devices: Devices, *, updates: bool = False) -> Callable[..., Any]:
  """A step over a state in parts: ``(state, batch, ...) -> result``, as ``jax.pmap`` would give it.

  Args:
    function: of a tree, one device's share of a batch, and arguments that all share; its
      collectives are over ``gradient.AXIS``.
    devices: devices of all hosts.
    updates: whether the first of two results is the new state, which takes the old one's memory.
  """
  mesh = _mesh(devices)
  whole = NamedSharding(mesh, PartitionSpec())
  spread = NamedSharding(mesh, PartitionSpec(mesh.axis_names))
  programs: dict[Any, Callable] = {}

  def of_all(tree: Any, batch: Batch, *others: Any) -> Any:
    # As one device's step on the whole batch; XLA cuts it into what each device does.
    joined = jax.tree.map(lambda leaf: leaf.reshape(1, -1, *leaf.shape[2:]), batch)
    axes = (None, 0, *[None] * len(others))
    found = jax.vmap(function, axes, axis_name=gradient.AXIS)(tree, joined, *others)
    return jax.tree.map(lambda leaf: leaf[0], found)

  def call(tree: Any, batch: Batch, *others: Any) -> Any:
    shape = jax.tree.structure(tree)
    if shape not in programs:
      placed = jax.tree.map(lambda leaf: leaf.sharding, tree)
      programs[shape] = jax.jit(
        of_all,
        out_shardings=(placed, whole) if updates else whole,
        donate_argnums=0 if updates else (),
      )
    there = jax.tree.map(lambda x: jax.make_array_from_process_local_data(spread, x), batch)
    with native.portable():  # a kernel of ours sees one device alone
      return programs[shape](tree, there, *others)

  return call


def _mesh(devices: Devices) -> jax.sharding.Mesh:
  """[hosts, devices of a host]."""
  return jax.sharding.Mesh(np.array(devices.all).reshape(-1, devices.shards), ('host', _AXIS))


def _cut(shape: tuple[int, ...], parts: int) -> PartitionSpec:
  """The largest axis that the parts divide; none for small arrays."""
  usable = [axis for axis, size in enumerate(shape) if size % parts == 0]
  if not usable or np.prod(shape) < _SMALL:
    return PartitionSpec()
  axis = max(usable, key=lambda axis: shape[axis])
  return PartitionSpec(*[None] * axis, _AXIS)
