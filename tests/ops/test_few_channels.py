"""Convolution of images with few channels against numpy in float64 and lax."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import ops
from medjax.ops import few_channels, native

LAYOUT = ('NHWC', 'HWIO', 'NHWC')


@pytest.fixture(autouse=True)
def _with_kernels():
  if not native.available():
    pytest.skip(f'kernels in C++ are {native.status()}')


def _given(size, kernel, channels, features=48, count=3):
  x = jax.random.normal(jax.random.key(0), (count, *size, channels))
  return x, jax.random.normal(jax.random.key(1), (*kernel, channels, features))


@pytest.mark.parametrize(
  ('size', 'kernel', 'strides', 'channels'),
  [
    ((21, 18), (7, 7), (2, 2), 3),
    ((9, 30), (3, 5), (1, 3), 1),
    ((8, 8), (8, 8), (1, 1), 4),
    ((32, 32), (16, 16), (16, 16), 3),
    ((11, 10), (1, 1), (2, 1), 2),
    ((40, 7), (4, 2), (3, 2), 3),
  ],
)
def test_values_and_gradients_by_their_definition(size, kernel, strides, channels):
  x, w = _given(size, kernel, channels)
  y, back = jax.vjp(lambda x, w: few_channels.convolve(strides, x, w), x, w)
  g = jax.random.normal(jax.random.key(2), y.shape)
  wide, weights, of_y = (np.float64(one) for one in (x, w, g))
  expected, of_x, of_w = np.zeros(y.shape), np.zeros(x.shape), np.zeros(w.shape)
  for i in range(kernel[0]):
    for j in range(kernel[1]):
      rows = slice(i, i + (y.shape[1] - 1) * strides[0] + 1, strides[0])
      columns = slice(j, j + (y.shape[2] - 1) * strides[1] + 1, strides[1])
      patch = wide[:, rows, columns]
      expected += patch @ weights[i, j]
      of_x[:, rows, columns] += of_y @ weights[i, j].T
      of_w[i, j] = np.einsum('bhwc,bhwf->cf', patch, of_y)
  for mine, right in zip((y, *back(g)), (expected, of_x, of_w), strict=True):
    np.testing.assert_allclose(mine, right, rtol=1e-5, atol=1e-5 * np.abs(right).max())


@pytest.mark.parametrize('padding', ['SAME', 'VALID', [(3, 3), (0, 2)]])
def test_what_a_layer_calls_takes_the_kernel_and_equals_lax(padding):
  x, w = _given((20, 17), (7, 7), 3)

  def result(conv):
    def number(x, w):
      return jnp.sin(conv(x, w, (2, 2), padding, dimension_numbers=LAYOUT)).sum()

    return jax.value_and_grad(number, (0, 1))

  mine = result(ops.conv_general_dilated)
  text = str(jax.make_jaxpr(mine)(x, w))
  assert 'medjax_few_channels' in text
  assert 'medjax_few_channels_gradient' in text
  (a, of_a), (b, of_b) = mine(x, w), result(jax.lax.conv_general_dilated)(x, w)
  np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3)
  for one, other in zip(of_a, of_b, strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4 * np.abs(other).max())


@pytest.mark.parametrize('change', ['channels', 'features', 'dtype', 'turned off'])
def test_what_no_kernel_takes_is_computed_by_lax(change):
  channels, features = 5 if change == 'channels' else 3, 47 if change == 'features' else 48
  x, w = _given((20, 17), (7, 7), channels, features)
  if change == 'dtype':
    x, w = x.astype(jnp.bfloat16), w.astype(jnp.bfloat16)

  def text():
    conv = ops.conv_general_dilated
    return str(jax.make_jaxpr(lambda: conv(x, w, (2, 2), 'SAME', dimension_numbers=LAYOUT))())

  if change == 'turned off':
    assert 'medjax_few_channels' in text()
    with native.disabled():
      assert 'medjax_few_channels' not in text()
  else:
    assert 'medjax_few_channels' not in text()


def test_the_gradient_of_one_argument_alone():
  x, w = _given((21, 18), (7, 7), 3)

  def text(of):
    number = lambda x, w: jnp.sin(few_channels.convolve((2, 2), x, w)).sum()  # noqa: E731
    return str(jax.make_jaxpr(jax.grad(number, of))(x, w))

  assert 'medjax_few_channels_gradient' not in text(0)
  assert 'medjax_few_channels_gradient' in text(1)
  assert 'conv_general_dilated' not in text(1)


def test_under_vmap_and_the_same_bits_again():
  x, w = _given((45, 44), (7, 7), 3, count=8)
  gradient = jax.jit(jax.grad(lambda w, x: jnp.sin(few_channels.convolve((2, 2), x, w)).sum()))
  first = gradient(w, x)
  for _ in range(5):
    np.testing.assert_array_equal(gradient(w, x), first)
  two = jax.vmap(lambda x: few_channels.convolve((2, 2), x, w))(x.reshape(2, 4, *x.shape[1:]))
  whole = few_channels.convolve((2, 2), x, w)
  np.testing.assert_array_equal(two.reshape(whole.shape), whole)
