"""U-Net with an encoder that is a classifier's, for an output at every pixel."""

from typing import Any, ClassVar, Literal, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax import ops
from medjax.models.densenet import DenseNet
from medjax.models.norm import BatchNorm
from medjax.models.resnet import ResNet

Encoder = Literal['resnet18', 'resnet34', 'resnet50', 'densenet121']
_HE = nn.initializers.he_normal()
_MULTIPLE = 32  # pixels of which a side is a multiple, so that five halvings have no rest


class UNet(nn.Module):
  """Outputs at every pixel: an encoder of five halvings, and a decoder that sees its maps.

  Each step of the decoder doubles the maps, puts the encoder's of that size beside them, and
  convolves twice by 3x3. Images of any size are padded with zeros inside, below and on the right.

  Attributes:
    encoder_name: 'resnet18', 'resnet34', 'resnet50' or 'densenet121'; its weights are those of the
      classifier of that name.
    outputs: outputs (logits) at each pixel.
    widths: channels of the decoder's steps.
    frozen: in training too, the encoder is as in prediction and gets no gradient.
    axis_name: name of the devices' axis that batch statistics are summed over; None for none.

  Example:
    >>> model = UNet('resnet18', outputs=2)                                # doctest: +SKIP
    >>> x = jnp.zeros((2, 100, 90, 1))
    >>> model.apply(model.init(jax.random.key(0), x), x).shape
    (2, 100, 90, 2)

  Source:
    Ronneberger, O., Fischer, P. and Brox, T. (2015), U-Net: convolutional networks for biomedical
    image segmentation. MICCAI, 234-241; the decoder's channels are those of Iakubovskii, P. (2019),
    segmentation_models_pytorch.
  """

  encoder_name: Encoder = 'resnet34'
  outputs: int = 1
  widths: tuple[int, ...] = (256, 128, 64, 32, 16)
  frozen: bool = False
  axis_name: str | None = 'data'
  takes_mask: ClassVar[bool] = True

  @property
  def encoder(self) -> ResNet | DenseNet:
    """The encoder alone.

    Raises:
      ValueError: there is none of that name.
    """
    if self.encoder_name not in get_args(Encoder):
      raise ValueError(
        f'encoder {self.encoder_name}: expected one of {", ".join(get_args(Encoder))}'
      )
    settings: Any = {'maps': True, 'axis_name': self.axis_name, 'parent': None}
    if self.encoder_name == 'densenet121':
      return DenseNet(**settings)
    return ResNet(depth=int(self.encoder_name.removeprefix('resnet')), **settings)

  @property
  def blocks(self) -> tuple[tuple[str, ...], ...]:
    """Names of modules from the images to the outputs, those of one depth together."""
    encoder = [tuple(f'encoder/{name}' for name in names) for names in self.encoder.blocks[:-1]]
    decoder = [f'decoder{i}' for i in range(len(self.widths))]
    return (*encoder, (*decoder, 'head'))

  @nn.compact
  def __call__(
    self, x_BHWC: jax.Array, *, train: bool = False, mask: jax.Array | None = None
  ) -> jax.Array:
    """Logits [batch, height, width, outputs] of images [batch, height, width, channels], floating.

    Args:
      x_BHWC: the images.
      train: normalise by the batch, not by the running averages.
      mask: [batch] bool, False for padding, which is left out of the batch's statistics.
    """
    height, width = x_BHWC.shape[1:3]
    more = ((0, 0), (0, -height % _MULTIPLE), (0, -width % _MULTIPLE), (0, 0))
    inside = train and not self.frozen
    maps = self.encoder.clone(name='encoder', parent=self)(
      jnp.pad(x_BHWC, more), train=inside, mask=mask
    )
    if train and self.frozen:
      maps = jax.lax.stop_gradient(maps)
    x, skips = maps[-1], [*maps[-2::-1], None]
    for i, (features, skip) in enumerate(zip(self.widths, skips, strict=True)):
      x = _Step(features, self.axis_name, name=f'decoder{i}')(x, skip, mask, train)
    head = nn.Conv(
      self.outputs,
      (3, 3),
      padding=1,
      dtype=jnp.float32,
      conv_general_dilated=ops.conv_general_dilated,
      name='head',
    )
    return head(x.astype(jnp.float32))[:, :height, :width]


class _Step(nn.Module):
  """Maps of twice the size, beside the encoder's, convolved twice."""

  features: int
  axis_name: str | None

  @nn.compact
  def __call__(
    self, x: jax.Array, skip: jax.Array | None, mask: jax.Array | None, train: bool
  ) -> jax.Array:
    x = x.repeat(2, axis=1).repeat(2, axis=2)
    if skip is not None:
      x = jnp.concatenate([x, skip], -1)
    for i in range(2):
      conv = nn.Conv(
        self.features,
        (3, 3),
        padding=1,
        use_bias=False,
        kernel_init=_HE,
        conv_general_dilated=ops.conv_general_dilated,
        name=f'conv{i}',
      )
      x = BatchNorm(self.axis_name, relu=True, name=f'norm{i}')(conv(x), mask, train=train)
    return x
