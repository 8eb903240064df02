"""Convolution, ReLU and max pooling in one operation: the block of a small convolutional network.

On a CPU a training step of such a network spends most of its time writing the convolution's result
to memory, reading it to pool it, and the same again for the gradients. Where kernels are available
(see ``native``) a 3x3 block never writes it: strip by strip of the image, what is convolved is
pooled while it is in the cache, by Winograd's F(4x4, 3x3), which needs a quarter of the products.
"""

from typing import Any

import jax
import jax.numpy as jnp

from medjax.ops import native, pool
from medjax.ops.conv import conv_general_dilated

_DIMENSIONS = ('NHWC', 'HWIO', 'NHWC')
_FEW = 4  # channels of a block whose gradient stops at its input, as an image's


def conv_relu_pool(x_BHWC: jax.Array, kernel: jax.Array, bias: jax.Array) -> jax.Array:
  """``max_pool(relu(conv(x, kernel) + bias), (2, 2))``: valid convolution, stride 1.

  A NaN goes through, ties send the gradient to the first cell in row order, and ReLU has the
  gradient 0 at 0, as in ``max_pool`` and ``jax.nn.relu``. With a kernel in C++ results differ from
  those of ``lax`` by rounding, at most about 1e-5 of the largest value, and are the same to the bit
  for any number of threads.

  Args:
    x_BHWC: images, [batch, height, width, channels], floating.
    kernel: [kernel height, kernel width, channels, features], dtype of ``x_BHWC``.
    bias: [features], dtype of ``x_BHWC``.

  Returns:
    [batch, (height - kernel height + 1) // 2, (width - kernel width + 1) // 2, features].

  Raises:
    ValueError: the convolved image is smaller than the pooling window.

  Example:
    >>> image = jnp.arange(16.0).reshape(1, 4, 4, 1)
    >>> conv_relu_pool(image, jnp.ones((3, 3, 1, 1)) / 9, jnp.zeros(1)).ravel().tolist()
    [10.0]
  """
  if _has_kernel(x_BHWC, kernel, bias):
    return _fused(x_BHWC, kernel, bias)
  return _plain(x_BHWC, kernel, bias)


def _has_kernel(x: jax.Array, kernel: jax.Array, bias: jax.Array) -> bool:
  floats = all(a.dtype == jnp.float32 for a in (x, kernel, bias))
  fits = kernel.shape[:2] == (3, 3) and min(x.shape[1:3]) >= 4 and x.shape[0] > 0
  if not (floats and fits and native.available()):
    return False
  channels, features = kernel.shape[2:]
  few = channels <= _FEW and channels < native.lanes()
  return (few or channels % native.lanes() == 0) and features % native.lanes() == 0


def _convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
  return conv_general_dilated(x, kernel, (1, 1), 'VALID', dimension_numbers=_DIMENSIONS)


def _plain(x: jax.Array, kernel: jax.Array, bias: jax.Array) -> jax.Array:
  return pool.max_pool(jax.nn.relu(_convolve(x, kernel) + bias), (2, 2))


@jax.custom_vjp
def _fused(x: jax.Array, kernel: jax.Array, bias: jax.Array) -> jax.Array:
  return _forward(x, kernel, bias)[0]


def _forward(x: jax.Array, kernel: jax.Array, bias: jax.Array) -> tuple[jax.Array, tuple]:
  batch, height, width, _ = x.shape
  shape = (batch, (height - 2) // 2, (width - 2) // 2, kernel.shape[3])
  pooled, winner = _call(
    'medjax_conv_pool', [(shape, jnp.float32), (shape, jnp.uint8)], x, kernel, bias
  )
  return pooled, (x, kernel, winner)


def _backward(kept: tuple, gradient: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
  x, kernel, winner = kept
  few = x.shape[3] < native.lanes()
  d_x, d_kernel, d_bias = _call(
    'medjax_conv_pool_gradient',
    [(a, jnp.float32) for a in ((0,) if few else x.shape, kernel.shape, kernel.shape[3:])],
    x,
    kernel,
    winner,
    gradient,
  )
  if few:  # wanted by explanations alone: in training XLA drops this
    batch, height, width, _ = x.shape
    convolved = (batch, height - 2, width - 2, kernel.shape[3])
    spread = pool.place((2, 2), winner, convolved, gradient)
    (d_x,) = jax.linear_transpose(lambda x: _convolve(x, kernel), x)(spread)
  return d_x, d_kernel, d_bias


_fused.defvjp(_forward, _backward)


def _call(name: str, results: list[tuple[tuple[int, ...], Any]], *args: jax.Array) -> Any:
  shapes = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in results]
  return jax.ffi.ffi_call(name, shapes, vmap_method='sequential')(*args)
