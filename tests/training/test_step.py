"""The step against hand computation, and its independence of devices, parts and padding."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from medjax import models, runtime
from medjax.data import augment, feed
from medjax.ops import native
from medjax.training import parallel, state

BATCH = 10


def run(experiment, devices=1, parts=1, steps=4, seed=0, precision='float32'):
  """Parameters and losses after a few steps; the last batch of the epoch is not full."""
  devices = runtime.devices(devices)
  step = parallel.compile_train(experiment, devices, precision, parts)
  current, losses = state.create(experiment, seed), []
  split = experiment.data.splits['train']
  plan = feed.batches(feed.order(seed, 0, len(split)), BATCH, len(devices.all) * parts)
  for batch in feed.Streamed(split, devices)(plan[-steps:]):
    current, metrics = step(current, batch, jax.random.key(seed))
    losses.append(jax.device_get(metrics))
  return jax.device_get(current), losses


def largest_difference(one, other):
  return max(
    float(np.abs(a - b).max())
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
  )


@pytest.fixture(scope='module')
def single(make_experiment):
  return run(make_experiment(count=43))


@pytest.mark.parametrize(('devices', 'parts'), [(2, 1), (8, 1), (1, 3), (2, 2)])
def test_devices_and_parts_do_not_change_the_update(make_experiment, single, devices, parts):
  # 43 examples in batches of 10: the last has 3, and 8 devices pad every batch to 16.
  params, losses = run(make_experiment(count=43), devices, parts)
  assert [int(m['examples']) for m in losses] == [10, 10, 10, 3]
  assert largest_difference(params.params, single[0].params) < 1e-5
  for one, other in zip(losses, single[1], strict=True):
    for name in one:
      assert one[name] == pytest.approx(other[name], rel=1e-5)


def test_kernels_do_not_change_the_update(make_experiment):
  experiment = make_experiment(count=43, features=(16,))
  one, _ = run(experiment)
  eight, _ = run(experiment, devices=8)
  with native.disabled():
    plain, _ = run(make_experiment(count=43, features=(16,)))
  assert native.available()
  assert largest_difference(one.params, eight.params) < 1e-5
  assert largest_difference(one.params, plain.params) < 1e-5


def test_augmentation_does_not_depend_on_devices(make_experiment):
  experiment = make_experiment(augment=augment.preset('radiograph'))
  one, _ = run(experiment, devices=1)
  two, _ = run(experiment, devices=2)
  plain, _ = run(make_experiment())
  assert largest_difference(one.params, two.params) < 1e-5
  assert largest_difference(one.params, plain.params) > 1e-3


def test_augmentation_changes_with_the_step(make_experiment):
  # Without updates and with every batch the same, only the augmentation can move the loss.
  experiment = make_experiment(
    augment=augment.preset('radiograph'), optimizer=optax.sgd(0.0), count=10
  )
  devices = runtime.devices(1)
  step = parallel.compile_train(experiment, devices, 'float32', 1)
  current, losses = state.create(experiment, 0), []
  (batch,) = feed.Streamed(experiment.data.splits['train'], devices)(np.arange(10)[None])
  for _ in range(2):
    current, metrics = step(current, batch, jax.random.key(0))
    losses.append(float(metrics['loss']))
  assert losses[0] != losses[1]


class Normalised(nn.Module):
  """A model in which the examples of a batch influence one another."""

  @nn.compact
  def __call__(self, x, *, train=False, mask=None):
    x = nn.Conv(4, (3, 3), use_bias=False)(x)  # a bias would have a gradient of rounding errors
    x = nn.relu(models.BatchNorm()(x, mask, train=train))
    return nn.Dense(1)(x.mean((1, 2)))


@pytest.mark.parametrize('devices', [2, 8])
def test_batch_statistics_leave_padding_out_and_span_the_devices(make_experiment, devices):
  experiment = dataclasses.replace(make_experiment(count=43), model=Normalised())
  one, losses = run(experiment)
  many, more = run(experiment, devices)
  assert largest_difference(one.params, many.params) < 1e-5
  assert largest_difference(one.model_state, many.model_state) < 1e-5
  for a, b in zip(losses, more, strict=True):
    assert a['loss'] == pytest.approx(b['loss'], rel=1e-5)


def test_padding_does_not_reach_the_batch_statistics(make_experiment):
  experiment, devices = (
    dataclasses.replace(make_experiment(), model=Normalised()),
    runtime.devices(1),
  )
  step = parallel.compile_train(experiment, devices, 'float32', 1)
  found = []
  for row in (np.array([3, 1, 4]), np.array([3, 1, 4, -1, -1, -1, -1, -1])):
    (batch,) = feed.Streamed(experiment.data.splits['train'], devices)(row[None])
    found.append(step(state.create(experiment, 0), batch, jax.random.key(0)))
  (plain, metrics), (padded, same) = found
  assert float(metrics['grad_norm']) == pytest.approx(float(same['grad_norm']), rel=1e-5)
  assert largest_difference(plain.model_state, padded.model_state) < 1e-6


def test_adam_by_hand(make_experiment):
  """Adam of Kingma and Ba, algorithm 1, on gradients of a loss written out here."""
  experiment = make_experiment(optimizer=optax.adam(1e-3), count=20)
  split = experiment.data.splits['train']
  found, _ = run(experiment, steps=2)

  def loss(params, rows):
    batch = split.read(rows)
    logit = experiment.model.apply({'params': params}, jnp.float32(batch['image'] / 255.0))[:, 0]
    p = 1 / (1 + jnp.exp(-logit))
    return -jnp.mean(batch['label'] * jnp.log(p) + (1 - batch['label']) * jnp.log(1 - p))

  theta = state.create(experiment, 0).params
  m = v = jax.tree.map(jnp.zeros_like, theta)
  order = feed.order(0, 0, 20)
  for t, rows in enumerate((order[:10], order[10:]), 1):
    g = jax.grad(loss)(theta, rows)
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, v, g)
    theta = jax.tree.map(
      lambda p, m, v, t=t: p - 1e-3 * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8),
      theta,
      m,
      v,
    )
  assert largest_difference(found.params, theta) < 2e-6


def test_norms_are_of_the_gradient_and_the_update(make_experiment):
  experiment = make_experiment(optimizer=optax.sgd(0.5))
  before = state.create(experiment, 0).params
  after, metrics = run(experiment, steps=1)
  moved = np.sqrt(
    sum(
      float(((a - b) ** 2).sum())
      for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after.params), strict=True)
    )
  )
  assert float(metrics[0]['update_norm']) == pytest.approx(moved, rel=1e-4)
  assert float(metrics[0]['grad_norm']) == pytest.approx(moved / 0.5, rel=1e-4)


def test_bfloat16_computes_low_and_keeps_high(make_experiment):
  low, losses = run(make_experiment(), precision='bfloat16')
  high, _ = run(make_experiment())
  assert {leaf.dtype for leaf in jax.tree.leaves(low.params)} == {np.dtype('float32')}
  assert losses[0]['loss'].dtype == np.float32
  assert 0 < largest_difference(low.params, high.params) < 0.1


def test_dropout_differs_between_steps_and_devices(make_experiment):
  experiment = make_experiment(dropout=0.5, optimizer=optax.sgd(0.0))
  _, one = run(experiment, devices=1)
  _, two = run(experiment, devices=2)
  assert one[0]['loss'] != one[1]['loss']
  assert one[0]['loss'] != two[0]['loss']
  _, again = run(experiment, devices=1)
  assert [m['loss'] for m in again] == [m['loss'] for m in one]


def test_auto_precision_is_float32_on_a_cpu():
  assert parallel.compute_dtype('auto') == jnp.float32
  assert parallel.compute_dtype('bfloat16') == jnp.bfloat16
