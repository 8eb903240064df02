"""EfficientNet-B0: inverted bottlenecks with depthwise convolutions and gates of channels."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax import ops
from medjax.models.drop_path import DropPath
from medjax.models.norm import Norm, normalisation

_HE = nn.initializers.variance_scaling(2.0, 'fan_out', 'normal')


class _Stage(NamedTuple):
  expand: int
  kernel: int
  stride: int
  features: int
  blocks: int


_B0 = (
  _Stage(1, 3, 1, 16, 1),
  _Stage(6, 3, 2, 24, 2),
  _Stage(6, 5, 2, 40, 2),
  _Stage(6, 3, 2, 80, 3),
  _Stage(6, 5, 1, 112, 3),
  _Stage(6, 5, 2, 192, 4),
  _Stage(6, 3, 1, 320, 1),
)


class EfficientNet(nn.Module):
  """EfficientNet-B0.

  Attributes:
    outputs: outputs (logits); 1 for a binary task.
    small_images: stride 1 in the first convolution, for images of about 28 to 64 pixels.
    dropout: rate before the outputs, in training.
    drop_path: probability to leave the last block out of an example in training; of those before
      it, less in proportion.
    frozen: in training too, all but the last layer is as in prediction and gets no gradient.
    axis_name: name of the devices' axis that batch statistics are summed over; None for none.
    norm: normalise over the batch, or over groups of each example's channels.

  Example:
    >>> model = EfficientNet(outputs=1)                                    # doctest: +SKIP
    >>> model.apply(model.init(jax.random.key(0), x), x).shape
    (2, 1)

  Source:
    Tan, M. and Le, Q. (2019), EfficientNet: rethinking model scaling for convolutional neural
    networks. ICML, 6105-6114.
  """

  outputs: int = 1
  small_images: bool = False
  dropout: float = 0.2
  drop_path: float = 0.2
  frozen: bool = False
  axis_name: str | None = 'data'
  norm: Norm = 'batch'
  takes_mask: ClassVar[bool] = True

  @property
  def blocks(self) -> tuple[tuple[str, ...], ...]:
    """Names of modules from the images to the outputs, those of one depth together."""
    inner = [(f'block{s}_{i}',) for s, stage in enumerate(_B0, 1) for i in range(stage.blocks)]
    return (('stem', 'stem_norm'), *inner, ('head', 'head_norm'), ('classifier',))

  @nn.compact
  def __call__(
    self, x_BHWC: jax.Array, *, train: bool = False, mask: jax.Array | None = None
  ) -> jax.Array:
    """Logits [batch, outputs] of images [batch, height, width, channels], floating.

    Args:
      x_BHWC: the images.
      train: normalise by the batch, not by the running averages, and drop.
      mask: [batch] bool, False for padding, which is left out of the batch's statistics.
    """
    inside = train and not self.frozen
    norm = normalisation(self.norm, self.axis_name)
    x = _conv(32, 3, 1 if self.small_images else 2, name='stem')(x_BHWC)
    x = nn.silu(norm(name='stem_norm')(x, mask, train=inside))
    total, done = sum(stage.blocks for stage in _B0), 0
    for s, stage in enumerate(_B0, 1):
      for i in range(stage.blocks):
        rate = self.drop_path * done / total
        one = stage if i == 0 else stage._replace(stride=1)
        x = _Block(one, rate, norm, name=f'block{s}_{i}')(x, mask, inside)
        done += 1
    x = _conv(1280, 1, name='head')(x)
    x = nn.silu(norm(name='head_norm')(x, mask, train=inside)).mean((1, 2), dtype=jnp.float32)
    if train and self.frozen:
      x = jax.lax.stop_gradient(x)
    x = nn.Dropout(self.dropout, deterministic=not train)(x)
    return nn.Dense(self.outputs, dtype=jnp.float32, name='classifier')(x)


class _Block(nn.Module):
  """More channels, a depthwise convolution, a gate for each channel, and fewer channels again."""

  stage: _Stage
  drop_path: float
  norm: Callable[..., nn.Module]

  @nn.compact
  def __call__(self, x: jax.Array, mask: jax.Array | None, train: bool) -> jax.Array:
    before, stage = x.shape[-1], self.stage
    y, wide = x, before * stage.expand
    if stage.expand > 1:
      y = _conv(wide, 1, name='expand')(y)
      y = nn.silu(self.norm(name='expand_norm')(y, mask, train=train))
    y = _conv(wide, stage.kernel, stage.stride, groups=wide, name='depthwise')(y)
    y = nn.silu(self.norm(name='depthwise_norm')(y, mask, train=train))
    gate = nn.silu(nn.Dense(max(1, before // 4), name='squeeze')(y.mean((1, 2))))
    gate = nn.sigmoid(nn.Dense(wide, name='excite')(gate))
    y = _conv(stage.features, 1, name='project')(y * gate[:, None, None])
    y = self.norm(name='project_norm')(y, mask, train=train)
    if x.shape != y.shape:
      return y
    return x + DropPath(self.drop_path)(y, train=train)


def _conv(features: int, kernel: int, stride: int = 1, *, groups: int = 1, name: str) -> nn.Conv:
  return nn.Conv(
    features,
    (kernel, kernel),
    strides=(stride, stride),
    padding=kernel // 2,
    feature_group_count=groups,
    use_bias=False,
    kernel_init=_HE,
    conv_general_dilated=ops.conv_general_dilated,
    name=name,
  )
