"""Depthwise convolution on a CPU: one multiplication and addition for each cell of the kernel.

XLA convolves grouped channels there with a plain loop: 3x3 to 7x7 kernels on 96 to 672 channels
take 30 to 70 times as long, and a training step of EfficientNet would be nothing else. Shifted
products fuse into one pass over the images. The gradient of the kernel is as many sums over them; a
reduction of all of them at once reads the images once, and takes a fifth of the time.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Pads = tuple[tuple[int, int], tuple[int, int]]


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def depthwise(
  x_BHWC: jax.Array, kernel: jax.Array, strides: tuple[int, int], padding: Pads
) -> jax.Array:
  """Each channel convolved with a kernel of its own.

  Args:
    x_BHWC: [batch, height, width, channels], floating.
    kernel: [height, width, 1, channels].
    strides: along height and width.
    padding: zeros before and after, along height and width.

  Returns:
    [batch, rows, columns, channels], dtype of ``x_BHWC``; sums are float32.

  Example:
    >>> x = jnp.arange(4.0).reshape(1, 2, 2, 1)
    >>> depthwise(x, jnp.ones((2, 2, 1, 1)), (1, 1), ((0, 0), (0, 0))).item()
    6.0
  """
  # The barrier keeps XLA from computing the images once more for every cell.
  taps = _taps(jax.lax.optimization_barrier(x_BHWC), kernel.shape[:2], strides, padding)
  cells = kernel.astype(jnp.float32).reshape(-1, kernel.shape[3])
  total: Any = sum(tap * cell for tap, cell in zip(taps, cells, strict=True))
  return total.astype(x_BHWC.dtype)


def _taps(
  x: jax.Array, kernel: Sequence[int], strides: tuple[int, int], padding: Pads
) -> Iterator[jax.Array]:
  """What each cell of the kernel sees, float32 [batch, rows, columns, channels], in row order."""
  x = jnp.pad(x.astype(jnp.float32), ((0, 0), *padding, (0, 0)))
  ends = [
    (side - size) // stride * stride + 1
    for side, size, stride in zip(x.shape[1:3], kernel, strides, strict=True)
  ]
  for i in range(kernel[0]):
    for j in range(kernel[1]):
      yield x[:, i : i + ends[0] : strides[0], j : j + ends[1] : strides[1]]


def _forward(x: jax.Array, kernel: jax.Array, strides: tuple[int, int], padding: Pads) -> Any:
  return depthwise(x, kernel, strides, padding), (x, kernel)


def _backward(
  strides: tuple[int, int], padding: Pads, kept: Any, gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
  x, kernel = kept
  gradient = jax.lax.optimization_barrier(gradient)
  return (
    _of_images(x, kernel, strides, padding, gradient),
    _of_kernel(x, kernel, strides, padding, gradient),
  )


def _of_images(
  x: jax.Array, kernel: jax.Array, strides: tuple[int, int], padding: Pads, gradient: jax.Array
) -> jax.Array:
  """The gradient, spread out by the strides, convolved with the kernel turned round."""
  pads = [(0, 0, 0)]
  for axis, stride in enumerate(strides):
    before = kernel.shape[axis] - 1 - padding[axis][0]
    spread = (gradient.shape[axis + 1] - 1) * stride + 1
    after = x.shape[axis + 1] + kernel.shape[axis] - 1 - spread - before
    pads.append((before, after, stride - 1))
  spread_out = jax.lax.pad(gradient, jnp.zeros((), gradient.dtype), [*pads, (0, 0, 0)])
  return depthwise(spread_out, kernel[::-1, ::-1], (1, 1), ((0, 0), (0, 0)))


def _of_kernel(
  x: jax.Array, kernel: jax.Array, strides: tuple[int, int], padding: Pads, gradient: jax.Array
) -> jax.Array:
  wide = gradient.astype(jnp.float32)
  x = jax.lax.optimization_barrier(x)
  products = [tap * wide for tap in _taps(x, kernel.shape[:2], strides, padding)]
  zeros = (np.float32(0),) * len(products)
  sums = jax.lax.reduce(tuple(products), zeros, _add, (0, 1, 2))
  return jnp.stack(sums).reshape(kernel.shape).astype(kernel.dtype)


def _add(one: Any, other: Any) -> Any:
  return tuple(a + b for a, b in zip(one, other, strict=True))


depthwise.defvjp(_forward, _backward)
