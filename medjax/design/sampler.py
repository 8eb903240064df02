"""Molecules drawn of a language model, many in one compiled call."""

import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from medjax.data.smiles.tokens import END, PADDING
from medjax.models import LanguageModel

AT_ONCE = 1024  # sequences of a call


def draw(
  model: LanguageModel,
  longest: int,
  count: int,
  variables: Any,
  key: jax.Array,
  temperature: jax.Array | float = 1.0,
) -> tuple[jax.Array, jax.Array]:
  """Sequences, token by token; ``compiled`` is the same as one compiled call.

  Args:
    model: of the language.
    longest: tokens of a sequence, at most; one that has not ended by then has no end.
    count: how many sequences.
    variables: of the model.
    key: of the draw.
    temperature: by which logits are divided: below 1 the likely becomes likelier.

  Returns:
    Tokens int32 [count, longest], 0 after the end; and the log-likelihood float32 [count] of each
    sequence under the model (that is, at temperature 1).
  """

  def step(carry: Any, key: jax.Array) -> tuple[Any, jax.Array]:
    states, before, ended, total = carry
    found: Any = model.apply(variables, states, before, method=model.next)
    states, logits = found
    logits = logits.astype(jnp.float32)
    token = jax.random.categorical(key, logits / temperature) + 1
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), token[:, None] - 1, axis=1)[:, 0]
    token = jnp.where(ended, PADDING, token)
    total = total + jnp.where(ended, 0.0, chosen)
    return (states, token, ended | (token == END), total), token

  states: Any = model.apply(variables, count, method=model.start)
  begin = jnp.zeros(count, jnp.int32), jnp.zeros(count, bool), jnp.zeros(count)
  (_, _, _, total), drawn = jax.lax.scan(step, (states, *begin), jax.random.split(key, longest))
  return drawn.T, total


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def compiled(
  model: LanguageModel, longest: int, count: int, variables: Any, key: Any, temperature: Any
) -> tuple[jax.Array, jax.Array]:
  """See ``draw``."""
  return draw(model, longest, count, variables, key, temperature)


def sample(
  model: LanguageModel,
  variables: Any,
  longest: int,
  number: int,
  seed: int,
  temperature: float = 1.0,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
  """Any number of sequences; the same seed gives the same, and a larger number more of them.

  Args:
    model: see ``draw``, as for ``variables``, ``longest`` and ``temperature``.
    variables: see there.
    longest: see there.
    number: how many.
    seed: of the draws.
    temperature: see there.

  Yields:
    Tokens and log-likelihoods of at most ``AT_ONCE`` sequences, as of ``draw``.

  Example:
    >>> model = LanguageModel(vocabulary=5, features=4)
    >>> variables = model.init(jax.random.key(0), jnp.ones((1, 3), jnp.int32))
    >>> [tokens.shape for tokens, _ in sample(model, variables, 7, 1030, seed=0)]
    [(1024, 7), (6, 7)]
  """
  for part, begin in enumerate(range(0, number, AT_ONCE)):
    key = jax.random.fold_in(jax.random.key(seed), part)
    drawn = compiled(model, longest, AT_ONCE, variables, key, temperature)
    tokens, total = jax.device_get(drawn)
    yield tokens[: number - begin], total[: number - begin]
