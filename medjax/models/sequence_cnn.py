"""Convolutions along sequences: motif filters, dilated residual blocks, pooling, dense layers.

References:
  Alipanahi et al. (2015), Predicting the sequence specificities of DNA- and RNA-binding proteins by
    deep learning, Nature Biotechnology 33:831-838 (motif filters).
  Kelley et al. (2018), Sequential regulatory activity prediction across chromosomes with
    convolutional neural networks, Genome Research 28:739-750 (dilated residual blocks).
  Shrikumar, Greenside and Kundaje (2017), Reverse-complement parameter sharing improves deep
    learning models for genomics, bioRxiv 103663 (both strands).
"""

from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.ops.strand import reverse_complement


class SequenceCNN(nn.Module):
  """Logits of one-hot sequences [B, L, letters]; padding, rows of zeros, counts for nothing.

  Attributes:
    features: filters of each layer.
    kernel: letters that a filter of the first layer sees.
    width: neighbouring letters of which the strongest match counts; later layers see one place for
      each.
    dilations: of each residual block: a convolution of ``reach`` places and one of 1.
    reach: places that a filter of a block sees.
    pool: 'attention' and 'max' take patterns wherever they are, 'places' knows where, for sequences
      that are aligned to something, such as a start of transcription.
    hidden: units of the dense layer.
    outputs: logits.
    dropout: rate before the dense layers.
    complement: of each letter, its partner; with it predictions are the mean over both strands.

  Example:
    >>> model = SequenceCNN(features=8, dilations=(1,))
    >>> variables = model.init(jax.random.key(0), jnp.zeros((1, 50, 4)))
    >>> model.apply(variables, jnp.zeros((2, 50, 4))).shape
    (2, 1)
  """

  features: int = 64
  kernel: int = 11
  width: int = 4
  dilations: tuple[int, ...] = (1, 2)
  reach: int = 5
  pool: Literal['attention', 'max', 'places'] = 'attention'
  hidden: int = 64
  outputs: int = 1
  dropout: float = 0.2
  complement: tuple[int, ...] = ()

  def setup(self):
    self.motifs = nn.Conv(self.features, (self.kernel,), name='motifs')
    self.blocks = [
      (
        nn.LayerNorm(name=f'norm_{i}'),
        nn.Conv(self.features, (self.reach,), kernel_dilation=(d,), name=f'wide_{i}'),
        nn.Conv(self.features, (1,), name=f'mix_{i}'),
      )
      for i, d in enumerate(self.dilations)
    ]
    self.attention = nn.Dense(1, name='attention') if self.pool == 'attention' else None
    self.norm = nn.LayerNorm(name='norm')
    self.dense = nn.Dense(self.hidden, name='dense')
    self.out = nn.Dense(self.outputs, name='out')
    self.drop = nn.Dropout(self.dropout)

  def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
    found = self._strand(x, train)
    if self.complement and not train:
      found = (found + self._strand(reverse_complement(x, self.complement), train)) / 2
    return found

  def _strand(self, x: jax.Array, train: bool) -> jax.Array:
    present = x.any(axis=-1, keepdims=True)
    x = nn.relu(self.motifs(x)) * present
    x = nn.max_pool(x, (self.width,), (self.width,), 'SAME')
    present = nn.max_pool(present.astype(x.dtype), (self.width,), (self.width,), 'SAME') > 0
    for norm, wide, mix in self.blocks:
      x = (x + mix(nn.relu(wide(norm(x) * present)))) * present
    x = self.norm(x) * present
    if self.attention is not None:
      weight = nn.softmax(jnp.where(present, self.attention(x), -1e9), axis=1)
      pooled = [(weight * x).sum(axis=1), jnp.where(present, x, -1e9).max(axis=1)]
      x = jnp.concatenate(pooled, axis=1)
    elif self.pool == 'max':
      x = jnp.where(present, x, -1e9).max(axis=1)
    else:
      x = x.reshape(len(x), -1)
    x = self.drop(x, deterministic=not train)
    x = nn.relu(self.dense(x))
    return self.out(self.drop(x, deterministic=not train))
