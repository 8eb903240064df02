"""A network, or several, and what was fitted before it as one model."""

from typing import Any

import flax.linen as nn
import jax

from medjax.models.base import mask_argument, members
from medjax.models.gaussian_process import GaussianProcess
from medjax.models.on_fingerprint import beside_graph
from medjax.models.trees import Trees


class Beside(nn.Module):
  """The mean of what a network gives and of what other models give, which were fitted before.

  In training the outputs are those of the network alone, which learns as if there were no others.
  Otherwise they are the mean of all: logits averaged, or numbers. Each member of an ensemble is
  averaged with the same others.

  Attributes:
    network: any network of molecules; an ``Ensemble`` as well.
    trees: of the fingerprint and the descriptors, or None.
    process: likewise.

  Example:
    >>> model = Beside(MLP((8,)), Trees(outputs=1, count=2, leaves=2))   # doctest: +SKIP
    >>> model.apply(model.init(jax.random.key(0), x), x).shape
    (2, 1)
  """

  network: nn.Module
  trees: Trees | None = None
  process: GaussianProcess | None = None

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
    """What the others see of the inputs, [B, bits + D]."""
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
    others = [other for other in (self.trees, self.process) if other is not None]
    seen = self.seen(inputs)
    return (outputs + sum(other(seen) for other in others)) / (1 + len(others))
