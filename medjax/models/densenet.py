"""DenseNet-121, in which every layer sees the feature maps of all before it in its block."""

from collections.abc import Callable
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax import ops
from medjax.models.norm import Norm, normalisation

_HE = nn.initializers.he_normal()


class DenseNet(nn.Module):
  """Dense blocks with transitions that halve channels and size, named as in torchvision.

  Attributes:
    outputs: outputs (logits); 1 for a binary task.
    layers: layers of each block; the default is DenseNet-121.
    growth: channels that each layer adds.
    small_images: a 3x3 convolution with stride 1 and no pooling in place of the 7x7 with stride 2
      and the 3x3 pooling, for images of about 28 to 64 pixels.
    frozen: in training too, all but the last layer is as in prediction and gets no gradient.
    maps: return feature maps in place of logits; see ``__call__``.
    axis_name: name of the devices' axis that batch statistics are summed over; None for none.
    norm: normalise over the batch, or over groups of each example's channels.

  Example:
    >>> model = DenseNet(outputs=1, layers=(1, 1), growth=4, small_images=True)
    >>> x = jnp.zeros((2, 28, 28, 1))
    >>> model.apply(model.init(jax.random.key(0), x), x).shape
    (2, 1)

  Source:
    Huang, G., Liu, Z., van der Maaten, L. and Weinberger, K. (2017), Densely connected
    convolutional networks. CVPR, 2261-2269.
  """

  outputs: int = 1
  layers: tuple[int, ...] = (6, 12, 24, 16)
  growth: int = 32
  small_images: bool = False
  frozen: bool = False
  maps: bool = False
  axis_name: str | None = 'data'
  norm: Norm = 'batch'
  takes_mask: ClassVar[bool] = True

  @property
  def blocks(self) -> tuple[tuple[str, ...], ...]:
    """Names of modules from the images to the outputs, those of one depth together."""
    found: list[tuple[str, ...]] = [('conv0', 'norm0')]
    for block, layers in enumerate(self.layers, 1):
      names = [f'denseblock{block}_denselayer{i}' for i in range(1, layers + 1)]
      last = block == len(self.layers)
      found.append((*names, 'norm5' if last else f'transition{block}'))
    return (*found, ('classifier',))

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
      The logits; with ``maps`` the feature maps after the first convolution and after each block,
      each of half the size of the one before.
    """
    inside = train and not self.frozen
    norm = normalisation(self.norm, self.axis_name)
    first = 2 * self.growth
    stem = (3, 1) if self.small_images else (7, 2)
    x = _conv(first, *stem, name='conv0')(x_BHWC)
    x = norm(name='norm0', relu=True)(x, mask, train=inside)
    maps = [x]
    if not self.small_images:
      x = ops.max_pool_3x3(x)
    for block, layers in enumerate(self.layers, 1):
      for i in range(1, layers + 1):
        name = f'denseblock{block}_denselayer{i}'
        x = jnp.concatenate([x, _Layer(self.growth, norm, name=name)(x, mask, inside)], -1)
      if block < len(self.layers):
        kept, x = _Transition(norm, name=f'transition{block}')(x, mask, inside)
        maps.append(kept)
    x = norm(name='norm5', relu=True)(x, mask, train=inside)
    if self.maps:
      return [*maps, x]
    x = x.mean((1, 2), dtype=jnp.float32)
    if train and self.frozen:
      x = jax.lax.stop_gradient(x)
    return nn.Dense(self.outputs, dtype=jnp.float32, name='classifier')(x)


class _Layer(nn.Module):
  """1x1 and 3x3 convolutions that make ``growth`` channels of all that are there."""

  growth: int
  norm: Callable[..., nn.Module]

  @nn.compact
  def __call__(self, x: jax.Array, mask: jax.Array | None, train: bool) -> jax.Array:
    x = self.norm(name='norm1', relu=True)(x, mask, train=train)
    x = _conv(4 * self.growth, 1, name='conv1')(x)
    x = self.norm(name='norm2', relu=True)(x, mask, train=train)
    return _conv(self.growth, 3, name='conv2')(x)


class _Transition(nn.Module):
  """A 1x1 convolution to half the channels and the mean of 2x2 pixels; what goes in comes too."""

  norm: Callable[..., nn.Module]

  @nn.compact
  def __call__(
    self, x: jax.Array, mask: jax.Array | None, train: bool
  ) -> tuple[jax.Array, jax.Array]:
    x = self.norm(name='norm', relu=True)(x, mask, train=train)
    y = _conv(x.shape[-1] // 2, 1, name='conv')(x)
    batch, height, width, channels = y.shape
    rows, columns = height // 2, width // 2
    if not rows or not columns:
      raise ValueError(f'maps of {height}x{width} pixels are too small to be halved')
    y = y[:, : 2 * rows, : 2 * columns].reshape(batch, rows, 2, columns, 2, channels)
    return x, y.mean((2, 4))


def _conv(features: int, kernel: int, stride: int = 1, *, name: str) -> nn.Conv:
  return nn.Conv(
    features,
    (kernel, kernel),
    strides=(stride, stride),
    padding=kernel // 2,
    use_bias=False,
    kernel_init=_HE,
    conv_general_dilated=ops.conv_general_dilated,
    name=name,
  )
