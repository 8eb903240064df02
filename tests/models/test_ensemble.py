"""Members of an ensemble learn as if alone and predict by their mean."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import models

MAKE = functools.partial(models.MLP, features=(5,))


@pytest.mark.core
def test_predictions_are_the_mean_and_training_sees_each():
  model = models.Ensemble(MAKE, 3)
  x = jax.random.normal(jax.random.key(1), (4, 2))
  variables = model.init(jax.random.key(0), x)
  members = [MAKE().apply({'params': variables['params'][f'member_{i}']}, x) for i in range(3)]
  assert len({float(member[0, 0]) for member in members}) == 3  # another start each
  np.testing.assert_allclose(model.apply(variables, x, train=True), members, rtol=1e-6)
  np.testing.assert_allclose(model.apply(variables, x, each=True), members, rtol=1e-6)
  np.testing.assert_allclose(model.apply(variables, x), np.mean(members, axis=0), rtol=1e-5)


@pytest.mark.core
def test_members_that_take_the_mask_get_it():
  make = functools.partial(models.SequenceCNN, features=4, blocks=0, axis_name=None, dropout=0.0)
  model = models.Ensemble(make, 2)
  x = jax.nn.one_hot(jax.random.randint(jax.random.key(2), (3, 12), 0, 4), 4)
  variables = model.init(jax.random.key(0), x)

  def outputs(x, mask):
    return model.apply(variables, x, train=True, mask=mask, mutable=['batch_stats'])[0]

  mask = jnp.array([True, True, False])
  changed = x.at[2].set(x[0])
  np.testing.assert_allclose(outputs(x, mask)[:, :2], outputs(changed, mask)[:, :2], rtol=1e-5)
  assert not np.allclose(outputs(x, None)[:, :2], outputs(changed, None)[:, :2])


@pytest.mark.core
def test_members_of_several_kinds_come_in_turn():
  makes = tuple(functools.partial(models.MLP, features) for features in ((5,), ()))
  kinds = tuple(functools.partial(models.OnFingerprint, make) for make in makes)
  model = models.Ensemble(kinds, 4)
  keys = jax.random.split(jax.random.key(1), 2)
  x = {
    'fingerprint': jax.random.normal(keys[0], (4, 6)),
    'descriptors': jax.random.normal(keys[1], (4, 2)),
    'atoms': jnp.ones((4, 9, 3)),
  }
  variables = model.init(jax.random.key(0), x)
  widths = [len(variables['params'][f'member_{i}']['network']) for i in range(4)]
  assert widths == [2, 1, 2, 1]  # layers
  seen = jnp.concatenate([x['fingerprint'], x['descriptors']], axis=1)
  members = [
    makes[i % 2]().apply({'params': variables['params'][f'member_{i}']['network']}, seen)
    for i in range(4)
  ]
  np.testing.assert_allclose(model.apply(variables, x, each=True), members, rtol=1e-6)
  np.testing.assert_allclose(model.apply(variables, x), np.mean(members, axis=0), rtol=1e-5)
