"""Checks that every kind of data and label has to pass: devices, and stops in the middle."""

import jax
import numpy as np
import pytest

from medjax import runtime
from medjax.config import Config
from medjax.training import keeper, loop, state
from medjax.training.checkpoint import Checkpoints
from medjax.workdir import Workdir


def trained(experiment, folder, devices=1, **settings):
  """The state after training in a folder."""
  config = Config(**({'batch_size': 8, 'num_epochs': 2} | settings))
  workdir = Workdir(folder)
  loop.train(experiment, config, workdir, runtime.devices(devices))
  with Checkpoints(workdir.checkpoints, 99, workdir.identity()) as checkpoints:
    return checkpoints.latest(state.abstract(experiment))[0]


def largest_difference(one, other):
  """Over all leaves of two trees."""
  pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
  return max(float(np.abs(np.asarray(a, float) - np.asarray(b, float)).max()) for a, b in pairs)


def devices_do_not_matter(experiment, folder, tolerance=2e-5):
  """Trains on 1, 2 and 8 devices, and in two parts; the last batch of an epoch is not full."""
  one = trained(experiment, folder / '1')
  for devices, parts in ((2, 1), (8, 1), (2, 2)):
    many = trained(experiment, folder / f'{devices}-{parts}', devices, accumulate=parts)
    assert largest_difference(one.params, many.params) < tolerance, (devices, parts)
  return one


def stops_do_not_matter(experiment, folder, straight, monkeypatch, stop=4):
  """Stops after some updates and goes on: the same bits as without."""
  with monkeypatch.context() as patch:
    patch.setattr(runtime.Preemption, 'requested', lambda self, step: step == stop)
    with pytest.raises(keeper.PreemptedError):
      trained(experiment, folder / 'stopped')
  assert largest_difference(straight, trained(experiment, folder / 'stopped')) == 0
