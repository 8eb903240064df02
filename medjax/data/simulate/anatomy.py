"""The thorax of the radiograph simulator: its measures, and path lengths through its parts.

Lengths are in millimetres. x grows to the image's right (the patient's left), y downwards, with
y = 0 at the lungs' apices; a posterior-anterior radiograph is looked at as if facing the patient.
"""

import dataclasses
import functools

import numpy as np

from medjax.data.simulate import projection

# Linear attenuation, 1/mm, at 60 keV, about the mean energy behind the patient of a 120 kVp beam:
# mass attenuation from NIST (Hubbell and Seltzer, NISTIR 5632, table 4) times density.
SOFT = 0.2048 * 1.06 / 10
FAT = 0.1974 * 0.95 / 10
CORTICAL = 0.3148 * 1.92 / 10
SPONGY = 0.2280 * 1.18 / 10


@dataclasses.dataclass(frozen=True)
class Thorax:
  """Measures of one patient in one position. Lengths in mm, angles in radians.

  Attributes:
    field: side of the square field of view.
    apex: y of the lungs' apices from the image's centre.
    shift: x of the spine at the apices from the image's centre.
    lean: slope and curvature (1/mm) of the spine's x along y.
    tilt: slope of ribs, clavicles and diaphragm along x.
    yaw: shift of structures for each mm that they lie in front of the spine.
    size: scale of the skeleton.
    fat: thickness of the layer that overweight adds to the body wall.
    depth: half of the front-to-back diameter of the body.
    cavity: half depth of the lungs.
    lateral: reach of the right and the left lung beyond their middle lines.
    dome: y of the right and the left dome of the diaphragm.
    dome_depth: fall of each dome from its top to its front and back edges.
    heart: scale of the heart.
    arch: how far the aortic arch stands out, in a patient of size 1.
    lung_density: density of lung relative to soft tissue.
    breast: thickness of the breasts, 0 for none.
    rib: half height of the ribs.
    rib_gap: distance between ribs.
    arm: x of the arms at the shoulders, and their slope outwards.
    bubble: x, y and half width of the gas in the stomach, from the left dome.
    clavicle: y of the medial ends, rise to the lateral ends, and bend.
    rib_jitter: [ribs], displacement of each rib along y.
    texture: [2, 7, 7], slow variation of the lungs and of the soft tissue, standard normal.
  """

  field: float
  apex: float
  shift: float
  lean: tuple[float, float]
  tilt: float
  yaw: float
  size: float
  fat: float
  depth: float
  cavity: float
  lateral: tuple[float, float]
  dome: tuple[float, float]
  dome_depth: float
  heart: float
  arch: float
  lung_density: float
  breast: float
  rib: float
  rib_gap: float
  arm: tuple[float, float]
  bubble: tuple[float, float, float]
  clavicle: tuple[float, float, float]
  rib_jitter: np.ndarray
  texture: np.ndarray


RIBS = 11
MIDDLE = 62.0  # |x| of the middle line of a lung, mm in a patient of size 1


def draw_thorax(rng: np.random.Generator) -> Thorax:
  """Measures of a random adult."""
  normal = iter(np.clip(rng.standard_normal(40), -2.2, 2.2).tolist())
  uniform = iter(rng.random(24).tolist())
  n, u = normal.__next__, uniform.__next__
  size = 1 + 0.06 * n()
  fat = 30 * u() ** 1.5
  field = 345 * size**0.7 * (1 + 0.05 * n()) + 0.6 * fat
  top = 0.5 - (0.05 + 0.09 * u())
  depth = (92 + 7 * n()) * size + fat
  wide = (78 + 5 * n()) * size
  yaw = 0.05 * n()
  dome = (222 + 17 * n()) * size
  return Thorax(
    field=field,
    apex=-top * field,
    shift=7 * n(),
    lean=(0.015 * n(), 6e-5 * n()),
    tilt=0.015 * n(),
    yaw=yaw,
    size=size,
    fat=fat,
    depth=depth,
    cavity=min((82 + 5 * n()) * size, 0.9 * (depth - fat)),
    lateral=(wide * (1 + 0.6 * yaw), wide * (1 - 0.6 * yaw)),
    dome=(dome - 6 * size, dome + (8 + 6 * n()) * size),
    dome_depth=(46 + 6 * n()) * size,
    heart=size * (0.97 + 0.12 * n()),
    arch=10 + 4 * n(),
    lung_density=0.27 + 0.035 * n(),
    breast=max(0.0, 50 * (u() - 0.5)) * (0.5 + u()),
    rib=6.3 * size * (1 + 0.08 * n()),
    rib_gap=(dome / 9.3) * (1 + 0.03 * n()),
    arm=((178 + 10 * n()) * size + 0.7 * fat, 0.05 + 0.3 * u()),
    bubble=(8 * n(), 20 + 10 * u(), 40 * max(0.0, u() - 0.35)),
    clavicle=((27 + 7 * n()) * size, (26 + 12 * n()) * size, (6 + 3 * n()) * size),
    rib_jitter=1.3 * rng.standard_normal(RIBS),
    texture=rng.standard_normal((2, 7, 7)).astype(np.float32),
  )


def frame(body: Thorax, size: int) -> tuple[np.ndarray, np.ndarray]:
  """Beam positions in the patient's axes: x [size, size] from the spine, y [size, 1]."""
  axis = projection.grid(size) * float(body.field)
  y = (axis - float(body.apex))[:, None]
  return axis[None, :] - spine(body, y), y


def spine(body: Thorax, y: float | np.ndarray) -> np.ndarray:
  """x of the spine from the image's centre at heights ``y``."""
  return np.asarray(body.shift + (body.lean[0] + body.lean[1] * y) * y)


def lungs(body: Thorax, x: np.ndarray, y: np.ndarray) -> np.ndarray:
  """Path length inside the two lungs, mm: the chest's cavity less heart, vessels and diaphragm.

  Args:
    body: the patient.
    x: beam positions from the spine, any shape that broadcasts with ``y``.
    y: beam positions from the apices.

  Returns:
    float32 path lengths, broadcast shape.
  """
  s = float(body.size)
  left = x > 0
  side = np.abs(x)
  widest = 205 * s
  rise = projection.ramp((widest - y) / widest)
  profile = np.sqrt(np.maximum(1 - rise**2.6, 1e-6))
  offset = side - (MIDDLE * s - 18 * s * projection.ramp(rise) ** 3)
  outer = np.where(left, np.float32(1 / body.lateral[1]), np.float32(1 / body.lateral[0]))
  u = offset * np.where(offset > 0, outer, np.float32(1 / (60 * s)))
  u /= profile
  u *= -u
  u += 1
  np.maximum(u, 0, out=u)
  inside = np.sqrt(u, out=u)
  inside *= np.where((y > 0) & (y < 330 * s), profile**0.7, 0) * float(2 * body.cavity)
  top = np.where(left, np.float32(body.dome[1]), np.float32(body.dome[0]))
  side -= float(58 * s)
  side *= side
  side *= float(42 / (80 * 80 * s))
  top += side
  below = y - top
  below -= float(body.tilt) * x
  np.maximum(below, 0, out=below)
  taken = np.sqrt(below, out=below)
  taken *= float(1.9 * body.cavity / np.sqrt(body.dome_depth))
  np.maximum(taken, _mediastinum(body, x, y), out=taken)
  inside -= taken
  return np.maximum(inside, 0, out=inside)


def _mediastinum(body: Thorax, x: np.ndarray, y: np.ndarray) -> np.ndarray:
  """Path length through heart, great vessels and what lies before the spine, mm.

  The outline of the middle of a radiograph: on the image's left superior vena cava and right
  atrium, on its right aortic arch, pulmonary trunk and left ventricle. The narrow middle fills the
  chest from front to back; behind the wider heart there is lung.
  """
  s, yaw = float(body.size), float(body.yaw)
  h = y / s
  pull = 0.4 * (float(np.mean(body.dome)) / s - 225)  # a deep breath pulls the heart down
  ventricle = np.exp(-(np.abs((h - 193 - pull) / 66) ** 2.6))
  atrium = np.exp(-(((h - 172 - pull) / 50) ** 2))
  arch, trunk = np.exp(-(((h - 60) / 14) ** 2)), np.exp(-(((h - 100) / 22) ** 2))
  cava = np.exp(-(((h - 80) / 45) ** 2))
  top = 5 * np.exp(-((h / 30) ** 2))
  wide = float(body.heart)
  left = top + 24 * s + (body.arch * s) * arch + 11 * s * trunk + 62 * wide * ventricle
  right = top + 23 * s + 4 * s * cava + 21 * wide * atrium
  heart = 0.5 * (left + right)
  offset = x - (0.5 * (left - right) + (25 * yaw - 2 * s)).astype(x.dtype)
  inside = offset * (1 / heart).astype(x.dtype)
  inside *= -inside
  inside += 1
  np.maximum(inside, 0, out=inside)
  np.sqrt(inside, out=inside)
  inside *= float(1.35 * body.cavity)
  offset += (0.5 * (left - right) - 3 * s).astype(x.dtype)
  offset *= (1 / (np.minimum(heart, 27 * s))).astype(x.dtype)
  offset *= -offset
  offset += 1
  np.maximum(offset, 0, out=offset)
  np.sqrt(offset, out=offset)
  offset *= float(2.2 * body.cavity)
  return np.maximum(inside, offset, out=inside)


def soft_tissue(body: Thorax, x: np.ndarray, y: np.ndarray) -> np.ndarray:
  """Path length between the skin of the back and of the front, lungs included, mm.

  Args:
    body: the patient.
    x: beam positions from the spine, [rows, columns].
    y: beam positions from the apices, [rows, 1], growing.
  """
  s, fat = float(body.size), float(body.fat)
  neck = 58 * s + 0.35 * fat
  trunk = 158 * s + 0.75 * fat
  slope = projection.ramp((y + 72 * s) / (80 * s))
  width = neck + (trunk - neck) * slope**1.4 - 12 * s * projection.ramp((y - 120 * s) / (160 * s))
  depth = 56 * s + 0.4 * fat + (body.depth - 56 * s - 0.4 * fat) * slope * (2 - slope)
  side = np.abs(x)
  u = side / width
  u *= u
  u *= u
  length = (2 * depth).astype(np.float32) * np.sqrt(np.maximum(1 - u, 0))
  tall = 80 * s + 0.6 * fat  # more than half the height of a shoulder
  rows = slice(*np.searchsorted(y[:, 0], (34 * s - tall, 34 * s + tall)).tolist())
  shoulder = projection.ellipsoid(
    side[rows],
    y[rows],
    (body.arm[0] - 55 * s, 34 * s),
    (122 * s + 0.5 * fat, 60 * s, 60 * s + 0.4 * fat),
    0.14,
  )
  np.maximum(length[rows], shoulder, out=length[rows])
  rows = slice(int(np.searchsorted(y[:, 0], 45 * s)), None)
  arm = side[rows] - (body.arm[0] + body.arm[1] * (y[rows] - 40 * s)).astype(np.float32)
  arm *= arm
  np.maximum(length[rows], projection.chord(44 * s + 0.3 * fat, arm), out=length[rows])
  if body.breast > 4:
    half = 0.55 + 0.45 * min(1.0, body.breast / 40)
    rows = slice(*np.searchsorted(y[:, 0], (90 * s, (168 + 66 * half) * s)).tolist())
    breast = projection.ellipsoid(
      side[rows], y[rows], (86 * s, 168 * s), (70 * s * half, 66 * s * half, 0.5 * body.breast)
    )
    length[rows] += breast * projection.ramp((y[rows] - 90 * s) / (90 * s))
  return length


def air(body: Thorax, x: np.ndarray, y: np.ndarray) -> np.ndarray:
  """Path length in the windpipe, the main bronchi and the stomach's bubble, mm.

  Args as for ``soft_tissue``.
  """
  s = float(body.size)
  length = np.zeros(x.shape, np.float32)
  end = 88 * s
  rows = slice(None, int(np.searchsorted(y[:, 0], end + 32 * s)))
  offset, down = x[rows] - np.float32(2 * s + 25 * body.yaw), y[rows]
  windpipe = projection.chord(8.0 * s, offset * offset) * projection.ramp((end - down) / 6)
  fork = np.abs(offset) - (down - end + 8 * s) * 0.9
  bronchi = projection.chord(6.0 * s, 0.55 * fork * fork)
  bronchi *= projection.ramp((down - end + 6) / 6) * projection.ramp((end + 32 * s - down) / 12)
  np.maximum(windpipe, bronchi, out=length[rows])
  half = float(body.bubble[2])
  if half > 5:
    middle, tall = body.dome[1] + body.bubble[1], 0.5 * half + 3
    rows = slice(*np.searchsorted(y[:, 0], (middle - tall, middle + tall)).tolist())
    centre = (66 * s + body.bubble[0], middle)
    length[rows] += projection.ellipsoid(x[rows], y[rows], centre, (half, tall, 0.7 * half))
  return length


def draw_vessels(
  rng: np.random.Generator, body: Thorax, levels: int = 5
) -> tuple[np.ndarray, np.ndarray]:
  """The trees of the lungs' arteries and veins, from the hila to the edges.

  Radii follow Murray's law with unequal children.

  Args:
    rng: generator.
    body: the patient.
    levels: generations of branches.

  Returns:
    Ends [tubes, 2, 2] as (x, y) from the spine and the apices, and radii [tubes], mm.

  Source:
    Murray, C. D. (1926), The physiological principle of minimum work. PNAS 12(3), 207-214.
  """
  s = float(body.size)
  stems = 8
  side = np.repeat([-1.0, 1.0], stems)
  start = np.stack([side * 33 * s + 15 * body.yaw, np.where(side < 0, 112.0, 103.0) * s], 1)
  start = start + rng.normal(0, 3.5, start.shape)
  fan = np.tile(np.linspace(-1.25, 1.42, stems), 2) + rng.normal(0, 0.12, 2 * stems)
  low = np.tile(np.linspace(0, 1, stems), 2)
  radius = s * (3.0 + 2.6 * low**1.5 + 0.8 * rng.random(2 * stems))
  angle, ends, radii = fan, [], []
  for _ in range(levels):
    count = len(radius)
    length = s * 22 * (radius / (3 * s)) ** 0.3 * rng.uniform(0.7, 1.35, count)
    for _ in range(2):  # two straight pieces make a bend
      angle = angle + rng.normal(0, 0.13, count)
      step = 0.5 * length[:, None] * np.stack([side * np.cos(angle), np.sin(angle)], 1)
      ends.append(np.stack([start, start + step], 1))
      radii.append(radius)
      start = start + step
    share = rng.uniform(0.28, 0.72, count)
    turn = rng.uniform(0.2, 0.62, count) * np.where(rng.random(count) < 0.5, -1, 1)
    radius = np.concatenate([radius * share ** (1 / 2.7), radius * (1 - share) ** (1 / 2.7)])
    angle = np.concatenate([angle + turn * (1 - share), angle - turn * share])
    start, side = np.concatenate([start, start]), np.concatenate([side, side])
  # The great arteries outside the heart: right interlobar; left main, which turns down.
  trunks = np.array([
    [[-24, 92], [-36, 108]], [[-36, 108], [-42, 140]],
    [[26, 86], [38, 92]], [[38, 92], [46, 106]], [[46, 106], [50, 134]],
  ])  # fmt: skip
  ends.append(s * trunks + np.array([15 * body.yaw, 0]))
  radii.append(s * np.array([6.5, 5.5, 7.5, 7.0, 5.5]))
  return np.concatenate(ends), np.concatenate(radii)


@functools.lru_cache(maxsize=16)
def smooth_weights(size: int, knots: int) -> np.ndarray:
  """[size, knots] weights that spread values at evenly spaced knots smoothly over an axis."""
  position = projection.grid(size) + 0.5
  centre = np.linspace(0, 1, knots, dtype=np.float32)
  weight = np.exp(-0.5 * ((position[:, None] - centre) * (knots - 1) / 0.75) ** 2)
  return (weight / weight.sum(1, keepdims=True)).astype(np.float32)
