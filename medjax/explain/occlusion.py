"""Occlusion: how much the score falls where a part of the input is covered.

Reference:
  Zeiler and Fergus (2014), Visualizing and understanding convolutional networks, ECCV.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from medjax.explain.score import Score, compiled, in_chunks, scores


def occlusion(
  score: Score,
  x: np.ndarray,
  target: np.ndarray,
  *,
  window: Sequence[int],
  stride: Sequence[int],
  fill: np.ndarray | float = 0.0,
  chunk: int = 32,
) -> np.ndarray:
  """The fall of the score when a window is covered, as a mean over the windows on each place.

  Args:
    score: See ``score_function``.
    x: [N, ...] inputs, float.
    target: [N] class numbers.
    window: Lengths along the axes after the first, such as (16, 16) for images; further axes, such
      as colours, are covered whole.
    stride: Steps between windows along the same axes; the last window touches the end.
    fill: What covers: a number, or an array that broadcasts to one input.
    chunk: Covered inputs at a time.

  Returns:
    Float32 [N, ...] over the axes of the window.

  Raises:
    ValueError: window and stride name other numbers of axes, a window is larger than the input, or
      a stride is not between 1 and the window's length, so that places would be left out.

  Example:
    >>> x = np.array([[1.0, 2.0, 3.0]])
    >>> occlusion(lambda x, t: x.sum(axis=1), x, np.zeros(1, int), window=(1,), stride=(1,))
    array([[1., 2., 3.]], dtype=float32)
  """
  x = np.asarray(x, np.float32)
  sides = x.shape[1 : 1 + len(window)]
  if len(window) != len(stride) or len(sides) != len(window):
    raise ValueError(f'window {tuple(window)} and stride {tuple(stride)}; inputs are {x.shape[1:]}')
  if any(length > side for length, side in zip(window, sides, strict=True)):
    raise ValueError(f'window {tuple(window)} is larger than the inputs, {sides}')
  if any(not 1 <= step <= length for step, length in zip(stride, window, strict=True)):
    raise ValueError(
      f'stride {tuple(stride)}: expected 1 to the length of the window {tuple(window)}'
    )
  places = [
    np.unique(np.append(np.arange(0, side - length + 1, step), side - length))
    for side, length, step in zip(sides, window, stride, strict=True)
  ]
  corners = np.array(list(itertools.product(*places)), np.int32)
  cover = np.broadcast_to(np.asarray(fill, np.float32), x.shape[1:])

  before = in_chunks(functools.partial(scores, score), chunk, x, target)
  drops = np.zeros((len(x), *sides), np.float32)
  times = np.zeros(sides, np.float32)
  windows = [
    tuple(slice(c, c + length) for c, length in zip(corner, window, strict=True))
    for corner in corners
  ]
  for place in windows:
    times[place] += 1
  for i, one in enumerate(x):
    after = in_chunks(
      functools.partial(_covered, score, tuple(window), cover, one, target[i]),
      chunk,
      corners,
    )
    for place, value in zip(windows, before[i] - after, strict=True):
      drops[i][place] += value
  return drops / times


@functools.partial(compiled, static_argnums=(1,))
def _covered(
  score: Score, window: tuple[int, ...], cover: Any, one: Any, target: Any, corners: Any
) -> Any:
  """Scores of one input with each of the windows covered that have these corners."""
  sides = one.shape[: len(window)]

  def hidden(corner: Any) -> Any:
    inside = jnp.ones(sides, bool)
    for axis, length in enumerate(window):
      place = jax.lax.broadcasted_iota(jnp.int32, sides, axis)
      inside &= (place >= corner[axis]) & (place < corner[axis] + length)
    return inside.reshape(sides + (1,) * (one.ndim - len(window)))

  points = jnp.where(jax.vmap(hidden)(corners), cover, one)
  return score(points, jnp.broadcast_to(target, len(corners)))
