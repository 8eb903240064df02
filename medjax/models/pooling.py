"""From places to one vector a sequence."""

import flax.linen as nn
import jax
import jax.numpy as jnp


class AttentionPool(nn.Module):
  """A weighted mean over the places of a sequence, with weights that are learned from each.

  Example:
    >>> pool = AttentionPool()
    >>> x, there = jnp.ones((2, 5, 3)), jnp.ones((2, 5), bool)
    >>> pool.apply(pool.init(jax.random.key(0), x, there), x, there).shape
    (2, 3)

  Source:
    Lin et al. (2017), A structured self-attentive sentence embedding, ICLR, with one hop.
  """

  @nn.compact
  def __call__(self, x: jax.Array, there: jax.Array) -> jax.Array:
    """[B, features] of [B, L, features], where ``there`` [B, L] is False for padding; zeros where
    nothing is there."""
    hidden = nn.tanh(nn.Dense(x.shape[-1], name='hidden')(x))
    score = nn.Dense(1, use_bias=False, name='score')(hidden)[..., 0].astype(jnp.float32)
    weight = jax.nn.softmax(jnp.where(there, score, -1e30), axis=1)
    weight = jnp.where(there, weight, 0).astype(x.dtype)
    return jnp.einsum('bl,blf->bf', weight, x)
