"""Convolution, as a matrix product where the image is no larger than the kernel.

XLA's convolution for CPUs falls back to a plain loop when an image has fewer pixels than the kernel
along an axis, in the forward pass or in a gradient: the last stage of a ResNet on 64-pixel images
(3x3 kernels on 2x2 pixels, 512 channels) takes about 40 times as long as the product.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

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
    What lax returns, up to rounding.

  Example:
    >>> layer = flax.linen.Conv(8, (3, 3), conv_general_dilated=conv_general_dilated)
    ... # doctest: +SKIP
  """
  plain = (
    feature_group_count == 1
    and _is_one(lhs_dilation)
    and _is_one(rhs_dilation)
    and not settings.keys() - {'precision'}
    and lhs.ndim == 4
    and jax.lax.conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers) == _LAYOUT
  )
  if plain:
    kernel, strides = rhs.shape[:2], tuple(window_strides)
    if isinstance(padding, str):
      padding = jax.lax.padtype_to_pads(lhs.shape[1:3], kernel, strides, padding)
    sides = [
      (size + sum(pad) - k) // stride + 1
      for size, pad, k, stride in zip(lhs.shape[1:3], padding, kernel, strides, strict=True)
    ]
    if any(0 < side < k for side, k in zip(sides, kernel, strict=True)):
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
  x = jnp.pad(lhs, ((0, 0), *padding, (0, 0)))
  rows, columns = ((side - 1) * stride + 1 for side, stride in zip(sides, strides, strict=True))
  patches = [
    x[:, i : i + rows : strides[0], j : j + columns : strides[1]]
    for i in range(rhs.shape[0])
    for j in range(rhs.shape[1])
  ]
  return jnp.einsum(
    'bhwk,kf->bhwf',
    jnp.concatenate(patches, -1),
    rhs.reshape(-1, rhs.shape[-1]),
    precision=precision,
  )
