"""Convolution of images with few channels, by a kernel of any size and stride, fast on a CPU.

The first layer of most networks. XLA turns images and results round in memory for the gradient of
the kernel; the kernel in C++ (see ``native``) reads a row of a patch as the piece of a row of the
image that it is.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp

from medjax.ops import native

FEW = 4  # channels, such as those of an image


def has_kernel(x: jax.Array, kernel: jax.Array) -> bool:
  """Whether there is a kernel in C++ for this convolution, here and now."""
  if not (x.dtype == kernel.dtype == jnp.float32 and x.size and native.available()):
    return False
  return kernel.shape[2] <= FEW and kernel.shape[3] % native.lanes() == 0


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def convolve(strides: tuple[int, int], x_BHWC: jax.Array, kernel: jax.Array) -> jax.Array:
  """Convolution without padding, where ``has_kernel``.

  Args:
    strides: pixels from one patch to the next, along height and width.
    x_BHWC: float32 [batch, height, width, channels].
    kernel: float32 [h, w, channels, features], no larger than the images.

  Returns:
    float32 [batch, (height - h) // stride + 1, (width - w) // stride + 1, features].

  Example:
    >>> convolve((2, 2), jnp.ones((1, 230, 230, 3)), jnp.ones((7, 7, 3, 64))).shape
    (1, 112, 112, 64)
  """
  rows, columns = (
    (size - window) // stride + 1
    for size, window, stride in zip(x_BHWC.shape[1:3], kernel.shape[:2], strides, strict=True)
  )
  results = [((len(x_BHWC), rows, columns, kernel.shape[3]), jnp.float32)]
  return native.call('medjax_few_channels', results, x_BHWC, kernel, **_named(strides))[0]


def _forward(strides: tuple[int, int], x: Any, kernel: Any) -> tuple[jax.Array, tuple]:
  kept = (x.value, kernel.value, native.asked(x), native.asked(kernel))
  return convolve(strides, x.value, kernel.value), kept


def _backward(strides: tuple[int, int], kept: tuple, gradient: jax.Array) -> tuple[Any, Any]:
  x, kernel, of_x, of_kernel = kept
  d_x = d_kernel = None
  if of_kernel is not None:
    results = [(kernel.shape, jnp.float32)]
    name = 'medjax_few_channels_gradient'
    d_kernel = native.call(name, results, x, gradient, **_named(strides))[0]
  if of_x is not None:  # explanations alone ask for it
    names = ('NHWC', 'HWIO', 'NHWC')
    plain = functools.partial(
      jax.lax.conv_general_dilated,
      rhs=kernel,
      window_strides=strides,
      padding='VALID',
      dimension_numbers=names,
    )
    (d_x,) = jax.vjp(plain, x)[1](gradient)
  return d_x, d_kernel


convolve.defvjp(_forward, _backward, symbolic_zeros=True)


def _named(strides: tuple[int, int]) -> dict[str, int]:
  return {'stride_rows': strides[0], 'stride_columns': strides[1]}
