"""Directed message passing for molecules (D-MPNN), as Chemprop 2 has it.

References:
  Yang et al. (2019), Analyzing learned molecular representations for property prediction, J. Chem.
    Inf. Model. 59(8):3370-3388.
  Heid et al. (2024), Chemprop: a machine learning package for chemical property prediction, J.
    Chem. Inf. Model. 64(1):9-17.
"""

from typing import ClassVar, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.models import flat_graph
from medjax.models.message_passing import Weights, plain_atoms, shared_atoms
from medjax.models.norm import BatchNorm
from medjax.ops import native

# Uniform within 1 / sqrt(inputs), where PyTorch's layers, and so Chemprop's, begin.
START = nn.initializers.variance_scaling(1 / 3, 'fan_in', 'uniform')


class DMPNN(nn.Module):
  """Outputs of molecules; messages go along directed bonds and never straight back.

  With h0 = W_i [atom | bond] of the atom that a bond leaves, each of ``depth - 1`` rounds gives

      m[u -> v] = sum of h[k -> u] over neighbours k of u but v
      h[u -> v] = relu(h0[u -> v] + W_h m[u -> v])

  and an atom is relu(W_o [atom | sum of h that enters it]). Atoms are pooled, joined by
  ``descriptors`` where inputs have them, and go through dense layers.

  On a CPU, where products of matrices are all that counts, bonds and atoms whose surroundings are
  equal in a batch are computed once (see ``ops.shared_rows``): the same values and gradients of the
  weights, of a fourth of the operations. Dropout tells equal bonds apart, and so does the gradient
  of the inputs; both are computed without sharing.

  Attributes:
    hidden: units of bonds and atoms.
    depth: rounds of messages and one.
    pool: 'mean', 'sum', or 'norm' for the sum over atoms by ``norm``; 'none' for the atoms
      themselves, [B, A, hidden], in place of outputs.
    norm: see there.
    batch_norm: normalise pooled molecules.
    head: units of each dense layer before the last.
    outputs: logits or numbers.
    dropout: rate after each round and of atoms.
    head_dropout: rate after each dense layer of the head.
    share: compute equal surroundings once where there is a kernel for it: on CPUs, in float32.
    axis_name: of the devices that share a batch; None outside of ``jax.pmap``.

  Example:
    >>> graph = {'atoms': jnp.ones((1, 2, 72)), 'bonds': jnp.ones((1, 1, 14)),
    ...          'ends': jnp.array([[[0, 1]]]), 'incoming': jnp.array([[[2], [1]]])}   # ethane
    >>> model = DMPNN(hidden=8)
    >>> model.apply(model.init(jax.random.key(0), graph), graph).shape
    (1, 1)
  """

  hidden: int = 300
  depth: int = 3
  pool: Literal['mean', 'sum', 'norm', 'none'] = 'mean'
  norm: float = 100.0
  batch_norm: bool = False
  head: tuple[int, ...] = (300,)
  outputs: int = 1
  dropout: float = 0.0
  head_dropout: float = 0.0
  share: bool = True
  axis_name: str | None = 'data'
  takes_mask: ClassVar[bool] = True

  @property
  def head_layers(self) -> tuple[str, ...]:
    """Names of the layers behind the pooled atoms."""
    dense = tuple(f'Dense_{i}' for i in range(len(self.head) + 1))
    return ('BatchNorm_0', *dense) if self.batch_norm else dense

  @nn.compact
  def __call__(
    self,
    graph: dict[str, jax.Array],
    *,
    train: bool = False,
    mask: jax.Array | None = None,
  ) -> jax.Array:
    """Outputs [B, outputs].

    Args:
      graph: ``atoms`` [B, A, F], ``bonds`` [B, K, G], ``ends`` and ``incoming`` of
        ``flat_graph.flatten``; ``descriptors`` [B, D] of whole molecules or none.
      train: use dropout and the batch's statistics.
      mask: [B] bool, False for padding of the batch; None if there is none.
    """
    flat = flat_graph.flatten(graph)
    of_atom, of_bond = flat.atoms.shape[1], flat.bonds.shape[1]
    weights = Weights(
      _Kernel(self.hidden, name='input')(of_atom + of_bond),
      _Kernel(self.hidden, name='message')(self.hidden),
      _Kernel(self.hidden, name='readout')(of_atom + self.hidden),
      self.param('readout_bias', nn.initializers.zeros, (self.hidden,), jnp.float32),
    )
    drop = nn.Dropout(self.dropout, deterministic=not train)
    single = flat.atoms.dtype == jnp.float32  # the kernels know no other type
    if self.share and single and native.available() and not (self.dropout and train):
      atoms = shared_atoms(flat, weights, self.depth)
    else:
      atoms = plain_atoms(flat, weights, self.depth, drop)
    there = flat.there.reshape(graph['atoms'].shape[:2])
    atoms = jnp.where(there[..., None], atoms.reshape(*there.shape, -1), 0)
    if self.pool == 'none':
      return atoms
    x = atoms.sum(axis=1)
    if self.pool == 'mean':
      x = x / jnp.maximum(there.sum(axis=1, keepdims=True), 1)
    elif self.pool == 'norm':
      x = x / self.norm
    if self.batch_norm:
      x = BatchNorm(axis_name=self.axis_name)(x, mask, train=train)
    if 'descriptors' in graph:
      x = jnp.concatenate([x, graph['descriptors'].astype(x.dtype)], axis=-1)
    for width in self.head:
      x = nn.relu(nn.Dense(width, kernel_init=START)(x))
      x = nn.Dropout(self.head_dropout, deterministic=not train)(x)
    return nn.Dense(self.outputs, kernel_init=START, dtype=jnp.float32)(x)


class _Kernel(nn.Module):
  """The kernel of a dense layer, for products that are not of all rows."""

  features: int

  @nn.compact
  def __call__(self, inputs: int) -> jax.Array:
    return self.param('kernel', START, (inputs, self.features), jnp.float32)
