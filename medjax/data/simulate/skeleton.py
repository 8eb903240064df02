"""The bones of the radiograph simulator: ribs, clavicles, shoulders and vertebrae.

Each part adds its attenuation above that of soft tissue to an image, inside its own bounding box.
Axes are those of ``anatomy``.
"""

import numpy as np

from medjax.data.simulate import projection
from medjax.data.simulate.anatomy import CORTICAL, MIDDLE, RIBS, SOFT, SPONGY, Thorax, spine

_CORTICAL, _SPONGY = CORTICAL - SOFT, SPONGY - SOFT  # bone takes the place of soft tissue, 1/mm


def bones(body: Thorax, x: np.ndarray, y: np.ndarray) -> np.ndarray:
  """Attenuation of all bones above that of soft tissue.

  Args:
    body: the patient.
    x: [size, size] from ``anatomy.frame``.
    y: [size, 1] from ``anatomy.frame``.

  Returns:
    float32 [size, size], coefficient times path length, without unit.
  """
  bone = np.zeros(x.shape, np.float32)
  for rib in range(RIBS):
    _add_rib(body, rib, x, y, bone)
  _add_clavicles(body, x, y, bone)
  _add_shoulders(body, x, y, bone)
  _add_vertebrae(body, x, y, bone)
  return bone


def rib_level(body: Thorax, rib: int) -> float:
  """y of the most lateral point of a rib, 0 for the first."""
  return float(19 * body.size + body.rib_gap * rib + body.rib_jitter[rib])


def rib_reach(body: Thorax, rib: int, left: bool) -> float:
  """Distance from the spine to the most lateral point of a rib's axis."""
  s = body.size
  rise = projection.ramp((205 * s - rib_level(body, rib)) / (205 * s))
  middle = MIDDLE * s - 18 * s * rise**3
  return float(middle + body.lateral[int(left)] * np.sqrt(1 - rise**2.6) - 2 * s)


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


def _rows(y: np.ndarray, low: float, high: float) -> slice:
  """Rows of the image whose y lies between two values."""
  return slice(*np.searchsorted(y[:, 0], (low, high)).tolist())


def _columns(x: np.ndarray, low: float, high: float) -> slice:
  """Columns of the image whose x, in the middle row, lies between two values."""
  return slice(*np.searchsorted(x[x.shape[0] // 2], (low, high)).tolist())


def _rod(radius: float, wall: float, distance_squared: np.ndarray) -> np.ndarray:
  """Attenuation of a rod or ball with a cortical wall around spongy bone."""
  whole, core = (
    np.maximum(r * r - distance_squared, 0) for r in (np.float32(radius), np.float32(radius - wall))
  )
  np.sqrt(whole, out=whole)
  np.sqrt(core, out=core)
  core *= float((_CORTICAL - _SPONGY) / _CORTICAL)
  whole -= core
  whole *= 2 * _CORTICAL
  return whole


def _add_rib(body: Thorax, rib: int, x: np.ndarray, y: np.ndarray, bone: np.ndarray) -> None:
  """One pair of ribs: hoops in a plane that falls to the front, seen as two half ellipses.

  The axis is (x, y) = (reach cos f, fall sin f) with z = depth sin f; the distance to it is taken
  to first order, and the path through a tube of direction t grows with 1 / sin(angle(t, beam)).
  """
  level, depth = rib_level(body, rib), body.cavity + 6
  axis = projection.grid(x.shape[1]) * float(body.field) - float(spine(body, level))
  right, left = rib_reach(body, rib, False), rib_reach(body, rib, True)
  columns = slice(*np.searchsorted(axis, (-right - 9, left + 9)).tolist())
  axis = axis[columns]
  side = np.abs(axis)
  reach = np.where(axis > 0, np.float32(left), np.float32(right))
  along2 = (side / reach) ** 2
  cosine2 = np.minimum(along2, 1)
  thickness = float(body.rib) * (0.85 if rib == 0 else 1.0)
  back, front = rib_fall(body, rib)
  halves = (
    (back, 8 * body.size, _rows(y, level - back - 12, level)),
    (front, _front_end(body, rib), _rows(y, level, level + front + 12)),
  )
  for fall, end, rows in halves:
    down = (y[rows] - level) * float(1 / fall) - axis * float(body.tilt / fall)
    distance = np.square(down, out=down)
    distance += along2
    np.sqrt(distance, out=distance)
    distance -= 1
    # d = f / |grad f| with f = sqrt((x / reach)^2 + (y / fall)^2) - 1, close to f = 0; in radii
    steep = np.sqrt(cosine2 / reach**2 + (1 - cosine2) / float(fall**2))
    distance *= 1 / (thickness * steep)
    distance *= distance
    seen = reach**2 * (1 - cosine2) + float(fall**2) * cosine2
    stretch = np.minimum(np.sqrt((seen + float(depth**2) * cosine2) / seen), 2.3)
    stretch *= 0.7 * thickness * projection.ramp((side - float(end)) / 5)
    rod = _rod(1.0, 0.2, distance)
    rod *= stretch
    bone[rows, columns] += rod


def _add_clavicles(body: Thorax, x: np.ndarray, y: np.ndarray, bone: np.ndarray) -> None:
  """Two S-shaped tubes from the breastbone to the shoulders."""
  s = float(body.size)
  level, rise, bend = body.clavicle
  rows = _rows(y, level - rise - bend - 20, level + bend + 20)
  middle = float(spine(body, level)) + 60 * body.yaw
  axis = projection.grid(x.shape[1]) * float(body.field) - np.float32(middle)
  side = np.abs(axis)
  along = (side - 14 * s) / (140 * s)
  height = level - rise * along + bend * np.sin(2 * np.pi * (along + 0.05)) + 1.5 * body.tilt * axis
  slope = np.gradient(height, axis[1] - axis[0])
  radius = s * (6.0 + 2.6 * np.exp(-((along / 0.12) ** 2)))
  distance = y[rows] - height[None, :].astype(np.float32)
  distance *= distance
  distance *= (1 / (1 + slope**2) * (6 / radius) ** 2).astype(np.float32)
  ends = projection.ramp((side - 13 * s) / 4) * projection.ramp((158 * s - side) / 8)
  bone[rows] += _rod(6.0, 2.8, distance) * (1.2 * ends)


def _add_shoulders(body: Thorax, x: np.ndarray, y: np.ndarray, bone: np.ndarray) -> None:
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
    edge = np.full(side.shape, np.inf, np.float32)
    for (ax, ay), (bx, by) in zip(blade, blade[1:] + blade[:1], strict=True):
      norm = float(np.hypot(bx - ax, by - ay))
      inside = side * np.float32((by - ay) / norm) - (level - ay) * np.float32((bx - ax) / norm)
      inside -= np.float32(ax * (by - ay) / norm)
      np.minimum(edge, inside, out=edge)
    sheet = projection.ramp(edge * 0.4) * (2.0 + 3.5 * np.exp(-((edge - 3) ** 2) / 8))
    # acromion and spine of the blade
    bar = level - (18 * s - 0.12 * (side - arm))
    bar = projection.chord(5.0 * s, bar * bar) * projection.ramp((side - arm + 55 * s) / 10)
    sheet += 0.25 * bar * projection.ramp((arm + 8 * s - side) / 10)
    head = (side - (arm + 3 * s)) ** 2 + (level - 42 * s) ** 2
    bone[rows, columns] += _CORTICAL * sheet + _rod(23 * s, 1.2, head)
    rows = _rows(y, 50 * s, 400 * s)
    shaft = sign * x[rows, columns] - (arm + 6 * s + slope * (y[rows] - 42 * s)).astype(np.float32)
    bone[rows, columns] += _rod(11 * s, 4 * s, shaft * shaft) * projection.ramp(
      (y[rows] - 52 * s) / 12
    )


def _add_vertebrae(body: Thorax, x: np.ndarray, y: np.ndarray, bone: np.ndarray) -> None:
  """Vertebral bodies with end plates, pedicles, spinous and transverse processes."""
  s = float(body.size)
  middle = float(spine(body, 100 * s))
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
  solid = projection.ramp((0.43 - np.abs(phase)) / 0.05)
  round_ = np.sqrt(np.maximum(1 - across * across, 0))
  plate = np.exp(-(((np.abs(phase) - 0.41) / 0.035) ** 2))
  wall = 4.5 * s * plate + 1.8 * solid
  total = (_CORTICAL * wall + _SPONGY * 28 * s * solid) * round_
  down = phase * period.astype(np.float32)
  pedicle = (side - (11.5 * s)) ** 2 + 0.55 * (down + 3) ** 2
  walls = 2.5 * np.exp(-(((np.sqrt(pedicle) - 4.3 * s) / 1.3) ** 2))
  process = 0.9 * side**2 + 0.16 * (down - 7) ** 2
  walls += 0.45 * projection.chord(3.6 * s, process)
  wing = (down + 2 + 0.15 * side) ** 2
  wing = projection.chord(3.8 * s, wing) * projection.ramp((30 * s - side) / 6)
  walls += 0.3 * wing * projection.ramp((side - 12 * s) / 4)
  bone[:, columns] += total + _CORTICAL * walls
