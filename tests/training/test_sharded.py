"""A state in parts on the devices: the same numbers as a whole one, in a part of the memory."""

import dataclasses
import types
from typing import ClassVar

import flax.linen as nn
import jax
import numpy as np
import optax
import pytest

from medjax import models, runtime, tasks
from medjax.config import Config
from medjax.data import feed
from medjax.errors import UserError
from medjax.ops import native
from medjax.optimizers import Adam
from medjax.outcomes.classes import ClassSettings
from medjax.training import evaluate, history, loop, parallel, sharded, state
from medjax.training.checkpoint import Checkpoints
from medjax.workdir import Workdir


@dataclasses.dataclass
class Settings(ClassSettings, Config):
  """As an experiment on classes has them."""


class Normed(nn.Module):
  """A convolution with batch normalisation."""

  takes_mask: ClassVar[bool] = True

  @nn.compact
  def __call__(self, x, mask=None, *, train=False):
    x = models.BatchNorm(relu=True)(nn.Conv(16, (3, 3))(x), mask, train=train)
    return nn.Dense(1)(nn.Dense(64)(x.mean(axis=(1, 2))))


# Adam makes whole updates of gradients that are nothing but rounding.
SGD = optax.sgd(0.1)
CONFIG = Settings(batch_size=16, num_epochs=2, checkpoint_seconds=0.0)


@pytest.fixture(scope='module')
def parts():
  """Eight devices that hold one state between them."""
  return dataclasses.replace(runtime.devices(), shards=8)


@pytest.fixture(scope='module')
def wide(make_experiment):
  """Layers that eight devices divide, weight decay, clipping and an average of weights."""
  made = make_experiment(optimizer=Adam(1e-2, 1e-3, 1.0), features=(8,), hidden=64)
  return dataclasses.replace(made, average=0.9)


@pytest.fixture(scope='module')
def whole_run(wide, tmp_path_factory):
  """A run on eight devices with a copy of the state on each."""
  workdir = Workdir(tmp_path_factory.mktemp('whole') / 'run')
  with native.portable():  # as kernels of our own see one device, and round differently
    loop.train(wide, CONFIG, workdir, runtime.devices())
    evaluate.evaluate(wide, workdir, runtime.devices(), CONFIG)
  return workdir


def final(experiment, workdir):
  with Checkpoints(workdir.checkpoints, 2, workdir.identity()) as checkpoints:
    return checkpoints.latest(state.abstract(experiment))[0]


def assert_close(one, other):
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), one, other)


def test_a_run_in_parts_equals_a_whole_one(wide, whole_run, parts, tmp_path):
  workdir = Workdir(tmp_path / 'run')
  loop.train(wide, CONFIG, workdir, parts)
  assert_close(final(wide, workdir), final(wide, whole_run))
  for mine, theirs in zip(history.read(workdir).lines, history.read(whole_run).lines, strict=True):
    assert mine == {k: pytest.approx(v, abs=1e-5) for k, v in theirs.items()}
  found = evaluate.evaluate(wide, workdir, parts, CONFIG)
  expected = evaluate.read_tables(wide, whole_run)
  for name, table in expected.items():
    np.testing.assert_allclose(found.tables[name].probability, table.probability, atol=1e-5)


@pytest.mark.parametrize('first', ['parts', 'whole'])
def test_a_run_goes_on_with_another_number_of_parts(first, wide, whole_run, parts, tmp_path):
  workdir, ways = Workdir(tmp_path / 'run'), {'parts': parts, 'whole': runtime.devices(2)}
  one, other = (ways[name] for name in (first, {'parts': 'whole', 'whole': 'parts'}[first]))
  config = dataclasses.replace(CONFIG, checkpoint_steps=3)
  asked = iter([False, False, True])
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(runtime.Preemption, 'requested', lambda self, step: next(asked))
    with pytest.raises(UserError, match='saved step 3'):
      loop.train(wide, config, workdir, one)
  loop.train(wide, config, workdir, other)
  assert_close(final(wide, workdir), final(wide, whole_run))


def test_each_device_has_an_eighth_from_the_beginning(wide, parts):
  made = parallel.create(wide, 0, parts)
  assert_close(jax.device_get(made), jax.device_get(state.create(wide, 0)))
  placed = parallel.place(made, parts)
  for leaf, before in zip(jax.tree.leaves(placed), jax.tree.leaves(made), strict=True):
    assert leaf is before
  whole = sum(leaf.nbytes for leaf in jax.tree.leaves(placed))
  own = sum(leaf.addressable_shards[0].data.nbytes for leaf in jax.tree.leaves(placed))
  small = sum(leaf.nbytes for leaf in jax.tree.leaves(placed) if leaf.size < 1024)
  assert own == (whole - small) // 8 + small < whole / 6
  assert_close(jax.device_get(parallel.place(jax.device_get(made), parts)), jax.device_get(made))


def steps(experiment, devices, config, count=3):
  """Losses and parameters after some updates."""
  step = parallel.compile_train(experiment, devices, 'float32', config.accumulate)
  split = experiment.data.splits['train']
  plan = feed.batches(np.arange(len(split)), 16, loop.multiple(experiment, config, devices))
  current, losses = parallel.place(parallel.create(experiment, 0, devices), devices), []
  for batch in list(feed.Streamed(split, devices)(plan))[:count]:
    with native.portable():
      current, metrics = step(current, batch, jax.random.key(0))
    losses.append({name: float(value) for name, value in metrics.items()})
  return losses, jax.device_get(current.variables)


@pytest.mark.parametrize('accumulate', [1, 2])
def test_batch_statistics_are_those_of_all_devices(accumulate, make_experiment, parts):
  made = dataclasses.replace(make_experiment(optimizer=SGD), model=Normed())
  config = dataclasses.replace(CONFIG, accumulate=accumulate)
  one, other = (steps(made, devices, config, 2) for devices in (runtime.devices(), parts))
  if accumulate == 1:
    assert_close(one, other)
    return
  # Parts of a batch are other examples then, of which each has statistics of its own.
  assert one[0][0]['loss'] == pytest.approx(other[0][0]['loss'], rel=0.2)


def test_a_loss_that_compares_cases_sees_all_of_them(make_experiment, parts):
  made = make_experiment(optimizer=SGD, hidden=64)
  splits = {
    name: dataclasses.replace(
      split,
      label={'time': 1.0 + np.arange(len(split), dtype=np.float32), 'event': split.label > 0},
    )
    for name, split in made.data.splits.items()
  }
  made = dataclasses.replace(
    made, task=tasks.Cox(), data=dataclasses.replace(made.data, splits=splits)
  )
  assert_close(*(steps(made, devices, CONFIG) for devices in (runtime.devices(), parts)))


def test_auto_cuts_what_would_fill_half_of_the_memory(wide, monkeypatch):
  whole = state.abstract(wide)
  needed = sum(x.size * x.dtype.itemsize for x in jax.tree.leaves((whole, whole.params)))

  def shards(limit, **settings):
    device = types.SimpleNamespace(memory_stats=lambda: limit and {'bytes_limit': limit})
    devices = runtime.Devices((device,) * 4, (device,) * 4)
    return sharded.chosen(wide, Config(**settings), devices).shards

  assert shards(2 * needed - 2) == 4
  assert shards(2 * needed + 2) == 1
  assert shards(None) == 1  # a CPU, which does not say
  assert (shards(2, shard='off'), shards(None, shard='on')) == (1, 4)
  one = runtime.devices(1)
  assert sharded.chosen(wide, Config(shard='on'), one) is one


def test_examples_that_shall_lie_on_the_devices_are_refused(wide, parts, tmp_path):
  config = dataclasses.replace(CONFIG, feeding='resident')
  with pytest.raises(UserError, match=r'config.feeding=resident: .*expected auto or streamed'):
    loop.train(wide, config, Workdir(tmp_path / 'run'), parts)
