"""Convolutions along sequences: motif filters, residual blocks, pooling, dense layers.

References:
  Alipanahi et al. (2015), Predicting the sequence specificities of DNA- and RNA-binding proteins by
    deep learning, Nature Biotechnology 33:831-838 (motif filters).
  Koo and Ploenzke (2021), Improving representations of genomic sequence motifs in convolutional
    networks with exponential activations, Nature Machine Intelligence 3:258-266.
  Shrikumar, Greenside and Kundaje (2017), Reverse-complement parameter sharing improves deep
    learning models for genomics, bioRxiv 103663 (both strands).
  Cheng et al. (2016), Wide & deep learning for recommender systems, DLRS
    (words beside the filters).
"""

from typing import ClassVar, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.models import padding
from medjax.models.norm import BatchNorm
from medjax.ops.strand import reverse_complement
from medjax.ops.words import count_words

_END = 32  # places of an end
_HIGHEST = 6.0  # what the exponential is taken of, at most
_WORDS = 4096  # counted, at most


class SequenceCNN(nn.Module):
  """Logits of one-hot sequences [B, L, letters]; padding, rows of zeros, counts for nothing.

  Attributes:
    features: filters of each layer.
    kernel: letters that a filter of the first layer sees.
    activation: of the first layer; with 'exponential' filters become clearer motifs.
    width: neighbouring letters of which the strongest match counts; later layers see one place for
      each.
    blocks: convolutions after the first, residual from the second on.
    reach: places that a filter of a block sees.
    pool: 'anywhere' takes maximum and mean over places; 'ends' also over the first and the last 32,
      where proteins have their signals, and the length, all standardised; 'places' keeps all, for
      sequences of one length that are aligned to something, such as a start of transcription.
    words: letters of the words whose counts stand beside what is pooled, as a spectrum kernel has
      them; 0 for none. At most 4,096 words: 6 letters of DNA, 2 of proteins.
    hidden: units of the dense layer.
    outputs: logits.
    dropout: rate before the dense layers.
    complement: of each letter, its partner; with it predictions are the mean over both strands.
    axis_name: of the devices that share a batch; None outside of ``jax.pmap``.

  Example:
    >>> model = SequenceCNN(features=8)
    >>> variables = model.init(jax.random.key(0), jnp.zeros((1, 50, 4)))
    >>> model.apply(variables, jnp.zeros((2, 50, 4))).shape
    (2, 1)
  """

  features: int = 64
  kernel: int = 11
  activation: Literal['relu', 'exponential'] = 'relu'
  width: int = 4
  blocks: int = 2
  reach: int = 7
  pool: Literal['anywhere', 'ends', 'places'] = 'anywhere'
  words: int = 0
  hidden: int = 64
  outputs: int = 1
  dropout: float = 0.3
  complement: tuple[int, ...] = ()
  axis_name: str | None = 'data'
  takes_mask: ClassVar[bool] = True

  def setup(self) -> None:
    count = self.blocks + 1
    widths = [self.kernel] + [self.reach] * self.blocks
    self.convs = [nn.Conv(self.features, (width,), use_bias=False) for width in widths]
    self.norms = [BatchNorm(axis_name=self.axis_name) for _ in range(count)]
    self.dense = nn.Dense(self.hidden)
    if self.pool == 'ends':
      self.standard = BatchNorm(axis_name=self.axis_name)
    self.out = nn.Dense(self.outputs)
    self.drop = nn.Dropout(self.dropout)

  def __call__(
    self, x: jax.Array, *, train: bool = False, mask: jax.Array | None = None
  ) -> jax.Array:
    """Logits [B, outputs].

    Args:
      x: [B, L, letters], zeros after the end of a sequence.
      train: use dropout and the batch's statistics.
      mask: [B] bool, False for padding of the batch; None if there is none.

    Raises:
      ValueError: there are more words of this many letters than can be counted.
    """
    if x.shape[-1] ** self.words > _WORDS:
      raise ValueError(
        f'words of {self.words} letters are {x.shape[-1] ** self.words:,} with an alphabet of '
        f'{x.shape[-1]}; at most {_WORDS:,} are counted, so take shorter ones'
      )
    outputs = self._strand(x, train, mask)
    if self.complement and not train:
      other = reverse_complement(x, self.complement)
      outputs = (outputs + self._strand(other, train, mask)) / 2
    return outputs

  def _strand(self, x: jax.Array, train: bool, mask: jax.Array | None) -> jax.Array:
    present = padding.present(x)
    if mask is not None:
      present &= mask[:, None]
    counts = count_words(x, self.words) if self.words else None
    x = self.norms[0](self.convs[0](x), present, train=train)
    x = jnp.exp(x.clip(max=_HIGHEST)) if self.activation == 'exponential' else nn.relu(x)
    x, present = self._strongest(x, present)
    for block in range(1, self.blocks + 1):
      new = nn.relu(self.norms[block](self.convs[block](x), present, train=train))
      x = jnp.where(present[..., None], x + new if block > 1 else new, 0)
    if self.pool == 'places':
      x = x.reshape(x.shape[0], -1)
    else:
      parts = [present, *_ends(present)] if self.pool == 'ends' else [present]
      x = jnp.concatenate([pooled for part in parts for pooled in _pooled(x, part)], axis=1)
    if self.pool == 'ends':  # compositions differ little, but that is what they say
      length = jnp.log1p(present.sum(axis=1, keepdims=True)).astype(x.dtype)
      x = self.standard(jnp.concatenate([x, length], axis=1), mask, train=train)
    if counts is not None:
      x = jnp.concatenate([x, counts], axis=1)
    x = self.drop(x, deterministic=not train)
    x = nn.relu(self.dense(x))
    return self.out(self.drop(x, deterministic=not train))

  def _strongest(self, x: jax.Array, present: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The largest of ``width`` neighbours that are there, and whether one is."""
    x = jnp.where(present[..., None], x, 0)
    if self.width == 1:
      return x, present
    there = present[..., None].astype(x.dtype)
    pooled, there = (nn.max_pool(part, (self.width,), (self.width,), 'SAME') for part in (x, there))
    return jnp.where(there > 0, pooled, 0), there[..., 0] > 0


def _pooled(x: jax.Array, part: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Maximum and mean [B, features] over the places of a part [B, L]; nothing is below 0."""
  x = jnp.where(part[..., None], x, 0)
  count = jnp.maximum(part.sum(axis=1, keepdims=True), 1)
  return x.max(axis=1), x.sum(axis=1) / count


def _ends(present: jax.Array) -> tuple[jax.Array, jax.Array]:
  """The first and the last places that are there, [B, L] each."""
  before = jnp.cumsum(present, axis=1)
  return present & (before <= _END), present & (before > before[:, -1:] - _END)
