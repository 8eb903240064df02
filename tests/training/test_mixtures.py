"""Mixtures of examples, averages of weights and views of inputs, by hand."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from medjax.data import augment, feed
from medjax.training import forward, gradient, state


def test_the_loss_of_a_mixture_is_that_of_both_labels_by_their_shares(make_experiment):
  experiment = make_experiment(count=7)
  split, model = experiment.data.splits['train'], experiment.model
  batch = feed.read(split, np.array([0, 1, 2, 4, 6, -1]))
  key, dark, start = jax.random.key(0), 0, state.create(experiment, 0)

  class Half:
    def __call__(self, key, image, other):
      return 0.25 * image + 0.75 * other, jnp.float32(0.25)

  mixed = dataclasses.replace(experiment, mix=Half())

  def loss(experiment):
    return jax.vmap(
      lambda batch: gradient.of_batch(
        experiment, jnp.float32, 1, key, start.params, start.model_state, batch
      )[0],
      axis_name=gradient.AXIS,
    )(jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], batch))[0]

  images = experiment.data.modality.inputs(batch)
  label = batch['label'].astype(float)
  total = 0.0
  for one, other in ((0, 1), (1, 0), (2, 3), (3, 2)):
    logit = model.apply(start.variables, (0.25 * images[one] + 0.75 * images[other])[None])[0, 0]
    wanted = 0.25 * label[one] + 0.75 * label[other]
    total += float(optax.sigmoid_binary_cross_entropy(logit, wanted))
  logit = model.apply(start.variables, images[4:5])[0, 0]  # beside padding: as it is
  total += float(optax.sigmoid_binary_cross_entropy(logit, label[4]))
  assert batch['label'][0] == dark
  assert float(loss(mixed)) == pytest.approx(total / 5, rel=1e-5)
  odd = {name: leaf[:5] for name, leaf in batch.items()}
  with pytest.raises(ValueError, match='expected an even number of examples a device, not 5'):
    augment.mix_batch(augment.Mixup(), key, images[:5], odd)


def test_the_average_by_hand():
  values = [np.float32(v) for v in (1.0, 3.0, -2.0, 5.0)]
  tree = {'w': jnp.float32(0.5), 'n': jnp.int32(3)}
  expected = 0.5
  for step, value in enumerate(values, start=1):
    tree = state.averaged(
      0.3, jnp.int32(step), tree, {'w': jnp.float32(value), 'n': jnp.int32(step)}
    )
    kept = min(0.3, (1 + step) / (10 + step))
    expected = kept * expected + (1 - kept) * value
    assert float(tree['w']) == pytest.approx(expected, rel=1e-6)
    assert int(tree['n']) == step
  assert state.averaged(0.3, jnp.int32(1), None, tree) is None


def test_views_are_averaged_where_the_network_is_not_trained(make_experiment):
  experiment = dataclasses.replace(make_experiment(), views=augment.views('symmetries'))
  variables = state.create(experiment, 0).variables
  images = jax.random.uniform(jax.random.key(1), (3, 12, 12, 1))
  found = forward.viewed(experiment, jnp.float32, variables, images)
  shown = [
    turned[:, :, ::-1] if mirrored else turned
    for turned in (np.rot90(images, k, axes=(1, 2)) for k in range(4))
    for mirrored in (False, True)
  ]
  expected = np.mean([experiment.model.apply(variables, view) for view in shown], axis=0)
  np.testing.assert_allclose(found, expected, rtol=1e-5)
