"""Integrated Gradients: gradients along a line, at as many points as it takes for them to add up.

References:
  Sundararajan, Taly and Yan (2017), Axiomatic attribution for deep networks, ICML.
  The rules of integration: see ``medjax.explain.quadrature``.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from medjax.explain import quadrature
from medjax.explain.gradients import gradients
from medjax.explain.score import Notes, Score, compiled, in_chunks, scores

# The authors find that 20 to 300 points come within 5%.
TOLERANCE = 0.02
_DOUBLINGS = 4  # of 7 points, to 127
_FIRST = 1  # doublings after which a gap is believed: with 7 points it may be small by chance
_WAY = 0.1  # of the whole way, where the score comes back to where it was
_CHUNK = 8


@dataclasses.dataclass(frozen=True)
class Integrated:
  """Attributions by Integrated Gradients, and how exact they are.

  Attributes:
    parts: What each number of an input adds to the score, float32 [N, ...].
    gap: By how much the sum of an input's parts is off the score less the baseline's score, [N].
    relative_gap: The size of the gap as a share of that difference, [N]. Where the score moves
      farther than that on its way and comes back, as a share of a tenth of the whole way.
    steps: Gradients that each input took, int [N].
  """

  parts: np.ndarray
  gap: np.ndarray
  relative_gap: np.ndarray
  steps: np.ndarray

  @property
  def notes(self) -> Notes:
    """What a ``Method`` says of itself."""
    return {
      'completeness_gap': self.gap,
      'relative_gap': self.relative_gap,
      'steps': self.steps,
    }


def integrated_gradients(
  score: Score,
  x: np.ndarray,
  target: np.ndarray,
  *,
  baseline: np.ndarray | float = 0.0,
  steps: int | None = None,
  tolerance: float = TOLERANCE,
  chunk: int = _CHUNK,
) -> Integrated:
  """Gradients along the straight line from a baseline, times the way: parts that add up.

  An input takes 15 points on the line, and twice as many, up to 127, as long as its gap is larger
  than the tolerance. Earlier gradients are kept, and all are computed by one program.

  Args:
    score: See ``score_function``.
    x: [N, ...] inputs, float.
    target: [N] class numbers.
    baseline: A number, or an array that broadcasts to x: an input that says nothing.
    steps: So many points for every input, placed by Gauss and Legendre, whatever the gap.
    tolerance: The relative gap that is small enough; see ``Integrated``.
    chunk: Points at a time.

  Returns:
    The parts, with gap and points of each input.

  Raises:
    ValueError: there is no input, or arrays are of different length.

  Example:
    >>> found = integrated_gradients(
    ...   lambda x, target: (x**2).sum(axis=1), np.array([[3.0, 1.0]]), np.zeros(1, int))
    >>> found.parts.round(3), found.gap.round(3), found.steps
    (array([[9., 1.]], dtype=float32), array([0.]), array([15]))
  """
  x = np.asarray(x, np.float32)
  start = np.broadcast_to(np.asarray(baseline, np.float32), x.shape)
  ends = [
    in_chunks(lambda *points: scores(score, *points), chunk, points, target)
    for points in (x, start)
  ]
  difference = ends[0].astype(np.float64) - ends[1]
  rules = quadrature.fejer(_DOUBLINGS) if steps is None else quadrature.gauss(steps)
  line = _Line(score, rules, chunk)
  least = min(_FIRST, len(rules.counts) - 1)
  found = [
    line.integrate(*case, tolerance, least)
    for case in zip(x, start, np.asarray(target), difference, strict=True)
  ]
  parts, gap, relative, taken = zip(*found, strict=True)
  return Integrated(np.stack(parts), np.array(gap), np.array(relative), np.array(taken))


class _Line:
  """Integrals of the gradient along lines, by nested rules."""

  def __init__(self, score: Score, rules: quadrature.Nested, chunk: int):
    self._score, self._rules = score, rules
    self._chunk = min(chunk, rules.counts[0] + 1)

  def integrate(
    self, x: np.ndarray, start: np.ndarray, target: int, difference: float, tolerance: float,
    least: int,
  ) -> tuple[np.ndarray, float, float, int]:  # fmt: skip
    """The parts of one input, their gap, the same as a share, and the gradients that it took.

    Args:
      x: [...] the input.
      start: [...] the baseline.
      target: Class number.
      difference: Of the scores of both.
      tolerance: Of the share.
      least: The first rule that is believed.
    """
    rules = self._rules
    sums = jnp.zeros((len(rules.counts), *x.shape))
    way = np.zeros(len(rules.counts))
    done = 0
    for rule, count in enumerate(rules.counts):
      slopes = []
      for first in range(done, count, self._chunk):
        taken = slice(first, min(first + self._chunk, count))
        lack = self._chunk - (taken.stop - first)  # filled up, with the weight 0
        at = np.pad(rules.nodes[taken], (0, lack)).astype(np.float32)
        weights = np.pad(rules.weights[:, taken], ((0, 0), (0, lack))).astype(np.float32)
        sums, moved = _add_points(self._score, sums, x, start, target, at, weights)
        slopes.append(moved)
      done = count
      way += np.sum(slopes, axis=0)
      if rule < least:
        continue
      parts = np.asarray(sums[rule])
      gap = float(parts.sum(dtype=np.float64) - difference)
      scale = max(abs(difference), _WAY * way[rule])
      relative = abs(gap) / scale if scale else 0.0
      if relative <= tolerance:
        break
    return parts, gap, relative, done


@compiled
def _add_points(
  score: Score, sums: Any, x: Any, start: Any, target: Any, at: Any, weights: Any
) -> tuple[jax.Array, jax.Array]:
  """Adds the parts from points on a line, under each rule, and how far the score moves there.

  Args:
    score: See ``score_function``.
    sums: [rules, ...] so far.
    x: [...] the input.
    start: [...] the baseline.
    target: Class number.
    at: [n] places on the line, from 0 to 1.
    weights: [rules, n] of them.
  """
  axes = (1,) * x.ndim
  points = start + at.reshape(-1, *axes) * (x - start)
  parts = (x - start) * gradients(score, points, jnp.broadcast_to(target, len(at)))
  slopes = jnp.abs(parts.reshape(len(at), -1).sum(axis=1))
  return sums + jnp.tensordot(weights, parts, 1), weights @ slopes
