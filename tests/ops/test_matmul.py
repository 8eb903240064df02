"""Products and their gradients against numpy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax.ops import native
from medjax.ops.matmul import matmul

# Rows and columns around the sizes of blocks, tiles and parts of a sum; few and many of each.
SIZES = [
  (1, 1, 1),
  (301, 37, 45),
  (700, 64, 64),
  (129, 200, 300),
  (260, 300, 515),
  (5000, 16, 32),
  (96, 1024, 33),
]


@pytest.mark.parametrize(('count', 'width', 'columns'), SIZES)
def test_values_and_gradients_equal_numpy(count, width, columns):
  rng = np.random.default_rng(0)
  rows, matrix, back = (
    rng.standard_normal(shape).astype(np.float32)
    for shape in ((count, width), (width, columns), (count, columns))
  )
  value, gradients = jax.vjp(matmul, rows, matrix)
  of_rows, of_matrix = gradients(jnp.asarray(back))
  wide = [part.astype(np.float64) for part in (rows, matrix, back)]
  for mine, right in (
    (value, wide[0] @ wide[1]),
    (of_rows, wide[2] @ wide[1].T),
    (of_matrix, wide[0].T @ wide[2]),
  ):
    np.testing.assert_allclose(mine, right, rtol=1e-4, atol=1e-5 * np.abs(right).max())


def test_the_gradient_is_the_same_to_the_bit_every_time():
  rows, back = (jax.random.normal(jax.random.key(i), (3000, 48)) for i in range(2))
  gradient = jax.jit(lambda matrix: jax.vjp(matmul, rows, matrix)[1](back)[1])
  first = gradient(jnp.ones((48, 48)))
  for _ in range(5):
    np.testing.assert_array_equal(gradient(jnp.ones((48, 48))), first)


def test_the_kernel_takes_the_gradient_and_nothing_is_asked_of_it_elsewhere():
  if not native.available():
    pytest.skip(f'kernels in C++ are {native.status()}')

  def gradient(dtype):
    rows, matrix = jnp.ones((4, 3), dtype), jnp.ones((3, 2), dtype)
    return str(jax.make_jaxpr(jax.grad(lambda m: matmul(rows, m).sum()))(matrix))

  assert 'medjax_product_gradient' in gradient(jnp.float32)
  assert 'medjax' not in gradient(jnp.bfloat16)
  with native.disabled():
    assert 'medjax' not in gradient(jnp.float32)


def test_under_vmap():
  rows = jax.random.normal(jax.random.key(0), (3, 7, 4))
  matrix = jax.random.normal(jax.random.key(1), (3, 4, 5))
  gradient = jax.vmap(jax.grad(lambda m, r: jnp.square(matmul(r, m)).sum()))
  expected = [2 * r.T @ (r @ m) for r, m in zip(rows, matrix, strict=True)]
  np.testing.assert_allclose(gradient(matrix, rows), expected, rtol=1e-4, atol=1e-5)
