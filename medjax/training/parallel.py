"""The one place where steps are compiled: ``jax.pmap`` over all devices of all hosts."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from medjax.experiment import Experiment
from medjax.runtime import Devices
from medjax.training import step


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
  return jax.pmap(
    functools.partial(step.train_step, experiment, compute_dtype(precision), parts),
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
  return jax.pmap(
    functools.partial(function, experiment, compute_dtype(precision)),
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
