"""Convolution against the plain lax form: values and gradients."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import ops
from medjax.ops import native

LAYOUT = ('NHWC', 'HWIO', 'NHWC')


def _both(size, kernel, stride, padding, dtype='float32', channels=4, features=5):
  x = jax.random.normal(jax.random.key(0), (3, *size, channels)).astype(dtype)
  w = jax.random.normal(jax.random.key(1), (*kernel, channels, features)).astype(dtype)

  def result(conv):
    def weighted(x, w):
      y = conv(x, w, stride, padding, dimension_numbers=LAYOUT)
      return (y.astype(jnp.float32) * jnp.cos(jnp.arange(y.size)).reshape(y.shape)).sum(), y

    (_, y), gradients = jax.jit(jax.value_and_grad(weighted, (0, 1), has_aux=True))(x, w)
    return y, *gradients

  return result(ops.conv_general_dilated), result(jax.lax.conv_general_dilated)


@pytest.mark.parametrize(
  ('size', 'kernel', 'stride', 'padding'),
  [
    ((2, 2), (3, 3), (1, 1), [(1, 1), (1, 1)]),
    ((4, 4), (3, 3), (2, 2), [(1, 1), (1, 1)]),
    ((3, 1), (3, 3), (1, 2), 'SAME'),
    ((5, 7), (5, 3), (1, 1), 'VALID'),
    ((1, 1), (1, 1), (1, 1), 'VALID'),
    ((4, 3), (7, 7), (2, 2), [(3, 3), (2, 4)]),
    ((9, 8), (1, 1), (2, 2), 'VALID'),
    ((9, 8), (3, 3), (2, 2), 'SAME'),
    ((9, 8), (5, 5), (2, 1), 'SAME'),  # lax itself
    ((9, 9), (3, 3), (2, 2), [(-1, 1), (1, 0)]),
    ((9, 8), (1, 1), (1, 1), [(-2, 0), (0, -1)]),
  ],
)
def test_values_and_gradients_equal_lax(size, kernel, stride, padding):
  mine, plain = _both(size, kernel, stride, padding)
  for a, b in zip(mine, plain, strict=True):
    assert a.dtype == b.dtype
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_padding_that_cuts_an_image_off_is_left_to_lax():
  mine, plain = _both((20, 18), (7, 7), (2, 2), [(-2, 3), (0, -1)], channels=3, features=32)
  for a, b in zip(mine, plain, strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(b).max())


@pytest.mark.parametrize('padding', ['SAME', 'VALID'])
@pytest.mark.parametrize(
  ('size', 'channels', 'features'),
  [
    ((9, 8), 16, 16),
    ((7, 21), 32, 48),
    ((8, 8), 128, 32),
    ((8, 7), 256, 80),
    ((7, 9), 1, 16),
    ((12, 9), 3, 32),
  ],
)
def test_kernels_equal_lax(size, channels, features, padding):
  if not native.available():
    pytest.skip(f'kernels in C++ are {native.status()}')
  x, w = jnp.zeros((3, *size, channels)), jnp.zeros((3, 3, channels, features))
  jaxpr = jax.make_jaxpr(
    lambda x, w: ops.conv_general_dilated(x, w, (1, 1), padding, dimension_numbers=LAYOUT)
  )(x, w)
  assert 'medjax_conv' in str(jaxpr)
  shape = {'channels': channels, 'features': features}
  mine, plain = _both(size, (3, 3), (1, 1), padding, **shape)
  for a, b in zip(mine, plain, strict=True):
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5 * np.abs(b).max())


@pytest.mark.parametrize('padding', ['SAME', 'VALID'])
@pytest.mark.parametrize('channels', [3, 16])
@pytest.mark.parametrize('asked', [0, 1])
def test_the_gradient_of_one_argument_alone(channels, padding, asked):
  if not native.available():
    pytest.skip(f'kernels in C++ are {native.status()}')
  x = jax.random.normal(jax.random.key(0), (2, 9, 8, channels))
  arguments = x, jax.random.normal(jax.random.key(1), (3, 3, channels, 16))

  def gradient(conv):
    def weighted(argument):
      both = (argument, arguments[1]) if asked == 0 else (arguments[0], argument)
      y = conv(*both, (1, 1), padding, dimension_numbers=LAYOUT)
      return (y * jnp.cos(jnp.arange(y.size)).reshape(y.shape)).sum()

    return jax.jit(jax.grad(weighted))(arguments[asked])

  mine, plain = gradient(ops.conv_general_dilated), gradient(jax.lax.conv_general_dilated)
  np.testing.assert_allclose(mine, plain, rtol=1e-4, atol=2e-5 * np.abs(plain).max())


def test_bfloat16_keeps_its_type():
  mine, plain = _both((2, 2), (3, 3), (1, 1), 'SAME', 'bfloat16')
  for a, b in zip(mine, plain, strict=True):
    assert a.dtype == b.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.float32(a), np.float32(b), rtol=0.05, atol=0.1)


@pytest.mark.parametrize(
  'settings',
  [
    {'feature_group_count': 2},
    {'kernel_dilation': 2},
    {'input_dilation': 2, 'padding': 1},
    {'strides': 2},
  ],
)
def test_as_the_convolution_of_a_layer(settings):
  x = jax.random.normal(jax.random.key(0), (2, 3, 3, 4))
  plain = nn.Conv(6, (3, 3), **settings)
  fast = nn.Conv(6, (3, 3), conv_general_dilated=ops.conv_general_dilated, **settings)
  variables = plain.init(jax.random.key(1), x)
  np.testing.assert_allclose(fast.apply(variables, x), plain.apply(variables, x), atol=1e-5)


def test_small_images_have_no_convolution_left():
  x, w = jnp.zeros((2, 2, 2, 4)), jnp.zeros((3, 3, 4, 5))
  text = str(
    jax.make_jaxpr(
      lambda x, w: ops.conv_general_dilated(x, w, (1, 1), 'SAME', dimension_numbers=LAYOUT)
    )(x, w)
  )
  assert 'conv_general_dilated' not in text
  assert 'dot_general' in text


def test_under_vmap_and_pmap():
  x = jax.random.normal(jax.random.key(0), (2, 3, 2, 2, 4))
  w = jax.random.normal(jax.random.key(1), (3, 3, 4, 5))

  def conv(x):
    return ops.conv_general_dilated(x, w, (1, 1), 'SAME', dimension_numbers=LAYOUT)

  expected = np.stack([conv(part) for part in x])
  np.testing.assert_allclose(jax.vmap(conv)(x), expected, atol=1e-5)
  np.testing.assert_allclose(jax.pmap(conv)(x), expected, atol=1e-5)
