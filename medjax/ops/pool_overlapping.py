"""Max pooling of 3x3 pixels at every second one, as after the first convolution of a ResNet.

Windows overlap, so that a pixel may win in up to four. As in ``ops.pool`` the forward pass keeps
the cell that won, and each pixel gathers the gradients of the windows in which it did: the gradient
of ``lax.reduce_window``, a scatter, takes several times as long on a CPU. A kernel in C++ (see
``native``), where there is one, goes over memory once each way.
"""

from typing import Any

import jax
import jax.numpy as jnp

from medjax.ops import native


def max_pool_3x3(x_BHWC: jax.Array) -> jax.Array:
  """Largest value of 3x3 pixels around every second one; there is nothing beyond the edges.

  Ties send the gradient to the first cell in row order. With the kernel there is one derivative, no
  second.

  Args:
    x_BHWC: [batch, height, width, channels], any floating dtype.

  Returns:
    [batch, (height + 1) // 2, (width + 1) // 2, channels], dtype of ``x_BHWC``.

  Example:
    >>> max_pool_3x3(jnp.arange(16.0).reshape(1, 4, 4, 1)).reshape(2, 2).tolist()
    [[5.0, 7.0], [13.0, 15.0]]
  """
  usual = x_BHWC.dtype == jnp.float32 and x_BHWC.size > 0
  fast = usual and native.available() and x_BHWC.shape[-1] % native.lanes() == 0
  return _by_kernel(x_BHWC) if fast else _plain(x_BHWC)


@jax.custom_vjp
def _by_kernel(x: jax.Array) -> jax.Array:
  return _kernel_forward(x)[0]


def _kernel_forward(x: jax.Array) -> tuple[jax.Array, tuple]:
  batch, height, width, channels = x.shape
  shape = (batch, (height + 1) // 2, (width + 1) // 2, channels)
  best, winner = native.call('medjax_max_pool', [(shape, x.dtype), (shape, jnp.uint8)], x)
  return best, (winner, x.shape)


def _kernel_backward(kept: tuple, gradient: jax.Array) -> tuple[jax.Array]:
  winner, shape = kept
  return (native.call('medjax_max_pool_gradient', [(shape, gradient.dtype)], winner, gradient)[0],)


_by_kernel.defvjp(_kernel_forward, _kernel_backward)


@jax.custom_vjp
def _plain(x: jax.Array) -> jax.Array:
  edges = ((0, 0), (1, 1), (1, 1), (0, 0))
  least = jnp.array(-jnp.inf, x.dtype)
  return jax.lax.reduce_window(x, least, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), edges)


def _forward(x: jax.Array) -> tuple[jax.Array, Any]:
  _, height, width, _ = x.shape
  rows, columns = (height + 1) // 2, (width + 1) // 2
  least = jnp.array(-jnp.inf, x.dtype)
  edges = ((0, 0), (1, 2 * rows - height), (1, 2 * columns - width), (0, 0))
  padded = jnp.pad(jax.lax.optimization_barrier(x), edges, constant_values=least)
  best, winner = None, jnp.zeros((x.shape[0], rows, columns, x.shape[3]), jnp.uint8)
  for i in range(9):
    row, column = divmod(i, 3)
    cell = padded[:, row : row + 2 * rows - 1 : 2, column : column + 2 * columns - 1 : 2]
    if best is None:
      best = cell
      continue
    winner = jnp.where(cell > best, jnp.uint8(i), winner)
    best = jnp.maximum(best, cell)
  # The barrier keeps XLA from finding the winner again in the backward pass, from all of x.
  best, winner = jax.lax.optimization_barrier((best, winner))
  return best, (winner, x.shape)


def _backward(kept: Any, gradient: jax.Array) -> tuple[jax.Array]:
  winner, (batch, height, width, channels) = kept
  rows, columns = gradient.shape[1:3]
  gradient = jax.lax.optimization_barrier(gradient)

  def of_cell(row: int, column: int, down: int, right: int) -> jax.Array:
    """What the window ``down`` and ``right`` of it gives a pixel that is its cell."""
    won = jnp.where(winner == 3 * row + column, gradient, 0).astype(gradient.dtype)
    shifted = won[:, down:, right:]
    return jnp.pad(shifted, ((0, 0), (0, down), (0, right), (0, 0)))

  # An even row is the middle one of its window; an odd one the last of its window and the first of
  # the next.
  vertical = {0: [(1, 0)], 1: [(2, 0), (0, 1)]}
  grid: Any = [
    [
      sum(of_cell(row, column, down, right) for row, down in vertical[a]
          for column, right in vertical[b])
      for b in (0, 1)
    ]
    for a in (0, 1)
  ]  # fmt: skip
  # [B, rows, columns, C] for each parity -> [B, rows, 2, columns, 2, C]
  whole = jnp.stack([jnp.stack(line, axis=3) for line in grid], axis=2)
  full = whole.reshape(batch, 2 * rows, 2 * columns, channels)
  return (full[:, :height, :width],)


_plain.defvjp(_forward, _backward)
