"""Kernels: the same values and gradients as plain lax, faster."""

from medjax.ops.conv import conv_general_dilated
from medjax.ops.conv_pool import conv_relu_pool
from medjax.ops.pool import max_pool

__all__ = ['conv_general_dilated', 'conv_relu_pool', 'max_pool']
