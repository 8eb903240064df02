"""What the radiograph simulator puts into a thorax: lung nodules, and what looks like them."""

import dataclasses
import math

import numpy as np

from medjax.data.simulate import anatomy, projection, skeleton
from medjax.data.simulate.anatomy import CORTICAL, SOFT

# How hard the task is. As set here, a plain CNN of three convolutions and a dense layer learns it
# from about a thousand radiographs, while no linear model does. Physical nodules (CONSPICUITY 1,
# ELONGATION 0, fewer of them) are far harder, as they are for readers.
DIAMETERS = (8.0, 30.0)  # mm
DIAMETER_SHAPE = (2.5, 1.0)  # of the beta distribution between them; more of the first: larger
COUNTS = (0.2, 0.2, 0.2, 0.2, 0.2)  # probability of 1, 2, ... nodules
CONSPICUITY = 4.0  # attenuation above lung, in multiples of soft tissue's
ELONGATION = 0.6  # small nodules are (30 / diameter) ** this times longer along the beam
DISTRACTOR_CONTRAST = 1.0  # 0 takes the distractors away

FINDINGS = ('solid', 'lobulated', 'spiculated')
DISTRACTORS = ('none', 'vessel', 'granuloma', 'nipple', 'rib_end')

CALCIFIED = 0.5 * CORTICAL


@dataclasses.dataclass(frozen=True)
class Ball:
  """A small solid that stands out from what surrounds it.

  Attributes:
    x: of the centre, mm from the spine.
    y: of the centre, mm from the apices.
    spheres: [n, 3] x, y and radius relative to the centre, mm; the solid is their union.
    contrast: attenuation above what it replaces, 1/mm.
    squash: extent along the beam relative to the spheres'.
    spicules: [m, 2] x and y of the ends of thin threads from the centre, relative to it, mm.
  """

  x: float
  y: float
  spheres: np.ndarray
  contrast: float
  squash: float = 1.0
  spicules: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Nodule:
  """A nodule: the diameter of the circle around its body (mm), its shape, and the solid."""

  diameter: float
  finding: str
  ball: Ball


def draw_distractors(rng: np.random.Generator, body: anatomy.Thorax) -> tuple[str, list[Ball]]:
  """What could be taken for a nodule: a kind, and one or two solids of it."""
  kind = DISTRACTORS[rng.integers(len(DISTRACTORS))]
  count = int(rng.integers(1, 3))
  u = rng.random((count, 4))
  s, balls = body.size, []
  for a, b, c, d in u.tolist():
    if kind == 'vessel':  # near the hilum, where vessels are wide enough
      sign = 1.0 if d < 0.5 else -1.0
      x, y = sign * (46 + 26 * a) * s, (75 + 80 * b) * s
      balls.append(_sphere(x, y, (1.8 + 1.3 * c) * s, 0.8 * SOFT, squash=4.0))
    elif kind == 'granuloma':
      x, y = _places(rng, body, np.array([8.0]))[0]
      balls.append(_sphere(x, y, 1.3 + 1.3 * a, CALCIFIED))
    elif kind == 'nipple':
      sign = 1.0 if len(balls) else -1.0
      balls.append(_sphere(sign * (88 + 8 * a) * s, (178 + 14 * b) * s, 4.5 + c, SOFT, squash=0.8))
    elif kind == 'rib_end':
      x, y = skeleton.rib_end(body, int(4 * a), bool(b < 0.5))
      balls.append(_sphere(x, y, body.rib * (0.8 + 0.3 * c), 0.35 * (CORTICAL - SOFT), squash=0.7))
  scaled = [
    dataclasses.replace(ball, contrast=ball.contrast * DISTRACTOR_CONTRAST) for ball in balls
  ]
  return kind, scaled


def _sphere(x: float, y: float, radius: float, contrast: float, squash: float = 1.0) -> Ball:
  return Ball(float(x), float(y), np.array([[0.0, 0.0, radius]]), contrast, squash)


def _places(
  rng: np.random.Generator, body: anatomy.Thorax, diameters: np.ndarray, tries: int = 32
) -> np.ndarray:
  """A place [n, 2] in the lungs for each of n solids, uniform over where they fit.

  A solid fits where the lung is nearly as deep as the solid at its centre, and lung all around it.
  """
  s = body.size
  wide = max(body.lateral) + anatomy.MIDDLE * s
  x = rng.uniform(-wide, wide, (len(diameters), tries, 1))
  y = rng.uniform(0, max(body.dome) + 60 * s, (len(diameters), tries, 1))
  turn = np.linspace(0, 2 * np.pi, 8, endpoint=False)
  radius = 0.5 * diameters[:, None, None]
  ring_x, ring_y = x + radius * np.cos(turn), y + radius * np.sin(turn)
  depth = anatomy.lungs(body, np.concatenate([x, ring_x], 2), np.concatenate([y, ring_y], 2))
  fit = np.minimum(depth[..., 0] / (0.8 * diameters[:, None]), 1) + np.minimum(
    depth[..., 1:].min(-1) / 2, 1
  )
  image_x = np.abs(x + anatomy.spine(body, y))[..., 0] + radius[..., 0]
  fit -= image_x > 0.45 * body.field
  best = fit.argmax(1)  # the first that fits, or the nearest to fitting
  each = np.arange(len(diameters))
  return np.stack([x[each, best, 0], y[each, best, 0]], 1)


def draw_nodules(rng: np.random.Generator, body: anatomy.Thorax) -> list[Nodule]:
  """The nodules this patient has if the label is cancer."""
  count = 1 + int(rng.choice(len(COUNTS), p=COUNTS))
  low, high = DIAMETERS
  diameters = low + (high - low) * rng.beta(*DIAMETER_SHAPE, count)
  nodules = []
  for (x, y), diameter in zip(_places(rng, body, diameters), diameters.tolist(), strict=True):
    finding = FINDINGS[rng.integers(len(FINDINGS))]
    radius = diameter / 2
    spheres, spicules = np.array([[0.0, 0.0, radius]]), None
    if finding == 'lobulated':
      turn = rng.uniform(0, 2 * np.pi) + np.arange(4) * (np.pi / 2) + rng.uniform(-0.4, 0.4, 4)
      lobe = radius * rng.uniform(0.4, 0.6, 4)
      shift = radius - lobe
      spheres = np.stack([shift * np.cos(turn), shift * np.sin(turn), lobe], 1)
      spheres = np.concatenate([spheres, [[0.0, 0.0, 0.75 * radius]]])
    elif finding == 'spiculated':
      number = int(rng.integers(8, 15))
      turn = np.linspace(0, 2 * np.pi, number, endpoint=False) + rng.uniform(-0.3, 0.3, number)
      length = radius * rng.uniform(1.2, 1.9, number)
      spicules = np.stack([length * np.cos(turn), length * np.sin(turn)], 1)
    contrast = SOFT * (1 - body.lung_density) * CONSPICUITY
    squash = (high / diameter) ** ELONGATION
    ball = Ball(float(x), float(y), spheres, contrast, squash, spicules)
    nodules.append(Nodule(diameter, finding, ball))
  return nodules


def pixel_of(body: anatomy.Thorax, ball: Ball, size: int) -> tuple[int, int]:
  """Row and column of the pixel that a solid's centre is in."""
  places = (ball.y + body.apex, ball.x + anatomy.spine(body, ball.y))
  row, column = (int(np.clip((p / body.field + 0.5) * size, 0, size - 1)) for p in places)
  return row, column


def add_ball(
  total: np.ndarray,
  body: anatomy.Thorax,
  ball: Ball,
  x: np.ndarray,
  y: np.ndarray,
  inside: np.ndarray | None = None,
) -> None:
  """Adds a solid's attenuation to ``total`` and marks the pixels of its body in ``inside``."""
  size = len(total)
  pixel = body.field / size
  reach = np.hypot(ball.spheres[:, 0], ball.spheres[:, 1]) + ball.spheres[:, 2]
  far = reach.max()
  if ball.spicules is not None:
    far = max(far, np.abs(ball.spicules).max() + 1)
  row, column = pixel_of(body, ball, size)
  half = math.ceil(far / pixel) + 2
  rows = slice(max(row - half, 0), row + half + 1)
  columns = slice(max(column - half, 0), column + half + 1)
  dx, dy = x[rows, columns] - np.float32(ball.x), y[rows] - np.float32(ball.y)
  sphere_x, sphere_y, radius = (v[:, None, None].astype(np.float32) for v in ball.spheres.T)
  # centres lie in one plane across the beam, so the union's length is the largest of the lengths
  length = projection.chord(radius, (dx - sphere_x) ** 2 + (dy - sphere_y) ** 2).max(0)
  if inside is not None:
    inside[rows, columns] |= length > 0
  if ball.spicules is not None:
    span = np.hypot(ball.spicules[:, 0], ball.spicules[:, 1])
    toward = (ball.spicules / span[:, None]).astype(np.float32)
    toward_x, toward_y = toward[:, 0, None, None], toward[:, 1, None, None]
    along = (toward_x * dx + toward_y * dy) / span[:, None, None].astype(np.float32)
    across = toward_x * dy - toward_y * dx
    thick = np.float32(0.09 * reach.max()) * projection.ramp(1.15 - along) * (along > 0)
    drawn = np.maximum(thick, np.float32(0.75 * pixel))
    threads = projection.chord(drawn, across * across)
    threads *= (thick / drawn) ** 2
    threads *= along < 1.15
    length = np.maximum(length, threads.max(0))
  total[rows, columns] += np.float32(ball.contrast * ball.squash) * length
