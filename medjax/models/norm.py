"""Normalisation layers that know which examples of a batch are padding and who shares it."""

import math
from collections.abc import Callable
from functools import partial
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.ops import moments


class GroupNorm(nn.Module):
  """Group normalisation in the place of ``BatchNorm``: no example influences another.

  Attributes:
    groups: of channels, at most; as many as divide the channels.
    epsilon: added to the variance.
    zero: start with a scale of zero, so that a residual branch begins as the identity.
    relu: set what is negative afterwards to zero.

  Example:
    >>> layer = GroupNorm()
    >>> x = jnp.arange(8.0).reshape(1, 2, 4)
    >>> layer.apply(layer.init(jax.random.key(0), x), x).shape
    (1, 2, 4)

  Source:
    Wu, Y. and He, K. (2018), Group normalization. ECCV, 3-19.
  """

  groups: int = 32
  epsilon: float = 1e-5
  zero: bool = False
  relu: bool = False

  @nn.compact
  def __call__(
    self, x: jax.Array, mask: jax.Array | None = None, *, train: bool = False
  ) -> jax.Array:
    """Normalises the last axis of ``x`` [batch, ..., features]; arguments as of ``BatchNorm``."""
    del mask, train
    start = nn.initializers.zeros if self.zero else nn.initializers.ones
    y = nn.GroupNorm(
      math.gcd(self.groups, x.shape[-1]), epsilon=self.epsilon, scale_init=start, name='groups'
    )(x)
    return nn.relu(y) if self.relu else y


class BatchNorm(nn.Module):
  """Batch normalisation over all devices' real examples.

  In training the mean and variance are those of the whole batch: sums go over all devices of
  ``axis_name`` before they are divided, and padding is left out. So a step does not depend on how
  many devices share the batch. Otherwise the running averages are used. Statistics are float32.

  Attributes:
    axis_name: name of the devices' axis in ``jax.pmap`` or ``jax.vmap``; None for none.
    momentum: share of the running averages that each step keeps.
    epsilon: added to the variance.
    zero: start with a scale of zero, so that a residual branch begins as the identity.
    relu: set what is negative afterwards to zero.

  Example:
    >>> x = jnp.array([[1.0], [3.0], [100.0]])
    >>> layer = BatchNorm(axis_name=None)
    >>> variables = layer.init(jax.random.key(0), x)
    >>> out, _ = layer.apply(
    ...     variables, x, jnp.array([True, True, False]), train=True, mutable=['batch_stats'])
    >>> out[:2, 0].round(3).tolist()
    [-1.0, 1.0]

  Source:
    Ioffe, S. and Szegedy, C. (2015), Batch normalization. ICML, 448-456.
  """

  axis_name: str | None = 'data'
  momentum: float = 0.9
  epsilon: float = 1e-5
  zero: bool = False
  relu: bool = False

  @nn.compact
  def __call__(
    self, x: jax.Array, mask: jax.Array | None = None, *, train: bool = False
  ) -> jax.Array:
    """Normalises the last axis of ``x``.

    Args:
      x: [batch, ..., features], any floating dtype.
      mask: [batch] bool, or [batch, ...] of further axes of x, False for padding; None if there is
        none.
      train: use the batch's statistics and update the running ones.

    Returns:
      The shape and dtype of ``x``.
    """
    features = (x.shape[-1],)
    mean = self.variable('batch_stats', 'mean', jnp.zeros, features, jnp.float32)
    var = self.variable('batch_stats', 'var', jnp.ones, features, jnp.float32)
    start = nn.initializers.zeros if self.zero else nn.initializers.ones
    scale = self.param('scale', start, features, jnp.float32)
    bias = self.param('bias', nn.initializers.zeros, features, jnp.float32)
    if train and not self.is_initializing():
      now_mean, now_var, count = self._statistics(x, mask)
      # The running variance is the unbiased one, as in Keras and PyTorch.
      unbiased = now_var * (count / jnp.maximum(count - 1, 1))
      keep = self.momentum
      mean.value = keep * mean.value + (1 - keep) * now_mean
      var.value = keep * var.value + (1 - keep) * unbiased
    else:
      now_mean, now_var = mean.value, var.value
    # One multiplication and one addition for each element.
    factor = scale.astype(jnp.float32) * jax.lax.rsqrt(now_var + self.epsilon)
    shift = bias.astype(jnp.float32) - now_mean * factor
    if train and moments.has_kernel(x, mask):
      return moments.affine(x, factor, shift, self.relu)
    y = x * factor.astype(x.dtype) + shift.astype(x.dtype)
    return nn.relu(y) if self.relu else y

  def _statistics(
    self, x: jax.Array, mask: jax.Array | None
  ) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Mean, biased variance and number of elements of each feature, over all devices."""
    axes = tuple(range(x.ndim - 1))
    wide = x.astype(jnp.float32)
    if mask is None:
      count = jnp.float32(x[..., 0].size)
    else:
      count = mask.sum(dtype=jnp.float32) * (x[..., 0].size / mask.size)
      wide = jnp.where(mask.reshape(*mask.shape, *[1] * (x.ndim - mask.ndim)), wide, 0)
    if moments.has_kernel(x, mask):
      sums = moments.moments(x, jnp.ones(len(x), bool) if mask is None else mask)
    else:
      sums = jnp.stack([wide.sum(axes), jnp.square(wide).sum(axes)])
    if self.axis_name is not None:
      sums, count = jax.lax.psum((sums, count), self.axis_name)
    count = jnp.maximum(count, 1)
    mean, square = sums / count
    return mean, jnp.maximum(square - jnp.square(mean), 0), count


Norm = Literal['batch', 'group']


def normalisation(norm: Norm, axis_name: str | None) -> Callable[..., nn.Module]:
  """Makes the layers that a network normalises with.

  Args:
    norm: 'batch', or 'group' where no example may influence another.
    axis_name: see ``BatchNorm``.
  """
  return GroupNorm if norm == 'group' else partial(BatchNorm, axis_name=axis_name)
