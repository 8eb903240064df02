"""Two views of an image should be alike, and unlike those of other images: no labels needed."""

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from medjax.outcomes import Outcome, Pairs
from medjax.tasks.base import Task

_ROWS = 1024  # views that are compared with all others at a time


@dataclasses.dataclass(frozen=True)
class Contrast(Task):
  """Which view belongs to which: cross-entropy over all other views of the batch (NT-Xent).

  Attributes:
    outputs: of the encoder, that is the length of an embedding.
    temperature: by which cosines are divided; the smaller, the more the nearest views count.

  Example:
    >>> views = jnp.eye(2)[:, None].repeat(2, axis=1)        # two images, each alike to itself
    >>> total, count = Contrast(temperature=1.0).loss(
    ...     {'views': views}, {'mask': jnp.array([True, True])})
    >>> round(float(total / count), 4)                        # log(e + 2) - 1
    0.5514

  Source:
    Chen, T., Kornblith, S., Norouzi, M. and Hinton, G. (2020), A simple framework for contrastive
    learning of visual representations, ICML.
  """

  outputs: int = 512
  temperature: float = 0.2
  compares: ClassVar[bool] = True

  @property
  def outcome(self) -> Outcome:  # type: ignore[override]
    """Cases in two views, with embeddings as long as there are outputs."""
    return Pairs(self.outputs)

  def loss(self, outputs: dict[str, jax.Array], batch: dict[str, Any]) -> Any:
    """Sum of the cross-entropies, in nats, of both views of all images, and how many these are.

    Args:
      outputs: of ``models.Siamese``: ``views`` [B, 2, D].
      batch: ``mask`` [B], False for padding.
    """
    views = _unit(outputs['views'])
    flat = jnp.concatenate([views[:, 0], views[:, 1]])
    partner = jnp.concatenate([views[:, 1], views[:, 0]])
    there = jnp.tile(jnp.asarray(batch['mask']), 2)

    def of_view(one: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
      number, view, other = one
      among = there & (jnp.arange(len(flat)) != number)
      scores = jnp.where(among, flat @ view / self.temperature, -jnp.inf)
      return jax.nn.logsumexp(scores) - other @ view / self.temperature

    # By rows: a whole split is compared at once too, where training looks at the loss.
    losses = jax.lax.map(of_view, (jnp.arange(len(flat)), flat, partner), batch_size=_ROWS)
    return jnp.where(there, losses, 0).sum(), there.sum(dtype=jnp.float32)

  def predict(self, outputs: dict[str, jax.Array]) -> jax.Array:
    """The embedding of each image, [B, outputs]."""
    return outputs['embedding']

  def statistics(self, outputs: dict[str, jax.Array], batch: dict[str, Any]) -> jax.Array:
    """Both views of each image as unit vectors, [B, 2, D]."""
    return _unit(outputs['views'])


def _unit(views: jax.Array) -> jax.Array:
  # The square root has no gradient at 0.
  return views * jax.lax.rsqrt(jnp.square(views).sum(-1, keepdims=True) + 1e-12)
