"""Are explanations any good? Measures that need no opinion.

References:
  Petsiuk, Das and Saenko (2018), RISE: randomized input sampling for explanation of black-box
    models, BMVC (deletion, insertion).
  Adebayo et al. (2018), Sanity checks for saliency maps, NeurIPS (randomised weights).
  Zhang et al. (2018), Top-down neural attention by excitation backprop, IJCV 126:1084-1102
    (pointing game).
"""

import functools
from typing import Any

import jax
import numpy as np

from medjax.explain.score import Score, in_chunks, scores


def deletion_insertion(
  score: Score,
  x: np.ndarray,
  target: np.ndarray,
  attribution: np.ndarray,
  *,
  fill: np.ndarray | float = 0.0,
  steps: int = 20,
  chunk: int = 32,
) -> tuple[np.ndarray, np.ndarray]:
  """Mean probability of the class while the input loses, or gains, its most important places first.

  A good explanation has a small deletion and a large insertion area.

  Args:
    score: See ``score_function``; its logistic function is taken as probability.
    x: [N, H, W, C] images or [N, L, letters] sequences, float.
    target: [N] class numbers.
    attribution: [N, H, W] or [N, L], or like x, whose channels are summed; large is important.
    fill: What an absent place shows, broadcast to x.
    steps: Parts, of as many places each, that are taken away one after the other.
    chunk: Images at a time.

  Returns:
    Deletion and insertion areas, [N] in 0..1 each, by the trapezoid rule.
  """
  x = np.asarray(x, np.float32)
  rank = _ranks(flat(attribution, x.ndim - 2))  # 0 is the most important
  blank = np.broadcast_to(np.asarray(fill, np.float32), x.shape)
  areas = []
  for image, empty, order, t in zip(x, blank, rank, target, strict=True):
    cuts = np.linspace(0, order.size, steps + 1)
    taken = (order < cuts.reshape(-1, *[1] * order.ndim))[..., None]
    of = functools.partial(scores, score)
    targets = np.full(steps + 1, t)
    curves = [
      1 / (1 + np.exp(-in_chunks(of, chunk, points, targets).astype(np.float64)))
      for points in (np.where(taken, empty, image), np.where(taken, image, empty))
    ]
    areas.append([np.trapezoid(curve, dx=1 / steps) for curve in curves])
  deletion, insertion = np.array(areas).T
  return deletion, insertion


def pointing_game(attribution: np.ndarray, mask: np.ndarray, tolerance: int = 0) -> np.ndarray:
  """Whether the largest value lies on what is there to be found, bool [N].

  Args:
    attribution: [N, H, W] or [N, L], or with a last axis of channels, which are summed.
    mask: [N, H, W] or [N, L] bool.
    tolerance: Places, along any axis, by which it may lie beside.

  Example:
    >>> pointing_game(np.array([[[0.1, 0.9]]]), np.array([[[False, True]]]))
    array([ True])
  """
  mask = np.asarray(mask, bool)
  hits = []
  for value, there in zip(flat(attribution, mask.ndim - 1), mask, strict=True):
    place = np.unravel_index(value.argmax(), value.shape)
    near = tuple(slice(max(0, at - tolerance), at + tolerance + 1) for at in place)
    hits.append(bool(there[near].any()))
  return np.array(hits)


def mask_iou(attribution: np.ndarray, mask: np.ndarray) -> np.ndarray:
  """Overlap over union of the mask and of as many of the largest values, [N] in 0..1.

  Args:
    attribution: [N, H, W] or [N, L], or with a last axis of channels, which are summed.
    mask: [N, H, W] or [N, L] bool, with at least one place each.

  Example:
    >>> mask_iou(np.array([[[3.0, 2.0, 1.0]]]), np.array([[[True, False, True]]])).round(3)
    array([0.333])
  """
  mask = np.asarray(mask, bool)
  places = mask.ndim - 1
  mask = mask.reshape(len(mask), -1)
  ranks = _ranks(flat(attribution, places)).reshape(mask.shape)
  largest = ranks < mask.sum(axis=1, keepdims=True)
  return (largest & mask).sum(axis=1) / (largest | mask).sum(axis=1)


def rank_correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
  """Spearman's correlation of the strength of two explanations of each input, [N].

  Between an explanation of the trained and one of a randomised network it must be small: otherwise
  the method shows edges of the input and not what the network learned.

  Args:
    one: [N, ...].
    other: [N, ...], the same shape.
  """
  ranks = [_ranks(np.abs(np.asarray(part)).reshape(len(part), -1)) for part in (one, other)]
  return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(*ranks, strict=True)])


def randomised(variables: Any, seed: int = 0) -> Any:
  """The variables with every array's numbers in another order: a network that learned nothing.

  Each array keeps its distribution, so that outputs keep their scale.
  """
  random = np.random.default_rng(seed)

  def shuffle(leaf: Any) -> Any:
    numbers = np.asarray(leaf)
    return random.permutation(numbers.ravel()).reshape(numbers.shape)

  return jax.tree.map(shuffle, variables)


def flat(attribution: np.ndarray, places: int) -> np.ndarray:
  """[N, ...] with ``places`` axes after the first; one more holds channels, which are summed."""
  attribution = np.asarray(attribution)
  return attribution.sum(axis=-1) if attribution.ndim == places + 2 else attribution


def _ranks(values: np.ndarray) -> np.ndarray:
  """The place of each number of an input when they are sorted from the largest on; like values."""
  rows = values.reshape(len(values), -1)
  order = np.argsort(-rows, axis=1, kind='stable')
  ranks = np.empty_like(order)
  np.put_along_axis(ranks, order, np.arange(rows.shape[1])[None], axis=1)
  return ranks.reshape(values.shape)
