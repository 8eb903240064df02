"""A product of many rows with a small matrix, whose gradient is fast on a CPU.

The gradient of the matrix is a sum over all rows. XLA turns the rows round in memory for it, which
takes as long as the product; the kernel in C++ (see ``native``) reads them as they lie.
"""

from typing import Any

import jax
import jax.numpy as jnp

from medjax.ops import native


def matmul(rows: jax.Array, matrix: jax.Array, precision: Any = None) -> jax.Array:
  """``rows @ matrix``, float32 by the kernel where there is one.

  Args:
    rows: [N, K], any floating dtype.
    matrix: [K, M], of the same dtype.
    precision: as in ``jax.numpy.matmul``.

  Returns:
    [N, M].

  Example:
    >>> matmul(jnp.ones((3, 2)), jnp.ones((2, 1))).tolist()
    [[2.0], [2.0], [2.0]]
  """
  if rows.dtype == matrix.dtype == jnp.float32 and rows.size and native.available():
    return _matmul(rows, matrix)
  return jnp.matmul(rows, matrix, precision=precision)


@jax.custom_vjp
def _matmul(rows: jax.Array, matrix: jax.Array) -> jax.Array:
  return rows @ matrix


def _forward(rows: jax.Array, matrix: jax.Array) -> tuple[jax.Array, tuple]:
  return rows @ matrix, (rows, matrix)


def _backward(kept: tuple, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
  rows, matrix = kept
  results = [((0,), jnp.float32), (matrix.shape, jnp.float32)]
  count = jnp.int32(len(rows))
  of_matrix = native.call('medjax_product_gradient', results, rows, matrix, count, gradient)[1]
  return gradient @ matrix.T, of_matrix


_matmul.defvjp(_forward, _backward)
