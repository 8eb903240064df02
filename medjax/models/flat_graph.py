"""A batch of padded graphs as one list of atoms and one of directed bonds."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class FlatGraph(NamedTuple):
  """The graphs of a batch behind each other, padding included.

  Directed bonds 2 k and 2 k + 1 are the two directions of bond k. As every bond enters exactly one
  atom and has exactly one that is its reverse, each of these lists has another one that says the
  same the other way round, so that all sums over neighbours and their gradients are gathers.

  Attributes:
    atoms: features [P, F].
    bonds: features of directed bonds [Q, G].
    there: which atoms are not padding, bool [P].
    source: the atom that each directed bond leaves, int32 [Q]; P for padding.
    target: the atom that it enters, int32 [Q]; P for padding.
    incoming: directed bonds that enter each atom, int32 [P, D]; Q for none.
  """

  atoms: jax.Array
  bonds: jax.Array
  there: jax.Array
  source: jax.Array
  target: jax.Array
  incoming: jax.Array

  @property
  def outgoing(self) -> jax.Array:
    """Directed bonds that leave each atom, int32 [P, D]; Q for none."""
    return jnp.where(self.incoming < self.source.shape[0], self.incoming ^ 1, self.incoming)


def flatten(graph: dict[str, jax.Array]) -> FlatGraph:
  """The graphs of a batch as one.

  Args:
    graph: ``atoms`` [B, A, F] and ``bonds`` [B, K, G], zeros for padding; ``ends`` int32 [B, K, 2],
      both atoms of each bond, the same for padding; ``incoming`` int32 [B, A, D], the directed
      bonds that enter each atom, counted from 1, 0 for none.
  """
  atoms, bonds, ends, incoming = (graph[key] for key in ('atoms', 'bonds', 'ends', 'incoming'))
  if not bonds.shape[1]:  # single atoms alone: one bond of padding, as arrays of none are not taken
    bonds, ends = (jnp.zeros((x.shape[0], 1, x.shape[2]), x.dtype) for x in (bonds, ends))
  count, size, pairs = atoms.shape[0], atoms.shape[1], bonds.shape[1]
  molecule = jnp.arange(count, dtype=jnp.int32)[:, None, None]
  real = ends[..., :1] != ends[..., 1:]
  both = jnp.where(real, ends + molecule * size, count * size)
  enters = jnp.where(incoming > 0, incoming - 1 + molecule * 2 * pairs, count * 2 * pairs)
  return FlatGraph(
    atoms.reshape(count * size, -1),
    jnp.repeat(bonds.reshape(count * pairs, -1), 2, axis=0, total_repeat_length=2 * count * pairs),
    atoms.any(axis=-1).reshape(-1),
    both.reshape(-1),
    both[..., ::-1].reshape(-1),
    enters.reshape(count * size, -1),
  )


def reverse(values: jax.Array) -> jax.Array:
  """Values of directed bonds [Q, ...], of each that of its reverse."""
  return values.reshape(-1, 2, *values.shape[1:])[:, ::-1].reshape(values.shape)
