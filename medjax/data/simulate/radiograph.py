"""Simulated chest radiographs with lung nodules whose place and size are known.

A posterior-anterior film is projected by the Beer-Lambert law through an analytic thorax
(``anatomy``), with scatter, detector blur, quantum noise and the usual display processing. Half
the films have one or more nodules of 8-30 mm in the lungs: solid, lobulated or spiculated, free or
behind ribs, heart and diaphragm. What could be taken for a nodule (end-on vessels, calcified
granulomas, nipples, rib ends) is as frequent in films with nodules as in films without.

The patient, the exposure, the distractors and even the nodules are drawn before the label, each
from its own stream, and the label alone decides whether the nodules are there. So the films of
one ``(seed, index)`` with prevalence 0 and 1 differ where the nodules are and nowhere else.

These pictures are for developing and checking methods. A model trained on them knows nothing
about patients.
"""

import dataclasses
import math

import numpy as np

from medjax.data.simulate import anatomy, projection

# Linear attenuation, 1/mm, at 60 keV, about the mean energy behind the patient of a 120 kVp beam:
# mass attenuation from NIST (Hubbell and Seltzer, NISTIR 5632, table 4) times density.
SOFT = 0.2048 * 1.06 / 10
FAT = 0.1974 * 0.95 / 10
CORTICAL = 0.3148 * 1.92 / 10
SPONGY = 0.2280 * 1.18 / 10
CALCIFIED = 0.5 * CORTICAL

# How hard the task is.
DIAMETERS = (8.0, 30.0)  # mm
DIAMETER_SHAPE = (1.3, 1.0)  # of the beta distribution between them; more of the first: larger
COUNTS = (0.4, 0.3, 0.3)  # probability of 1, 2, 3 nodules
NODULE_DENSITY = 1.1  # relative to soft tissue
DISTRACTOR_CONTRAST = 1.0  # 0 takes the distractors away

FINDINGS = ('solid', 'lobulated', 'spiculated')
DISTRACTORS = ('none', 'vessel', 'granuloma', 'nipple', 'rib_end')
SIZES = (32, 1024)
_FINEST_DIRECT = 128  # smaller films are averaged from at least this many pixels


@dataclasses.dataclass(frozen=True)
class Radiograph:
  """A film and the truth about it.

  Attributes:
    image: uint8 [size, size], lungs dark, bone white.
    label: 1 for cancer, 0 for none.
    mask: bool [size, size], where the bodies of the nodules project; all False for label 0.
    diameter_mm: of the largest nodule, without spicules; 0.0 for none.
    finding: shape of the largest nodule, 'solid', 'lobulated' or 'spiculated'; or 'none'.
    distractor: 'none', 'vessel', 'granuloma', 'nipple' or 'rib_end'.
    pixel_mm: side of a pixel at the patient, mm.
  """

  image: np.ndarray
  label: int
  mask: np.ndarray
  diameter_mm: float
  finding: str
  distractor: str
  pixel_mm: float


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


@dataclasses.dataclass(frozen=True)
class Exposure:
  """How a film is taken and shown.

  Attributes:
    dose: photons to each mm^2 of the detector without a patient.
    scatter: scattered over primary radiation, of a uniform body.
    blur: standard deviation of the detector's point spread, mm.
    equalise: share of the slow variation that display processing takes out.
    window: grey values between which the chest is shown, 0 to 1.
    gamma: exponent of the tone curve.
    margins: unexposed share of the film at left, right, top and bottom.
  """

  dose: float
  scatter: float
  blur: float
  equalise: float
  window: tuple[float, float]
  gamma: float
  margins: tuple[float, float, float, float]


def simulate(seed: int, index: int, size: int = 224, prevalence: float = 0.5) -> Radiograph:
  """One simulated film, a function of its arguments alone.

  Films of different size with the same ``seed`` and ``index`` show the same patient.

  Args:
    seed: of the data set, >= 0.
    index: of the film in the data set, >= 0.
    size: pixels of each side, 32 to 1024.
    prevalence: probability of cancer, 0 to 1.

  Returns:
    The film with its truth.

  Raises:
    ValueError: an argument is out of its range.

  Example:
    >>> film = simulate(seed=0, index=3, size=64)
    >>> film.image.shape, film.image.dtype, film.mask.any() == (film.label == 1)
    ((64, 64), dtype('uint8'), True)

  Source:
    Samei, E., Flynn, M. J. and Eyler, W. R. (1997), Simulation of subtle lung nodules in
    projection chest radiography. Radiology 202(1), 117-124 (nodules as projected solids).
  """
  _check(seed, index, size, prevalence)
  streams = np.random.SeedSequence([seed, index]).spawn(4)
  patient, lesion, chance, quantum = (np.random.Generator(np.random.PCG64(s)) for s in streams)
  body = anatomy.draw_thorax(patient)
  vessels = anatomy.draw_vessels(patient, body)
  exposure = _draw_exposure(patient)
  distractor, fakes = _draw_distractors(patient, body)
  nodules = _draw_nodules(lesion, body)
  label = int(chance.random() < prevalence)
  if not label:
    nodules = []

  factor = max(1, math.ceil(_FINEST_DIRECT / size))
  fine = size * factor
  x, y = anatomy.frame(body, fine)
  attenuation = _attenuate(body, vessels, x, y)
  for ball in fakes:
    _add_ball(attenuation, body, ball, x, y)
  added = np.zeros_like(attenuation)
  inside = np.zeros((fine, fine), bool)
  for nodule in nodules:
    _add_ball(added, body, nodule.ball, x, y, inside)
  image = _expose(attenuation, added, exposure, body.field / fine, quantum)
  image = image.reshape(size, factor, size, factor).mean((1, 3))
  mask = inside.reshape(size, factor, size, factor).mean((1, 3)) >= 0.5
  for nodule in nodules:  # one smaller than a pixel marks the pixel it is in
    mask[_pixel(body, nodule.ball, size)] = True
  largest = max(nodules, key=lambda nodule: nodule.diameter, default=None)
  return Radiograph(
    image=(image + 0.5).astype(np.uint8),
    label=label,
    mask=mask,
    diameter_mm=largest.diameter if largest else 0.0,
    finding=largest.finding if largest else 'none',
    distractor=distractor,
    pixel_mm=body.field / size,
  )


def _check(seed: int, index: int, size: int, prevalence: float) -> None:
  if seed < 0 or index < 0:
    raise ValueError(f'seed and index must not be negative, got seed={seed}, index={index}')
  if not SIZES[0] <= size <= SIZES[1]:
    raise ValueError(f'size must be from {SIZES[0]} to {SIZES[1]} pixels, got {size}')
  if not 0 <= prevalence <= 1:
    raise ValueError(f'prevalence must be from 0 to 1, got {prevalence}')


def _draw_exposure(rng: np.random.Generator) -> Exposure:
  u = rng.random(12).tolist()
  margins = [0.07 * max(0.0, v - 0.5) for v in u[8:]]
  return Exposure(
    dose=10 ** (4.2 + 1.3 * u[0]),
    scatter=0.15 + 0.3 * u[1],
    blur=0.4 + 0.6 * u[2],
    equalise=0.15 + 0.35 * u[3],
    window=(0.06 + 0.14 * u[4], 0.84 + 0.12 * u[5]),
    gamma=0.75 + 0.45 * u[6],
    margins=tuple(margins),
  )


def _draw_distractors(
  rng: np.random.Generator, body: anatomy.Thorax
) -> tuple[str, list[Ball]]:
  """What could be taken for a nodule: a kind, and one or two solids of it."""
  kind = DISTRACTORS[rng.integers(len(DISTRACTORS))]
  count = int(rng.integers(1, 3))
  u = rng.random((count, 4))
  s, balls = body.size, []
  places = _places(rng, body, np.full(count, 8.0))
  for (x, y), (a, b, c, _) in zip(places, u, strict=True):
    if kind == 'vessel':  # near the hilum, where vessels are wide enough
      sign = np.sign(x) or 1.0
      x, y = sign * (46 + 26 * a) * s, (75 + 80 * b) * s
      balls.append(_sphere(x, y, (1.8 + 1.3 * c) * s, 0.8 * SOFT, squash=4.0))
    elif kind == 'granuloma':
      balls.append(_sphere(x, y, 1.3 + 1.3 * a, CALCIFIED))
    elif kind == 'nipple':
      sign = 1.0 if len(balls) else -1.0
      balls.append(_sphere(sign * (88 + 8 * a) * s, (178 + 14 * b) * s, 4.5 + c, SOFT, squash=0.8))
    elif kind == 'rib_end':
      x, y = anatomy.rib_end(body, int(4 * a), bool(b < 0.5))
      balls.append(_sphere(x, y, body.rib * (0.8 + 0.3 * c), 0.35 * (CORTICAL - SOFT), squash=0.7))
  scaled = [
    dataclasses.replace(ball, contrast=ball.contrast * DISTRACTOR_CONTRAST) for ball in balls
  ]
  return kind, scaled


def _sphere(x: float, y: float, radius: float, contrast: float, squash: float = 1.0) -> Ball:
  return Ball(float(x), float(y), np.array([[0.0, 0.0, radius]]), contrast, squash)


def _places(
  rng: np.random.Generator, body: anatomy.Thorax, diameters: np.ndarray, tries: int = 48
) -> np.ndarray:
  """A place [n, 2] in the lungs for each of n solids, uniform over where they fit.

  A solid fits where the lung is nearly as deep as the solid at its centre, and lung all around it.
  """
  s = body.size
  wide = max(body.lateral) + anatomy.MIDDLE * s
  x = rng.uniform(-wide, wide, (len(diameters), tries, 1))
  y = rng.uniform(0, max(body.dome) + 60 * s, (len(diameters), tries, 1))
  turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
  radius = 0.5 * diameters[:, None, None]
  ring_x, ring_y = x + radius * np.cos(turn), y + radius * np.sin(turn)
  depth = anatomy.lungs(body, np.concatenate([x, ring_x], 2), np.concatenate([y, ring_y], 2))
  fit = np.minimum(depth[..., 0] / (0.8 * diameters[:, None]), 1) + np.minimum(
    depth[..., 1:].min(-1) / 2, 1
  )
  film_x = np.abs(x + anatomy.spine(body, y))[..., 0] + radius[..., 0]
  fit -= film_x > 0.45 * body.field
  best = fit.argmax(1)  # the first that fits, or the nearest to fitting
  each = np.arange(len(diameters))
  return np.stack([x[each, best, 0], y[each, best, 0]], 1)


def _draw_nodules(rng: np.random.Generator, body: anatomy.Thorax) -> list[Nodule]:
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
    contrast = SOFT * (NODULE_DENSITY - body.lung_density)
    ball = Ball(float(x), float(y), spheres, contrast, spicules=spicules)
    nodules.append(Nodule(diameter, finding, ball))
  return nodules


def _pixel(body: anatomy.Thorax, ball: Ball, size: int) -> tuple[int, int]:
  """Row and column of the pixel that a solid's centre is in."""
  places = (ball.y + body.apex, ball.x + anatomy.spine(body, ball.y))
  row, column = (int(np.clip((p / body.field + 0.5) * size, 0, size - 1)) for p in places)
  return row, column


def _attenuate(
  body: anatomy.Thorax, vessels: tuple[np.ndarray, np.ndarray], x: np.ndarray, y: np.ndarray
) -> np.ndarray:
  """Sum over the parts of the body of coefficient times path length; float32 [size, size]."""
  size = len(x)
  lean = min(0.9, 0.12 + body.fat / 50)
  tissue = (1 - lean) * SOFT + lean * FAT
  lung = SOFT * body.lung_density
  weights = anatomy.smooth_weights(size, 7)
  lung_depth = anatomy.lungs(body, x, y)
  ends, radii = vessels
  ends = ends + np.stack(
    [anatomy.spine(body, ends[..., 1]), np.full(ends.shape[:2], body.apex)], -1
  )
  tree = projection.tubes(size, body.field / size, ends, radii)
  tree *= np.minimum(lung_depth * np.float32(1 / 15), 1)
  cortical, spongy = anatomy.bones(body, size, x, y)
  total = anatomy.soft_tissue(body, x, y)
  total *= 1 + 0.015 * (weights @ body.texture[1] @ weights.T)
  total -= anatomy.air(body, x, y)
  np.maximum(total, 0, out=total)
  total *= np.float32(tissue)
  lung_depth *= np.float32(tissue - lung) * (
    1 - 0.04 * (weights @ body.texture[0] @ weights.T)
  )
  total -= lung_depth
  for length, coefficient in (
    (tree, SOFT - lung), (cortical, CORTICAL - SOFT), (spongy, SPONGY - SOFT)
  ):  # fmt: skip
    length *= np.float32(coefficient)
    total += length
  return np.maximum(total, 0, out=total)


def _add_ball(
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
  row, column = _pixel(body, ball, size)
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
    thick = np.float32(0.09 * reach.max()) * np.clip(1.15 - along, 0, 1) * (along > 0)
    drawn = np.maximum(thick, np.float32(0.75 * pixel))
    threads = projection.chord(drawn, across * across)
    threads *= (thick / drawn) ** 2
    threads *= along < 1.15
    length = np.maximum(length, threads.max(0))
  total[rows, columns] += np.float32(ball.contrast * ball.squash) * length


def _expose(
  attenuation: np.ndarray,
  added: np.ndarray,
  exposure: Exposure,
  pixel: float,
  rng: np.random.Generator,
) -> np.ndarray:
  """Grey values 0 to 255 of the film of a body with ``attenuation`` plus ``added``.

  Scatter and display window follow from the body alone, as nodules are too small to move them;
  so films with and without nodules are the same elsewhere.
  """
  size = len(attenuation)
  weights = anatomy.smooth_weights(size, 12)
  primary = projection.transmission(attenuation)
  pooled = (weights.T @ primary @ weights) / np.outer(weights.sum(0), weights.sum(0))
  scatter = np.float32(exposure.scatter) * (weights @ pooled @ weights.T)
  reference = -np.log(primary + scatter)
  slow = (weights.T @ reference @ weights) / np.outer(weights.sum(0), weights.sum(0))
  slow = weights @ slow @ weights.T
  slow *= np.float32(exposure.equalise)
  step = size // 64
  chest = (reference - slow)[size // 8 : size * 7 // 8 : step, size // 8 : size * 7 // 8 : step]
  chest = np.sort(chest, axis=None)
  low, high = chest[len(chest) // 50], chest[-len(chest) // 60]

  received = _blur(projection.transmission(attenuation + added), exposure.blur / pixel)
  received += scatter
  noise = rng.standard_normal(received.shape, dtype=np.float32)
  noise *= np.sqrt(received * np.float32(1 / (exposure.dose * pixel * pixel)))
  received += noise
  shown = -np.log(np.maximum(received, np.float32(1e-5)))
  shown -= slow
  black, white = exposure.window
  shown -= low
  shown *= np.float32(1 / (high - low))
  np.clip(shown, -0.5, 1.3, out=shown)
  shown *= np.float32(white - black)
  shown += np.float32(black)
  np.clip(shown, 0, 1, out=shown)
  np.power(shown, np.float32(exposure.gamma), out=shown)
  shown *= 255
  left, right, top, bottom = (round(share * size) for share in exposure.margins)
  shown[:, :left] = 0
  shown[:, size - right :] = 0
  shown[:top] = 0
  shown[size - bottom :] = 0
  return shown


def _blur(image: np.ndarray, sigma: float) -> np.ndarray:
  """Gaussian blur, as repeated small binomial filters; ``sigma`` in pixels."""
  passes = math.ceil(sigma * sigma / 0.5)
  weight = np.float32(sigma * sigma / (2 * passes))
  for _ in range(passes):
    for axis in (0, 1):
      turned = np.moveaxis(image, axis, 0)
      change = np.zeros_like(turned)
      step = np.diff(turned, axis=0)
      change[:-1] += step
      change[1:] -= step
      change *= weight
      turned += change
  return image
