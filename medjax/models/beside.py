"""A network, or several, and what was fitted before it as one model."""

from typing import Any

import flax.linen as nn
import jax

from medjax.models.base import mask_argument, members
from medjax.models.on_fingerprint import beside_graph


class Beside(nn.Module):
  """Half of what a network gives and half of what another model gives, which was fitted before.

  In training the outputs are those of the network alone, which learns as if there was no other.
  Otherwise they are the mean of both: logits averaged, or numbers. Each member of an ensemble is
  averaged with the same other model.

  Attributes:
    network: any network of molecules; an ``Ensemble`` as well.
    other: ``Trees`` or a ``GaussianProcess``, of the fingerprint and the descriptors.

  Example:
    >>> model = Beside(MLP((8,)), Trees(outputs=1, count=2, leaves=2))   # doctest: +SKIP
    >>> model.apply(model.init(jax.random.key(0), x), x).shape
    (2, 1)
  """

  network: nn.Module
  other: nn.Module

  @property
  def takes_mask(self) -> bool:
    """As the network; see ``Model``."""
    return getattr(self.network, 'takes_mask', False)

  @property
  def members(self) -> int:
    """As the network; see ``Model``."""
    return members(self.network)

  @nn.nowrap
  def member(self, number: int, **settings: Any) -> nn.Module:
    """As the network; see ``Model``."""
    network: Any = self.network
    return network.member(number, **settings)

  @nn.nowrap
  def seen(self, inputs: Any) -> jax.Array:
    """What the other model sees of the inputs, [B, bits + D]."""
    return beside_graph(inputs)

  def __call__(
    self,
    inputs: Any,
    *,
    train: bool = False,
    mask: jax.Array | None = None,
    **arguments: Any,
  ) -> jax.Array:
    """Outputs [B, ...], or of each member [members, B, ...]; see ``Ensemble``.

    Args:
      inputs: of the network.
      train: as for the network.
      mask: [B] bool, False for padding, for a network that takes it.
      arguments: further ones of the network.
    """
    outputs = self.network(inputs, train=train, **mask_argument(self.network, mask), **arguments)
    if train:
      return outputs
    other: Any = self.other
    return (outputs + other(self.seen(inputs))) / 2
