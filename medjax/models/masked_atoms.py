"""A network on graphs that names the elements of atoms which it does not see."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.models.base import mask_argument


class MaskedAtoms(nn.Module):
  """An encoder of atoms, some of which are shown as unknown, and one layer that names them.

  Which atoms are masked is drawn anew in every step of training. Otherwise it is fixed: a hash of
  the molecule and of the number of the atom, so that figures of two epochs are of the same atoms.

  Attributes:
    encoder: ``DMPNN`` or ``GINE`` with ``pool='none'``.
    elements: features of an atom, from the first, that say its element; the last of these is that
      of an unknown one, which a masked atom has alone. Its bonds stay.
    share: of the atoms that are masked.

  Example:
    >>> graph = {'atoms': jnp.ones((1, 2, 72)), 'bonds': jnp.ones((1, 1, 14)),
    ...          'ends': jnp.array([[[0, 1]]]), 'incoming': jnp.array([[[2], [1]]])}   # ethane
    >>> model = MaskedAtoms(DMPNN(hidden=8, pool='none'), elements=38)
    >>> model.apply(model.init(jax.random.key(0), graph), graph)['logits'].shape
    (1, 2, 38)

  Source:
    Hu, W. et al. (2020), Strategies for pre-training graph neural networks, ICLR: attribute masking
    of 15% of the atoms.
  """

  encoder: nn.Module
  elements: int
  share: float = 0.15
  takes_mask: ClassVar[bool] = True

  @nn.compact
  def __call__(
    self, graph: dict[str, jax.Array], *, train: bool = False, mask: jax.Array | None = None
  ) -> dict[str, jax.Array]:
    """Logits of elements, and what was masked.

    Args:
      graph: as for ``DMPNN``.
      train: draw what is masked.
      mask: [B] bool, False for padding of the batch; None if there is none.

    Returns:
      ``logits`` float32 [B, A, elements], ``masked`` bool [B, A]; and where not trained the mean
      over the atoms of a molecule that is seen whole, ``embedding`` [B, hidden].
    """
    atoms = graph['atoms']
    there = atoms.any(axis=-1)
    drawn = jax.random.uniform(self.make_rng('dropout'), there.shape) if train else _fixed(atoms)
    masked = there & (drawn < self.share)
    unknown = jax.nn.one_hot(self.elements - 1, atoms.shape[-1], dtype=atoms.dtype)
    seen = graph | {'atoms': jnp.where(masked[..., None], unknown, atoms)}

    def encoded(graph: dict[str, jax.Array]) -> jax.Array:
      return self.encoder(graph, train=train, **mask_argument(self.encoder, mask))

    logits = nn.Dense(self.elements, dtype=jnp.float32, name='naming')(encoded(seen))
    outputs = {'logits': logits, 'masked': masked}
    if not train:
      count = jnp.maximum(there.sum(axis=1, keepdims=True), 1)
      outputs['embedding'] = encoded(graph).sum(axis=1) / count
    return outputs


def _fixed(atoms: jax.Array) -> jax.Array:
  """Numbers in 0..1 for atoms [B, A, F], the same for a molecule in whatever batch it is."""
  features = jnp.arange(1, atoms.shape[-1] + 1, dtype=jnp.uint32) * jnp.uint32(0x9E3779B1)
  # Padding, whose code is 0, adds 0.
  codes = jnp.where(atoms > 0, features, 0).sum(axis=-1, dtype=jnp.uint32)
  molecule = _mixed(codes).sum(axis=1, keepdims=True, dtype=jnp.uint32)
  place = jnp.arange(1, atoms.shape[1] + 1, dtype=jnp.uint32) * jnp.uint32(0x85EBCA77)
  return _mixed(molecule ^ place).astype(jnp.float32) / jnp.float32(2**32)


def _mixed(x: jax.Array) -> jax.Array:
  """The finalizer of MurmurHash3, of 32 bits."""
  x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
  x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
  return x ^ (x >> 16)
