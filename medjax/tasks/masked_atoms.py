"""Which element a masked atom is: no labels needed."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from medjax.outcomes import MaskedAtoms, Outcome
from medjax.tasks.base import Task


@dataclasses.dataclass(frozen=True)
class AtomNaming(Task):
  """Cross-entropy of the elements of masked atoms; see ``models.MaskedAtoms``.

  A molecule's loss is a sum, so that atoms count alike whatever the size of theirs.

  Attributes:
    outputs: elements.
    typical: masked atoms of a typical molecule, by which losses are divided.
    embedding: numbers that stand for a molecule.

  Example:
    >>> outputs = {'logits': jnp.zeros((1, 2, 4)), 'masked': jnp.array([[True, False]])}
    >>> batch = {'atoms': jnp.array([[[3], [1]]])}                    # codes count from 1
    >>> float(AtomNaming(4).loss(outputs, batch)[0])                  # log(4)
    1.3862943649291992

  Source:
    Hu, W. et al. (2020), Strategies for pre-training graph neural networks, ICLR.
  """

  outputs: int
  typical: float = 1.0
  embedding: int = 300

  @property
  def outcome(self) -> Outcome:  # type: ignore[override]
    """Masked atoms, with embeddings of that length."""
    return MaskedAtoms(self.embedding)

  def loss(self, outputs: dict[str, jax.Array], batch: dict[str, Any]) -> jax.Array:
    """See the class, [B]."""
    return -self._log_likelihood(outputs, batch) / self.typical

  def predict(self, outputs: dict[str, jax.Array]) -> jax.Array:
    """The embedding of each molecule, [B, embedding]."""
    return outputs['embedding']

  def statistics(
    self, outputs: dict[str, jax.Array], batch: dict[str, Any]
  ) -> dict[str, jax.Array]:
    """How many masked atoms are of each element, ``elements`` int32 [B, outputs]; how many of them
    are named ``right`` [B]; and their ``log_likelihood`` [B]."""
    element, masked = _element(batch), _masked(outputs)
    right = masked & (outputs['logits'].argmax(axis=-1) == element)
    of_each = jax.nn.one_hot(element, self.outputs, dtype=jnp.int32) * masked[..., None]
    return {
      'elements': of_each.sum(axis=1),
      'right': right.sum(axis=1, dtype=jnp.int32),
      'log_likelihood': self._log_likelihood(outputs, batch),
    }

  def _log_likelihood(self, outputs: dict[str, jax.Array], batch: dict[str, Any]) -> jax.Array:
    every = jax.nn.log_softmax(outputs['logits'])
    of_true = jnp.take_along_axis(every, _element(batch).clip(0)[..., None], axis=-1)[..., 0]
    return jnp.where(_masked(outputs), of_true, 0).sum(axis=1)


def _element(batch: dict[str, Any]) -> jax.Array:
  """Numbers of elements [B, A]; -1 for padding."""
  return batch['atoms'][..., 0].astype(jnp.int32) - 1


def _masked(outputs: dict[str, jax.Array]) -> jax.Array:
  """Bool [B, A]; where a network is not trained outputs are means over views, and so numbers."""
  return outputs['masked'] > 0
