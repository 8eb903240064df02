"""Simulated views of an endoscope into the colon, with polyps whose masks are known.

Mucosa is lit from the camera and darkens with distance; folds bend it, vessels branch on it, wet
places reflect the light, and the view is round with black corners. Seven images in eight show a
polyp: flat, sessile or pedunculated, which is told by its shading, its pits in place of vessels
and a slightly other colour, never by brightness alone. Folds and bubbles look similar on purpose.

These images are for developing and checking methods. A model trained on them knows nothing about
the colon.
"""

import dataclasses

import numpy as np

SIZES = (32, 1024)
SHAPES = ('flat', 'sessile', 'pedunculated')
_LIGHT = np.array([0.86, 0.46, 0.36])  # of mucosa, red, green and blue


@dataclasses.dataclass(frozen=True)
class View:
  """A view and the truth about it.

  Attributes:
    image: uint8 [size, size, 3], red, green and blue.
    label: 1 where it shows a polyp.
    mask: bool [size, size], the polyp.
    shape: one of ``SHAPES``; '' without a polyp.
    area: share of the image that is polyp.
  """

  image: np.ndarray
  label: int
  mask: np.ndarray
  shape: str
  area: float


def simulate(seed: int, index: int, size: int = 96) -> View:
  """One simulated view, a function of its arguments alone.

  Args:
    seed: of a whole set of views.
    index: number of the view; every eighth has no polyp.
    size: height and width in pixels.

  Raises:
    ValueError: the size is outside ``SIZES``.

  Example:
    >>> view = simulate(seed=0, index=1)
    >>> view.image.shape, view.shape
    ((96, 96, 3), 'sessile')
  """
  if not SIZES[0] <= size <= SIZES[1]:
    raise ValueError(f'views have {SIZES[0]} to {SIZES[1]} pixels a side, not {size}')
  rng = np.random.default_rng([seed, index])
  scene = _Scene(size, rng)
  scene.folds()
  shape = '' if index % 8 == 7 else SHAPES[index % len(SHAPES)]
  if shape:
    scene.polyp(shape)
  scene.vessels()
  scene.bubbles()
  image = scene.seen()
  mask = scene.mask & scene.inside
  return View(image, int(mask.any()), mask, shape, float(mask.mean()))


class _Scene:
  """Height and colour of what is seen, in coordinates from -1 to 1."""

  def __init__(self, size: int, rng: np.random.Generator):
    self.size, self.rng = size, rng
    along = (np.arange(size) + 0.5) * 2 / size - 1
    self.y, self.x = np.meshgrid(along, along, indexing='ij')
    self.height = 0.05 * self.smooth(0.5) + 0.008 * self.smooth(0.06)
    self.tint = np.zeros((size, size, 3))
    self.tint += 0.03 * self.smooth(0.4)[..., None] * np.array([0.5, 1.0, 1.0])
    self.mask = np.zeros((size, size), bool)
    self.inside = np.hypot(self.y, self.x) < rng.uniform(1.12, 1.35)
    # Where the view leads on into the dark.
    self.far = rng.uniform(-0.7, 0.7, 2)

  def smooth(self, length: float) -> np.ndarray:
    """A random field of mean 0 and variance 1 that varies over ``length``."""
    noise = np.fft.fft2(self.rng.standard_normal((self.size, self.size)))
    frequency = np.fft.fftfreq(self.size, 2 / self.size)
    square = frequency[:, None] ** 2 + frequency[None, :] ** 2
    field = np.fft.ifft2(noise * np.exp(-((np.pi * length) ** 2) * square)).real
    return (field - field.mean()) / max(float(field.std()), 1e-9)

  def folds(self) -> None:
    """Arcs around the place where the view leads on."""
    rng = self.rng
    away = np.hypot(self.y - self.far[0], self.x - self.far[1]) + 0.06 * self.smooth(0.6)
    at = rng.uniform(0.25, 0.45)
    while at < 2:
      width = rng.uniform(0.06, 0.12)
      angle = np.arctan2(self.y - self.far[0], self.x - self.far[1]) - rng.uniform(-np.pi, np.pi)
      reach = 1 / (1 + np.exp(-4 * (np.cos(angle) + rng.uniform(0.0, 0.9))))
      self.height += rng.uniform(0.06, 0.14) * reach * np.exp(-(((away - at) / width) ** 2))
      at += rng.uniform(0.3, 0.5)

  def polyp(self, shape: str) -> None:
    """A bump with an irregular outline, a smooth rim and pits on it."""
    rng = self.rng
    y, x = rng.uniform(-0.5, 0.5, 2)
    radius = rng.uniform(0.14, 0.42) if shape != 'flat' else rng.uniform(0.18, 0.45)
    turn, stretch = rng.uniform(0, np.pi), rng.uniform(0.7, 1.0)
    dy, dx = self.y - y, self.x - x
    along, across = (
      dx * np.cos(turn) + dy * np.sin(turn),
      (dy * np.cos(turn) - dx * np.sin(turn)) / stretch,
    )
    angle = np.arctan2(across, along)
    wave = sum(rng.normal(0, 0.08 / k) * np.cos(k * angle + rng.uniform(0, 6.3)) for k in (2, 3, 5))
    within = np.hypot(along, across) / (radius * (1 + wave))
    self.mask = within < 1
    steep = {'flat': 0.25, 'sessile': 0.5, 'pedunculated': 0.6}[shape]
    dome = np.sqrt(np.clip(1 - within**2, 0, None))
    if shape == 'pedunculated':
      wide = np.clip(1 - (across / (0.32 * radius)) ** 2, 0, None)
      stalk = (wide > 0) & (along > 0) & (along < 1.8 * radius) & (within >= 1)
      self.height += np.where(stalk, 0.2 * radius * np.sqrt(wide), 0)
      self.mask |= stalk
    self.height = np.where(within < 1, self.height.min() * 0.3 + 0.7 * self.height, self.height)
    self.height += steep * radius * dome
    colour = rng.normal(0, 0.02, 3) + np.array([0.05, -0.07, -0.03]) * rng.uniform(0.5, 1.3)
    pits = 0.05 * self.smooth(0.045)
    soft = np.clip((1 - within) * 8, 0, 1)[..., None]
    self.tint += soft * (colour + pits[..., None])

  def vessels(self) -> None:
    """Thin dark red lines that wander and branch, but not over a polyp."""
    rng = self.rng
    dark = np.zeros((self.size, self.size))
    for _ in range(int(rng.integers(5, 12))):
      y, x, angle = *rng.uniform(-1, 1, 2), rng.uniform(0, 2 * np.pi)
      for _ in range(int(rng.integers(20, 70))):
        row, column = int((y + 1) * self.size / 2), int((x + 1) * self.size / 2)
        if not (0 <= row < self.size and 0 <= column < self.size):
          break
        dark[row, column] = 1
        angle += rng.normal(0, 0.25)
        y, x = y + 1.6 / self.size * np.sin(angle), x + 1.6 / self.size * np.cos(angle)
    near = dark.copy()
    for axis in (0, 1):
      near = np.maximum(near, 0.5 * np.maximum(np.roll(dark, 1, axis), np.roll(dark, -1, axis)))
    near *= ~self.mask * rng.uniform(0.5, 1.0)
    self.tint -= near[..., None] * np.array([0.06, 0.14, 0.10])

  def bubbles(self) -> None:
    """Small round bumps of the colour of the mucosa, which are no polyps."""
    rng = self.rng
    for _ in range(int(rng.integers(0, 5))):
      y, x = rng.uniform(-0.9, 0.9, 2)
      radius = rng.uniform(0.02, 0.06)
      away = np.hypot(self.y - y, self.x - x) / radius
      self.height += 0.6 * radius * np.sqrt(np.clip(1 - away**2, 0, None))

  def seen(self) -> np.ndarray:
    """The scene as the camera sees it, with its light beside it."""
    rng = self.rng
    step = 2 / self.size
    slope_y, slope_x = np.gradient(self.height, step)
    away = np.hypot(self.y - self.far[0], self.x - self.far[1])
    # The wall turns away from the camera towards where the view leads on.
    lean = 0.5 * np.exp(-away)
    normal = np.stack([-slope_y, -slope_x, np.ones_like(slope_x) - lean], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    lamp = np.stack(
      [rng.uniform(-0.3, 0.3) - self.y * 0.7, rng.uniform(-0.3, 0.3) - self.x * 0.7,
       np.full_like(self.x, 1.0)], axis=-1,
    )  # fmt: skip
    lamp /= np.linalg.norm(lamp, axis=-1, keepdims=True)
    facing = np.clip((normal * lamp).sum(-1), 0, None)
    depth = 0.35 + 0.65 * (1 - np.exp(-((away / rng.uniform(0.3, 0.6)) ** 2)))
    light = (0.15 + 0.85 * facing) * depth
    colour = np.clip(_LIGHT * rng.normal(1, [0.06, 0.1, 0.1]) + self.tint, 0, 1)
    image = rng.uniform(0.85, 1.15) * light[..., None] * colour
    # Wet places mirror the lamp where the surface faces between it and the camera.
    half = lamp + np.array([0.0, 0.0, 1.0])
    half /= np.linalg.norm(half, axis=-1, keepdims=True)
    wet = np.clip(self.smooth(0.15) + rng.uniform(-0.5, 0.5), 0, 1)
    shine = np.clip((normal * half).sum(-1), 0, 1) ** 60 * wet
    image += (1.2 * shine**2)[..., None]
    image *= np.clip(1.25 - 0.45 * np.hypot(self.y, self.x) ** 2, 0, 1)[..., None]
    image = np.where(self.inside[..., None], image, 0.02)
    image += rng.normal(0, 0.012, image.shape)
    return np.round(255 * image.clip(0, 1)).astype(np.uint8)
