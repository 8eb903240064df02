"""Convolution over patches that do not overlap, which is one product of matrices."""

import flax.linen as nn
import jax
import jax.numpy as jnp


class Patches(nn.Module):
  """A convolution whose stride is its kernel's size, without padding.

  Attributes:
    features: channels that come out.
    size: pixels of a patch's side.

  Example:
    >>> layer = Patches(8, 4)
    >>> x = jnp.zeros((2, 16, 12, 3))
    >>> layer.apply(layer.init(jax.random.key(0), x), x).shape
    (2, 4, 3, 8)
  """

  features: int
  size: int

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """[batch, height // size, width // size, features]; pixels beyond whole patches are left out.

    Raises:
      ValueError: the images are smaller than a patch.
    """
    batch, height, width, channels = x.shape
    size = self.size
    rows, columns = height // size, width // size
    if not rows or not columns:
      raise ValueError(f'images of {height}x{width} pixels hold no patch of {size}x{size}')
    shape = (size, size, channels, self.features)
    kernel = self.param('kernel', nn.initializers.truncated_normal(0.02), shape)
    bias = self.param('bias', nn.initializers.zeros, (self.features,))
    x = x[:, : rows * size, : columns * size].reshape(batch, rows, size, columns, size, channels)
    x = x.transpose(0, 1, 3, 2, 4, 5).reshape(batch, rows, columns, -1)
    dtype = jnp.result_type(x, kernel)
    return x.astype(dtype) @ kernel.reshape(-1, self.features).astype(dtype) + bias.astype(dtype)
