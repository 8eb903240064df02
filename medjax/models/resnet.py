"""Residual networks of 18, 34 and 50 layers."""

from collections.abc import Callable
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax import ops
from medjax.models.norm import Norm, normalisation

STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
_HE = nn.initializers.variance_scaling(2.0, 'fan_out', 'truncated_normal')


class ResNet(nn.Module):
  """ResNet v1 with the stride in the 3x3 convolution of a bottleneck ('v1.5'), as PyTorch has it.

  Attributes:
    depth: 18, 34 or 50.
    outputs: outputs (logits); 1 for a binary task.
    width: channels of the first stage.
    small_images: a 3x3 convolution with stride 1 and no pooling in place of the 7x7 with stride 2
      and the 3x3 pooling, for images of about 28 to 64 pixels.
    frozen: in training too, all but the last layer is as in prediction and gets no gradient.
    maps: return feature maps in place of logits; see ``__call__``.
    axis_name: name of the devices' axis that batch statistics are summed over; None for none.
    norm: normalise over the batch, or over groups of each example's channels.

  Example:
    >>> model = ResNet(depth=18, outputs=1, width=8, small_images=True)
    >>> x = jnp.zeros((2, 28, 28, 3))
    >>> model.apply(model.init(jax.random.key(0), x), x).shape
    (2, 1)

  Source:
    He, K., Zhang, X., Ren, S. and Sun, J. (2016), Deep residual learning for image recognition.
    CVPR, 770-778.
  """

  depth: int = 18
  outputs: int = 1
  width: int = 64
  small_images: bool = False
  frozen: bool = False
  maps: bool = False
  axis_name: str | None = 'data'
  norm: Norm = 'batch'
  takes_mask: ClassVar[bool] = True

  @property
  def blocks(self) -> tuple[tuple[str, ...], ...]:
    """Names of modules from the images to the outputs, those of one depth together."""
    kind = '_Bottleneck' if self.depth >= 50 else '_Basic'
    inner = [(f'{kind}_{i}',) for i in range(sum(STAGES[self.depth]))]
    return (('Conv_0', f'{self.norm.title()}Norm_0'), *inner, ('Dense_0',))

  @nn.compact
  def __call__(
    self, x_BHWC: jax.Array, *, train: bool = False, mask: jax.Array | None = None
  ) -> Any:
    """Logits [batch, outputs] of images [batch, height, width, channels], floating.

    Args:
      x_BHWC: the images.
      train: normalise by the batch, not by the running averages.
      mask: [batch] bool, False for padding, which is left out of the batch's statistics.

    Returns:
      The logits; with ``maps`` the feature maps after the first convolution and after each stage,
      each of half the size of the one before, but for the stem for small images.

    Raises:
      ValueError: ``depth`` is none of 18, 34 and 50.
    """
    if self.depth not in STAGES:
      raise ValueError(f'depth={self.depth}: expected one of {", ".join(map(str, STAGES))}')
    inside = train and not self.frozen
    norm = normalisation(self.norm, self.axis_name)
    block = _Bottleneck if self.depth >= 50 else _Basic
    x = _conv(self.width, 3)(x_BHWC) if self.small_images else _conv(self.width, 7, 2)(x_BHWC)
    x = norm(relu=True)(x, mask, train=inside)
    maps = [x]
    if not self.small_images:
      x = ops.max_pool_3x3(x)
    for stage, blocks in enumerate(STAGES[self.depth]):
      for i in range(blocks):
        stride = 2 if stage > 0 and i == 0 else 1
        x = block(self.width * 2**stage, stride, norm)(x, mask, inside)
      maps.append(x)
    if self.maps:
      return maps
    x = x.mean((1, 2), dtype=jnp.float32)
    if train and self.frozen:
      x = jax.lax.stop_gradient(x)
    return nn.Dense(self.outputs, dtype=jnp.float32)(x)  # probabilities finer than bfloat16


class _Basic(nn.Module):
  """Two 3x3 convolutions beside the identity."""

  features: int
  stride: int
  norm: Callable[..., nn.Module]

  @nn.compact
  def __call__(self, x: jax.Array, mask: jax.Array | None, train: bool) -> jax.Array:
    y = _conv(self.features, 3, self.stride)(x)
    y = self.norm(relu=True)(y, mask, train=train)
    y = _conv(self.features, 3)(y)
    y = self.norm(zero=True)(y, mask, train=train)
    return ops.relu(_shortcut(x, y, self.stride, self.norm, mask, train) + y)


class _Bottleneck(nn.Module):
  """1x1, 3x3 and 1x1 convolutions, the last with four times the channels, beside the identity."""

  features: int
  stride: int
  norm: Callable[..., nn.Module]

  @nn.compact
  def __call__(self, x: jax.Array, mask: jax.Array | None, train: bool) -> jax.Array:
    y = _conv(self.features, 1)(x)
    y = self.norm(relu=True)(y, mask, train=train)
    y = _conv(self.features, 3, self.stride)(y)
    y = self.norm(relu=True)(y, mask, train=train)
    y = _conv(4 * self.features, 1)(y)
    y = self.norm(zero=True)(y, mask, train=train)
    return ops.relu(_shortcut(x, y, self.stride, self.norm, mask, train) + y)


def _shortcut(
  x: jax.Array,
  y: jax.Array,
  stride: int,
  norm: Callable[..., nn.Module],
  mask: jax.Array | None,
  train: bool,
) -> jax.Array:
  """``x``, brought to the shape of ``y`` where it differs."""
  if x.shape == y.shape:
    return x
  return norm()(_conv(y.shape[-1], 1, stride)(x), mask, train=train)


def _conv(features: int, kernel: int, stride: int = 1) -> nn.Conv:
  return nn.Conv(
    features,
    (kernel, kernel),
    strides=(stride, stride),
    padding=kernel // 2,
    use_bias=False,
    kernel_init=_HE,
    conv_general_dilated=ops.conv_general_dilated,
  )
