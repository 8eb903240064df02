"""Explanations from gradients of the score.

References:
  Simonyan, Vedaldi and Zisserman (2014), Deep inside convolutional networks, ICLR workshops
    (saliency).
  Smilkov et al. (2017), SmoothGrad: removing noise by adding noise, arXiv:1706.03825.
  Erion et al. (2021), Improving performance of deep learning models with axiomatic attribution
    priors and expected gradients, Nature Machine Intelligence 3:620-631; Lundberg and Lee (2017),
    NeurIPS (GradientSHAP).
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from medjax.explain.score import Score, compiled, in_chunks

_CHUNK = 8


def saliency(score: Score, x: np.ndarray, target: np.ndarray, *, chunk: int = _CHUNK) -> np.ndarray:
  """The gradient of the score: how it changes with each number of the input.

  Args:
    score: See ``score_function``.
    x: [N, ...] inputs, float.
    target: [N] class numbers.
    chunk: Inputs at a time.

  Returns:
    Float32 like x, with sign.

  Example:
    >>> saliency(lambda x, target: (x**2).sum(axis=1), np.array([[3.0, 1.0]]), np.zeros(1, int))
    array([[6., 2.]], dtype=float32)
  """
  return in_chunks(functools.partial(gradients, score), chunk, _float(x), target)


def smooth_grad(
  score: Score,
  x: np.ndarray,
  target: np.ndarray,
  *,
  samples: int = 32,
  noise: float = 0.1,
  seed: int = 0,
  chunk: int = _CHUNK,
) -> np.ndarray:
  """The mean gradient of noisy copies of the input.

  Args:
    score: See ``score_function``.
    x: [N, ...] inputs, float.
    target: [N] class numbers.
    samples: Noisy copies.
    noise: Standard deviation of the noise, as a share of the input's own range.
    seed: Of the noise; every input has the same.
    chunk: Inputs at a time.

  Returns:
    Float32 like x, with sign.
  """

  def of(x: Any, target: Any) -> Any:
    total = jnp.zeros_like(x)
    for sample in range(samples):
      key = jax.random.fold_in(jax.random.key(seed), sample)
      total = _add_noisy(score, total, x, target, key, noise)
    return total / samples

  return in_chunks(of, chunk, _float(x), target)


def gradient_shap(
  score: Score,
  x: np.ndarray,
  target: np.ndarray,
  background: np.ndarray,
  *,
  samples: int = 64,
  seed: int = 0,
  chunk: int = _CHUNK,
) -> np.ndarray:
  """Expected gradients: Integrated Gradients, on average over baselines that are real inputs.

  Their sum is, on average over samples, the score less the mean score of the background.

  Args:
    score: See ``score_function``.
    x: [N, ...] inputs, float.
    target: [N] class numbers.
    background: [M, ...] inputs to compare with, such as training cases.
    samples: Draws of a background input and of a place on the line to it.
    seed: Of the draws; every input has the same.
    chunk: Inputs at a time.

  Returns:
    Float32 like x, with sign.
  """
  random = np.random.default_rng(seed)
  background = _float(background)
  # Each part of the line and, as far as it goes, each background input as often as any other.
  places = (random.permutation(samples) + random.random(samples)) / samples
  rows = np.concatenate(
    [random.permutation(len(background)) for _ in range(-(-samples // len(background)))]
  )[:samples]

  def of(x: Any, target: Any) -> Any:
    total = jnp.zeros_like(x)
    for row, place in zip(rows, places, strict=True):
      total = _add_on_line(score, total, x, background[row], target, place, x - background[row])
    return total / samples

  return in_chunks(of, chunk, _float(x), target)


@compiled
def gradients(score: Score, x: jax.Array, target: jax.Array) -> jax.Array:
  """The gradient of each input's own score."""
  return jax.grad(lambda x: score(x, target).sum())(x)


@compiled
def _add_noisy(score: Score, total: Any, x: Any, target: Any, key: Any, noise: Any) -> Any:
  axes = tuple(range(1, x.ndim))
  spread = x.max(axis=axes, keepdims=True) - x.min(axis=axes, keepdims=True)
  noisy = x + noise * spread * jax.random.normal(key, x.shape[1:])
  return total + gradients(score, noisy, target)


@compiled
def _add_on_line(
  score: Score, total: Any, x: Any, start: Any, target: Any, at: Any, weight: Any
) -> Any:
  return total + weight * gradients(score, start + at * (x - start), target)


def _float(x: Any) -> np.ndarray:
  return np.asarray(x, np.float32)
