"""Explanations by kind of data and name."""

import numpy as np
import scipy.ndimage

from medjax.explain import image_methods, sequence_methods, table_methods
from medjax.explain.score import Method

METHODS: dict[str, dict[str, Method]] = {
  'images': image_methods.METHODS,
  'sequences': sequence_methods.METHODS,
  'table': table_methods.METHODS,
}

# What explains where no method is named.
USUAL = {'images': 'grad_cam', 'sequences': 'mutagenesis', 'table': 'kernel_shap'}

# Of these, on images, the sign of a single pixel says little; what counts is how strong they are.
MAGNITUDE = frozenset({'integrated_gradients', 'saliency', 'smooth_grad'})

BLUR = 56  # an input's length over the width of ``smooth``, and of the blur before grading


def smooth(attribution: np.ndarray, method: str) -> np.ndarray:
  """[N, H, W] of images, for the eye: channels are summed, and single pixels that say little are
  blurred.

  Args:
    attribution: [N, H, W] or [N, H, W, C], as the method gives them.
    method: of images. Only what the methods in ``MAGNITUDE`` give is blurred, by a Gaussian of
      a 56th of the image's side; its sign is kept.
  """
  value = np.asarray(attribution)
  value = value.sum(axis=3) if value.ndim == 4 else value
  if method not in MAGNITUDE:
    return value
  width = max(1, value.shape[1] // BLUR)
  return scipy.ndimage.gaussian_filter(value, (0, width, width))
