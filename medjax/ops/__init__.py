"""Kernels: the same values and gradients as plain lax, faster."""

from medjax.ops.conv import conv_general_dilated
from medjax.ops.conv_pool import conv_relu_pool
from medjax.ops.depthwise import depthwise
from medjax.ops.pool import max_pool
from medjax.ops.pool_overlapping import max_pool_3x3
from medjax.ops.relu import relu

__all__ = [
  'conv_general_dilated',
  'conv_relu_pool',
  'depthwise',
  'max_pool',
  'max_pool_3x3',
  'relu',
]
