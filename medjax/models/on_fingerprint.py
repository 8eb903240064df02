"""A network on fingerprints, for inputs that have graphs as well."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp


class OnFingerprint(nn.Module):
  """Outputs of a network on the fingerprint, and the descriptors if there are, beside a graph.

  Attributes:
    make: ``make(name=...)`` gives the network, of float32 [B, bits + D], such as ``MLP``.

  Example:
    >>> model = OnFingerprint(functools.partial(MLP, (8,)))         # doctest: +SKIP
    >>> inputs = {'fingerprint': jnp.ones((2, 64)), 'descriptors': jnp.ones((2, 3))}
    >>> model.apply(model.init(jax.random.key(0), inputs), inputs).shape
    (2, 1)
  """

  make: Callable[..., nn.Module]

  @nn.compact
  def __call__(self, inputs: dict[str, jax.Array], *, train: bool = False) -> jax.Array:
    """Outputs [B, ...].

    Args:
      inputs: 'fingerprint' [B, bits], and 'descriptors' [B, D] if there are; others are not seen.
      train: as for the network.
    """
    return self.make(name='network')(beside_graph(inputs), train=train)


def beside_graph(inputs: Any) -> jax.Array:
  """The fingerprint and the descriptors, if there are, [B, bits + D]; inputs of no graph are that.

  Args:
    inputs: see ``OnFingerprint``; or float32 [B, bits + D].
  """
  if not isinstance(inputs, dict):
    return inputs
  seen = [inputs[name] for name in ('fingerprint', 'descriptors') if name in inputs]
  return jnp.concatenate(seen, axis=-1)
