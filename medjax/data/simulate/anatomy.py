"""The thorax of the radiograph simulator: its measures, and path lengths through its parts.

Lengths are in millimetres. x grows to the image's right (the patient's left), y downwards, with
y = 0 at the lungs' apices; a posterior-anterior film is looked at as if facing the patient.
"""

import dataclasses
import functools

import numpy as np

from medjax.data.simulate import projection


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
  field = 345 * size ** 0.7 * (1 + 0.05 * n()) + 0.6 * fat
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
    breast=max(0.0, 70 * (u() - 0.5)) * (0.5 + u()),
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


def spine(body: Thorax, y: np.ndarray) -> np.ndarray:
  """x of the spine from the image's centre at heights ``y``."""
  return body.shift + (body.lean[0] + body.lean[1] * y) * y


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
  rise = np.clip((widest - y) / widest, 0, 1)
  profile = np.sqrt(np.maximum(1 - rise**2.3, 1e-6))
  offset = side - (MIDDLE * s - 18 * s * np.clip(rise, 0, 1) ** 3)
  outer = np.where(left, np.float32(1 / body.lateral[1]), np.float32(1 / body.lateral[0]))
  u = offset * np.where(offset > 0, outer, np.float32(1 / (60 * s)))
  u /= profile
  inside = np.float32(2 * body.cavity) * np.sqrt(np.maximum(1 - u * u, 0))
  inside *= np.where((y > 0) & (y < 330 * s), profile**0.7, 0)
  top = np.where(left, np.float32(body.dome[1]), np.float32(body.dome[0]))
  across = (side - np.float32(58 * s)) * np.float32(1 / (80 * s))
  below = y - float(body.tilt) * x - top
  below -= np.float32(42 * s) * (across * across)
  below *= np.float32(1 / body.dome_depth)
  taken = np.float32(1.9 * body.cavity) * np.sqrt(np.maximum(below, 0))
  np.maximum(taken, _mediastinum(body, x, y), out=taken)
  inside -= taken
  return np.maximum(inside, 0, out=inside)


def _mediastinum(body: Thorax, x: np.ndarray, y: np.ndarray) -> np.ndarray:
  """Path length through heart, great vessels and what lies before the spine, mm.

  The outline of a film's middle: on the image's left superior vena cava and right atrium, on its
  right aortic arch, pulmonary trunk and left ventricle. The narrow middle fills the chest from
  front to back; behind the wider heart there is lung.
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
  """Path length between the skin of the back and of the front, lungs included, mm."""
  s, fat = float(body.size), float(body.fat)
  neck = 58 * s + 0.35 * fat
  trunk = 158 * s + 0.75 * fat
  slope = np.clip((y + 45 * s) / (62 * s), 0, 1)
  width = neck + (trunk - neck) * slope**1.4 - 12 * s * np.clip((y - 120 * s) / (160 * s), 0, 1)
  depth = 56 * s + 0.4 * fat + (body.depth - 56 * s - 0.4 * fat) * slope * (2 - slope)
  u = x / width
  u *= u
  u *= np.abs(u)
  length = (2 * depth).astype(np.float32) * np.sqrt(np.maximum(1 - u, 0))
  side = np.abs(x)
  shoulder = projection.ellipsoid(
    side, y, (body.arm[0] - 55 * s, 48 * s), (118 * s + 0.5 * fat, 60 * s, 58 * s + 0.4 * fat), 0.12
  )
  np.maximum(length, shoulder, out=length)
  arm = side - (body.arm[0] + body.arm[1] * (y - 40 * s)).astype(np.float32)
  arm = projection.chord(44 * s + 0.3 * fat, arm * arm) * (y > 45 * s)
  np.maximum(length, arm, out=length)
  if body.breast > 4:
    half = 0.55 + 0.45 * min(1.0, body.breast / 40)
    breast = projection.ellipsoid(
      side, y, (80 * s, 168 * s), (72 * s * half, 66 * s * half, 0.5 * body.breast)
    )
    length += breast * np.clip((y - 90 * s) / (90 * s), 0, 1)
  return length


def air(body: Thorax, x: np.ndarray, y: np.ndarray) -> np.ndarray:
  """Path length in the windpipe, the main bronchi and the stomach's bubble, mm."""
  s = float(body.size)
  end = 88 * s
  offset = x - np.float32(2 * s + 25 * body.yaw)
  windpipe = projection.chord(8.0 * s, offset * offset) * np.clip((end - y) / 6, 0, 1)
  fork = np.abs(offset) - (y - end + 8 * s) * 0.9
  bronchi = projection.chord(6.0 * s, 0.55 * fork * fork)
  bronchi *= np.clip((y - end + 6) / 6, 0, 1) * np.clip((end + 32 * s - y) / 12, 0, 1)
  length = np.maximum(windpipe, bronchi)
  half = float(body.bubble[2])
  if half > 5:
    centre = (66 * s + body.bubble[0], body.dome[1] + body.bubble[1])
    length += projection.ellipsoid(x, y, centre, (half, 0.5 * half + 3, 0.7 * half))
  return length


def rib_level(body: Thorax, rib: int) -> float:
  """y of the most lateral point of a rib, 0 for the first."""
  return float(19 * body.size + body.rib_gap * rib + body.rib_jitter[rib])


def rib_reach(body: Thorax, rib: int, left: bool) -> float:
  """Distance from the spine to the most lateral point of a rib's axis."""
  s = body.size
  rise = np.clip((205 * s - rib_level(body, rib)) / (205 * s), 0, 1)
  middle = MIDDLE * s - 18 * s * rise**3
  return float(middle + body.lateral[int(left)] * np.sqrt(1 - rise**2.3) + 0.2 * body.rib)


def rib_fall(body: Thorax, rib: int) -> tuple[float, float]:
  """Fall of a rib from the spine to its side, and from there to its front end."""
  return (10 + 2.9 * rib) * body.size, (26 + 6.5 * min(rib, 6)) * body.size


def rib_end(body: Thorax, rib: int, left: bool) -> tuple[float, float]:
  """x and y of the front end of a rib, where its cartilage begins."""
  reach = rib_reach(body, rib, left)
  x = _front_end(body, rib)
  y = rib_level(body, rib) + rib_fall(body, rib)[1] * np.sqrt(1 - min(x / reach, 1) ** 2)
  x = x if left else -x
  return x, float(y + body.tilt * x)


def _front_end(body: Thorax, rib: int) -> float:
  return float((34 + 6.5 * rib) * body.size)


def bones(body: Thorax, size: int, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Path lengths in cortical and in spongy bone, mm, each float32 [size, size].

  Args:
    body: the patient.
    size: pixels of the square image.
    x: [size, size] from ``frame``.
    y: [size, 1] from ``frame``.
  """
  cortical = np.zeros((size, size), np.float32)
  spongy = np.zeros((size, size), np.float32)
  for rib in range(RIBS):
    _add_rib(body, rib, x, y, cortical, spongy)
  _add_clavicles(body, x, y, cortical, spongy)
  _add_shoulders(body, x, y, cortical, spongy)
  _add_vertebrae(body, x, y, cortical, spongy)
  return cortical, spongy


def _rows(y: np.ndarray, low: float, high: float) -> slice:
  """Rows of the image whose y lies between two values."""
  return slice(*np.searchsorted(y[:, 0], (low, high)).tolist())


def _columns(x: np.ndarray, low: float, high: float) -> slice:
  """Columns of the image whose x, in the middle row, lies between two values."""
  return slice(*np.searchsorted(x[x.shape[0] // 2], (low, high)).tolist())


def _shell(
  radius: float, wall: float, distance_squared: np.ndarray, stretch: np.ndarray | float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
  """Path lengths in the wall of a tube and in its core; ``stretch`` for beams along the tube."""
  core = projection.chord(radius - wall, distance_squared)
  whole = projection.chord(radius, distance_squared)
  whole -= core
  whole *= stretch
  core *= stretch
  return whole, core


def _add_rib(
  body: Thorax, rib: int, x: np.ndarray, y: np.ndarray, cortical: np.ndarray, spongy: np.ndarray
) -> None:
  """One pair of ribs: hoops in a plane that falls to the front, seen as two half ellipses.

  The axis is (x, y) = (reach cos f, fall sin f) with z = depth sin f; the distance to it is taken
  to first order, and the path through a tube of direction t grows with 1 / sin(angle(t, beam)).
  """
  level, (back, front) = rib_level(body, rib), rib_fall(body, rib)
  rows = _rows(y, level - back - 14 - 3, level + front + 14 + 3)
  middle = float(spine(body, np.float32(level))) + 0.0
  axis = projection.grid(x.shape[1]) * float(body.field) - middle
  right, left = rib_reach(body, rib, False), rib_reach(body, rib, True)
  columns = slice(*np.searchsorted(axis, (-right - 12, left + 12)).tolist())
  axis = axis[columns]
  if rows.stop <= rows.start or axis.size == 0:
    return
  side = np.abs(axis)
  reach = np.where(axis > 0, np.float32(left), np.float32(right))
  along = np.minimum(side / reach, 1.15)
  cosine2 = np.minimum(along**2, 1)
  down = y[rows] - np.float32(level) - (np.float32(body.tilt) * axis)[None, :]
  before = down > 0
  v = down * np.where(before, np.float32(1 / front), np.float32(1 / back))
  v *= v
  v += along**2
  radius = np.sqrt(v, out=v)
  radius -= 1
  depth = np.float32(body.cavity + 6)
  scale, weight = [], []
  for fall, end, ramp in ((back, 8.0, 6.0), (front, _front_end(body, rib), 5.0)):
    # d = f / |grad f| with f = sqrt((x / reach)^2 + (y / fall)^2) - 1, close to f = 0
    scale.append(1 / (cosine2 / reach**2 + (1 - cosine2) / fall**2))
    seen = reach**2 * (1 - cosine2) + fall**2 * cosine2
    stretch = np.minimum(np.sqrt((seen + depth**2 * cosine2) / (seen + 1e-3)), 2.3)
    weight.append(0.95 * stretch * np.clip((side - end) / ramp, 0, 1))
  radius *= radius
  radius *= np.where(before, scale[1][None, :], scale[0][None, :])
  thickness = float(body.rib) * (0.85 if rib == 0 else 1.0)
  wall, core = _shell(thickness, 0.2 * thickness, radius)
  factor = np.where(before, weight[1][None, :], weight[0][None, :])
  wall *= factor
  core *= factor
  cortical[rows, columns] += wall
  spongy[rows, columns] += core


def _add_clavicles(
  body: Thorax, x: np.ndarray, y: np.ndarray, cortical: np.ndarray, spongy: np.ndarray
) -> None:
  """Two S-shaped tubes from the breastbone to the shoulders."""
  s = float(body.size)
  level, rise, bend = body.clavicle
  rows = _rows(y, level - rise - bend - 20, level + bend + 20)
  middle = float(spine(body, np.float32(level))) + 60 * body.yaw
  axis = projection.grid(x.shape[1]) * float(body.field) - np.float32(middle)
  side = np.abs(axis)
  along = (side - 14 * s) / (140 * s)
  height = level - rise * along + bend * np.sin(2 * np.pi * (along + 0.05)) + 1.5 * body.tilt * axis
  slope = np.gradient(height, axis[1] - axis[0])
  radius = s * (5.2 + 2.6 * np.exp(-((along / 0.12) ** 2)))
  distance = y[rows] - height[None, :].astype(np.float32)
  distance *= distance
  distance *= (1 / (1 + slope**2) * (6 / radius) ** 2).astype(np.float32)
  wall, core = _shell(6.0, 2.0, distance)
  ends = np.clip((side - 13 * s) / 4, 0, 1) * np.clip((158 * s - side) / 8, 0, 1)
  ends = ends.astype(np.float32)
  cortical[rows] += wall * ends
  spongy[rows] += core * ends


def _add_shoulders(
  body: Thorax, x: np.ndarray, y: np.ndarray, cortical: np.ndarray, spongy: np.ndarray
) -> None:
  """Head and shaft of the upper arm bones, and the shoulder blades."""
  s = float(body.size)
  arm, slope = body.arm
  blade = ((arm - 62 * s, 30 * s), (arm - 42 * s, 150 * s), (arm - 12 * s, 44 * s))
  for sign in (-1, 1):
    low, high = sorted((sign * (arm - 75 * s), sign * (arm + 130 * s)))
    columns = _columns(x, low - 10, high + 10)
    if columns.stop <= columns.start:
      continue
    rows = _rows(y, -10 * s, 165 * s)
    side, level = sign * x[rows, columns], y[rows]
    edge = None
    for (ax, ay), (bx, by) in zip(blade, blade[1:] + blade[:1], strict=True):
      norm = float(np.hypot(bx - ax, by - ay))
      inside = side * np.float32((by - ay) / norm) - (level - ay) * np.float32((bx - ax) / norm)
      inside -= np.float32(ax * (by - ay) / norm)
      edge = inside if edge is None else np.minimum(edge, inside)
    blade_t = np.clip(edge * 0.4, 0, 1) * (2.0 + 3.5 * np.exp(-((edge - 3) ** 2) / 8))
    cortical[rows, columns] += blade_t
    # acromion and spine of the blade
    bar = level - (18 * s - 0.12 * (side - arm))
    bar = projection.chord(5.0 * s, bar * bar) * np.clip((side - arm + 55 * s) / 10, 0, 1)
    cortical[rows, columns] += 0.25 * bar * np.clip((arm + 8 * s - side) / 10, 0, 1)
    head = (side - (arm + 3 * s)) ** 2 + (level - 42 * s) ** 2
    wall, core = _shell(23 * s, 1.2, head)
    cortical[rows, columns] += wall
    spongy[rows, columns] += core
    rows = _rows(y, 50 * s, 400 * s)
    shaft = sign * x[rows, columns] - (arm + 6 * s + slope * (y[rows] - 42 * s)).astype(np.float32)
    wall, core = _shell(11 * s, 4 * s, shaft * shaft)
    ramp = np.clip((y[rows] - 52 * s) / 12, 0, 1)
    cortical[rows, columns] += wall * ramp
    spongy[rows, columns] += core * ramp


def _add_vertebrae(
  body: Thorax, x: np.ndarray, y: np.ndarray, cortical: np.ndarray, spongy: np.ndarray
) -> None:
  """Vertebral bodies with end plates, pedicles, spinous and transverse processes."""
  s = float(body.size)
  middle = float(spine(body, np.float32(100 * s)))
  lean = 400 * abs(body.lean[0]) + 2e4 * abs(body.lean[1])
  axis = projection.grid(x.shape[1]) * float(body.field) - middle
  columns = slice(*np.searchsorted(axis, (-34 * s - lean, 34 * s + lean)).tolist())
  side = np.abs(x[:, columns])
  period = float(body.rib_gap) * (0.93 + 0.0006 * np.clip(y + 60, 0, 500))
  phase = (y - 0.3 * body.rib_gap) / period
  phase = (phase - np.floor(phase) - 0.5).astype(np.float32)  # 0 in the middle of a body
  half = (14 + 0.02 * np.clip(y, -60, 300)) * s
  half = half * (1 + 0.35 * (phase * 2) ** 4)
  across = side / half.astype(np.float32)
  bone = np.clip((0.43 - np.abs(phase)) / 0.05, 0, 1)
  round_ = np.sqrt(np.maximum(1 - across * across, 0))
  spongy[:, columns] += (28 * s * bone) * round_
  plate = np.exp(-(((np.abs(phase) - 0.41) / 0.035) ** 2))
  cortical[:, columns] += (4.5 * s * plate + 1.8 * bone) * round_
  down = phase * period.astype(np.float32)
  pedicle = (side - (11.5 * s)) ** 2 + 0.55 * (down + 3) ** 2
  cortical[:, columns] += 2.5 * np.exp(-(((np.sqrt(pedicle) - 4.3 * s) / 1.3) ** 2))
  process = 0.9 * side**2 + 0.16 * (down - 7) ** 2
  cortical[:, columns] += 0.45 * projection.chord(3.6 * s, process)
  wing = (down + 2 + 0.15 * side) ** 2
  wing = projection.chord(3.8 * s, wing) * np.clip((30 * s - side) / 6, 0, 1)
  cortical[:, columns] += 0.3 * wing * np.clip((side - 12 * s) / 4, 0, 1)


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
  return np.concatenate(ends), np.concatenate(radii)


@functools.lru_cache(maxsize=16)
def smooth_weights(size: int, knots: int) -> np.ndarray:
  """[size, knots] weights that spread values at evenly spaced knots smoothly over an axis."""
  position = projection.grid(size) + 0.5
  centre = np.linspace(0, 1, knots, dtype=np.float32)
  weight = np.exp(-0.5 * ((position[:, None] - centre) * (knots - 1) / 0.75) ** 2)
  return (weight / weight.sum(1, keepdims=True)).astype(np.float32)
