"""Parts of an image that are present or absent as a whole.

Reference:
  Achanta et al. (2012), SLIC superpixels compared to state-of-the-art superpixel methods, IEEE
  TPAMI 34:2274-2282.
"""

import numpy as np


def superpixels(
  image: np.ndarray, count: int = 64, compactness: float = 0.1, iterations: int = 10
) -> np.ndarray:
  """Patches of similar brightness and colour by SLIC: k-means near a regular grid of centres.

  Args:
    image: [H, W, C] in 0..1.
    count: About how many patches.
    compactness: How much nearness counts against likeness; large values give squares.
    iterations: Of k-means.

  Returns:
    The number of the patch of each pixel, int32 [H, W], from 0 without gaps. Patches are not made
    connected.

  Example:
    >>> superpixels(np.zeros((32, 32, 1)), 16).max()
    15
  """
  image = np.asarray(image, np.float64)
  height, width, channels = image.shape
  step = max(1.0, np.sqrt(height * width / count))
  rows = np.linspace(0, height, max(1, round(height / step)) + 1)
  columns = np.linspace(0, width, max(1, round(width / step)) + 1)
  y, x = (part.ravel() for part in np.meshgrid(_middles(rows), _middles(columns), indexing='ij'))
  pixels = np.concatenate(
    [image, np.moveaxis(np.mgrid[:height, :width], 0, -1) * compactness / step], axis=2
  )
  centres = pixels[y.astype(int), x.astype(int)]
  patches = np.zeros((height, width), np.int64)
  for _ in range(iterations):
    nearest = np.full((height, width), np.inf)
    at = centres[:, channels:] * step / compactness
    for number, (centre, (cy, cx)) in enumerate(zip(centres, at, strict=True)):
      top, left = max(0, int(cy - step)), max(0, int(cx - step))
      window = (slice(top, int(cy + step) + 2), slice(left, int(cx + step) + 2))
      distance = ((pixels[window] - centre) ** 2).sum(axis=2)
      closer = distance < nearest[window]
      nearest[window][closer] = distance[closer]
      patches[window][closer] = number
    sizes = np.bincount(patches.ravel(), minlength=len(centres))
    sums = [
      np.bincount(patches.ravel(), pixels[..., k].ravel(), len(centres))
      for k in range(pixels.shape[2])
    ]
    held = sizes > 0
    centres[held] = (np.stack(sums, axis=1)[held].T / sizes[held]).T
  return np.unique(patches, return_inverse=True)[1].reshape(height, width).astype(np.int32)


def _middles(edges: np.ndarray) -> np.ndarray:
  return (edges[1:] + edges[:-1]) / 2
