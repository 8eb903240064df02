"""A network, or several, and decision trees as one model."""

from typing import Any

import flax.linen as nn
import jax

from medjax.models.base import mask_argument, members
from medjax.models.on_fingerprint import beside_graph
from medjax.models.trees import Trees


class WithTrees(nn.Module):
  """Half of what a network gives and half of what trees give, which do not change in training.

  In training the outputs are those of the network alone, which learns as if there were no trees.
  Otherwise they are the mean of both: logits averaged, or numbers. Each member of an ensemble is
  averaged with the same trees.

  Attributes:
    network: any network of molecules; an ``Ensemble`` as well.
    trees: see ``Trees``; of the fingerprint and the descriptors.

  Example:
    >>> model = WithTrees(MLP((8,)), Trees(outputs=1, count=2, leaves=2))   # doctest: +SKIP
    >>> model.apply(model.init(jax.random.key(0), x), x).shape
    (2, 1)
  """

  network: nn.Module
  trees: Trees

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
    """What the trees see of the inputs, [B, bits + D]."""
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
    return outputs if train else (outputs + self.trees(self.seen(inputs))) / 2
