"""Inputs and targets that are trees, ragged in several axes, or moved together: the same step."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import same
import toys

from medjax import runtime, tasks
from medjax.data import augment, feed
from medjax.training import forward, parallel, predict, state


@pytest.mark.parametrize('make', [toys.outlines, toys.graphs])
def test_devices_parts_and_stops_do_not_matter(make, tmp_path, monkeypatch):
  experiment = make()
  straight = same.devices_do_not_matter(experiment, tmp_path)
  same.stops_do_not_matter(experiment, tmp_path, straight, monkeypatch)


def test_counts_travel_back_and_not_outlines():
  experiment, on = toys.outlines(moves=False), runtime.devices(2)
  step = parallel.compile_evaluate(experiment, on, 'float32')
  variables = state.create(experiment, 0).variables
  split = experiment.data.splits['val']
  table, loss = predict.predict_split(experiment, step, on.replicate(variables), split, on, 4)
  batch = split.read(np.arange(len(split)))
  outputs = experiment.model.apply(variables, batch['image'])[..., 0]
  called, true = np.asarray(outputs) > 0, batch['outline']
  both, either = (called & true).sum((1, 2)), called.sum((1, 2)) + true.sum((1, 2))
  np.testing.assert_allclose(table.prediction, 2 * both / either)
  expected = optax.sigmoid_binary_cross_entropy(outputs, true).mean()
  assert loss == pytest.approx(float(expected), rel=1e-5)
  (first,) = feed.Streamed(split, on)(np.arange(4)[None])
  small = step(on.replicate(variables), {k: v for k, v in first.items() if k != 'index'})
  assert {leaf.shape for leaf in jax.tree.leaves(small)} == {(4,)}
  whole = parallel.compile_predict(experiment, on, 'float32')
  assert whole(on.replicate(variables), {'image': first['image']}).shape == (4, 12, 12)


def test_an_outline_moves_with_its_image():
  image = jnp.zeros((4, 9, 9, 1)).at[:, 2:5, 1:4].set(1.0)
  batch = {'outline': image[..., 0] > 0.5, 'index': jnp.arange(4)}
  joint = augment.Joint(
    augment.Affine(rotation=30, translation=0.2, flip=0.5),
    augment.Brightness(0.0),
    targets=('outline',),
  )
  moved, more = augment.augment_examples(joint, jax.random.key(3), image, batch)
  assert more['outline'].dtype == bool
  assert not np.array_equal(more['outline'], batch['outline'])
  np.testing.assert_array_equal(more['outline'], moved[..., 0] > 0.5)
  again, _ = augment.augment_examples(joint, jax.random.key(3), image[2:], jax.tree.map(
    lambda leaf: leaf[2:], batch))  # fmt: skip
  np.testing.assert_array_equal(again, moved[2:])  # of the example, wherever it is in a batch


def test_class_numbers_move_without_classes_between_them():
  target = jnp.zeros((1, 8, 8), jnp.int32).at[:, 2:6, 2:6].set(2)
  joint = augment.Joint(augment.Affine(rotation=40), targets=('target',), classes=3)
  moved = joint.move_targets(jax.random.key(0), {'target': target[0]})['target']
  assert set(np.unique(moved).tolist()) == {0, 2}


@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
def test_a_number_above_256_survives_the_compute_type(precision):
  experiment = toys.graphs()
  split = experiment.data.splits['train']
  batch = split.read([0])
  assert batch['kind'].max() > 256
  dtype = parallel.compute_dtype(precision)
  inputs = forward.cast(experiment.data.modality.inputs(batch), dtype)
  np.testing.assert_array_equal(inputs['kind'], batch['kind'])
  assert forward.cast({'x': jnp.ones(2)}, dtype)['x'].dtype == dtype
  variables = state.create(experiment, 0).variables
  outputs, _ = forward.apply(experiment, dtype, variables, experiment.data.modality.inputs(batch),
                             train=False)  # fmt: skip
  other = {**batch, 'kind': np.where(batch['kind'] > 0, batch['kind'] ^ 1, 0)}
  changed, _ = forward.apply(experiment, dtype, variables, experiment.data.modality.inputs(other),
                             train=False)  # fmt: skip
  assert outputs.dtype == jnp.float32
  assert float(jnp.abs(outputs - changed).max()) > 1e-3  # neighbours would be one in bfloat16


def test_every_axis_has_its_own_bucket():
  split = toys.graphs().data.splits['train']
  plan = feed.epoch_plan(split, 0, 0, 4, 1)
  for row, batch in zip(plan, feed.Streamed(split, runtime.devices(1))(plan), strict=True):
    rows = row[row >= 0]
    nodes, edges = batch['kind'].shape[2], batch['sender'].shape[2]
    assert nodes >= split.sizes['nodes'][rows].max()
    assert edges >= split.sizes['edges'][rows].max()
    assert batch['receiver'].shape == batch['sender'].shape
    for place, number in enumerate(rows):
      graph = split.source.graphs[number]
      np.testing.assert_array_equal(batch['sender'][0, place, : len(graph['sender'])],
                                    graph['sender'])  # fmt: skip
      assert not batch['sender'][0, place, len(graph['sender']) :].any()
  assert len({(b['kind'].shape, b['sender'].shape) for b in feed.Streamed(
    split, runtime.devices(1))(plan)}) > 1  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Pairs(tasks.Binary):
  """A loss of every pair of a case and a non-case: the outputs of the whole batch are compared."""

  compares = True

  def loss(self, outputs, batch):
    case = (batch['label'] == 1) & batch['mask']
    other = (batch['label'] == 0) & batch['mask']
    pair = case[:, None] & other[None, :]
    losses = jax.nn.softplus(outputs[None, :, 0] - outputs[:, None, 0])
    return jnp.where(pair, losses, 0).sum(), pair.sum()


def test_examples_are_compared_across_devices_and_parts(make_experiment, tmp_path):
  # Plain gradients: Adam would make much of the rounding of a loss that is all but 0.
  experiment = make_experiment(count=43, optimizer=optax.sgd(0.1))
  experiment = dataclasses.replace(experiment, task=Pairs())
  same.devices_do_not_matter(experiment, tmp_path)


def test_the_gradient_of_a_comparison_is_that_of_the_whole_batch(make_experiment):
  experiment = dataclasses.replace(
    make_experiment(count=20, optimizer=optax.sgd(1.0)), task=Pairs()
  )
  split, start = experiment.data.splits['train'], state.create(experiment, 0)
  batch = split.read(np.arange(20)) | {'mask': np.ones(20, bool)}

  def loss(params):
    inputs = experiment.data.modality.inputs(batch)
    total, weight = experiment.task.loss(experiment.model.apply({'params': params}, inputs), batch)
    return total / weight

  value, slope = jax.value_and_grad(loss)(start.params)
  on = runtime.devices(2)
  step = parallel.compile_train(experiment, on, 'float32', 2)
  (share,) = feed.Streamed(split, on)(np.arange(20)[None])
  params = jax.device_get(start.params)
  after, metrics = step(start, share, jax.random.key(0))
  expected = jax.tree.map(lambda p, g: p - g, params, slope)
  assert float(metrics['loss']) == pytest.approx(float(value), rel=1e-5)
  assert same.largest_difference(after.params, expected) < 1e-5


def test_a_joint_in_a_chain_is_refused():
  with pytest.raises(ValueError, match='would leave the targets of a Joint in place'):
    augment.Chain((augment.Joint(augment.Affine(flip=1.0)), augment.GaussianNoise(0.01)))
