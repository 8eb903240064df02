"""What is explained: one number for each input, of a class that is chosen for it."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

Score = Callable[[jax.Array, jax.Array], jax.Array]

# What a method says of itself, by name: one number for each input.
Notes = dict[str, np.ndarray]

# (score, inputs [N, ...], class numbers [N]) -> attributions, and what the method says of itself:
# 'completeness_gap' (see ``integrated_gradients``) or 'fit' (R2 of LIME's linear model).
Method = Callable[[Score, np.ndarray, np.ndarray], tuple[np.ndarray, Notes]]


@functools.partial(jax.jit, static_argnums=0)
def scores(score: Score, x: jax.Array, target: jax.Array) -> jax.Array:
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
