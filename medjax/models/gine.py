"""A graph isomorphism network whose bonds speak too, with a virtual node.

References:
  Xu et al. (2019), How powerful are graph neural networks? ICLR (GIN).
  Hu et al. (2020), Strategies for pre-training graph neural networks, ICLR (GINE: bonds in the
    messages).
  Gilmer et al. (2017), Neural message passing for quantum chemistry, ICML (a node that all others
    are joined to).
  Hu et al. (2020), Open graph benchmark: datasets for machine learning on graphs, NeurIPS (with a
    virtual node it is the better of its baselines on ogbg-molhiv and ogbg-molpcba, by ROC-AUC .7707
    to .7558 on the former).
"""

from typing import ClassVar, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.models import flat_graph
from medjax.models.norm import BatchNorm
from medjax.ops.gathers import gather_sum


class GINE(nn.Module):
  """Outputs of molecules; each layer adds to an atom what its neighbours and their bonds say.

      message[u -> v] = relu(x[u] + W_l bond[u -> v])
      x[v] = MLP((1 + e) x[v] + sum of messages that enter v), normalised

  A virtual node has the sum over all atoms, through layers of its own, and is added to all atoms
  before the next layer. The mean over atoms, joined by ``descriptors`` where inputs have them,
  gives the outputs.

  Attributes:
    hidden: units of atoms.
    layers: of messages.
    outputs: logits or numbers.
    dropout: rate after each layer.
    pool: 'mean', or 'none' for the atoms themselves, [B, A, hidden], in place of outputs.
    axis_name: of the devices that share a batch; None outside of ``jax.pmap``.

  Example:
    >>> graph = {'atoms': jnp.ones((1, 2, 72)), 'bonds': jnp.ones((1, 1, 14)),
    ...          'ends': jnp.array([[[0, 1]]]), 'incoming': jnp.array([[[2], [1]]])}   # ethane
    >>> model = GINE(hidden=8, layers=2)
    >>> model.apply(model.init(jax.random.key(0), graph), graph).shape
    (1, 1)
  """

  hidden: int = 300
  layers: int = 5
  outputs: int = 1
  dropout: float = 0.0
  pool: Literal['mean', 'none'] = 'mean'
  axis_name: str | None = 'data'
  takes_mask: ClassVar[bool] = True

  @property
  def head_layers(self) -> tuple[str, ...]:
    """The name of the layer behind the pooled atoms: the last of all dense ones."""
    return (f'Dense_{5 * self.layers - 1}',)

  @nn.compact
  def __call__(
    self, graph: dict[str, jax.Array], *, train: bool = False, mask: jax.Array | None = None
  ) -> jax.Array:
    """Outputs [B, outputs].

    Args:
      graph: as for ``DMPNN``.
      train: use dropout and the batch's statistics.
      mask: [B] bool, False for padding of the batch; None if there is none.
    """
    flat = flat_graph.flatten(graph)
    shape = graph['atoms'].shape[:2]
    there = flat.there.reshape(*shape, 1)
    counted = there if mask is None else there & mask[:, None, None]
    drop = nn.Dropout(self.dropout, deterministic=not train)

    def normal(x: jax.Array, real: jax.Array | None) -> jax.Array:
      return BatchNorm(axis_name=self.axis_name)(x, real, train=train)

    x = jnp.where(there, nn.Dense(self.hidden)(graph['atoms']), 0)  # [B, A, hidden]
    virtual = jnp.zeros((shape[0], self.hidden), x.dtype)
    for layer in range(self.layers):
      x = jnp.where(there, x + virtual[:, None], 0)
      source = gather_sum(x.reshape(-1, self.hidden), flat.source[:, None], flat.outgoing)
      message = nn.relu(source + nn.Dense(self.hidden)(flat.bonds))
      entering = gather_sum(message, flat.incoming, flat.target[:, None]).reshape(x.shape)
      scale = 1 + self.param(f'epsilon_{layer}', nn.initializers.zeros, (), jnp.float32)
      # Normalisation takes any constant away: biases would only drift.
      y = nn.Dense(2 * self.hidden, use_bias=False)(scale.astype(x.dtype) * x + entering)
      y = nn.Dense(self.hidden, use_bias=False)(nn.relu(normal(y, counted[..., 0])))
      y = normal(y, counted[..., 0])
      last = layer == self.layers - 1
      if not last:
        z = nn.Dense(2 * self.hidden, use_bias=False)(virtual + x.sum(axis=1))
        z = nn.Dense(self.hidden, use_bias=False)(nn.relu(normal(z, mask)))
        virtual = drop(nn.relu(normal(z, mask)))
      x = jnp.where(there, x + drop(y if last else nn.relu(y)), 0)
    if self.pool == 'none':
      return x
    pooled = x.sum(axis=1) / jnp.maximum(there.sum(axis=1), 1)
    if 'descriptors' in graph:
      pooled = jnp.concatenate([pooled, graph['descriptors'].astype(pooled.dtype)], axis=-1)
    return nn.Dense(self.outputs, dtype=jnp.float32)(pooled)
