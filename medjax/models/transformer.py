"""A small Transformer encoder with rotary positions.

References:
  Vaswani et al. (2017), Attention is all you need, NeurIPS; Xiong et al. (2020), On layer
    normalization in the Transformer architecture, ICML (normalisation before each part).
  Su et al. (2024), RoFormer: enhanced Transformer with rotary position embedding, Neurocomputing
    568:127063.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.models import padding
from medjax.models.pooling import AttentionPool


class Transformer(nn.Module):
  """Outputs of padded sequences [B, L, channels], for each sequence or for each place.

  Attributes:
    features: channels inside; ``heads`` divides it into even parts.
    layers: encoder layers.
    heads: attention heads.
    hidden: units of the dense layers inside, times ``features``.
    outputs: logits or numbers.
    kernel: places that the first layer, a convolution, sees.
    stride: places from one to the next of which the encoder sees one; with long sequences attention
      costs less.
    dropout: rate after each part.
    pool: 'attention' for one output a sequence, 'none' for one a place (then ``stride`` is 1).

  Example:
    >>> model = Transformer(features=8, layers=1, heads=2)
    >>> x = jnp.ones((2, 10, 4))
    >>> model.apply(model.init(jax.random.key(0), x), x).shape
    (2, 1)
  """

  features: int = 64
  layers: int = 2
  heads: int = 4
  hidden: int = 2
  outputs: int = 1
  kernel: int = 5
  stride: int = 1
  dropout: float = 0.1
  pool: str = 'attention'

  @nn.compact
  def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
    """Outputs [B, outputs], or [B, L, outputs] with ``pool='none'``.

    Args:
      x: [B, L, channels], rows of zeros after the end of a sequence.
      train: use dropout.

    Raises:
      ValueError: ``heads`` does not divide ``features`` into even parts, or there is a stride where
        every place has an output.
    """
    if self.features % (2 * self.heads):
      raise ValueError(f'{self.heads} heads do not divide {self.features} features into even parts')
    if self.pool == 'none' and self.stride > 1:
      raise ValueError(f'stride={self.stride}: expected 1 where every place has an output')
    there = padding.present(x)
    x = nn.Conv(self.features, (self.kernel,), strides=(self.stride,))(x)
    there = there[:, :: self.stride]
    drop = nn.Dropout(self.dropout, deterministic=not train)
    for _ in range(self.layers):
      x = x + drop(Attention(self.heads)(nn.LayerNorm()(x), there))
      y = nn.gelu(nn.Dense(self.hidden * self.features)(nn.LayerNorm()(x)))
      x = x + drop(nn.Dense(self.features)(y))
    x = nn.LayerNorm()(x)
    if self.pool == 'attention':
      x = AttentionPool(self.features)(x, there)
    return nn.Dense(self.outputs, dtype=jnp.float32)(x)


class Attention(nn.Module):
  """Self-attention among the places of a sequence; what counts is how far they are apart.

  Attributes:
    heads: attention heads.
  """

  heads: int

  @nn.compact
  def __call__(self, x: jax.Array, there: jax.Array) -> jax.Array:
    """[B, L, features] of the same, where ``there`` [B, L] is False for padding."""
    size = x.shape[-1] // self.heads
    query, key, value = (
      nn.DenseGeneral((self.heads, size), use_bias=False, name=name)(x)
      for name in ('query', 'key', 'value')
    )
    mask = there[:, None, None, :]
    mixed = jax.nn.dot_product_attention(rotate(query), rotate(key), value, mask=mask)
    return nn.DenseGeneral(x.shape[-1], axis=(-2, -1), name='out')(mixed)


def rotate(x: jax.Array, base: float = 10_000.0) -> jax.Array:
  """Turns pairs of channels by an angle that grows with the place, [B, L, heads, size].

  The product of two turned vectors depends on their places by the difference alone.

  Args:
    x: size is even.
    base: the slowest pair turns by 1 / base a place.

  Example:
    >>> rotate(jnp.ones((1, 2, 1, 2)))[0, :, 0].round(3)
    Array([[ 1.   ,  1.   ],
           [-0.301,  1.382]], dtype=float32)
  """
  half = x.shape[-1] // 2
  speed = base ** (-jnp.arange(half) / half)
  angle = (jnp.arange(x.shape[1])[:, None] * speed)[:, None]
  cos, sin = jnp.cos(angle).astype(x.dtype), jnp.sin(angle).astype(x.dtype)
  one, other = x[..., :half], x[..., half:]
  return jnp.concatenate([one * cos - other * sin, one * sin + other * cos], axis=-1)
