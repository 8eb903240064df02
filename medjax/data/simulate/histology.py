"""Simulated tiles of colorectal tissue that differ in structure and not in colour.

Eight kinds, after the collections of real tiles (Kather et al. 2016, Multi-class texture analysis
in colorectal cancer histology, Scientific Reports 6:27988): glands of a tumour, crypts of normal
mucosa, stroma, lymphocytes, mucus, fat, debris and background. Each is drawn as amounts of
haematoxylin and eosin, of which the colours follow by the Beer-Lambert law. Magnification, focus,
thickness and stain of a tile are drawn without regard to its kind: every tile is brought to a mean
colour from one distribution, so that a network has to look at structure. In half of the tiles a
part is of another kind; a tile is of the kind that most of it is.

These images are for developing and checking methods. A model trained on them knows nothing about
tissue.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from medjax.data.augment.stain import STAINS

CLASSES = (
  'tumour glands', 'crypts', 'stroma', 'lymphocytes', 'mucus', 'fat', 'debris', 'background',
)  # fmt: skip
SIZES = (16, 1024)
_FIELDS = (120.0, 200.0)  # micrometres along a side of a tile, least and most
_BORDERS = 0.5  # share of tiles in which another kind is seen too
_FOCUS = 2.0  # micrometres, largest standard deviation of the blur


@dataclasses.dataclass(frozen=True)
class Tile:
  """A tile and the truth about it.

  Attributes:
    image: uint8 [size, size, 3], red, green and blue.
    label: number of the kind in ``CLASSES``.
    mask: bool [size, size], the structures that make it of this kind; all False for background.
    thickness: by which all optical densities were multiplied to reach the mean colour, of green.
    pixel_um: side of a pixel, micrometres.
  """

  image: np.ndarray
  label: int
  mask: np.ndarray
  thickness: float
  pixel_um: float


def simulate(seed: int, index: int, size: int = 96) -> Tile:
  """One simulated tile, a function of its arguments alone; kinds take turns.

  Args:
    seed: of a whole set of tiles.
    index: number of the tile.
    size: height and width in pixels.

  Raises:
    ValueError: the size is outside ``SIZES``.

  Example:
    >>> tile = simulate(seed=0, index=2)
    >>> tile.image.shape, CLASSES[tile.label]
    ((96, 96, 3), 'stroma')
  """
  if not SIZES[0] <= size <= SIZES[1]:
    raise ValueError(f'tiles have {SIZES[0]} to {SIZES[1]} pixels a side, not {size}')
  rng = np.random.default_rng([seed, index])
  label = index % len(CLASSES)
  canvas = _Canvas(size, rng, float(rng.uniform(*_FIELDS)))
  _DRAWN[label](canvas)
  if rng.uniform() < _BORDERS:
    _bordered(canvas, _DRAWN[(label + rng.integers(1, len(CLASSES))) % len(CLASSES)])
  image, thickness = _coloured(canvas, np.random.default_rng([seed, index, 1]))
  return Tile(image, label, canvas.mask, thickness, canvas.pixel)


class _Canvas:
  """Amounts of haematoxylin and eosin, to which structures are added.

  Places and lengths are in micrometres.
  """

  def __init__(self, size: int, rng: np.random.Generator, field: float):
    self.size, self.rng, self.field = size, rng, field
    self.pixel = self.field / size
    along = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(self.pixel)
    self.y, self.x = along[:, None], along[None, :]
    self.nuclear = np.zeros((size, size), np.float32)
    self.pink = np.zeros((size, size), np.float32)
    self.mask = np.zeros((size, size), bool)

  def smooth(self, length: float, along: float = 1.0, angle: float = 0.0) -> np.ndarray:
    """A random field of mean 0 and variance 1 that varies over ``length``; ``along`` times as
    slowly in the direction of ``angle``."""
    noise = self.rng.standard_normal((self.size, self.size))
    field = self.blurred(noise, length / np.sqrt(2), along, angle)
    return ((field - field.mean()) / max(field.std(), 1e-9)).astype(np.float32)

  def blurred(
    self, image: np.ndarray, sigma: float, along: float = 1.0, angle: float = 0.0
  ) -> np.ndarray:
    """The image after a Gaussian blur of ``sigma``, ``along`` times that in the direction of
    ``angle``; it goes on at the opposite edge."""
    frequency = np.fft.fftfreq(self.size, self.pixel)
    v, u = frequency[:, None], frequency[None, :]
    forward, across = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
    weight = np.exp(-2 * (np.pi * sigma) ** 2 * ((forward * along) ** 2 + across**2))
    return np.fft.ifft2(np.fft.fft2(image) * weight).real

  def blob(
    self, y: float, x: float, length: float, width: float, angle: float, soft: float = 0.8
  ) -> tuple[tuple[slice, slice], np.ndarray]:
    """An ellipse of these half axes: where it is, and how far each pixel is within it, 0 to 1."""
    reach = max(length, width) + 2 * soft
    low = [max(0, int((at - reach) / self.pixel)) for at in (y, x)]
    high = [min(self.size, int((at + reach) / self.pixel) + 2) for at in (y, x)]
    place = slice(low[0], max(low[0], high[0])), slice(low[1], max(low[1], high[1]))
    dy, dx = self.y[place[0]] - y, self.x[:, place[1]] - x
    cos, sin = np.cos(angle), np.sin(angle)
    radius = np.sqrt(((dx * cos + dy * sin) / length) ** 2 + ((dy * cos - dx * sin) / width) ** 2)
    edge = (radius - 1) * min(length, width) / soft
    return place, 1 / (1 + np.exp(np.clip(4 * edge, -30, 30)))

  def nucleus(
    self, y: float, x: float, length: float, width: float, angle: float, dark: float = 1.0
  ) -> None:
    """Adds a nucleus, which hides what is below it."""
    place, inside = self.blob(y, x, length, width, angle)
    grain = 1 + 0.25 * self.rng.standard_normal(inside.shape)
    self.nuclear[place] = np.maximum(self.nuclear[place], dark * inside * grain)
    self.pink[place] *= 1 - 0.6 * inside

  def places(self, share: float, apart: float, margin: float = 0.0) -> np.ndarray:
    """Random places [N, 2] at least ``apart`` from each other: ``share`` of what would fit."""
    side = self.field + 2 * margin
    count = int(share * (side / apart) ** 2)
    candidates = self.rng.uniform(-margin, self.field + margin, (6 * count, 2))
    kept = np.full((count, 2), np.inf)
    number = 0
    for candidate in candidates:
      if number == count:
        break
      away = kept[:number] - candidate
      if not number or (away * away).sum(1).min() >= apart * apart:
        kept[number] = candidate
        number += 1
    return kept[:number]


def _tumour(canvas: _Canvas) -> None:
  """Crowded glands of irregular outline, whose large nuclei stand in several rows."""
  rng = canvas.rng
  _fibres(canvas, 0.35, cells=0.04)
  for y, x in canvas.places(rng.uniform(0.4, 0.6), 38, margin=20):
    radius = rng.uniform(16, 30)
    waves = rng.normal(0, 1, (3, 2)) * np.array([[0.16], [0.12], [0.08]])
    angle = np.arctan2(canvas.y - y, canvas.x - x)
    distance = np.hypot(canvas.y - y, canvas.x - x)
    outline = radius * (
      1 + sum(a * np.cos(k * angle) + b * np.sin(k * angle) for k, (a, b) in enumerate(waves, 2))
    )
    wall = rng.uniform(9, 14)
    within = distance < outline
    epithelium = within & (distance > outline - wall)
    canvas.pink[within] = 0.08
    canvas.nuclear[within] = 0.0
    canvas.pink[epithelium] = 0.75
    canvas.mask |= epithelium
    for depth in rng.permutation(np.array([0.2, 0.5, 0.8])):
      for turn in np.arange(0, 2 * np.pi, 5.0 / radius) + rng.uniform(0, 1):
        if rng.uniform() < 0.25:
          continue
        edge = radius * (
          1 + sum(a * np.cos(k * turn) + b * np.sin(k * turn) for k, (a, b) in enumerate(waves, 2))
        )
        at = edge - wall * (depth + rng.normal(0, 0.08))
        canvas.nucleus(
          y + at * np.sin(turn), x + at * np.cos(turn), rng.uniform(3.0, 5.0),
          rng.uniform(1.6, 2.6), turn + rng.normal(0, 0.35), rng.uniform(0.8, 1.3),
        )  # fmt: skip


def _crypts(canvas: _Canvas) -> None:
  """Round glands side by side, with one row of small nuclei at the base and pale goblets within."""
  rng = canvas.rng
  _fibres(canvas, 0.3, cells=0.1)
  radius = rng.uniform(19, 24)
  apart, turn = 2.35 * radius, rng.uniform(0, np.pi / 3)
  offset = rng.uniform(0, apart, 2)
  for row in range(-3, 9):
    for column in range(-3, 9):
      u, v = (column + 0.5 * (row % 2)) * apart, row * apart * 0.87
      y = v * np.cos(turn) + u * np.sin(turn) - 30 + offset[0] + rng.normal(0, 1.5)
      x = u * np.cos(turn) - v * np.sin(turn) + offset[1] + rng.normal(0, 1.5)
      if not (-radius < min(x, y) and max(x, y) < canvas.field + radius):
        continue
      place, within = canvas.blob(y, x, radius, radius * rng.uniform(0.9, 1.0), turn)
      canvas.pink[place] = canvas.pink[place] * (1 - within) + 0.6 * within
      canvas.nuclear[place] *= 1 - within
      canvas.mask[place] |= within > 0.5
      place, lumen = canvas.blob(y, x, 0.22 * radius, 0.2 * radius, turn)
      canvas.pink[place] *= 1 - lumen
      around = np.arange(0, 2 * np.pi, 5.5 / radius) + rng.uniform(0, 1)
      for angle in around:
        at = 0.58 * radius  # goblets
        if rng.uniform() < 0.6:
          place, cup = canvas.blob(y + at * np.sin(angle), x + at * np.cos(angle), 3.6, 2.4, angle)
          canvas.pink[place] *= 1 - 0.8 * cup
        at = 0.88 * radius
        canvas.nucleus(
          y + at * np.sin(angle), x + at * np.cos(angle), 2.0, 1.5, angle + np.pi / 2,
          rng.uniform(0.8, 1.0),
        )  # fmt: skip


def _stroma(canvas: _Canvas) -> None:
  """Wavy fibres in one direction with spindle-shaped nuclei along them."""
  rng = canvas.rng
  _fibres(canvas, 0.8, cells=rng.uniform(0.1, 0.25))
  canvas.mask |= canvas.pink > np.median(canvas.pink)


def _fibres(canvas: _Canvas, amount: float, cells: float) -> None:
  rng = canvas.rng
  angle = rng.uniform(0, np.pi)
  waves = canvas.smooth(2.2, along=9.0, angle=angle) + 0.6 * canvas.smooth(5, along=5, angle=angle)
  canvas.pink += amount * np.clip(0.65 + 0.35 * waves, 0.05, None)
  for y, x in canvas.places(cells, 12):
    canvas.nucleus(y, x, rng.uniform(4, 7), rng.uniform(0.9, 1.4), angle + rng.normal(0, 0.15), 0.9)


def _lymphocytes(canvas: _Canvas) -> None:
  """Small round dark nuclei close together, with hardly anything around them."""
  rng = canvas.rng
  canvas.pink += 0.25 + 0.08 * canvas.smooth(6)
  for y, x in canvas.places(rng.uniform(0.35, 0.5), rng.uniform(6.2, 7.5), margin=3):
    radius = rng.uniform(2.4, 3.1)
    canvas.nucleus(y, x, radius, radius * rng.uniform(0.88, 1.0), rng.uniform(0, np.pi), 1.2)
  canvas.mask |= canvas.nuclear > 0.5


def _mucus(canvas: _Canvas) -> None:
  """Pale pools with faint streaks, in which a few cells float."""
  rng = canvas.rng
  angle = rng.uniform(0, np.pi)
  streaks = canvas.smooth(9, along=3, angle=angle) + 0.5 * canvas.smooth(3, along=6, angle=angle)
  canvas.nuclear += np.clip(0.22 + 0.1 * streaks, 0, None)
  canvas.pink += np.clip(0.06 + 0.05 * canvas.smooth(12), 0, None)
  canvas.mask[:] = True
  for y, x in canvas.places(rng.uniform(0.02, 0.08), 15):
    place, cell = canvas.blob(y, x, 5.0, 4.5, 0.0)
    canvas.pink[place] += 0.5 * cell
    canvas.nucleus(y, x, 2.5, 2.2, rng.uniform(0, np.pi), 0.9)
    canvas.mask[place] &= cell < 0.5


def _fat(canvas: _Canvas) -> None:
  """Large empty cells with thin walls, and a flat nucleus here and there in one."""
  rng = canvas.rng
  centres = canvas.places(rng.uniform(0.5, 0.65), rng.uniform(24, 32), margin=60)
  distance = np.sort(
    np.hypot(canvas.y[..., None] - centres[:, 0], canvas.x[..., None] - centres[:, 1]), axis=-1
  )
  wall = np.exp(-(((distance[..., 1] - distance[..., 0]) / rng.uniform(2.2, 3.2)) ** 2))
  canvas.pink += 0.9 * wall + 0.02
  canvas.mask |= wall > 0.5
  rows, columns = np.nonzero(wall > 0.9)
  for at in rng.integers(0, len(rows), int(rng.integers(3, 8))) if len(rows) else ():
    y, x = (rows[at] + 0.5) * canvas.pixel, (columns[at] + 0.5) * canvas.pixel
    canvas.nucleus(y, x, 4.5, 1.3, rng.uniform(0, np.pi), 0.9)


def _debris(canvas: _Canvas) -> None:
  """Grains and shreds of all sizes without any order: dead tissue."""
  rng = canvas.rng
  rough = canvas.smooth(1.2) + 0.8 * canvas.smooth(4) + 0.6 * canvas.smooth(12)
  canvas.pink += np.clip(0.35 + 0.3 * rough, 0, None)
  for y, x in rng.uniform(0, canvas.field, (int(rng.integers(120, 260)), 2)):
    length = rng.lognormal(-0.2, 0.6)
    canvas.nucleus(
      y, x, length * rng.uniform(1, 2), length, rng.uniform(0, np.pi), rng.uniform(0.4, 1.3)
    )
  canvas.mask |= rough > 0


def _background(canvas: _Canvas) -> None:
  """Glass: uneven light and a few specks of dust."""
  rng = canvas.rng
  slope = rng.normal(0, 1, 2)
  light = (slope[0] * canvas.y + slope[1] * canvas.x) / canvas.field
  canvas.pink += 0.3 + 0.02 * light + 0.01 * canvas.smooth(20)
  canvas.nuclear += 0.1
  for y, x in rng.uniform(0, canvas.field, (int(rng.integers(0, 6)), 2)):
    place, speck = canvas.blob(y, x, rng.uniform(0.6, 2), rng.uniform(0.6, 1.5), 0.0)
    canvas.nuclear[place] += 0.3 * speck


_DRAWN: tuple[Callable[[_Canvas], None], ...] = (
  _tumour, _crypts, _stroma, _lymphocytes, _mucus, _fat, _debris, _background,
)  # fmt: skip


def _bordered(canvas: _Canvas, draw: Callable[[_Canvas], None]) -> None:
  """Shows another kind on one side of a wavy border, in less than half of the tile."""
  rng = canvas.rng
  other = _Canvas(canvas.size, rng, canvas.field)
  draw(other)
  angle = rng.uniform(0, 2 * np.pi)
  along = (canvas.y * np.sin(angle) + canvas.x * np.cos(angle)) / canvas.field
  height = along + 0.08 * canvas.smooth(25)
  beyond = height > np.quantile(height, 1 - rng.uniform(0.15, 0.45))
  canvas.nuclear = np.where(beyond, other.nuclear, canvas.nuclear)
  canvas.pink = np.where(beyond, other.pink, canvas.pink)
  canvas.mask &= ~beyond


def _coloured(canvas: _Canvas, rng: np.random.Generator) -> tuple[np.ndarray, float]:
  """The tile as a camera sees it, at a mean colour that does not depend on its kind.

  Args:
    canvas: what was drawn.
    rng: of the colour.

  Returns:
    uint8 [size, size, 3], and the factor of the optical densities of green.
  """
  stains = STAINS[:2] / np.linalg.norm(STAINS[:2], axis=1, keepdims=True)
  focus = float(rng.uniform(0, _FOCUS))
  amounts = np.stack(
    [canvas.blurred(amount, focus).clip(0) for amount in (canvas.nuclear, canvas.pink)], axis=-1
  )
  density = amounts @ stains + 0.03
  wanted = np.array([0.74, 0.56, 0.72]) + rng.normal(0, [0.05, 0.06, 0.04])
  image, factors = np.empty(density.shape), np.empty(3)
  for channel in range(3):
    factors[channel] = _factor(density[..., channel], wanted[channel])
    image[..., channel] = np.exp(-factors[channel] * density[..., channel])
  image += rng.normal(0, 0.015, image.shape)  # of the camera
  return np.round(255 * image.clip(0, 1)).astype(np.uint8), float(factors[1])


def _factor(density: np.ndarray, mean: float) -> float:
  """By what densities are multiplied so that the mean of what comes through is ``mean``."""
  low, high = 0.0, 60.0
  for _ in range(30):
    middle = (low + high) / 2
    if np.exp(-middle * density).mean() > mean:
      low = middle
    else:
      high = middle
  return (low + high) / 2
