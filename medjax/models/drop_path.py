"""Stochastic depth: a residual branch that is left out of some examples in training."""

import flax.linen as nn
import jax
import jax.numpy as jnp


class DropPath(nn.Module):
  """Leaves a branch out of each example with probability ``rate``, in training.

  What stays is divided by the probability to stay, so that its mean is the branch. Draws come from
  the key ``dropout``.

  Attributes:
    rate: probability to leave it out.

  Example:
    >>> x = jnp.ones((4, 2))
    >>> DropPath(0.5).apply({}, x).shape
    (4, 2)

  Source:
    Huang, G., Sun, Y., Liu, Z., Sedra, D. and Weinberger, K. (2016), Deep networks with stochastic
    depth. ECCV, 646-661.
  """

  rate: float

  @nn.compact
  def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
    """``x`` [batch, ...], or in training zeros in the place of some examples."""
    if not train or not self.rate:
      return x
    stays = 1 - self.rate
    shape = (x.shape[0],) + (1,) * (x.ndim - 1)
    kept = jax.random.bernoulli(self.make_rng('dropout'), stays, shape)
    return jnp.where(kept, x / stays, 0).astype(x.dtype)
