"""The one place where steps are compiled: ``jax.pmap`` over all devices of all hosts.

Where the state is cut in parts, ``sharded`` compiles the same functions with the same arguments.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from medjax.data import feed
from medjax.experiment import Experiment
from medjax.runtime import Devices
from medjax.training import sharded, state, step


def create(experiment: Experiment, seed: int, devices: Devices) -> state.State:
  """The state before the first update, which ``place`` puts on the devices."""
  if devices.shards > 1:
    return sharded.create(experiment, seed, devices)
  return state.create(experiment, seed)


def place(tree: Any, devices: Devices) -> Any:
  """A state or variables as the compiled functions take them: on every device, or in parts."""
  return sharded.place(tree, devices) if devices.shards > 1 else devices.replicate(tree)


def compile_train(experiment: Experiment, devices: Devices, precision: str, parts: int) -> Callable:
  """``(state, batch, seed_key) -> (state, metrics)``; the given state's memory is taken over.

  The state has no device axis: it is the same on every device and comes back so. Batch arrays are
  [devices of this host, B, ...].

  Args:
    experiment: what to train.
    devices: devices of all hosts.
    precision: 'auto', 'float32' or 'bfloat16'.
    parts: parts that each device's share is computed in.
  """
  train = functools.partial(step.train_step, experiment, compute_dtype(precision), parts)
  if devices.shards > 1:
    return sharded.compiled(train, devices, updates=True)
  return jax.pmap(
    train,
    axis_name=step.AXIS,
    in_axes=(None, 0, None),
    out_axes=(None, None),
    devices=devices.all,
    donate_argnums=0,
  )


def compile_train_resident(
  experiment: Experiment, devices: Devices, precision: str, parts: int
) -> Callable:
  """``(state, examples, rows, count, seed_key) -> (state, metrics)``: ``count`` updates at once.

  Examples are the same on every device; ``rows`` are [devices of this host, updates or more,
  examples a device], numbers of examples or -1. Further arguments as for ``compile_train``, whose
  results it gives up to rounding.
  """
  return jax.pmap(
    functools.partial(step.train_steps, experiment, compute_dtype(precision), parts),
    axis_name=step.AXIS,
    in_axes=(None, None, 0, None, None),
    out_axes=(None, None),
    devices=devices.all,
    donate_argnums=0,
  )


def compile_train_together(
  make: Callable[[Any], Experiment], devices: Devices, precision: str, parts: int, axes: Any
) -> Callable:
  """``(numbers, states, examples, rows, counts, seed_keys) -> (states, metrics)``, of members.

  Args:
    make: the experiment of a member's numbers; see ``together.numbers``.
    devices: devices of all hosts.
    precision: 'auto', 'float32' or 'bfloat16'.
    parts: parts that each device's share is computed in.
    axes: of the examples, leaves 0 where each member has its own, None where they share them. All
      other arguments have the members on axis 0, behind that of the devices for rows.
  """

  def of_member(numbers: Any, *arguments: Any) -> Any:
    return step.train_steps(make(numbers), compute_dtype(precision), parts, *arguments)

  return jax.pmap(
    jax.vmap(of_member, in_axes=(0, 0, axes, 0, 0, 0)),
    axis_name=step.AXIS,
    in_axes=(None, None, None, 0, None, None),
    out_axes=(None, None),
    devices=devices.all,
    donate_argnums=1,
  )


def compile_evaluate_together(
  make: Callable[[Any], Experiment], devices: Devices, precision: str, axes: Any
) -> Callable:
  """``(numbers, variables, examples, rows) -> results`` of members at once, of whole splits.

  Rows are [devices, members, batches, B]; results are those of ``compile_evaluate``, leaves
  [members, batches, devices * B, ...]. Further arguments as for ``compile_train_together``.
  """

  def of_member(numbers: Any, variables: Any, examples: Any, rows: jax.Array) -> Any:
    def of_batch(row: jax.Array) -> Any:
      batch = feed.gather(examples, row)
      batch.pop('index')
      return step.evaluate_step(make(numbers), compute_dtype(precision), variables, batch)

    return jax.lax.map(of_batch, rows)

  return jax.pmap(
    jax.vmap(of_member, in_axes=(0, 0, axes, 0)),
    axis_name=step.AXIS,
    in_axes=(None, None, None, 0),
    out_axes=None,
    devices=devices.all,
  )


def compile_evaluate_of_numbers(
  make: Callable[[Any], Experiment], devices: Devices, precision: str
) -> Callable:
  """As ``compile_evaluate``, of members of one program: ``(numbers, variables, batch)``."""

  def of_member(numbers: Any, variables: Any, batch: Any) -> Any:
    return step.evaluate_step(make(numbers), compute_dtype(precision), variables, batch)

  return jax.pmap(
    of_member,
    axis_name=step.AXIS,
    in_axes=(None, None, 0),
    out_axes=None,
    devices=devices.all,
  )


def compile_evaluate(experiment: Experiment, devices: Devices, precision: str) -> Callable:
  """``(variables, batch) -> {'statistics', 'loss' or 'outputs'}`` for the labelled examples of all
  devices, in order."""
  return _compile(step.evaluate_step, experiment, devices, precision)


def compile_predict(experiment: Experiment, devices: Devices, precision: str) -> Callable:
  """``(variables, batch) -> predictions`` for the examples of all devices, in order."""
  return _compile(step.predict_step, experiment, devices, precision)


def compile_predict_members(experiment: Experiment, devices: Devices, precision: str) -> Callable:
  """As ``compile_predict``, and predictions of each member, for a model of several."""
  return _compile(step.predict_members_step, experiment, devices, precision)


def _compile(
  function: Callable, experiment: Experiment, devices: Devices, precision: str
) -> Callable:
  of_share = functools.partial(function, experiment, compute_dtype(precision))
  if devices.shards > 1:
    return sharded.compiled(of_share, devices)
  return jax.pmap(
    of_share,
    axis_name=step.AXIS,
    in_axes=(None, 0),
    out_axes=None,
    devices=devices.all,
  )


def compute_dtype(precision: str) -> Any:
  """bfloat16 or float32; 'auto' is bfloat16 where the hardware is made for it."""
  if precision == 'auto':
    precision = 'float32' if jax.default_backend() == 'cpu' else 'bfloat16'
  return jnp.dtype(precision)
