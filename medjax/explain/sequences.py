"""Explanations of sequences by name, with the settings that suit sequences.

A place that says nothing could be any letter: equal shares of all.

References:
  Majdandzic, Rajesh and Koo (2023), Correcting gradient-based interpretations of deep neural
    networks for genomics, Genome Biology 24:109 (saliency less its mean over letters).
"""

from typing import Any

import jax
import numpy as np

from medjax.explain.gradients import saliency
from medjax.explain.integrated import integrated_gradients
from medjax.explain.lime import lime_image
from medjax.explain.mutagenesis import mutagenesis
from medjax.explain.occlusion import occlusion
from medjax.explain.score import Method, Notes, Score, as_tree
from medjax.explain.shap import kernel_shap

_SAMPLES = 512  # sequences with some stretches absent, for LIME and KernelSHAP
_CHUNK = 256  # of them at a time
_WINDOW = 5  # letters that occlusion covers
_STRETCHES = 40  # players of LIME and KernelSHAP


def neutral(x: np.ndarray) -> np.ndarray:
  """Sequences [N, L, letters] that could be any others of the same lengths.

  Example:
    >>> neutral(np.array([[[1.0, 0.0], [0.0, 0.0]]]))
    array([[[0.5, 0.5],
            [0. , 0. ]]], dtype=float32)
  """
  return np.repeat(x.any(axis=2, keepdims=True) / x.shape[2], x.shape[2], 2).astype(np.float32)


def _mutagenesis(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
  # Summed over letters: how much the score falls, on average over the other letters.
  return -mutagenesis(score, x, target) / (x.shape[2] - 1), {}


def _integrated(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
  found = integrated_gradients(score, x, target, baseline=neutral(x))
  return found.parts, found.notes


def _saliency(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
  slope = saliency(score, x, target)
  return x * (slope - slope.mean(axis=2, keepdims=True)), {}


def _occlusion(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
  window = (min(_WINDOW, x.shape[1]),)
  parts = [
    occlusion(score, x[i : i + 1], target[i : i + 1], window=window, stride=(1,), fill=blank)
    for i, blank in enumerate(neutral(x))
  ]
  return np.concatenate(parts), {}


def _stretches(length: int) -> np.ndarray:
  """Number of the stretch of each place, [L]."""
  return np.arange(length) // max(1, -(-length // _STRETCHES))


def _kernel_shap(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
  stretches, blank = _stretches(x.shape[1]), neutral(x)
  values = [
    kernel_shap(
      score, x[i : i + 1], target[i : i + 1], blank[i : i + 1], regions=stretches,
      samples=_SAMPLES, chunk=_CHUNK,
    )[0][0]
    for i in range(len(x))
  ]  # fmt: skip
  return np.stack(values)[:, stretches], {}


def _lime(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
  stretches = _stretches(x.shape[1])
  fitted = lime_image(
    jax.tree_util.Partial(_of_one_row, as_tree(score)), x[:, None], target, stretches[None],
    fill=neutral(x)[:, None], samples=_SAMPLES, chunk=_CHUNK,
  )  # fmt: skip
  return fitted.weights[:, stretches], {'fit': fitted.fit}


def _of_one_row(score: Score, x: Any, target: Any) -> Any:
  """The score of sequences that are images [n, 1, L, letters]."""
  return score(x[:, 0], target)


# [N, L, letters] -> [N, L, letters], whose sum over letters counts, or [N, L].
METHODS: dict[str, Method] = {
  'integrated_gradients': _integrated,
  'kernel_shap': _kernel_shap,
  'lime': _lime,
  'mutagenesis': _mutagenesis,
  'occlusion': _occlusion,
  'saliency': _saliency,
}
