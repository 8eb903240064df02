"""Pooling of padded sequences by attention."""

import flax.linen as nn
import jax
import jax.numpy as jnp


class AttentionPool(nn.Module):
  """A weighted mean over the places of a sequence, [B, L, channels] -> [B, channels].

  The weights are softmax over places of v . tanh(W x + b), so that a learned query decides which
  places count. Places that are not there have none; without any place the mean is zero.

  Attributes:
    hidden: units of the tanh layer.

  Example:
    >>> pool = AttentionPool(8)
    >>> x, present = jnp.ones((1, 3, 2)), jnp.array([[True, True, False]])
    >>> variables = pool.init(jax.random.key(0), x, present)
    >>> pool.apply(variables, x, present).tolist()
    [[1.0, 1.0]]

  References:
    Bahdanau, Cho and Bengio (2015), Neural machine translation by jointly learning to align and
      translate, ICLR (additive attention).
    Lin et al. (2017), A structured self-attentive sentence embedding, ICLR (a learned query).
  """

  hidden: int = 64

  @nn.compact
  def __call__(self, x: jax.Array, present: jax.Array) -> jax.Array:
    """The mean [B, channels].

    Args:
      x: [B, L, channels].
      present: which places count, bool [B, L].
    """
    score = nn.Dense(1, use_bias=False, name='query')(nn.tanh(nn.Dense(self.hidden, name='key')(x)))
    # Not minus infinity, whose softmax over no place at all is not a number.
    score = jnp.where(present, score[..., 0].astype(jnp.float32), -1e30)
    weight = jnp.where(present, jax.nn.softmax(score, axis=1), 0)
    return jnp.einsum('bl,blc->bc', weight.astype(x.dtype), x)
