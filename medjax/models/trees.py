"""Decision trees as arrays, whose mean is the output of a model."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.models.base import FIXED

# What an array of nodes holds of each: the column that it looks at, the number above which a case
# goes to the second of its two children, the number of the first, and the value of a leaf. A leaf
# is its own first child, and no number is above its threshold, the largest float32.
NODE = ('column', 'threshold', 'child', 'value')


class Trees(nn.Module):
  """The mean of decision trees that are grown before a training, and stay as they are.

  Their variables are in the collection ``FIXED``: 'nodes', float32 [outputs, count, 2 * leaves - 1,
  4], see ``NODE``, and 'depth', int32, of the deepest. As they are created every tree is one leaf
  of value 0. Outputs have no gradient.

  Attributes:
    outputs: numbers a case, each of trees of its own.
    count: trees of each output.
    leaves: of a tree at most.
    link: what outputs are of the mean of the values: 'identity', the same; 'logit', of a share;
      'log', of shares of classes; or 'log_sigmoid', the logarithm of a share that is given by its
      logit. To shares one vote is added that is divided among the classes, so that 0 has a
      logarithm.

  Example:
    >>> model = Trees(outputs=1, count=2, leaves=2)
    >>> variables = model.init(jax.random.key(0), jnp.ones((3, 5)))
    >>> model.apply(variables, jnp.ones((3, 5))).shape
    (3, 1)

  Source:
    Breiman, L. (2001), Random forests, Machine Learning 45:5-32.
  """

  outputs: int
  count: int
  leaves: int
  link: str = 'identity'

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Outputs, float32 [B, outputs].

    Args:
      x: floating [B, D].
    """
    shape = (self.outputs, self.count, 2 * self.leaves - 1, len(NODE))
    nodes = self.variable(FIXED, 'nodes', jnp.zeros, shape, jnp.float32).value
    depth = self.variable(FIXED, 'depth', jnp.zeros, (), jnp.int32).value
    return _link(jax.lax.stop_gradient(_values(nodes, depth, x)).mean(-1), self.count, self.link)


def _values(nodes: jax.Array, depth: jax.Array, x: jax.Array) -> jax.Array:
  """The value of each tree, [B, outputs, count]."""
  outputs, count, size, _ = nodes.shape
  # The numbers of a node lie side by side: one look at memory for all.
  table = jnp.asarray(nodes).reshape(-1, len(NODE))
  first = jnp.arange(outputs * count, dtype=jnp.int32) * size
  cases, columns = x.shape
  x = jax.lax.stop_gradient(jnp.asarray(x, jnp.float32)).reshape(-1)
  row = jnp.arange(cases, dtype=jnp.int32)[:, None] * columns

  def descend(_: int, at: jax.Array) -> jax.Array:
    column, threshold, child = jnp.moveaxis(table[first + at][..., :3], -1, 0)
    beyond = x[row + column.astype(jnp.int32)] > threshold
    return child.astype(jnp.int32) + beyond

  start = jnp.zeros((cases, outputs * count), jnp.int32)
  at = jax.lax.fori_loop(0, depth, descend, start)
  return table[first + at][..., 3].reshape(cases, outputs, count)


def _link(mean: jax.Array, count: int, link: str) -> jax.Array:
  if link == 'identity':
    return mean
  if link == 'log_sigmoid':
    return jax.nn.log_sigmoid(mean)
  if link not in ('logit', 'log'):
    raise ValueError(f'link={link}: expected identity, logit, log or log_sigmoid')
  prior = 0.5 if link == 'logit' else 1 / mean.shape[-1]
  share = (mean * count + prior) / (count + 1)
  return jnp.log(share) - jnp.log1p(-share) if link == 'logit' else jnp.log(share)
