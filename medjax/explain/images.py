"""Explanations of images by name, with the settings that suit images."""

import numpy as np
import scipy

from medjax.explain.grad_cam import grad_cam
from medjax.explain.gradients import saliency, smooth_grad
from medjax.explain.integrated import integrated_gradients
from medjax.explain.lime import lime_image
from medjax.explain.occlusion import occlusion
from medjax.explain.regions import superpixels
from medjax.explain.score import Method, Notes, Score
from medjax.explain.shap import kernel_shap

_SAMPLES = 512  # images with some patches absent, for LIME and KernelSHAP
_CHUNK = 32  # of them at a time
_WINDOWS = 14  # windows of occlusion that lie side by side along an edge


def _grad_cam(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
  return grad_cam(score, x, target), {}


def _integrated(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
  found = integrated_gradients(score, x, target)
  return found.parts, found.notes


def _occlusion(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
  window = tuple(max(1, -(-side // _WINDOWS)) for side in x.shape[1:3])
  # Grey, of this image: black would be a finding of its own.
  means = x.mean(axis=(1, 2, 3))
  parts = [
    occlusion(score, x[i : i + 1], target[i : i + 1], window=window, stride=window, fill=mean)
    for i, mean in enumerate(means)
  ]
  return np.concatenate(parts), {}


def _saliency(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
  return np.abs(saliency(score, x, target)), {}


def _smooth_grad(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
  return np.abs(smooth_grad(score, x, target)), {}


def _lime(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
  regions = np.stack([superpixels(image) for image in x])
  fitted = lime_image(score, x, target, regions, samples=_SAMPLES)
  shown = [weights[part] for weights, part in zip(fitted.weights, regions, strict=True)]
  return np.stack(shown), {'fit': fitted.fit}


def _kernel_shap(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
  maps = []
  for i, image in enumerate(x):
    regions = superpixels(image)
    one, grey = slice(i, i + 1), np.full_like(x[i : i + 1], image.mean())
    values, _ = kernel_shap(
      score, x[one], target[one], grey, regions=regions, samples=_SAMPLES, chunk=_CHUNK
    )
    maps.append(values[0][regions])
  return np.stack(maps), {}


# [N, H, W, C] in 0..1 -> [N, H, W] or [N, H, W, C].
METHODS: dict[str, Method] = {
  'grad_cam': _grad_cam,
  'integrated_gradients': _integrated,
  'kernel_shap': _kernel_shap,
  'lime': _lime,
  'occlusion': _occlusion,
  'saliency': _saliency,
  'smooth_grad': _smooth_grad,
}

# Of these the sign of a single pixel says little; what counts is how strong they are.
MAGNITUDE = frozenset({'integrated_gradients', 'saliency', 'smooth_grad'})

BLUR = 56  # an image's side over the width of ``smooth``


def smooth(attribution: np.ndarray, method: str) -> np.ndarray:
  """[N, H, W] of images, for the eye: channels are summed, and single pixels that say little are
  blurred.

  Args:
    attribution: [N, H, W] or [N, H, W, C], as the method gives them.
    method: its name. Only what the methods in ``MAGNITUDE`` give is blurred, by a Gaussian of
      a 56th of the image's side; its sign is kept.
  """
  value = np.asarray(attribution)
  value = value.sum(axis=3) if value.ndim == 4 else value
  if method not in MAGNITUDE:
    return value
  width = max(1, value.shape[1] // BLUR)
  return scipy.ndimage.gaussian_filter(value, (0, width, width))
