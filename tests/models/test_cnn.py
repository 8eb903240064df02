"""The reference network against SciPy convolutions, and its size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from medjax import models


def test_reference_network_has_44_million_parameters():
  x = jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32)
  shapes = jax.eval_shape(models.CNN().init, jax.random.key(0), x)
  # By hand: 3x3 kernels and biases; 224 -> 222/111 -> 109/54 -> 52/26; 26*26*128 = 86528.
  convolutions = (9 * 3 + 1) * 32 + (9 * 32 + 1) * 64 + (9 * 64 + 1) * 128
  dense = (86528 + 1) * 512 + (512 + 1) * 1
  assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == convolutions + dense == 44_396_609


@pytest.mark.parametrize('features', [(4, 6), (16, 32)])
def test_forward_equals_scipy(features):
  model = models.CNN(features=features, hidden=8, outputs=2)
  x = np.asarray(jax.random.normal(jax.random.key(1), (2, 17, 14, 3)))
  variables = model.init(jax.random.key(0), x)
  params = jax.tree.map(lambda p: p + 0.1, variables['params'])  # biases start at 0
  expected = x.astype(np.float64)
  for name in ('Conv_0', 'Conv_1'):
    expected = _pool(np.maximum(_convolve(expected, params[name]), 0))
  expected = expected.reshape(2, -1)
  expected = np.maximum(expected @ params['Dense_0']['kernel'] + params['Dense_0']['bias'], 0)
  expected = expected @ params['Dense_1']['kernel'] + params['Dense_1']['bias']
  found = model.apply({'params': params}, x)
  np.testing.assert_allclose(found, expected, rtol=2e-5)


def _convolve(x, layer):
  kernel = np.asarray(layer['kernel'], np.float64)
  result = [
    sum(
      scipy.signal.correlate(image[:, :, i], kernel[:, :, i, o], mode='valid')
      for i in range(kernel.shape[2])
    )
    for image in x
    for o in range(kernel.shape[3])
  ]
  shape = (len(x), kernel.shape[3], *result[0].shape)
  return np.array(result).reshape(shape).transpose(0, 2, 3, 1) + np.asarray(layer['bias'])


def _pool(x):
  b, h, w, c = x.shape
  x = x[:, : h // 2 * 2, : w // 2 * 2]
  return x.reshape(b, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))


def test_dropout_acts_in_training_only():
  model = models.CNN(features=(4,), hidden=64, dropout=0.5)
  x = jnp.ones((1, 8, 8, 1))
  variables = model.init(jax.random.key(0), x)
  still = model.apply(variables, x)
  rngs = {'dropout': jax.random.key(1)}
  assert model.apply(variables, x, train=True, rngs=rngs) != still
  assert model.apply(variables, x) == still


def test_too_small_images_say_so():
  with pytest.raises(ValueError, match='8x8 pixels are too small for 3 convolutions'):
    models.CNN().init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
