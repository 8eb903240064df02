"""Which token comes next: the likelihood of a sequence under a language model."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from medjax.outcomes import Likelihood, Outcome
from medjax.tasks.base import Task


@dataclasses.dataclass(frozen=True)
class NextToken(Task):
  """The negative log-likelihood of sequences, which a model gives for each of their tokens.

  There is no label beside the sequence. A sequence's loss is a sum, so that tokens count alike
  whatever the length of theirs.

  Attributes:
    typical: tokens of a typical sequence, by which losses are divided, so that the loss of a batch
      is about that of a token.
    outputs: different tokens.

  Example:
    >>> outputs = jnp.log(jnp.array([[0.5, 0.25, 1.0]]))      # of padding 0
    >>> task = NextToken(typical=2.0)
    >>> float(task.loss(outputs, {})[0])                      # log(8) / 2
    1.0397207736968994
  """

  typical: float = 1.0
  outputs: int = 1
  outcome: Outcome = Likelihood()

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Negative log-likelihood [B] in nats of log-likelihoods [B, L] a token, / typical."""
    return -outputs.sum(axis=1) / self.typical

  def predict(self, outputs: jax.Array) -> dict[str, jax.Array]:
    """``log_likelihood`` [B] of each sequence, in nats."""
    return {'log_likelihood': outputs.sum(axis=1)}

  def statistics(self, outputs: jax.Array, batch: dict[str, Any]) -> dict[str, jax.Array]:
    """That of ``predict``, and how many ``tokens`` [B] each sequence has, with its end."""
    return self.predict(outputs) | {'tokens': (batch['tokens'] > 0).sum(axis=1, dtype=jnp.int32)}
