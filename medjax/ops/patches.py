"""Patches of images side by side, for a product with a kernel, fast on a CPU.

XLA writes shifted images, one for each pixel of the patch, and puts them together; the kernel in
C++ (see ``native``) copies each row of a patch at once.
"""

import functools

import jax
import jax.numpy as jnp

from medjax.ops import native

Shape = tuple[int, ...]
Pads = tuple[tuple[int, int], tuple[int, int]]


def patches(
  x_BHWC: jax.Array, window: tuple[int, int], strides: tuple[int, int], padding: Pads
) -> jax.Array:
  """What a kernel sees at every pixel of its result; float32 by the kernel where there is one.

  Args:
    x_BHWC: [batch, height, width, channels].
    window: height and width of a patch, in pixels.
    strides: pixels from one patch to the next.
    padding: pixels of zeros before and after each axis, at least 0.

  Returns:
    [batch, rows, columns, window[0] * window[1] * channels].

  Example:
    >>> patches(jnp.ones((1, 8, 8, 5)), (3, 3), (2, 2), ((1, 1), (1, 1))).shape
    (1, 4, 4, 45)
  """
  rows, columns = (
    (size + sum(pad) - part) // stride + 1
    for size, pad, part, stride in zip(x_BHWC.shape[1:3], padding, window, strides, strict=True)
  )
  if x_BHWC.dtype == jnp.float32 and x_BHWC.size and native.available():
    result = (len(x_BHWC), rows, columns, window[0] * window[1] * x_BHWC.shape[3])
    start = (padding[0][0], padding[1][0])
    return _patches(x_BHWC, x_BHWC.shape, result, (*window, *strides, *start))
  # The barrier keeps XLA from computing the images once more for every patch.
  x = jnp.pad(jax.lax.optimization_barrier(x_BHWC), ((0, 0), *padding, (0, 0)))
  high, wide = (rows - 1) * strides[0] + 1, (columns - 1) * strides[1] + 1
  shifted = [
    x[:, i : i + high : strides[0], j : j + wide : strides[1]]
    for i in range(window[0])
    for j in range(window[1])
  ]
  return jnp.concatenate(shifted, -1)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3))
def _patches(x: jax.Array, shape: Shape, result: Shape, pixels: Shape) -> jax.Array:
  return native.call('medjax_patches', [(result, jnp.float32)], x, **_named(pixels))[0]


def _forward(x: jax.Array, shape: Shape, result: Shape, pixels: Shape) -> tuple[jax.Array, None]:
  return _patches(x, shape, result, pixels), None


def _backward(
  shape: Shape, result: Shape, pixels: Shape, _: None, gradient: jax.Array
) -> tuple[jax.Array]:
  results = [(shape, jnp.float32)]
  return (native.call('medjax_patches_gradient', results, gradient, **_named(pixels))[0],)


_patches.defvjp(_forward, _backward)


def _named(pixels: Shape) -> dict[str, int]:
  return dict(zip(('high', 'wide', 'down', 'right', 'top', 'left'), pixels, strict=True))
