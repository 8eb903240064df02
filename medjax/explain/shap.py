"""Shapley values by KernelSHAP: exact with few players, by weighted least squares with many.

References:
  Lundberg and Lee (2017), A unified approach to interpreting model predictions, NeurIPS.
  Covert and Lee (2021), Improving KernelSHAP: practical Shapley value estimation via linear
    regression, AISTATS (paired samples).
"""

import concurrent.futures
import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from medjax import machine
from medjax.explain import affine
from medjax.explain.score import Score, compiled, in_chunks

_CACHED = 2**15  # numbers of a layer that stay in a core's cache
_WIDE = 128  # units of a layer whose products are better shared by all cores


def kernel_shap(
  score: Score,
  x: np.ndarray,
  target: np.ndarray,
  background: np.ndarray,
  *,
  regions: np.ndarray | None = None,
  samples: int = 2048,
  seed: int = 0,
  chunk: int = 4096,
) -> tuple[np.ndarray, np.ndarray]:
  """How much each player adds to the score, on average over all orders in which players come.

  A player is a column of a table, or a patch of an image. An absent one has the values of the
  background inputs, over which the score is averaged.

  Args:
    score: See ``score_function``; of a table any function of rows [n, columns].
    x: [N, ...] inputs, float.
    target: [N] class numbers.
    background: [B, ...] what absent players look like.
    regions: The player of each number of an input, integers that broadcast to [...] from the left:
      [H, W] for images; each column is a player otherwise.
    samples: Coalitions to evaluate; when there are no more than that, the values are exact.
    seed: Of the coalitions that are drawn; every input has the same.
    chunk: Inputs at a time, background included.

  Returns:
    Values, float64 [N, players], and the mean score of the background, [N]. They add up to the
    score.

  Raises:
    ValueError: there are fewer than two players, too few samples for them, no input, or another
      number of classes than of inputs.

  Example:
    >>> values, base = kernel_shap(
    ...   lambda x, target: x[:, 0] * x[:, 1], np.array([[2.0, 3.0]]), np.zeros(1, int),
    ...   np.zeros((1, 2)))
    >>> values.round(6), base
    (array([[3., 3.]]), array([0.]))
  """
  x, background = np.asarray(x, np.float32), np.asarray(background, np.float32)
  target = np.asarray(target, np.int32)
  if not len(x) or len(target) != len(x):
    raise ValueError(f'{len(x)} inputs and {len(target)} classes; expected one for each input')
  if regions is None:
    regions = np.arange(x.shape[1])
  players = int(np.max(regions)) + 1
  coalitions, weights = _coalitions(players, samples, seed)
  ends = np.zeros((2, players), bool)
  ends[1] = True
  asked = np.concatenate([coalitions, ends])
  scores = np.zeros((len(x), len(asked)))
  table = x.ndim == 2 and np.array_equal(regions, np.arange(players))
  for part in np.array_split(background, -(-len(background) // chunk)):
    share = len(part) / len(background)
    if table:
      scores += share * _worth_of_rows(score, part, x, target, asked, chunk)
      continue
    for i, (one, t) in enumerate(zip(x, target, strict=True)):
      worth = functools.partial(_worth, score, regions, part, one, t)
      scores[i] += share * in_chunks(worth, max(1, chunk // len(part)), asked)
  base, full = scores[:, -2], scores[:, -1]
  return _solve(coalitions, weights, scores[:, :-2] - base[:, None], full - base), base


def shapley(
  worth: Callable[[np.ndarray], np.ndarray], players: int, *, samples: int = 2048, seed: int = 0
) -> np.ndarray:
  """Shapley values of a game, float64 [players].

  Args:
    worth: of coalitions, bool [S, players] -> [S].
    players: how many there are, at least one.
    samples: see ``kernel_shap``; more where there are so many players that these are too few.
    seed: see there.

  Example:
    >>> shapley(lambda present: present.all(axis=1) * 6.0, 3).round(6)
    array([2., 2., 2.])
  """
  ends = np.array([[False] * players, [True] * players])
  if players < 2:
    base, full = worth(ends)
    return np.array([full - base], np.float64)
  coalitions, weights = _coalitions(players, max(samples, 4 * players), seed)
  scores = np.asarray(worth(np.concatenate([coalitions, ends])), np.float64)[None]
  base, full = scores[:, -2], scores[:, -1]
  return _solve(coalitions, weights, scores[:, :-2] - base[:, None], full - base)[0]


def _worth_of_rows(
  score: Score,
  background: np.ndarray,
  x: np.ndarray,
  target: np.ndarray,
  coalitions: np.ndarray,
  chunk: int,
) -> np.ndarray:
  """As ``_worth``, of the columns of all rows of a table, [N, coalitions]."""
  # A mixture with a missing number needs the score as it is: 0 times NaN is NaN.
  finite = bool(np.isfinite(x).all() and np.isfinite(background).all())
  cores = machine.cores() if jax.default_backend() == 'cpu' else 1
  threads = cores if len(x) >= cores else 1
  rows = np.arange(-(-len(x) // threads) * threads) % len(x)  # as many for each thread
  cached = threads > 1
  config: Any = jax.config
  x64, precision = config.jax_enable_x64, config.jax_default_matmul_precision

  def of(mine: np.ndarray) -> np.ndarray:
    # What the caller has set for its own thread.
    with jax.enable_x64(x64), jax.default_matmul_precision(precision):
      return np.asarray(
        _mixed(score, chunk, cached, finite, background, x[mine], target[mine], coalitions)
      )

  with concurrent.futures.ThreadPoolExecutor(threads) as pool:
    worth = np.concatenate(list(pool.map(of, np.split(rows, threads))))
  return worth[: len(x), : len(coalitions)]


@functools.partial(compiled, static_argnums=(1, 2, 3))
def _mixed(
  score: Score,
  chunk: int,
  cached: bool,
  finite: bool,
  background: Any,
  x: Any,
  target: Any,
  coalitions: Any,
) -> Any:
  """Mean scores over the background, [N, coalitions or more], ``chunk`` mixtures at a time.

  Rows of finite numbers are mixed behind the affine start of the score, where it has one. There the
  part that is the background's is the same for every row. ``cached`` takes no more mixtures at a
  time than stay in the cache of the one core that works on them, which is faster than all cores on
  many, but for wide layers, of which too few would be left.
  """
  rows, columns = x.shape
  centre = background.mean(axis=0)
  start = affine.split(score, 1, centre) if finite else None
  width = columns if start is None else start.matrix.shape[1]
  if cached and width <= _WIDE:
    chunk = min(chunk, _CACHED // width)
  at_once = min(len(coalitions), max(1, chunk // len(background)))
  count = -(-len(coalitions) // at_once) * at_once
  parts = jnp.pad(coalitions, ((0, count - len(coalitions)), (0, 0))).reshape(-1, at_once, columns)
  if start is not None:
    start = affine.split(score, at_once * len(background), centre)

  def of_part(present: Any) -> Any:
    if start is None:
      follow = score
      mix = lambda one: jnp.where(present[:, None], one, background)  # noqa: E731
    else:
      follow = start.rest
      through = functools.partial(jnp.matmul, b=start.matrix, precision='highest')
      absent = through(jnp.where(present[:, None], 0, background - centre)) + start.offset
      mix = lambda one: through(jnp.where(present, one - centre, 0))[:, None] + absent  # noqa: E731

    def of_row(row: Any) -> Any:
      one, t = row
      inputs = mix(one).reshape(at_once * len(background), -1)
      return follow(inputs, jnp.broadcast_to(t, len(inputs))).reshape(at_once, -1).mean(axis=1)

    return jax.lax.map(of_row, (x, target))

  return jax.lax.map(of_part, parts).swapaxes(0, 1).reshape(rows, count)


@compiled
def _worth(
  score: Score, regions: Any, background: Any, one: Any, target: Any, coalition: Any
) -> Any:
  """Mean score over the background, [n], with the players present of coalitions [n, players]."""
  present = coalition[:, regions]
  present = present.reshape(len(coalition), 1, *regions.shape, *[1] * (one.ndim - regions.ndim))
  rows = jnp.where(present, one, background).reshape(-1, *one.shape)
  scores = score(rows, jnp.broadcast_to(target, len(rows)))
  return scores.reshape(len(coalition), -1).mean(axis=1)


def _solve(
  coalitions: np.ndarray, weights: np.ndarray, gains: np.ndarray, total: np.ndarray
) -> np.ndarray:
  """Weighted least squares of gains [N, S], under the condition that values add up to total [N]."""
  z = coalitions.astype(np.float64)
  normal = z.T @ (z * weights[:, None])
  if np.linalg.matrix_rank(normal) < len(normal):
    raise ValueError(f'{len(z)} samples are too few for {len(normal)} players')
  free = np.linalg.solve(normal, (z * weights[:, None]).T @ gains.T)
  ones = np.linalg.solve(normal, np.ones(len(normal)))
  excess = (free.sum(axis=0) - total) / ones.sum()
  return (free - ones[:, None] * excess).T


def _coalitions(players: int, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
  """Coalitions, bool [S, players], neither empty nor whole, and their weights, [S].

  Sizes are taken from both ends inwards, complete as far as they fit in; of the rest coalitions are
  drawn by their weight, each with its complement.
  """
  if players < 2:
    raise ValueError(f'there are {players} players; expected at least 2')
  half = (players - 1) / 2
  sizes = np.arange(1, math.ceil(half) + 1)
  weight = (players - 1) / (sizes * (players - sizes))  # of all coalitions of a size
  weight[sizes <= math.floor(half)] *= 2  # with their complements
  weight /= weight.sum()
  coalitions: list[np.ndarray] = []
  weights: list[np.ndarray] = []
  left = samples
  for place, size in enumerate(sizes):
    paired = size <= math.floor(half)
    count = math.comb(players, int(size)) * (2 if paired else 1)
    # A size is complete when drawing by weight would be expected to find each of its coalitions.
    expected = left * weight[place] / weight[place:].sum()
    if 2**players - 2 > samples and (count > left or expected < count * (1 - 1e-8)):
      break
    members = np.array(list(itertools.combinations(range(players), int(size))))
    z = np.zeros((len(members), players), bool)
    z[np.arange(len(members))[:, None], members] = True
    z = np.concatenate([z, ~z]) if paired else z
    coalitions.append(z)
    weights.append(np.full(len(z), weight[place] / len(z)))
    left -= len(z)
  else:
    return np.concatenate(coalitions), np.concatenate(weights)
  random = np.random.default_rng(seed)
  shares = weight[place:] / weight[place:].sum()
  drawn = random.choice(sizes[place:], max(1, left // 2), p=shares)
  order = random.random((len(drawn), players)).argsort(axis=1).argsort(axis=1)
  z = order < drawn[:, None]
  z, times = np.unique(np.concatenate([z, ~z]), axis=0, return_counts=True)
  coalitions.append(z)
  weights.append(times / times.sum() * weight[place:].sum())
  return np.concatenate(coalitions), np.concatenate(weights)
