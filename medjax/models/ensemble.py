"""Several networks that differ in their random start, as one."""

from collections.abc import Callable
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.models.base import mask_argument


class Ensemble(nn.Module):
  """Members are trained at once, each on its own loss, and predict by their mean.

  In training the outputs of all members come back, and the step takes the mean of their losses: as
  no parameter belongs to two, every member learns as if it were alone. They see the same batches
  and differ by their start and by dropout. Otherwise the outputs are the mean over members: logits
  averaged, or numbers.

  Attributes:
    make: ``make(name=...)`` gives a member; several of them do so in turn, so that networks of
      different kinds are one.
    count: members.

  Example:
    >>> model = Ensemble(functools.partial(MLP, features=(8,)), 3)        # doctest: +SKIP
    >>> variables = model.init(jax.random.key(0), x)
    >>> model.apply(variables, x).shape, model.apply(variables, x, train=True).shape
    ((2, 1), (3, 2, 1))

  Source:
    Lakshminarayanan, Pritzel and Blundell (2017), Simple and scalable predictive uncertainty
    estimation using deep ensembles, NeurIPS.
  """

  make: Callable[..., nn.Module] | tuple[Callable[..., nn.Module], ...]
  count: int
  takes_mask: ClassVar[bool] = True

  @property
  def members(self) -> int:
    """As many as there are; see ``Model``."""
    return self.count

  @nn.nowrap
  def member(self, number: int, **settings: Any) -> nn.Module:
    """A new network of the kind of a member, for instance with a ``name``."""
    makes = self.make if isinstance(self.make, tuple) else (self.make,)
    return makes[number % len(makes)](**settings)

  @nn.compact
  def __call__(
    self,
    x: jax.Array,
    *,
    train: bool = False,
    mask: jax.Array | None = None,
    each: bool = False,
  ) -> jax.Array:
    """Outputs [B, ...], or in training, and where ``each`` is asked for, [count, B, ...].

    Args:
      x: inputs of the members.
      train: as for the members.
      mask: [B] bool, False for padding, for members that take it.
      each: whether outputs come back one by one.
    """
    outputs = []
    # Not vmap: a convolution with a batch of kernels is slow on CPUs.
    for i in range(self.count):
      member = self.member(i, name=f'member_{i}')
      outputs.append(member(x, train=train, **mask_argument(member, mask)))
    together = jnp.stack(outputs)
    return together if train or each else together.mean(axis=0)
