"""An image beside the same image under its explanation."""

import numpy as np
import PIL.Image

from medjax.plots import contact_sheet

_OPACITY = 0.65
_GAP = 4  # pixels between the two


def overlay(image: np.ndarray, attribution: np.ndarray) -> PIL.Image.Image:
  """The image, and beside it the image with the explanation over it; see ``blend``."""
  base = contact_sheet.picture(image).convert('RGB')
  both = PIL.Image.new('RGB', (2 * base.width + _GAP, base.height), (255, 255, 255))
  both.paste(base, (0, 0))
  both.paste(blend(image, attribution), (base.width + _GAP, 0))
  return both


def blend(image: np.ndarray, attribution: np.ndarray) -> PIL.Image.Image:
  """The image with an explanation over it.

  What speaks for the class is red and what speaks against it blue; the stronger, the less is seen
  of the image. Colours end at the 99th percentile of the strength, so that single pixels do not
  hide the rest.

  Args:
    image: uint8 [H, W] or [H, W, C] with C of 1 or 3.
    attribution: [H, W] or [H, W, C]; channels are summed.

  Raises:
    ValueError: the shapes differ, or the image is not uint8 of 1 or 3 channels.
  """
  import matplotlib  # here, as it takes a second to load

  base = contact_sheet.picture(image).convert('RGB')
  value = np.asarray(attribution, np.float64)
  value = value.sum(axis=2) if value.ndim == 3 else value
  if value.shape != (base.height, base.width):
    raise ValueError(f'explanation is {value.shape}, image {(base.height, base.width)}')
  limit = float(np.quantile(np.abs(value), 0.99)) or float(np.abs(value).max()) or 1.0
  strength = np.clip(value / limit, -1, 1)
  colors = matplotlib.colormaps['coolwarm']((strength + 1) / 2)[..., :3]
  opacity = _OPACITY * np.abs(strength)[..., None]
  mixed = (1 - opacity) * np.asarray(base) / 255 + opacity * colors
  return PIL.Image.fromarray(np.round(255 * mixed).astype(np.uint8))
