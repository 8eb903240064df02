"""Sums along the bonds of graphs whose values and gradients are gathers, never scatters.

A scatter adds one row at a time on a CPU, and in an order of its own on a GPU, where a run would
not repeat to the same bits. Where both directions of a sum are known as lists, neither is needed.
"""

import jax
import numpy as np


@jax.custom_vjp
def gather_sum(values: jax.Array, index: jax.Array, back: jax.Array) -> jax.Array:
  """The sum of the rows that each list names: ``out[m] = sum of values[index[m, j]] over j``.

  Args:
    values: floating [N, F].
    index: int [M, J], the rows of each list; N for none.
    back: int [N, L], which lists name each row; M for none. It is the same relation, read the other
      way, and says the gradient.

  Returns:
    [M, F], of the dtype of ``values``.

  Example:
    >>> index, back = jnp.array([[0, 1], [1, 2]]), jnp.array([[0, 2], [0, 1]])
    >>> gather_sum(jnp.array([[1.0], [10.0]]), index, back).tolist()
    [[11.0], [10.0]]
  """
  del back
  return _sum(values, index)


def _sum(values: jax.Array, index: jax.Array) -> jax.Array:
  # Column by column: XLA fuses that, and not the sum over a gathered axis, which is left for
  # programs that are exported for lists of any length.
  if not isinstance(index.shape[1], int):
    return _rows(values, index).sum(axis=1)
  columns = [_rows(values, index[:, j]) for j in range(index.shape[1])]
  return sum(columns[1:], columns[0])


def _rows(values: jax.Array, index: jax.Array) -> jax.Array:
  return values.at[index].get(mode='fill', fill_value=0, wrap_negative_indices=False)


def _forward(values: jax.Array, index: jax.Array, back: jax.Array) -> tuple[jax.Array, tuple]:
  return _sum(values, index), (index, back)


def _backward(kept: tuple, gradient: jax.Array) -> tuple:
  index, back = kept
  no_gradient = (np.zeros(part.shape, jax.dtypes.float0) for part in (index, back))
  return (_sum(gradient, back), *no_gradient)


gather_sum.defvjp(_forward, _backward)
