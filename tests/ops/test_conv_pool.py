"""The fused block against its plain lax form: values, gradients, ties, NaN, transformations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import ops
from medjax.ops import native


def _arguments(size, channels, features, batch=2, dtype='float32'):
  keys = jax.random.split(jax.random.key(0), 3)
  x = jax.random.normal(keys[0], (batch, *size, channels))
  kernel = jax.random.normal(keys[1], (3, 3, channels, features)) / (3 * channels**0.5)
  return x.astype(dtype), kernel.astype(dtype), jax.random.normal(keys[2], (features,), dtype) / 3


def _plain(x, kernel, bias, padding='VALID'):
  y = jax.lax.conv_general_dilated(
    x, kernel, (1, 1), padding, dimension_numbers=('NHWC', 'HWIO', 'NHWC')
  )
  y = jax.nn.relu(y + bias)
  return jax.lax.reduce_window(y, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), 'VALID')


def _both(arguments, padding='VALID'):
  def result(block):
    def weighted(*arguments):
      y = block(*arguments, padding)
      return (y * jnp.cos(jnp.arange(y.size)).reshape(y.shape)).sum().astype(jnp.float32), y

    grad = jax.jit(jax.value_and_grad(weighted, (0, 1, 2), has_aux=True))
    (_, y), gradients = grad(*arguments)
    return y, *gradients

  return result(ops.conv_relu_pool), result(_plain)


def _is_fused(*arguments, padding='VALID'):
  text = str(jax.make_jaxpr(lambda *a: ops.conv_relu_pool(*a, padding))(*arguments))
  return 'medjax_conv_pool' in text


@pytest.fixture
def _kernels():
  if not native.available():
    pytest.skip(f'kernels in C++ are {native.status()}')


@pytest.mark.usefixtures('_kernels')
@pytest.mark.parametrize('padding', ['VALID', 'SAME'])
@pytest.mark.parametrize(
  ('size', 'channels', 'features', 'batch'),
  [
    ((12, 12), 16, 32, 2),
    ((13, 9), 32, 16, 3),  # odd sizes: pixels that no window holds
    ((4, 4), 16, 16, 1),
    ((5, 34), 16, 48, 40),  # more images than partial sums, many tiles a row
    ((11, 14), 1, 16, 2),
    ((9, 16), 3, 32, 20),
    ((8, 7), 4, 16, 2),
  ],
)
def test_values_and_gradients_equal_lax(size, channels, features, batch, padding):
  arguments = _arguments(size, channels, features, batch)
  assert _is_fused(*arguments, padding=padding)
  mine, plain = _both(arguments, padding)
  for a, b in zip(mine, plain, strict=True):
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5 * np.abs(b).max())


@pytest.mark.usefixtures('_kernels')
@pytest.mark.parametrize('padding', ['VALID', 'SAME'])
@pytest.mark.parametrize(('channels', 'features'), [(3, 16), (16, 32)])
@pytest.mark.parametrize('asked', [0, 1, 2])
def test_the_gradient_of_one_argument_alone(channels, features, padding, asked):
  arguments = _arguments((11, 8), channels, features)

  def gradient(block):
    def weighted(argument):
      y = block(*arguments[:asked], argument, *arguments[asked + 1 :], padding)
      return (y * jnp.cos(jnp.arange(y.size)).reshape(y.shape)).sum()

    return jax.jit(jax.grad(weighted))(arguments[asked])

  mine, plain = gradient(ops.conv_relu_pool), gradient(_plain)
  np.testing.assert_allclose(mine, plain, rtol=1e-4, atol=2e-5 * np.abs(plain).max())


@pytest.mark.parametrize(
  ('channels', 'features', 'dtype', 'size'),
  [(5, 16, 'float32', 8), (16, 6, 'float32', 8), (16, 16, 'bfloat16', 8), (3, 16, 'float32', 3)],
)
def test_what_no_kernel_takes_is_computed_by_lax(channels, features, dtype, size):
  arguments = _arguments((size, size), channels, features, dtype=dtype)
  padding = 'SAME' if size == 3 else 'VALID'
  mine, plain = _both(arguments, padding)
  tolerance = 2e-5 if dtype == 'float32' else 0.05
  for a, b in zip(mine, plain, strict=True):
    assert a.dtype == b.dtype == jnp.dtype(dtype)
    a, b = np.float32(a), np.float32(b)
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.abs(b).max())


def test_other_kernel_sizes():
  x = jax.random.normal(jax.random.key(0), (2, 12, 11, 16))
  kernel = jax.random.normal(jax.random.key(1), (5, 2, 16, 16))
  for a, b in zip(*_both((x, kernel, jnp.ones(16))), strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * np.abs(b).max())


@pytest.mark.usefixtures('_kernels')
def test_ties_send_the_gradient_to_the_first_cell():
  # Small whole numbers: every sum is exact, and most windows hold ties.
  keys = jax.random.split(jax.random.key(0), 2)
  x = jax.random.randint(keys[0], (2, 10, 10, 3), 0, 2).astype(jnp.float32)
  kernel = jax.random.randint(keys[1], (3, 3, 3, 16), -1, 2).astype(jnp.float32)
  for a, b in zip(*_both((x, kernel, jnp.zeros(16))), strict=True):
    np.testing.assert_allclose(a, b, atol=1e-5)
  flat = jnp.zeros((1, 10, 10, 16)), jnp.ones((3, 3, 16, 16)), jnp.ones(16)
  for a, b in zip(*_both(flat), strict=True):
    np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.usefixtures('_kernels')
@pytest.mark.parametrize('channels', [3, 16])
@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_what_is_not_finite_is_not_hidden(channels, value):
  x, kernel, bias = _arguments((12, 12), channels, 16)
  y = ops.conv_relu_pool(x.at[0, 5, 5, 1].set(value), kernel, bias)
  assert not np.isfinite(y[0]).all()
  np.testing.assert_array_equal(y[1], ops.conv_relu_pool(x, kernel, bias)[1])


@pytest.mark.usefixtures('_kernels')
@pytest.mark.parametrize('channels', [3, 16])
def test_under_vmap_and_pmap_and_the_same_bits_again(channels):
  x, kernel, bias = _arguments((9, 9), channels, 16, batch=4)
  parts = x.reshape(2, 2, 9, 9, channels)

  def gradients(x):
    def loss(x, kernel):
      return (ops.conv_relu_pool(x, kernel, bias) ** 2).sum()

    return jax.grad(loss, (0, 1))(x, kernel)

  expected = [gradients(part) for part in parts]
  for transformed in (jax.vmap(gradients), jax.pmap(gradients)):
    found = transformed(parts)
    for i in range(2):
      for a, b in zip(found, expected[i], strict=True):
        np.testing.assert_array_equal(a[i], b)


@pytest.mark.usefixtures('_kernels')
def test_kernels_can_be_turned_off():
  arguments = _arguments((8, 8), 3, 16)
  assert _is_fused(*arguments)
  with native.disabled():
    assert not _is_fused(*arguments)
  assert _is_fused(*arguments)
