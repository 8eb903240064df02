"""In-silico mutagenesis: what every other letter at every place of a sequence would do.

Reference:
  Zhou and Troyanskaya (2015), Predicting effects of noncoding variants with deep learning-based
    sequence model, Nature Methods 12:931-934.
"""

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np

from medjax.explain.score import Score, compiled, in_chunks, scores


def mutagenesis(score: Score, x: np.ndarray, target: np.ndarray, *, chunk: int = 256) -> np.ndarray:
  """The change of the score when one letter is another.

  Args:
    score: See ``score_function``.
    x: [N, L, letters] one-hot sequences, rows of zeros for padding.
    target: [N] class numbers.
    chunk: Mutants at a time.

  Returns:
    Float32 [N, L, letters]: the score with this letter at this place less the score. 0 for the
    letter that is there, and on padding.

  Example:
    >>> mutagenesis(lambda x, target: x[:, 0, 1], np.eye(2)[None], np.zeros(1, int))
    array([[[0., 1.],
            [0., 0.]]], dtype=float32)
  """
  x = np.asarray(x, np.float32)
  letters = x.shape[2]
  changes = np.zeros(x.shape, np.float32)
  now = in_chunks(functools.partial(scores, score), chunk, x, target)
  for i, one in enumerate(x):
    places = np.flatnonzero(one.any(axis=1))
    place, letter = (part.ravel() for part in np.meshgrid(places, range(letters), indexing='ij'))
    other = one[place, letter] != 1
    place, letter = place[other], letter[other]
    if len(place):
      of_mutants = functools.partial(_mutants, score, one, np.asarray(target)[i])
      changes[i, place, letter] = in_chunks(of_mutants, chunk, place, letter) - now[i]
  return changes


@compiled
def _mutants(score: Score, one: Any, target: Any, place: Any, letter: Any) -> Any:
  """Scores of one sequence [L, letters] with these letters at these places."""
  row = jnp.arange(len(place))
  points = jnp.broadcast_to(one, (len(place), *one.shape))
  points = points.at[row, place].set(jnp.eye(one.shape[1])[letter])
  return score(points, jnp.broadcast_to(target, len(place)))
