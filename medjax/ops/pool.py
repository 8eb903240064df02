"""Max pooling over windows that do not overlap, with a gradient that costs one pass.

The gradient of ``lax.reduce_window`` is select-and-scatter, which takes 40% of a small CNN's
training step on a CPU. Windows that do not overlap need no scatter: the forward pass keeps which
cell of its window won, and the backward pass places each gradient there.
"""

import functools
from collections.abc import Iterator

import jax
import jax.numpy as jnp


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def max_pool(x_BHWC: jax.Array, window: tuple[int, int] = (2, 2)) -> jax.Array:
  """Largest value of each window; strides equal the window, incomplete windows are dropped.

  Ties send the gradient to the first cell in row order, as the gradient of ``lax.reduce_window``
  does.

  Args:
    x_BHWC: [batch, height, width, channels], any floating dtype.
    window: height and width of the window, both at most those of ``x_BHWC``.

  Returns:
    [batch, height // window[0], width // window[1], channels], dtype of ``x_BHWC``.

  Raises:
    ValueError: the input is smaller than one window.

  Example:
    >>> max_pool(jnp.arange(16.0).reshape(1, 4, 4, 1)).reshape(2, 2).tolist()
    [[5.0, 7.0], [13.0, 15.0]]
  """
  return functools.reduce(jnp.maximum, _cells(x_BHWC, window))


def _cells(x: jax.Array, window: tuple[int, int]) -> Iterator[jax.Array]:
  """One strided view for each cell of the window, in row order."""
  if x.shape[1] < window[0] or x.shape[2] < window[1]:
    raise ValueError(f'max_pool: input {x.shape[1:3]} is smaller than the window {window}')
  height, width = x.shape[1] // window[0] * window[0], x.shape[2] // window[1] * window[1]
  for row in range(window[0]):
    for column in range(window[1]):
      yield x[:, row : height : window[0], column : width : window[1]]


def _forward(x: jax.Array, window: tuple[int, int]) -> tuple[jax.Array, tuple]:
  best, *others = _cells(x, window)
  winner = jnp.zeros(best.shape, jnp.uint8)
  for i, cell in enumerate(others, 1):
    winner = jnp.where(cell > best, jnp.uint8(i), winner)
    best = jnp.maximum(best, cell)
  # The barrier keeps XLA from finding the winner again in the backward pass, from all of x.
  best, winner = jax.lax.optimization_barrier((best, winner))
  return best, (winner, x.shape)


def _backward(window: tuple[int, int], kept: tuple, gradient: jax.Array) -> tuple[jax.Array]:
  winner, shape = kept
  return (place(window, winner, shape, gradient),)


def place(
  window: tuple[int, int], winner: jax.Array, shape: tuple[int, ...], gradient: jax.Array
) -> jax.Array:
  """Each window's gradient in the cell that won, zeros elsewhere.

  Args:
    window: height and width of the windows.
    winner: number of the winning cell in row order, as ``gradient``; one that no cell has places
      nothing.
    shape: of what was pooled, [batch, height, width, channels].
    gradient: of the pooled values, [batch, rows, columns, channels].

  Returns:
    Array of ``shape``.
  """
  batch, height, width, channels = shape
  rows, columns = gradient.shape[1], gradient.shape[2]
  cells = [
    jnp.where(winner == i, gradient, jnp.zeros_like(gradient)) for i in range(window[0] * window[1])
  ]
  # [B, rows, columns, C] for each cell -> [B, rows, wh, columns, ww, C]
  grid = jnp.stack(
    [jnp.stack(cells[r * window[1] : (r + 1) * window[1]], axis=3) for r in range(window[0])],
    axis=2,
  )
  full = grid.reshape(batch, rows * window[0], columns * window[1], channels)
  lost = ((0, 0), (0, height - full.shape[1]), (0, width - full.shape[2]), (0, 0))
  return jnp.pad(full, lost)


max_pool.defvjp(_forward, _backward)
