"""Path lengths of X-rays through simple solids, in closed form.

Parallel beams run along z; x and y are the image's axes, all in millimetres. A solid is described
by the length of the beam inside it at each (x, y); the solids of a scene add up, each times its
linear attenuation coefficient, in the exponent of the Beer-Lambert law I = I0 exp(-sum mu t).
"""

import functools
import math

import numpy as np

_THIN = 1.2  # radius in pixels below which a tube's profile does not matter


def chord(radius: float | np.ndarray, distance_squared: np.ndarray) -> np.ndarray:
  """Length of a beam inside a sphere, or inside a cylinder that it crosses at a right angle.

  Args:
    radius: of the sphere or cylinder, mm.
    distance_squared: squared distance of the beam from the centre or the axis, mm^2.

  Returns:
    ``2 sqrt(radius^2 - distance^2)``, 0 where the beam misses; mm, broadcast shape.

  Example:
    >>> chord(5.0, np.array([0.0, 9.0, 36.0])).tolist()
    [10.0, 8.0, 0.0]
  """
  half = np.asarray(radius * radius - distance_squared)
  np.maximum(half, 0, out=half)
  np.sqrt(half, out=half)
  half *= 2
  return half


def ellipsoid(
  x: np.ndarray,
  y: np.ndarray,
  centre: tuple[float, float],
  radii: tuple[float, float, float],
  tilt: float = 0.0,
) -> np.ndarray:
  """Length of a beam inside an ellipsoid turned by ``tilt`` in the image plane.

  Args:
    x: beam positions, mm, of any shape that broadcasts with ``y``.
    y: beam positions, mm.
    centre: x and y of the centre, mm.
    radii: semi-axes along the turned x, the turned y and z, mm.
    tilt: angle from x towards y, radians.

  Returns:
    Path length, mm, broadcast shape.

  Example:
    >>> ellipsoid(np.array([0.0, 3.0]), np.array(0.0), (0, 0), (3, 1, 7)).tolist()
    [14.0, 0.0]
  """
  dx, dy = x - centre[0], y - centre[1]
  cosine, sine = np.cos(tilt), np.sin(tilt)
  a = (cosine / radii[0]) ** 2 + (sine / radii[1]) ** 2
  b = 2 * cosine * sine * (radii[0] ** -2 - radii[1] ** -2)
  c = (sine / radii[0]) ** 2 + (cosine / radii[1]) ** 2
  inside = 1 - (_weak(a) * dx + _weak(b) * dy) * dx - _weak(c) * (dy * dy)
  return _weak(2 * radii[2]) * np.sqrt(np.maximum(inside, 0))


def ramp(value: float | np.ndarray) -> np.ndarray:
  """``value`` held between 0 and 1: a soft edge. Faster than ``np.clip`` for short arrays.

  Example:
    >>> ramp(np.array([-1.0, 0.25, 3.0])).tolist()
    [0.0, 0.25, 1.0]
  """
  return np.minimum(np.maximum(value, 0), 1)


def _weak(value: float) -> float:
  """A Python float, which leaves float32 arrays as they are (a NumPy scalar would widen them)."""
  return float(value)


def transmission(attenuation: np.ndarray) -> np.ndarray:
  """Share of the beam that passes, exp(-sum of mu t): the Beer-Lambert law.

  Args:
    attenuation: sum over the solids of coefficient (1/mm) times path length (mm).

  Returns:
    Values in (0, 1], shape of ``attenuation``.

  Example:
    >>> round(float(transmission(np.array(0.02 * 50))), 3)
    0.368
  """
  return np.exp(-attenuation)


@functools.lru_cache(maxsize=16)
def grid(size: int) -> np.ndarray:
  """Pixel centres of an axis in fields of view, from -0.5 to 0.5; float32 [size]."""
  return ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)


def tubes(size: int, pixel: float, ends: np.ndarray, radii: np.ndarray) -> np.ndarray:
  """Summed path lengths through many thin straight tubes.

  Each tube is crossed along its longer image axis, one row of pixels after the other, so that tubes
  that follow one another do not overlap. Lengths are averaged over the width of a pixel, in closed
  form, as most vessels are thinner than that; their mass does not depend on the sampling.

  Args:
    size: pixels of the square image.
    pixel: side of a pixel, mm.
    ends: [tubes, 2, 2], first and last point of each axis as (x, y), mm from the image's centre.
    radii: [tubes], mm.

  Returns:
    [size, size] float32 path lengths, mm.

  Example:
    >>> ends = np.array([[[-8.0, 0.0], [8.0, 0.0]]])
    >>> tubes(9, 2.0, ends, np.array([3.0]))[:, 4].astype(float).round(2).tolist()
    [0.0, 0.0, 0.0, 4.13, 5.89, 4.13, 0.0, 0.0, 0.0]
  """
  points = ends / pixel + (size - 1) / 2
  radii = radii / pixel
  border = 4 * math.ceil(radii.max() + 1)
  # A group is as wide as its widest tube, and most of a tree is thin.
  group = np.digitize(radii, (_THIN, 2.0))
  drawn = [
    _draw(size, border, points[members], radii[members])
    for members in (group == g for g in range(3))
    if members.any()
  ]
  pixels, lengths = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
  side = size + 2 * border
  lengths *= np.float32(pixel)
  image = np.bincount(pixels, lengths, minlength=side * side).reshape(side, side)
  return image[border:-border, border:-border].astype(np.float32)


def _draw(
  size: int, border: int, points: np.ndarray, radii: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
  """Pixels and path lengths of tubes, in pixel units, on an image with a border on all sides."""
  delta = points[:, 1] - points[:, 0]
  steep = np.abs(delta[:, 1]) > np.abs(delta[:, 0])
  # After the swap the first coordinate is the longer one and grows along the tube.
  points = np.where(steep[:, None, None], points[:, :, ::-1], points)
  points = np.where((points[:, 0, 0] > points[:, 1, 0])[:, None, None], points[:, ::-1], points)
  first, last = np.clip(np.ceil(points[:, :, 0]), 0, size).astype(np.intp).T
  delta = points[:, 1] - points[:, 0]
  slope = delta[:, 1] / np.maximum(delta[:, 0], 1e-6)
  stretch = np.sqrt(1 + slope**2)
  thin = bool(radii.max() < _THIN)
  reach = 1 if thin else math.ceil((radii * stretch).max() + 0.5)
  counts = last - first
  tube = np.repeat(np.arange(len(counts)), counts)
  major = np.arange(len(tube)) + (first - np.cumsum(counts) + counts)[tube]
  centre = (points[:, 0, 1] - slope * points[:, 0, 0])[tube] + slope[tube] * major
  # What lies outside the image lands in the border, which is cut off at the end.
  low = np.clip(np.floor(centre), -reach - 1, size + reach)
  offset = np.arange(1 - reach, reach + 1)
  distance = offset.astype(np.float32) - (centre - low).astype(np.float32)[:, None]
  if thin:  # shared between the two nearest pixels
    length = 1 - np.abs(distance)
    length *= (np.pi * radii * radii * stretch).astype(np.float32)[tube, None]
  else:
    width = (1 / stretch).astype(np.float32)[tube, None]
    radius = radii.astype(np.float32)[tube, None]
    distance = np.concatenate([distance - 0.5, distance[:, -1:] + 0.5], 1) * width
    np.maximum(distance, -radius, out=distance)
    np.minimum(distance, radius, out=distance)
    # integral of the chord, 2 sqrt(r^2 - d^2), from the axis to d
    area = distance * np.sqrt(radius * radius - distance * distance)
    area += radius * radius * np.arcsin(distance / radius)
    length = np.diff(area, axis=1) / width
  side = size + 2 * border
  major += border
  minor = low.astype(np.intp) + border
  start = np.where(steep[tube], side * major + minor, side * minor + major)
  pixels = start[:, None] + offset * np.where(steep[tube], 1, side)[:, None]
  return pixels.ravel(), length.ravel()
