"""Convolution of images: on a CPU as a kernel or a matrix product where XLA's own is slow.

XLA turns both arguments of a kernel's gradient round in memory first, which can cost as much as
the convolution, and computes what led to them again on the way. 3x3 kernels with stride 1, of which
most networks are made, have a kernel in C++ instead (see ``native``), and so have kernels of any
size and stride on images of few channels (see ``few_channels``). 1x1 kernels and 3x3 ones with
stride 2 become the product of every output pixel's patch with the kernel (see ``matmul``). So do
images with fewer pixels than the kernel along an axis, for which XLA falls back to a plain loop:
the last stage of a ResNet on small images (3x3 kernels on 2x2 pixels, 512 channels) takes about 40
times as long. A kernel for each channel is shifted products (see ``depthwise``).
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from medjax.ops import few_channels, native
from medjax.ops.depthwise import depthwise
from medjax.ops.matmul import matmul

Shapes = Sequence[Sequence[int]]

_SMALL = 4  # pixels of a side below which a product of patches is faster
_LAYOUT = jax.lax.ConvDimensionNumbers((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2))  # NHWC, HWIO


def conv_general_dilated(
  lhs: jax.Array,
  rhs: jax.Array,
  window_strides: Sequence[int],
  padding: str | Sequence[tuple[int, int]],
  lhs_dilation: Sequence[int] | None = None,
  rhs_dilation: Sequence[int] | None = None,
  dimension_numbers: Any = None,
  feature_group_count: int = 1,
  **settings: Any,
) -> jax.Array:
  """As ``lax.conv_general_dilated``; made for ``nn.Conv(conv_general_dilated=...)``.

  Args:
    lhs: images, [batch, height, width, channels] for the fast way.
    rhs: kernel, [height, width, channels, features] for the fast way.
    window_strides: of each spatial axis.
    padding: 'SAME', 'VALID' or pixels before and after each axis.
    lhs_dilation: as in lax.
    rhs_dilation: as in lax.
    dimension_numbers: as in lax.
    feature_group_count: as in lax.
    **settings: further arguments of lax, such as ``precision``.

  Returns:
    What lax returns, up to rounding: at most about 1e-5 of the largest value.

  Example:
    >>> layer = flax.linen.Conv(8, (3, 3), conv_general_dilated=conv_general_dilated)
    ... # doctest: +SKIP
  """
  plain = (
    native.on_cpu()
    and _is_one(lhs_dilation)
    and _is_one(rhs_dilation)
    and not settings.keys() - {'precision'}
    and lhs.ndim == 4
    and jax.lax.conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers) == _LAYOUT
  )
  grouped = 1 < feature_group_count == lhs.shape[-1] == rhs.shape[-1]
  if plain and (grouped or feature_group_count == 1):
    kernel, strides = rhs.shape[:2], tuple(window_strides)
    if isinstance(padding, str):
      padding = jax.lax.padtype_to_pads(lhs.shape[1:3], kernel, strides, padding)
    if grouped:
      rows, columns = padding
      return depthwise(lhs, rhs, strides, (tuple(rows), tuple(columns)))
    sides = [
      (size + sum(pad) - k) // stride + 1
      for size, pad, k, stride in zip(lhs.shape[1:3], padding, kernel, strides, strict=True)
    ]
    small = any(0 < side < k for side, k in zip(sides, kernel, strict=True))
    edges = {side for pad in padding for side in pad}
    some = min(sides) > 0 and min(edges) >= 0  # lax alone cuts pixels off
    simple = strides == (1, 1) and edges in ({0}, {1}) and min(sides) > _SMALL
    if simple and has_kernel(lhs, rhs):
      return convolve(edges.pop(), lhs, rhs)
    if some and few_channels.has_kernel(lhs, rhs):
      padded = jnp.pad(lhs, ((0, 0), *padding, (0, 0)))
      return few_channels.convolve(strides, padded, rhs)
    if some and (small or kernel == (1, 1) or (kernel == (3, 3) and strides == (2, 2))):
      return _product(lhs, rhs, strides, padding, sides, settings.get('precision'))
  return jax.lax.conv_general_dilated(
    lhs,
    rhs,
    window_strides,
    padding,
    lhs_dilation,
    rhs_dilation,
    dimension_numbers,
    feature_group_count,
    **settings,
  )


def _is_one(dilation: Sequence[int] | None) -> bool:
  return dilation is None or all(d == 1 for d in dilation)


def _product(
  lhs: jax.Array,
  rhs: jax.Array,
  strides: tuple[int, ...],
  padding: Sequence[tuple[int, int]],
  sides: Sequence[int],
  precision: Any,
) -> jax.Array:
  """Every output pixel's patch, side by side, times the kernel."""
  # The barrier keeps XLA from computing the images once more for every patch.
  x = jnp.pad(jax.lax.optimization_barrier(lhs), ((0, 0), *padding, (0, 0)))
  rows, columns = ((side - 1) * stride + 1 for side, stride in zip(sides, strides, strict=True))
  patches = [
    x[:, i : i + rows : strides[0], j : j + columns : strides[1]]
    for i in range(rhs.shape[0])
    for j in range(rhs.shape[1])
  ]
  kernel = rhs.reshape(-1, rhs.shape[-1])
  rows_of_patches = jnp.concatenate(patches, -1).reshape(-1, len(kernel))
  return matmul(rows_of_patches, kernel, precision).reshape(*patches[0].shape[:3], -1)


def has_kernel(x: jax.Array, kernel: jax.Array) -> bool:
  """Whether there is a kernel in C++ for this 3x3 convolution with stride 1, here and now."""
  if not (x.dtype == kernel.dtype == jnp.float32 and kernel.shape[:2] == (3, 3) and x.size):
    return False
  if not native.available():
    return False
  channels, features = kernel.shape[2:]
  return (is_direct(channels) or channels % native.lanes() == 0) and features % native.lanes() == 0


def is_direct(channels: int) -> bool:
  """Whether the kernels for few channels take it: they neither pad nor give its gradient."""
  return channels <= few_channels.FEW and channels < native.lanes()


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def convolve(padding: int, x_BHWC: jax.Array, kernel: jax.Array) -> jax.Array:
  """3x3 convolution with stride 1 and ``padding`` zeros around, where ``has_kernel``.

  Args:
    padding: pixels on every side.
    x_BHWC: float32 [batch, height, width, channels].
    kernel: float32 [3, 3, channels, features].

  Returns:
    float32 [batch, height + 2 * padding - 2, width + 2 * padding - 2, features].
  """
  batch, height, width, _ = x_BHWC.shape
  shape = (batch, height + 2 * padding - 2, width + 2 * padding - 2, kernel.shape[3])
  inside, padded = pad_few(padding, x_BHWC)
  return native.call('medjax_conv', [(shape, jnp.float32)], padded, kernel, padding=inside)[0]


def pad_few(padding: int, x: jax.Array) -> tuple[int, jax.Array]:
  """Padding and images as the kernels take them: images with few channels come padded."""
  if not (padding and is_direct(x.shape[3])):
    return padding, x
  return 0, jnp.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))


def gradients(
  call: Callable[[int, jax.Array, jax.Array, Shapes], Sequence[jax.Array]],
  padding: int,
  x: jax.Array,
  kernel: jax.Array,
  of_x: tuple[()] | None,
  of_kernel: tuple[()] | None,
  shapes: Shapes,
) -> list[jax.Array | None]:
  """The gradient of the images, and those of the kernel and its like.

  Args:
    call: Calls the kernel in C++ for padding, images, kernel and the shapes of all its results,
      which leaves out what is empty.
    padding: Pixels on every side.
    x: float32 [batch, height, width, channels].
    kernel: float32 [3, 3, channels, features].
    of_x: Whether the first is needed; see ``native.asked``.
    of_kernel: Whether the others are.
    shapes: Of the others.

  Returns:
    None in place of each that is not needed.
  """
  rest: list[Any] = [None] * len(shapes)
  empty = [(0,)] * len(shapes)
  d_x: jax.Array | None = None
  if not is_direct(x.shape[3]):
    d_x, *found = call(padding, x, kernel, [x.shape, *(empty if of_kernel is None else shapes)])
    return [d_x, *(rest if of_kernel is None else found)]
  if of_kernel is not None:
    inside, padded = pad_few(padding, x)
    _, *rest = call(inside, padded, kernel, [(0,), *shapes])
  if of_x is not None:
    # Only explanations ask for it: by the kernels for many channels, of which most are 0.
    wide = (*x.shape[:3], native.lanes())
    more = native.lanes() - x.shape[3]
    filled = jnp.pad(kernel, ((0, 0), (0, 0), (0, more), (0, 0)))
    d_x = call(padding, jnp.zeros(wide, x.dtype), filled, [wide, *empty])[0][..., : x.shape[3]]
  return [d_x, *rest]


def _forward(padding: int, x: Any, kernel: Any) -> tuple[jax.Array, tuple]:
  kept = (x.value, kernel.value, native.asked(x), native.asked(kernel))
  return convolve(padding, x.value, kernel.value), kept


def _backward(padding: int, kept: tuple, gradient: jax.Array) -> tuple[Any, Any]:
  def call(padding: int, x: jax.Array, kernel: jax.Array, shapes: Shapes) -> Sequence[jax.Array]:
    results = [(shape, gradient.dtype) for shape in shapes]
    return native.call('medjax_conv_gradient', results, x, kernel, gradient, padding=padding)

  x, kernel, of_x, of_kernel = kept
  d_x, d_kernel = gradients(call, padding, x, kernel, of_x, of_kernel, [kernel.shape])
  return d_x, d_kernel


convolve.defvjp(_forward, _backward, symbolic_zeros=True)
