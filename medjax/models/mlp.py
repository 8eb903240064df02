"""Feed-forward networks, from none to many hidden layers."""

import dataclasses
import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp


class MLP(nn.Module):
  """Dense layers with ReLU; without hidden layers a linear or logistic regression.

  Attributes:
    features: units of each hidden layer.
    outputs: units of the last one.
    dropout: rate after each hidden layer.

  Example:
    >>> variables = MLP(()).init(jax.random.key(0), jnp.zeros((1, 3)))
    >>> jax.tree.map(jnp.shape, variables['params'])
    {'Dense_0': {'bias': (1,), 'kernel': (3, 1)}}
  """

  features: tuple[int, ...] = (64, 64)
  outputs: int = 1
  dropout: float = 0.0

  @nn.compact
  def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
    """Outputs [B, outputs] of [B, ...], whose further axes are taken as one."""
    x = x.reshape(x.shape[0], -1)
    for width in self.features:
      x = nn.relu(nn.Dense(width)(x))
      if self.dropout:
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
    # From 0 a convex fit begins at the prevalence, and a network at no opinion.
    start = nn.initializers.zeros if not self.features else nn.linear.default_kernel_init
    return nn.Dense(self.outputs, kernel_init=start)(x)


@functools.partial(jax.tree_util.register_dataclass, data_fields=('weight',), meta_fields=())
@dataclasses.dataclass(frozen=True)
class L2:
  """Half of ``weight`` times the sum of squares of all kernels, biases left free.

  scikit-learn's logistic regression with C has ``weight`` 1 / (C * examples), as the loss here is
  a mean and there a sum.

  Attributes:
    weight: of the squares.

  Example:
    >>> float(L2(0.1)({'Dense_0': {'kernel': jnp.ones((2, 1)), 'bias': jnp.ones(1)}}))
    0.10000000149011612
  """

  weight: float

  def __call__(self, params: Any) -> jax.Array:
    """The penalty of parameters, a scalar."""
    leaves = jax.tree_util.tree_leaves_with_path(params)
    kernels = [leaf for path, leaf in leaves if path[-1].key == 'kernel']
    return 0.5 * self.weight * sum((jnp.vdot(k, k) for k in kernels), jnp.zeros(()))
