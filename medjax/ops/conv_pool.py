"""Convolution, ReLU and max pooling in one operation: the block of a small convolutional network.

On a CPU a training step of such a network spends most of its time writing the convolution's result
to memory, reading it to pool it, and the same again for the gradients. Where kernels are available
(see ``native``) a 3x3 block never writes it: strip by strip of the image, what is convolved is
pooled while it is in the cache.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from medjax.ops import conv, native, pool


def conv_relu_pool(
  x_BHWC: jax.Array, kernel: jax.Array, bias: jax.Array, padding: str = 'VALID'
) -> jax.Array:
  """``max_pool(relu(conv(x, kernel) + bias), (2, 2))``, stride 1.

  A NaN goes through, ties send the gradient to the first cell in row order, and ReLU has the
  gradient 0 at 0, as in ``max_pool`` and ``jax.nn.relu``. With a kernel in C++ results differ from
  those of ``lax`` by rounding, at most about 1e-5 of the largest value, and are the same to the bit
  for any number of threads.

  Args:
    x_BHWC: images, [batch, height, width, channels], floating.
    kernel: [kernel height, kernel width, channels, features], dtype of ``x_BHWC``.
    bias: [features], dtype of ``x_BHWC``.
    padding: 'VALID', or 'SAME' for a convolved image as large as ``x_BHWC``.

  Returns:
    [batch, convolved height // 2, convolved width // 2, features].

  Raises:
    ValueError: the convolved image is smaller than the pooling window.

  Example:
    >>> image = jnp.arange(16.0).reshape(1, 4, 4, 1)
    >>> conv_relu_pool(image, jnp.ones((3, 3, 1, 1)) / 9, jnp.zeros(1)).round(3).ravel().tolist()
    [10.0]
  """
  edge = 1 if padding == 'SAME' else 0
  large = min(x_BHWC.shape[1:3]) + 2 * edge >= 4
  if large and bias.dtype == jnp.float32 and conv.has_kernel(x_BHWC, kernel):
    return _fused(edge, x_BHWC, kernel, bias)
  convolved = conv.conv_general_dilated(
    x_BHWC, kernel, (1, 1), padding, dimension_numbers=('NHWC', 'HWIO', 'NHWC')
  )
  return pool.max_pool(jax.nn.relu(convolved + bias), (2, 2))


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _fused(padding: int, x: jax.Array, kernel: jax.Array, bias: jax.Array) -> jax.Array:
  return _pooled(padding, x, kernel, bias)[0]


def _pooled(
  padding: int, x: jax.Array, kernel: jax.Array, bias: jax.Array
) -> tuple[jax.Array, jax.Array]:
  """What is pooled, and which cell of each window won."""
  batch, height, width, features = _convolved(padding, x, kernel)
  shape = (batch, height // 2, width // 2, features)
  inside, padded = conv.pad_few(padding, x)
  results = [(shape, x.dtype), (shape, jnp.uint8)]
  return native.call('medjax_conv_pool', results, padded, kernel, bias, padding=inside)


def _forward(padding: int, x: Any, kernel: Any, bias: Any) -> tuple[jax.Array, tuple]:
  pooled, winner = _pooled(padding, x.value, kernel.value, bias.value)
  return pooled, (x.value, kernel.value, winner, native.asked(x), native.asked(kernel, bias))


def _backward(padding: int, kept: tuple, gradient: jax.Array) -> tuple[Any, Any, Any]:
  x, kernel, winner, of_x, of_kernel = kept

  def call(
    padding: int, x: jax.Array, kernel: jax.Array, shapes: conv.Shapes
  ) -> Sequence[jax.Array]:
    results = [(shape, gradient.dtype) for shape in shapes]
    return native.call(
      'medjax_conv_pool_gradient', results, x, kernel, winner, gradient, padding=padding
    )

  shapes = [kernel.shape, kernel.shape[3:]]
  d_x, d_kernel, d_bias = conv.gradients(call, padding, x, kernel, of_x, of_kernel, shapes)
  return d_x, d_kernel, d_bias


_fused.defvjp(_forward, _backward, symbolic_zeros=True)


def _convolved(padding: int, x: jax.Array, kernel: jax.Array) -> tuple[int, int, int, int]:
  batch, height, width, _ = x.shape
  return batch, height + 2 * padding - 2, width + 2 * padding - 2, kernel.shape[3]
