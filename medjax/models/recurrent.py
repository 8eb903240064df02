"""Recurrent networks: LSTM or GRU along padded sequences and signals.

Source:
  Hochreiter and Schmidhuber (1997), Long short-term memory, Neural Computation 9:1735-1780; with
    the forget gate of Gers, Schmidhuber and Cummins (2000), Neural Computation 12:2451-2471.
  Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, EMNLP 1724-1734
    (GRU; as in cuDNN, the reset gate comes after the product of state and weights).
  Schuster and Paliwal (1997), Bidirectional recurrent neural networks, IEEE Transactions on Signal
    Processing 45:2673-2681.
"""

from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.models import padding
from medjax.models.pooling import AttentionPool


class Recurrent(nn.Module):
  """Outputs of sequences [B, L, channels]; padding, rows of zeros at the end, counts for nothing.

  Attributes:
    cell: 'lstm' or 'gru'.
    features: units of each layer, in each direction.
    layers: recurrent layers, one over the other.
    bidirectional: whether each layer also reads from the end to the start.
    pool: how places become one: 'last' takes what each direction ends with, 'mean' the mean over
      places, 'attention' a learned mean (see ``AttentionPool``); with 'none' every place has
      outputs of its own.
    frame: neighbouring places that a step reads at once; fewer steps are faster.
    hidden: units of the dense layer before the outputs; 0 for none.
    outputs: numbers for each sequence, or for each place.
    dropout: rate between layers and before the dense ones.

  Raises:
    ValueError: every place shall have outputs and a step reads several.

  Example:
    >>> model = Recurrent(features=8, outputs=3)
    >>> variables = model.init(jax.random.key(0), jnp.ones((1, 50, 2)))
    >>> model.apply(variables, jnp.ones((4, 50, 2))).shape
    (4, 3)
  """

  cell: Literal['lstm', 'gru'] = 'gru'
  features: int = 64
  layers: int = 1
  bidirectional: bool = True
  pool: Literal['last', 'mean', 'attention', 'none'] = 'last'
  frame: int = 1
  hidden: int = 0
  outputs: int = 1
  dropout: float = 0.0

  @nn.compact
  def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
    """Outputs [B, outputs], or [B, L, outputs] where nothing pools them (zeros for padding).

    Args:
      x: [B, L, channels], zeros after the end of a sequence.
      train: use dropout.
    """
    if self.pool == 'none' and self.frame > 1:
      raise ValueError(f"pool='none' needs steps of one place, and frame is {self.frame}")
    present = padding.present(x)
    if self.frame > 1:
      x, present = _frames(x, self.frame), _frames(present[..., None], self.frame).any(axis=-1)
    # An example that pads a batch has no place; what comes out of it is not read.
    length = jnp.maximum(present.sum(axis=1), 1)
    for layer in range(self.layers):
      if layer:
        x = nn.Dropout(self.dropout)(x, deterministic=not train)
      forward: Any = self._direction(f'forward_{layer}')(x, seq_lengths=length)
      if self.bidirectional:
        back: Any = self._direction(f'backward_{layer}', reverse=True)(x, seq_lengths=length)
        last = jnp.concatenate([_at(forward, length - 1), back[:, 0]], axis=1)
        x = jnp.concatenate([forward, back], axis=2)
      else:
        last, x = _at(forward, length - 1), forward
    if self.pool == 'last':
      x = last
    elif self.pool == 'mean':
      x = jnp.where(present[..., None], x, 0).sum(axis=1) / length[:, None].astype(x.dtype)
    elif self.pool == 'attention':
      x = AttentionPool(self.features)(x, present)
    x = nn.Dropout(self.dropout)(x, deterministic=not train)
    if self.hidden:
      x = nn.relu(nn.Dense(self.hidden)(x))
      x = nn.Dropout(self.dropout)(x, deterministic=not train)
    x = nn.Dense(self.outputs)(x)
    return jnp.where(present[..., None], x, 0) if self.pool == 'none' else x

  def _direction(self, name: str, reverse: bool = False) -> nn.RNN:
    cells = {'lstm': nn.OptimizedLSTMCell, 'gru': nn.GRUCell}
    cell = cells[self.cell](self.features, parent=None)
    return nn.RNN(cell, reverse=reverse, keep_order=True, name=name)


def _frames(x: jax.Array, width: int) -> jax.Array:
  """[B, L, channels] -> [B, L / width, width * channels], zeros after the end."""
  x = jnp.pad(x, ((0, 0), (0, -x.shape[1] % width), (0, 0)))
  return x.reshape(x.shape[0], x.shape[1] // width, -1)


def _at(x: jax.Array, place: jax.Array) -> jax.Array:
  """Row ``place`` [B] of each of [B, L, channels]."""
  return jnp.take_along_axis(x, place[:, None, None], axis=1)[:, 0]
