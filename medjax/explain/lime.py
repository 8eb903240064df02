"""LIME: a weighted linear model of the score, near one input.

Reference:
  Ribeiro, Singh and Guestrin (2016), "Why should I trust you?" Explaining the predictions of any
  classifier, KDD. Kernel, widths and ridge penalty are those of the authors' package.
"""

import dataclasses
import functools
from typing import Any

import jax.numpy as jnp
import numpy as np

from medjax.explain.score import Score, compiled, in_chunks, scores

_IMAGE_WIDTH = 0.25  # of the kernel, in cosine distance
_TABLE_WIDTH = 0.75  # of the kernel, in Euclidean distance, times the root of the columns


@dataclasses.dataclass(frozen=True)
class Surrogate:
  """Linear models, one for each input.

  Attributes:
    weights: [N, M], what the presence of each part adds to the score.
    intercept: [N].
    fit: [N], the weighted R2: how much of the score near the input the linear model explains.
  """

  weights: np.ndarray
  intercept: np.ndarray
  fit: np.ndarray


def lime_image(
  score: Score,
  x: np.ndarray,
  target: np.ndarray,
  regions: np.ndarray,
  *,
  fill: np.ndarray | None = None,
  samples: int = 1000,
  seed: int = 0,
  chunk: int = 32,
) -> Surrogate:
  """Which patches of each image speak for its class.

  Args:
    score: See ``score_function``.
    x: [N, H, W, C] images, float.
    target: [N] class numbers.
    regions: The patch of each pixel, integers [H, W], or [N, H, W] of patches of each image; see
      ``superpixels``.
    fill: What an absent patch shows, broadcast to x; the mean colour of the patch otherwise.
    samples: Images with some patches absent.
    seed: Of them; every input has the same.
    chunk: Images at a time.

  Returns:
    The linear models over patches, as many as the image with the most has.
  """
  x = np.asarray(x, np.float32)
  regions = np.broadcast_to(regions, x.shape[:3])
  count = int(regions.max()) + 1
  present = np.random.default_rng(seed).random((samples, count)) < 0.5
  present[0] = True
  share = present.sum(axis=1) / count
  distance = 1 - np.sqrt(share)  # cosine, to the vector of ones
  weights = np.sqrt(np.exp(-(distance**2) / _IMAGE_WIDTH**2))
  blank = _means(x, regions, count) if fill is None else np.broadcast_to(fill, x.shape)

  values = [
    in_chunks(functools.partial(_masked, score, one, empty, part, t), chunk, present)
    for one, empty, part, t in zip(x, np.asarray(blank, np.float32), regions, target, strict=True)
  ]
  return surrogate(present, np.stack(values), weights)


def lime_table(
  score: Score,
  x: np.ndarray,
  target: np.ndarray,
  training: np.ndarray,
  *,
  samples: int = 5000,
  seed: int = 0,
  chunk: int = 8192,
) -> Surrogate:
  """Which columns of each row speak for its class.

  Every column is cut at the quartiles of the training rows. A neighbour has values of training
  rows, drawn column by column, and a column is present in it where the value lies in the same
  quarter as the row's own.

  Args:
    score: Of rows [n, D] and class numbers.
    x: [N, D] rows, float.
    target: [N] class numbers.
    training: [T, D] rows that say how columns are distributed.
    samples: Neighbours.
    seed: Of them; every row has the same.
    chunk: Rows at a time.
  """
  x, training = np.asarray(x, np.float32), np.asarray(training, np.float32)
  random = np.random.default_rng(seed)
  columns = x.shape[1]
  drawn = training[random.integers(len(training), size=(samples, columns)), np.arange(columns)]
  edges = np.quantile(training, [0.25, 0.5, 0.75], axis=0)
  quarter = (drawn[:, None] > edges).sum(axis=1)
  parts = []
  for row, t in zip(x, target, strict=True):
    present = quarter == (row > edges).sum(axis=0)
    neighbours = drawn.copy()
    neighbours[0], present[0] = row, True
    distance = np.sqrt((~present).sum(axis=1))
    width = _TABLE_WIDTH * np.sqrt(columns)
    weights = np.sqrt(np.exp(-(distance**2) / width**2))
    values = in_chunks(functools.partial(scores, score), chunk, neighbours, np.full(samples, t))
    parts.append(surrogate(present, values[None], weights))
  return Surrogate(*(np.concatenate([getattr(part, f.name) for part in parts])
                     for f in dataclasses.fields(Surrogate)))  # fmt: skip


@compiled
def _masked(score: Score, one: Any, empty: Any, part: Any, target: Any, present: Any) -> Any:
  """Scores of one image with the patches present that each row [n, M] says."""
  mixed = jnp.where(present[:, part][..., None], one, empty)
  return score(mixed, jnp.broadcast_to(target, len(present)))


def surrogate(
  present: np.ndarray, values: np.ndarray, weights: np.ndarray, penalty: float = 1.0
) -> Surrogate:
  """Weighted ridge regression of scores on what is present.

  Args:
    present: [S, M] bool or numbers.
    values: [N, S] scores.
    weights: [S] >= 0.
    penalty: On the squared weights, not on the intercept.
  """
  z, y = np.asarray(present, np.float64), np.asarray(values, np.float64)
  share = weights / weights.sum()
  middle, mean = share @ z, y @ share
  z, y = z - middle, y - mean[:, None]
  normal = z.T @ (z * weights[:, None]) + penalty * np.eye(z.shape[1])
  coefficients = np.linalg.solve(normal, (z * weights[:, None]).T @ y.T).T
  left = (weights * (y - coefficients @ z.T) ** 2).sum(axis=1)
  spread = (weights * y**2).sum(axis=1)
  fit = 1 - left / np.where(spread > 0, spread, 1)
  return Surrogate(coefficients, mean - coefficients @ middle, fit)


def _means(x: np.ndarray, regions: np.ndarray, count: int) -> np.ndarray:
  """Every pixel with the mean colour of its patch."""
  means = np.empty_like(x)
  for i, part in enumerate(regions):
    sizes = np.maximum(np.bincount(part.ravel(), minlength=count), 1)
    for c in range(x.shape[3]):
      sums = np.bincount(part.ravel(), x[i, ..., c].ravel(), count)
      means[i, ..., c] = (sums / sizes)[part]
  return means
