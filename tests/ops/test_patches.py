"""Patches against numpy, and their gradient as the transpose of what takes them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax.ops import native
from medjax.ops.patches import patches

CASES = [
  # size, window, strides, padding
  ((9, 8), (3, 3), (2, 2), ((1, 1), (0, 1))),
  ((2, 1), (3, 3), (1, 1), ((1, 1), (1, 1))),
  ((9, 7), (1, 1), (2, 3), ((0, 0), (0, 0))),
  ((4, 3), (7, 7), (2, 2), ((3, 3), (2, 4))),
  ((5, 6), (2, 3), (3, 1), ((0, 2), (9, 9))),  # patches of padding alone
]


def _by_definition(x, window, strides, padding):
  padded = np.pad(x, ((0, 0), *padding, (0, 0)))
  rows, columns = (
    range(0, size - part + 1, stride)
    for size, part, stride in zip(padded.shape[1:3], window, strides, strict=True)
  )
  (high, wide), count = window, len(x)
  taken = [
    [padded[:, i : i + high, j : j + wide].reshape(count, -1) for j in columns] for i in rows
  ]
  return np.moveaxis(np.array(taken), 2, 0)


@pytest.mark.parametrize('with_kernel', [True, False])
@pytest.mark.parametrize(('size', 'window', 'strides', 'padding'), CASES)
@pytest.mark.parametrize('channels', [1, 5])
def test_values_are_those_of_numpy(size, window, strides, padding, channels, with_kernel):
  x = jax.random.normal(jax.random.key(0), (3, *size, channels))

  def found():
    if with_kernel and native.available():
      assert 'medjax_patches' in str(jax.make_jaxpr(lambda: patches(x, window, strides, padding))())
    return patches(x, window, strides, padding)

  if with_kernel:
    mine = found()
  else:
    with native.disabled():
      mine = found()
  np.testing.assert_array_equal(mine, _by_definition(np.asarray(x), window, strides, padding))


@pytest.mark.parametrize(('size', 'window', 'strides', 'padding'), CASES)
def test_the_gradient_sends_back_every_number_to_where_it_came_from(size, window, strides, padding):
  """The transpose of a linear map: its product with any y is the product of its result with x."""
  x = jax.random.normal(jax.random.key(0), (3, *size, 4))
  taken, back = jax.vjp(lambda x: patches(x, window, strides, padding), x)
  y = jax.random.normal(jax.random.key(1), taken.shape)
  where = jnp.arange(x.size, dtype=jnp.float32).reshape(x.shape) + 1  # exact, 0 is padding
  places = np.int64(_by_definition(np.asarray(where), window, strides, padding)).reshape(-1)
  expected = np.bincount(places, np.float64(y).reshape(-1), minlength=x.size + 1)[1:]
  np.testing.assert_allclose(np.ravel(back(y)[0]), expected, rtol=1e-5, atol=1e-5)
  first = back(y)[0]
  for _ in range(3):
    np.testing.assert_array_equal(back(y)[0], first)


def test_under_vmap():
  x = jax.random.normal(jax.random.key(0), (6, 9, 8, 3))
  taken = lambda x: patches(x, (3, 3), (2, 2), ((1, 1), (1, 1)))  # noqa: E731
  two = jax.vmap(taken)(x.reshape(2, 3, *x.shape[1:]))
  np.testing.assert_array_equal(two.reshape(taken(x).shape), taken(x))
