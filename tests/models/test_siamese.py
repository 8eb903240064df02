"""Both views go through one encoder."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from medjax.models import BatchNorm, Siamese


class _Encoder(nn.Module):
  takes_mask = True

  @nn.compact
  def __call__(self, x, *, train=False, mask=None):
    x = x.mean((1, 2))
    x = BatchNorm(axis_name=None)(x, mask, train=train)
    return nn.Dense(4)(x)


def _made(images):
  model = Siamese(_Encoder(), features=3)
  return model, model.init(jax.random.key(0), images)


def test_side_by_side_views_are_those_of_one_image_and_padding_is_left_out():
  images = jax.random.uniform(jax.random.key(1), (3, 8, 8, 2))
  model, variables = _made(images)
  pairs = jnp.concatenate([images, images * 0.5], axis=2)
  mask = jnp.array([True, True, False])
  outputs, changed = model.apply(variables, pairs, train=True, mask=mask, mutable=['batch_stats'])
  assert outputs['views'].shape == (3, 2, 3)
  both = jnp.concatenate([images[:2], images[:2] * 0.5]).mean((1, 2))
  found = changed['batch_stats']['encoder']['BatchNorm_0']['mean']
  np.testing.assert_allclose(found, 0.1 * both.mean(0), rtol=1e-5)
  alike = jnp.concatenate([images, images], axis=2)
  views = model.apply(variables, alike, train=True, mutable=['batch_stats'])[0]['views']
  np.testing.assert_allclose(views[:, 0], views[:, 1], rtol=1e-5)


def test_otherwise_the_second_view_is_the_middle_of_the_image():
  border = jnp.ones((2, 16, 16, 1)).at[:, 2:14, 2:14].set(0.25)
  model, variables = _made(border)
  outputs = model.apply(variables, border)
  plain = model.apply(variables, jnp.full_like(border, 0.25))
  np.testing.assert_allclose(outputs['views'][:, 1], plain['views'][:, 0], rtol=1e-5)
  assert not np.allclose(outputs['views'][:, 0], outputs['views'][:, 1])
  np.testing.assert_allclose(outputs['embedding'], model.apply(variables, border)['embedding'])
