"""Vision Transformer of patches; the default is ViT-S/16 as timm has it."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.models.patches import Patches

_START = nn.initializers.truncated_normal(0.02)
_EPSILON = 1e-6


class VisionTransformer(nn.Module):
  """A Transformer over patches and a token of its own, whose last state gives the outputs.

  Positions are learned, so that a trained network takes images of one size.

  Attributes:
    outputs: outputs (logits); 1 for a binary task.
    patch: pixels of a patch's side, by which those of the images are to be divisible.
    features: channels of each token.
    depth: blocks.
    heads: of the attention; they divide ``features``.
    dropout: rate before the outputs, in training.
    frozen: in training too, all but the last layer is as in prediction and gets no gradient.

  Example:
    >>> model = VisionTransformer(outputs=1, patch=8, features=12, depth=1, heads=3)
    >>> x = jnp.zeros((2, 32, 32, 3))
    >>> model.apply(model.init(jax.random.key(0), x), x).shape
    (2, 1)

  Source:
    Dosovitskiy, A. et al. (2021), An image is worth 16x16 words: Transformers for image recognition
    at scale. ICLR.
  """

  outputs: int = 1
  patch: int = 16
  features: int = 384
  depth: int = 12
  heads: int = 6
  dropout: float = 0.0
  frozen: bool = False
  takes_mask: ClassVar[bool] = False

  @property
  def blocks(self) -> tuple[tuple[str, ...], ...]:
    """Names of modules and parameters from the images on, those of one depth together."""
    first = ('patch_embed', 'cls_token', 'pos_embed')
    inner = [(f'block{i}',) for i in range(self.depth - 1)]
    return (first, *inner, (f'block{self.depth - 1}', 'norm'), ('head',))

  @nn.compact
  def __call__(self, x_BHWC: jax.Array, *, train: bool = False) -> jax.Array:
    """Logits [batch, outputs] of images [batch, height, width, channels], floating.

    Raises:
      ValueError: a side is no multiple of ``patch``, or ``heads`` do not divide ``features``.
    """
    height, width = x_BHWC.shape[1:3]
    if height % self.patch or width % self.patch:
      raise ValueError(
        f'images of {height}x{width} pixels: expected sides that {self.patch} divides, the side '
        'of a patch'
      )
    if self.features % self.heads:
      raise ValueError(f'{self.heads} heads do not divide {self.features} features')
    x = Patches(self.features, self.patch, name='patch_embed')(x_BHWC)
    _, rows, columns, _ = x.shape
    x = x.reshape(x.shape[0], -1, self.features)
    token = self.param('cls_token', nn.initializers.normal(1e-6), (1, 1, self.features))
    places = self.param('pos_embed', _START, (1, x.shape[1] + 1, self.features))
    token = jnp.broadcast_to(token.astype(x.dtype), (x.shape[0], 1, self.features))
    x = jnp.concatenate([token, x], 1) + places.astype(x.dtype)
    for i in range(self.depth):
      shown = (rows, columns) if i == self.depth - 1 else None
      x = _Block(self.heads, shown, name=f'block{i}')(x)
    x = nn.LayerNorm(_EPSILON, dtype=jnp.float32, name='norm')(x[:, 0])
    if train and self.frozen:
      x = jax.lax.stop_gradient(x)
    x = nn.Dropout(self.dropout, deterministic=not train)(x)
    return nn.Dense(self.outputs, dtype=jnp.float32, kernel_init=_START, name='head')(x)


class _Block(nn.Module):
  """Attention and two dense layers, each beside the identity.

  With ``grid``, rows and columns of patches, what goes into the attention is laid out as a feature
  map on its way. Grad-CAM takes it from the last block, after which only the token of its own
  counts.
  """

  heads: int
  grid: tuple[int, int] | None

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    features = x.shape[-1]
    y = nn.LayerNorm(_EPSILON, name='norm1')(x)
    if self.grid is not None:
      layout = y[:, 1:].reshape(y.shape[0], *self.grid, features)
      laid_out = _FeatureMap(name='map')(layout).reshape(y.shape[0], -1, features)
      y = jnp.concatenate([y[:, :1], laid_out], 1)
    x = x + _Attention(self.heads, name='attn')(y)
    y = nn.Dense(4 * features, kernel_init=_START, name='fc1')(
      nn.LayerNorm(_EPSILON, name='norm2')(x)
    )
    return x + nn.Dense(features, kernel_init=_START, name='fc2')(nn.gelu(y, approximate=False))


class _FeatureMap(nn.Module):
  """The identity of [batch, rows, columns, features], by name."""

  def __call__(self, x: jax.Array) -> jax.Array:
    return x


class _Attention(nn.Module):
  """Attention of every token to every token."""

  heads: int

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    batch, tokens, features = x.shape
    qkv = nn.Dense(3 * features, kernel_init=_START, name='qkv')(x)
    query, key, value = jnp.moveaxis(
      qkv.reshape(batch, tokens, 3, self.heads, features // self.heads), 2, 0
    )
    score = jnp.einsum('bqhd,bkhd->bhqk', query, key) * (features // self.heads) ** -0.5
    weight = nn.softmax(score.astype(jnp.float32)).astype(x.dtype)
    seen = jnp.einsum('bhqk,bkhd->bqhd', weight, value).reshape(batch, tokens, features)
    return nn.Dense(features, kernel_init=_START, name='proj')(seen)
