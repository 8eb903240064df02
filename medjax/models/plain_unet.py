"""The U-Net of the paper at any width: small enough to be trained from nothing on a CPU."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax import ops
from medjax.models.norm import BatchNorm

_HE = nn.initializers.he_normal()


class PlainUNet(nn.Module):
  """Outputs at every pixel: two 3x3 convolutions at each of several sizes, down and up again.

  Unlike the paper's, convolutions keep the size and are normalised by the batch, and maps are
  doubled by repeating pixels. With a ``stem`` of 2 the network works on half the size of the image
  and its outputs are interpolated, at about a quarter of the time. Images of any size are padded
  with zeros inside, below and on the right.

  Attributes:
    width: channels at the full size; they double with each halving.
    depth: how often the size is halved.
    outputs: outputs (logits) at each pixel.
    stem: stride of the first convolution, 1 or 2.
    dropout: rate of the maps of the smallest size.
    axis_name: name of the devices' axis that batch statistics are summed over; None for none.

  Raises:
    ValueError: ``stem`` is neither 1 nor 2.

  Example:
    >>> model = PlainUNet(width=4, depth=2)
    >>> x = jnp.zeros((2, 18, 20, 1))
    >>> model.apply(model.init(jax.random.key(0), x), x).shape
    (2, 18, 20, 1)

  Source:
    Ronneberger, O., Fischer, P. and Brox, T. (2015), U-Net: convolutional networks for biomedical
    image segmentation. MICCAI, 234-241.
  """

  width: int = 16
  depth: int = 4
  outputs: int = 1
  stem: int = 1
  dropout: float = 0.0
  axis_name: str | None = 'data'
  takes_mask: ClassVar[bool] = True

  @property
  def blocks(self) -> tuple[tuple[str, ...], ...]:
    """Names of modules from the images to the outputs, those of one depth together."""
    down = [(f'down{i}',) for i in range(self.depth + 1)]
    up = [(f'up{i}',) for i in reversed(range(self.depth))]
    return (*down, *up, ('head',))

  @nn.compact
  def __call__(
    self, x_BHWC: jax.Array, *, train: bool = False, mask: jax.Array | None = None
  ) -> jax.Array:
    """Logits [batch, height, width, outputs] of images [batch, height, width, channels], floating.

    Args:
      x_BHWC: the images.
      train: normalise by the batch, not by the running averages, and drop maps.
      mask: [batch] bool, False for padding, which is left out of the batch's statistics.
    """
    if self.stem not in (1, 2):
      raise ValueError(f'stem={self.stem}: expected 1 or 2')
    height, width = x_BHWC.shape[1:3]
    multiple = self.stem * 2**self.depth
    x = jnp.pad(x_BHWC, ((0, 0), (0, -height % multiple), (0, -width % multiple), (0, 0)))
    skips = []
    for i in range(self.depth + 1):
      if i:
        x = ops.max_pool(x)
      features = self.width * 2**i
      x = _Block(features, self.stem if i == 0 else 1, self.axis_name, name=f'down{i}')(
        x, mask, train
      )
      skips.append(x)
    x = nn.Dropout(self.dropout, broadcast_dims=(1, 2), deterministic=not train)(x)
    for i in reversed(range(self.depth)):
      x = jnp.concatenate([x.repeat(2, axis=1).repeat(2, axis=2), skips[i]], -1)
      x = _Block(self.width * 2**i, 1, self.axis_name, name=f'up{i}')(x, mask, train)
    x = nn.Dense(self.outputs, dtype=jnp.float32, name='head')(x.astype(jnp.float32))
    if self.stem > 1:
      shape = (x.shape[0], x.shape[1] * self.stem, x.shape[2] * self.stem, x.shape[3])
      x = jax.image.resize(x, shape, 'bilinear')
    return x[:, :height, :width]


class _Block(nn.Module):
  """Two convolutions, each normalised and rectified."""

  features: int
  stride: int
  axis_name: str | None

  @nn.compact
  def __call__(self, x: jax.Array, mask: jax.Array | None, train: bool) -> jax.Array:
    for i in range(2):
      stride = self.stride if i == 0 else 1
      conv = nn.Conv(
        self.features,
        (3, 3),
        strides=(stride, stride),
        padding=1,
        use_bias=False,
        kernel_init=_HE,
        conv_general_dilated=ops.conv_general_dilated,
        name=f'conv{i}',
      )
      x = BatchNorm(self.axis_name, relu=True, name=f'norm{i}')(conv(x), mask, train=train)
    return x
