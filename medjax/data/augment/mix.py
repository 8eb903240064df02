"""Mixtures of two examples of a batch: mixup and CutMix.

Examples are mixed in pairs that stand beside each other in the batch, 0 with 1 and 2 with 3. Their
order is drawn anew in every epoch, so that the pairs are too. Devices share a batch in pieces of an
even number, so that what is mixed does not depend on how many devices there are.
"""

import dataclasses
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from medjax.data.augment.check import require
from medjax.data.dataset import Batch


class Mix(Protocol):
  """A random mixture of an image with another."""

  def __call__(
    self, key: jax.Array, image: jax.Array, other: jax.Array
  ) -> tuple[jax.Array, jax.Array]:
    """The mixture of images [H, W, C], and the share of the first in it, in 0 to 1."""


@dataclasses.dataclass(frozen=True)
class Mixup:
  """`s * image + (1 - s) * other`, s drawn from Beta(alpha, alpha).

  Attributes:
    alpha: 1 for uniform shares; smaller ones are nearer to 0 or 1.

  Raises:
    ValueError: If `alpha` is not above 0.

  Source:
    Zhang, H., Cisse, M., Dauphin, Y. N. and Lopez-Paz, D. (2018), mixup: beyond empirical risk
    minimization. ICLR.
  """

  alpha: float = 0.2

  def __post_init__(self):
    require(self.alpha > 0, 'Mixup', 'alpha', self.alpha, 'above 0')

  def __call__(
    self, key: jax.Array, image: jax.Array, other: jax.Array
  ) -> tuple[jax.Array, jax.Array]:
    share = jax.random.beta(key, self.alpha, self.alpha)
    return share * image + (1 - share) * other, share


@dataclasses.dataclass(frozen=True)
class CutMix:
  """A rectangle of the other image, of the image's aspect ratio, in place of the image's own.

  Attributes:
    alpha: its area is 1 - s of the image, s drawn from Beta(alpha, alpha).

  Raises:
    ValueError: If `alpha` is not above 0.

  Source:
    Yun, S. et al. (2019), CutMix: regularization strategy to train strong classifiers with
    localizable features. ICCV, 6023-6032.
  """

  alpha: float = 1.0

  def __post_init__(self):
    require(self.alpha > 0, 'CutMix', 'alpha', self.alpha, 'above 0')

  def __call__(
    self, key: jax.Array, image: jax.Array, other: jax.Array
  ) -> tuple[jax.Array, jax.Array]:
    of_share, of_place = jax.random.split(key)
    side = jnp.sqrt(1 - jax.random.beta(of_share, self.alpha, self.alpha))
    centre = jax.random.uniform(of_place, (2,))
    rows, columns = (
      jnp.abs((jnp.arange(length) + 0.5) / length - at) < side / 2
      for length, at in zip(image.shape[:2], centre, strict=True)
    )
    taken = rows[:, None] & columns
    # Where it reaches beyond the edge it is smaller: what counts is what is seen.
    return jnp.where(taken[..., None], other, image), 1 - taken.mean(dtype=image.dtype)


def mix_batch(
  mix: Mix, step_key: jax.Array, inputs: jax.Array, batch: Batch
) -> tuple[jax.Array, jax.Array]:
  """Each input mixed with the one beside it, by a draw of its own.

  Args:
    mix: how.
    step_key: key of this step; each draw depends on it and on the example's index alone.
    inputs: images, float [B, H, W, C].
    batch: arrays [B, ...] with ``index`` and ``mask``.

  Returns:
    The mixtures, and the share [B] of each example in its own. Padding has no share in any.

  Raises:
    ValueError: the number of examples on a device is odd.

  Example:
    >>> batch = {'index': jnp.arange(2), 'mask': jnp.ones(2, bool)}
    >>> mix_batch(Mixup(), jax.random.key(0), jnp.zeros((2, 4, 4, 1)), batch)[1].shape
    (2,)
  """
  if len(inputs) % 2:
    raise ValueError(
      f'pairs are mixed: expected an even number of examples a device, not {len(inputs)}'
    )

  def one(index: jax.Array, image: jax.Array, other: jax.Array) -> tuple[jax.Array, jax.Array]:
    # Not the key of the augmentation of the same example.
    return mix(jax.random.fold_in(jax.random.fold_in(step_key, index), 1), image, other)

  others = beside(inputs)
  mixed, share = jax.vmap(one)(batch['index'].clip(0), inputs, others)
  both = batch['mask'] & beside(batch['mask'])
  there = both.reshape(-1, *[1] * (inputs.ndim - 1))
  return jnp.where(there, mixed, inputs), jnp.where(both, share, 1)


def beside(tree: Any) -> Any:
  """Leaves [B, ...] in which 0 and 1, 2 and 3, and so on have changed places."""
  return jax.tree.map(
    lambda leaf: leaf.reshape(-1, 2, *leaf.shape[1:])[:, ::-1].reshape(leaf.shape), tree
  )
