"""How far likelihoods are from those wanted: what tuning a language model toward a goal lessens."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from medjax.tasks.next_token import NextToken


@dataclasses.dataclass(frozen=True)
class AugmentedLikelihood(NextToken):
  """The squared difference of a sequence's log-likelihood and the wanted one, ``augmented`` [B].

  Wanted is the log-likelihood under the model before tuning, and ``sigma`` times a score on top.

  Example:
    >>> task, outputs = AugmentedLikelihood(), jnp.array([[-1.0, -2.0]])
    >>> float(task.loss(outputs, {'augmented': jnp.array([-1.0])})[0])
    4.0

  Source:
    Olivecrona, M., Blaschke, T., Engkvist, O. and Chen, H. (2017), Molecular de-novo design through
      deep reinforcement learning, J. Cheminform. 9:48.
  """

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """See the class, [B]."""
    return jnp.square(batch['augmented'] - outputs.sum(axis=1))
