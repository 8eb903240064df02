"""What is explained: one number for each input, of a class that is chosen for it."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import numpy as np

F = TypeVar('F', bound=Callable[..., Any])

# A plain function, or a ``jax.tree_util.Partial`` of one and the arrays that it needs.
Score = Callable[[jax.Array, jax.Array], jax.Array]

# What a method says of itself, by name: one number for each input.
Notes = dict[str, np.ndarray]

# (score, inputs [N, ...], class numbers [N]) -> attributions, of each input an array, and what the
# method says of itself: 'completeness_gap', 'relative_gap' and 'steps' (see
# ``integrated_gradients``), or 'fit' (R2 of LIME's linear model). Inputs are what
# ``Modality.explained_inputs`` gives.
Method = Callable[[Score, Any, np.ndarray], tuple[Any, Notes]]


def as_tree(score: Score) -> jax.tree_util.Partial:
  """The score as a tree, whose arrays are those that it was made with by ``jax.tree_util.Partial``.

  Example:
    >>> score = jax.tree_util.Partial(lambda weights, x, target: x @ weights, jnp.ones(3))
    >>> [leaf.shape for leaf in jax.tree.leaves(as_tree(score))]
    [(3,)]
    >>> jax.tree.leaves(as_tree(lambda x, target: x.sum(axis=1)))
    []
  """
  return score if isinstance(score, jax.tree_util.Partial) else jax.tree_util.Partial(score)


def compiled(function: F, static_argnums: Sequence[int] = ()) -> F:
  """``jax.jit`` of a function whose first argument is a score.

  The arrays of the score, such as the variables of a network, are arguments of the program. As
  constants of it they would have to be compiled with it, which takes seconds for a large network,
  and another network of the same kind could not use a program that was compiled and kept before.
  """
  jitted = jax.jit(function, static_argnums=static_argnums)

  @functools.wraps(function)
  def call(score: Score, *args: Any) -> Any:
    return jitted(as_tree(score), *args)

  return call  # type: ignore[return-value]


@compiled
def scores(score: Score, x: Any, target: Any) -> Any:
  """The score, compiled once for every function and shape."""
  return score(x, target)


def in_chunks(function: Callable[..., Any], chunk: int, *arrays: Any) -> np.ndarray:
  """``function`` of slices of ``arrays`` along their first axis, put together again.

  The last slice is filled up with its own first row, so that the function is compiled once.

  Raises:
    ValueError: the arrays are empty or of different length.
  """
  arrays = tuple(np.asarray(array) for array in arrays)
  count = len(arrays[0])
  if not count:
    raise ValueError('there is no input to explain')
  if len({len(array) for array in arrays}) > 1:
    raise ValueError(f'arrays have {", ".join(str(len(array)) for array in arrays)} rows')
  chunk = min(chunk, count)
  parts: list[np.ndarray] = []
  waiting = None
  for start in range(0, count, chunk):
    taken = [array[start : start + chunk] for array in arrays]
    lack = chunk - len(taken[0])
    if lack:
      taken = [np.concatenate([part, np.repeat(part[:1], lack, axis=0)]) for part in taken]
    result = function(*taken)
    if waiting is not None:  # read one slice while the next is computed
      parts.append(jax.device_get(waiting))
    waiting = result
  parts.append(jax.device_get(waiting)[: chunk - lack])
  return np.concatenate(parts)
