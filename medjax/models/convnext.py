"""ConvNeXt-T: a convolutional network with the proportions of a Transformer."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax import ops
from medjax.models.drop_path import DropPath
from medjax.models.patches import Patches

_START = nn.initializers.truncated_normal(0.02)
_EPSILON = 1e-6


class ConvNeXt(nn.Module):
  """ConvNeXt; the default is ConvNeXt-T.

  Attributes:
    outputs: outputs (logits); 1 for a binary task.
    depths: blocks of each stage.
    widths: channels of each stage.
    small_images: patches of 2x2 pixels in place of 4x4, for images of about 28 to 64 pixels.
    drop_path: probability to leave the last block out of an example in training; of those before
      it, less in proportion.
    layer_scale: what the branches are multiplied by at first, for each channel.
    frozen: in training too, all but the last layers is as in prediction and gets no gradient.

  Example:
    >>> model = ConvNeXt(outputs=1, depths=(1, 1), widths=(8, 16))
    >>> x = jnp.zeros((2, 32, 32, 3))
    >>> model.apply(model.init(jax.random.key(0), x), x).shape
    (2, 1)

  Source:
    Liu, Z., Mao, H., Wu, C.-Y., Feichtenhofer, C., Darrell, T. and Xie, S. (2022), A ConvNet for
    the 2020s. CVPR, 11966-11976.
  """

  outputs: int = 1
  depths: tuple[int, ...] = (3, 3, 9, 3)
  widths: tuple[int, ...] = (96, 192, 384, 768)
  small_images: bool = False
  drop_path: float = 0.1
  layer_scale: float = 1e-6
  frozen: bool = False
  takes_mask: ClassVar[bool] = False

  @property
  def blocks(self) -> tuple[tuple[str, ...], ...]:
    """Names of modules from the images to the outputs, those of one depth together."""
    found: list[tuple[str, ...]] = [('stem', 'stem_norm')]
    for stage, depth in enumerate(self.depths):
      halving = (f'halving{stage}_norm', f'halving{stage}') if stage else ()
      found.append((*halving, f'block{stage}_0'))
      found += [(f'block{stage}_{i}',) for i in range(1, depth)]
    return (*found, ('head_norm', 'classifier'))

  @nn.compact
  def __call__(self, x_BHWC: jax.Array, *, train: bool = False) -> jax.Array:
    """Logits [batch, outputs] of images [batch, height, width, channels], floating.

    Raises:
      ValueError: the images are too small for this many stages.
    """
    inside = train and not self.frozen
    x = Patches(self.widths[0], 2 if self.small_images else 4, name='stem')(x_BHWC)
    x = nn.LayerNorm(_EPSILON, name='stem_norm')(x)
    last, done = max(sum(self.depths) - 1, 1), 0
    for stage, (depth, width) in enumerate(zip(self.depths, self.widths, strict=True)):
      if stage:
        x = nn.LayerNorm(_EPSILON, name=f'halving{stage}_norm')(x)
        x = Patches(width, 2, name=f'halving{stage}')(x)
      for i in range(depth):
        rate = self.drop_path * done / last
        x = _Block(rate, self.layer_scale, name=f'block{stage}_{i}')(x, train=inside)
        done += 1
    x = x.mean((1, 2), dtype=jnp.float32)
    if train and self.frozen:
      x = jax.lax.stop_gradient(x)
    x = nn.LayerNorm(_EPSILON, dtype=jnp.float32, name='head_norm')(x)
    head = nn.Dense(self.outputs, dtype=jnp.float32, kernel_init=_START, name='classifier')
    return head(x)


class _Block(nn.Module):
  """A depthwise 7x7 convolution and two dense layers at each pixel, beside the identity."""

  drop_path: float
  layer_scale: float

  @nn.compact
  def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
    features = x.shape[-1]
    depthwise = nn.Conv(
      features,
      (7, 7),
      padding=3,
      feature_group_count=features,
      kernel_init=_START,
      conv_general_dilated=ops.conv_general_dilated,
      name='depthwise',
    )
    y = nn.LayerNorm(_EPSILON, name='norm')(depthwise(x))
    y = nn.gelu(nn.Dense(4 * features, kernel_init=_START, name='widen')(y), approximate=False)
    y = nn.Dense(features, kernel_init=_START, name='narrow')(y)
    scale = self.param('scale', nn.initializers.constant(self.layer_scale), (features,))
    return x + DropPath(self.drop_path)(y * scale.astype(y.dtype), train=train)
