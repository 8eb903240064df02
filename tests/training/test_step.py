"""The step against hand computation, and its independence of devices, parts and padding."""

import dataclasses
import functools
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import sklearn.datasets
import sklearn.linear_model
import sklearn.preprocessing

from medjax import models, runtime, tasks
from medjax.data import augment, dataset, feed, memory
from medjax.data.modality import Modality
from medjax.experiment import Experiment
from medjax.models import L2, MLP
from medjax.ops import native
from medjax.training import parallel, state

BATCH = 10


def run(experiment, devices=1, parts=1, steps=4, seed=0, precision='float32'):
  """Parameters and losses after a few steps; the last batch of the epoch is not full."""
  devices = runtime.devices(devices)
  step = parallel.compile_train(experiment, devices, precision, parts)
  current, losses = state.create(experiment, seed), []
  split = experiment.data.splits['train']
  multiple = len(devices.all) * parts * (2 if experiment.mix else 1)
  plan = feed.batches(feed.order(seed, 0, len(split)), BATCH, multiple)
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


def test_augmentation_mixtures_and_averages_do_not_depend_on_devices(make_experiment):
  experiment = dataclasses.replace(
    make_experiment(augment=augment.preset('radiograph'), count=43),
    mix=augment.Mixup(1.0),
    average=0.9,
  )
  one, _ = run(experiment, devices=1)
  two, _ = run(experiment, devices=2)
  plain, _ = run(make_experiment(count=43))
  assert largest_difference(one.params, two.params) < 1e-5
  assert largest_difference(one.average, two.average) < 1e-5
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

  takes_mask: ClassVar[bool] = True

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


class Rows(Modality):
  """Numbers as they are."""

  def inputs(self, batch):
    return batch['values']

  def open(self, names):
    return []


def tabular(values, label, optimizer, penalty=None, task=None):
  """A linear or logistic regression of these training rows."""
  names = np.array([str(i) for i in range(len(label))])
  rows = memory.Rows({'values': values.astype(np.float32)})
  split = dataset.Split('train', rows, lambda row: row, names, label, names, {})
  classes = () if task else ('a', 'b')
  data = dataset.Dataset(
    'made',
    {'train': split},
    classes,
    'made',
    True,
    Rows(),
  )
  return Experiment(data, MLP(()), task or tasks.Binary(), optimizer, penalty=penalty)


def fit(experiment, steps, devices=1, parts=1):
  """Parameters after updates by all rows at once, and the metrics of each."""
  devices = runtime.devices(devices)
  split = experiment.data.splits['train']
  step = parallel.compile_train(experiment, devices, 'float32', parts)
  plan = feed.batches(np.arange(len(split)), len(split), len(devices.all) * parts)
  (batch,) = feed.Streamed(split, devices)(plan)
  current, metrics = state.create(experiment, 0), []
  for _ in range(steps):
    current, new = step(current, batch, jax.random.key(0))
    metrics.append(jax.device_get(new))
  return jax.device_get(current), metrics


def cases(count=43):
  random = np.random.default_rng(0)
  values = random.normal(size=(count, 3))
  return values, (values[:, 0] + random.normal(size=count) > 0.3).astype(np.int32)


@pytest.mark.parametrize(('devices', 'parts'), [(1, 1), (2, 1), (8, 1), (1, 3), (2, 2)])
def test_line_searches_get_the_loss_of_the_batch_and_its_gradient(devices, parts):
  """Against the log loss, half of 0.3 times the squared weights, and their gradient, by hand."""
  values, label = cases()
  at = {'kernel': np.array([[0.5], [-1.0], [2.0]]), 'bias': np.array([0.25])}

  def look(grads, opt_state, params, *, value, grad, value_fn):
    # Two updates: to the point above, and by the gradient that a line search sees there.
    there = {'Dense_0': jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), at)}
    loss, slope = jax.value_and_grad(value_fn)(there)
    first = opt_state[0] == 0
    move = jax.tree.map(lambda a, b, c: jnp.where(first, a - b, c), there, params, slope)
    return move, jnp.stack([opt_state[0] + 1, loss, value_fn(there)])

  optimizer = optax.GradientTransformationExtraArgs(lambda params: jnp.zeros(3), look)
  found, metrics = fit(tabular(values, label, optimizer, L2(0.3)), 2, devices, parts)
  p = 1 / (1 + np.exp(-(values @ at['kernel'] + at['bias'])[:, 0]))
  loss = -np.log(np.where(label == 1, p, 1 - p)).mean() + 0.15 * (at['kernel'] ** 2).sum()
  kernel = values.T @ (p - label)[:, None] / len(label) + 0.3 * at['kernel']
  bias = (p - label).mean()
  np.testing.assert_allclose(found.opt_state[1:], loss, rtol=1e-5)
  np.testing.assert_allclose(found.params['Dense_0']['kernel'] - at['kernel'], kernel, atol=2e-6)
  np.testing.assert_allclose(found.params['Dense_0']['bias'] - at['bias'], bias, atol=2e-6)
  # What is reported of the second update is of the same point.
  assert metrics[1]['loss'] == pytest.approx(loss, rel=1e-5)
  norm = np.sqrt((kernel**2).sum() + bias**2)
  assert metrics[1]['grad_norm'] == pytest.approx(norm, rel=1e-5)
  assert metrics[1]['update_norm'] == pytest.approx(norm, rel=1e-5)
  assert metrics[0]['loss'] == pytest.approx(np.log(2), rel=1e-6)


def test_lbfgs_does_not_depend_on_devices_and_parts():
  values, label = cases()
  experiment = tabular(values, label, optax.lbfgs(memory_size=2), L2(1 / len(label)))
  one, losses = fit(experiment, 2)
  for devices, parts in ((2, 1), (8, 1), (1, 2)):
    many, more = fit(experiment, 2, devices, parts)
    assert largest_difference(one.params, many.params) < 1e-5
    np.testing.assert_allclose([m['loss'] for m in more], [m['loss'] for m in losses], rtol=1e-5)


def test_lbfgs_reaches_scikit_learns_logistic_regression():
  found = sklearn.datasets.load_breast_cancer()
  values = sklearn.preprocessing.StandardScaler().fit_transform(found.data)
  expected = sklearn.linear_model.LogisticRegression(C=1, tol=1e-10, max_iter=10_000)
  expected.fit(values, found.target)
  label = found.target.astype(np.int32)
  optimizer = optax.lbfgs(memory_size=20)
  fitted, _ = fit(tabular(values, label, optimizer, L2(1 / len(label))), 100)
  layer = fitted.params['Dense_0']
  np.testing.assert_allclose(layer['kernel'][:, 0], expected.coef_[0], atol=1e-4)
  np.testing.assert_allclose(layer['bias'], expected.intercept_, atol=1e-4)


def test_lbfgs_reaches_least_squares():
  found = sklearn.datasets.load_diabetes(scaled=False)
  values = sklearn.preprocessing.StandardScaler().fit_transform(found.data)
  task = tasks.Regression(found.target.mean(), found.target.std())
  label = found.target.astype(np.float32)
  fitted, metrics = fit(tabular(values, label, optax.lbfgs(memory_size=20), task=task), 100)
  layer = fitted.params['Dense_0']
  design = np.column_stack([values, np.ones(len(label))])
  expected, residual, *_ = np.linalg.lstsq(design, (label - task.mean) / task.scale)
  np.testing.assert_allclose(layer['kernel'][:, 0], expected[:-1], atol=1e-4)
  np.testing.assert_allclose(layer['bias'], expected[-1], atol=1e-4)
  assert metrics[-1]['loss'] == pytest.approx(residual[0] / len(label) / 2, rel=1e-5)


def test_a_penalty_pulls_as_decay_of_weights_does():
  """Stochastic gradient descent with l2 is weight decay of kernels, without it on biases."""
  values, label = cases()
  mask = {'Dense_0': {'kernel': True, 'bias': False}}
  decayed = optax.chain(optax.add_decayed_weights(0.3, mask), optax.sgd(0.5))
  one, losses = fit(tabular(values, label, optax.sgd(0.5), L2(0.3)), 5)
  other, plain = fit(tabular(values, label, decayed), 5)
  assert largest_difference(one.params, other.params) < 1e-6
  assert losses[0]['loss'] == plain[0]['loss']  # weights begin at 0
  assert losses[-1]['loss'] > plain[-1]['loss']


def test_members_of_an_ensemble_learn_as_if_alone():
  """The step takes the mean of their losses, so each has a half of its own gradient."""
  values, label = cases()
  make = functools.partial(MLP, features=(4,))
  both = tabular(values, label, optax.sgd(0.4))
  both = dataclasses.replace(both, model=models.Ensemble(make, 2))
  start = jax.device_get(state.create(both, 0).params)
  after, losses = run(both, devices=2)
  alone = dataclasses.replace(both, model=make(), optimizer=optax.sgd(0.2))
  each = []
  for member in start.values():
    step = parallel.compile_train(alone, runtime.devices(1), 'float32', 1)
    current = dataclasses.replace(state.create(alone, 0), params=member)
    split = alone.data.splits['train']
    plan = feed.batches(feed.order(0, 0, len(split)), BATCH, 1)
    found = []
    for batch in feed.Streamed(split, runtime.devices(1))(plan[-4:]):
      current, metrics = step(current, batch, jax.random.key(0))
      found.append(float(metrics['loss']))
    each.append((jax.device_get(current.params), found))
  assert largest_difference(after.params, {f'member_{i}': e[0] for i, e in enumerate(each)}) < 1e-6
  means = np.mean([found for _, found in each], axis=0)
  np.testing.assert_allclose([float(m['loss']) for m in losses], means, rtol=1e-5)

  on = runtime.devices(2)
  batch = next(iter(feed.Streamed(split, on)(np.arange(4).reshape(1, 2, 2))))
  variables = on.replicate({'params': after.params})
  together, of_each = parallel.compile_predict_members(both, on, 'float32')(variables, batch)
  expected = parallel.compile_predict(both, on, 'float32')(variables, batch)
  np.testing.assert_allclose(together, expected, rtol=1e-6)
  for i, member in enumerate(after.params.values()):
    found = parallel.compile_predict(alone, on, 'float32')(on.replicate({'params': member}), batch)
    np.testing.assert_allclose(of_each[:, i], found, rtol=1e-5)
