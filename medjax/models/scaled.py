"""Pixels as the weights of a network expect them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.models.base import mask_argument

Pixels = Literal['unit', 'imagenet', 'centred', 'xrayvision']

# Mean and standard deviation that are taken off pixels in 0..1, for each channel or for all.
PIXELS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = MappingProxyType(
  {
    'unit': ((0.0,), (1.0,)),
    'imagenet': ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    'centred': ((0.5,), (0.5,)),  # -1..1
    'xrayvision': ((0.5,), (1 / 2048,)),  # -1024..1024
  }
)


class Scaled(nn.Module):
  """A network whose inputs in 0..1 are first brought to the scale that its weights expect.

  Not folded into the first convolution, whose zeros around the images would then stand for another
  grey than in the network that the weights are from. Where channels have scales of their own, a
  grey image becomes three channels.

  Attributes:
    network: the network.
    pixels: a name in ``PIXELS``.

  Example:
    >>> model = Scaled(models.ResNet(), 'imagenet')                        # doctest: +SKIP
    >>> model.apply(variables, jnp.zeros((2, 224, 224, 1))).shape
    (2, 1)
  """

  network: nn.Module
  pixels: Pixels

  @property
  def takes_mask(self) -> bool:
    """As the network; see ``Model``."""
    return getattr(self.network, 'takes_mask', False)

  def __call__(
    self, x_BHWC: jax.Array, *, train: bool = False, mask: jax.Array | None = None
  ) -> jax.Array:
    """What the network gives for images [batch, height, width, channels] in 0..1, floating."""
    mean, deviation = (jnp.array(part, jnp.float32) for part in PIXELS[self.pixels])
    x = ((x_BHWC.astype(jnp.float32) - mean) / deviation).astype(x_BHWC.dtype)
    return self.network(x, train=train, **mask_argument(self.network, mask))
