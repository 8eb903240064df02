"""Simulated chest radiographs with lung nodules whose place and size are known.

A posterior-anterior radiograph is projected by the Beer-Lambert law through an analytic thorax
(``anatomy``), with scatter, detector blur, quantum noise and the usual display processing. Half of
them have one or more nodules of 8-30 mm in the lungs: solid, lobulated or spiculated, free or
behind ribs, heart and diaphragm. What could be taken for a nodule (end-on vessels, calcified
granulomas, nipples, rib ends) is as frequent with nodules as without.

The patient, the exposure, the distractors and even the nodules are drawn before the label, each
from its own stream, and the label alone decides whether the nodules are there. So the images of
one ``(seed, index)`` with prevalence 0 and 1 differ where the nodules are and nowhere else.

The nodules attenuate more than tissue does (``findings`` has the few constants that set how hard
the task is), so that a small network can learn from a thousand radiographs. These images are for
developing and checking methods. A model trained on them knows nothing about patients.
"""

import dataclasses
import math

import numpy as np

from medjax.data.simulate import anatomy, findings, projection, skeleton
from medjax.data.simulate.anatomy import FAT, SOFT

SIZES = (32, 1024)
_FINEST_DIRECT = 128  # smaller radiographs are averaged from at least this many pixels


@dataclasses.dataclass(frozen=True)
class Radiograph:
  """A radiograph and the truth about it.

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
class Exposure:
  """How a radiograph is taken and shown.

  Attributes:
    dose: photons to each mm^2 of the detector without a patient.
    scatter: scattered over primary radiation, of a uniform body.
    blur: standard deviation of the detector's point spread, mm.
    equalise: share of the slow variation that display processing takes out.
    window: grey values between which the chest is shown, 0 to 1.
    gamma: exponent of the tone curve.
    margins: unexposed share of the image at left, right, top and bottom.
  """

  dose: float
  scatter: float
  blur: float
  equalise: float
  window: tuple[float, float]
  gamma: float
  margins: tuple[float, float, float, float]


def simulate(seed: int, index: int, size: int = 224, prevalence: float = 0.5) -> Radiograph:
  """One simulated radiograph, a function of its arguments alone.

  Radiographs of different size with the same ``seed`` and ``index`` show the same patient.

  Args:
    seed: of the data set, >= 0.
    index: of the radiograph in the data set, >= 0.
    size: pixels of each side, 32 to 1024.
    prevalence: probability of cancer, 0 to 1.

  Returns:
    The radiograph with its truth.

  Raises:
    ValueError: an argument is out of its range.

  Example:
    >>> case = simulate(seed=0, index=3, size=64)
    >>> case.image.shape, case.image.dtype.name, bool(case.mask.any()) == bool(case.label)
    ((64, 64), 'uint8', True)

  Source:
    Samei, E., Flynn, M. J. and Eyler, W. R. (1997), Simulation of subtle lung nodules in
    projection chest radiography. Radiology 202(1), 117-124 (nodules as projected solids).
  """
  _check(seed, index, size, prevalence)
  patient, lesion, chance, quantum = streams(seed, index)
  body = anatomy.draw_thorax(patient)
  vessels = anatomy.draw_vessels(patient, body)
  exposure = _draw_exposure(patient)
  distractor, fakes = findings.draw_distractors(patient, body)
  nodules = findings.draw_nodules(lesion, body)
  label = int(chance.random() < prevalence)
  if not label:
    nodules = []

  factor = max(1, math.ceil(_FINEST_DIRECT / size))
  fine = size * factor
  x, y = anatomy.frame(body, fine)
  attenuation = _attenuate(body, vessels, x, y)
  for ball in fakes:
    findings.add_ball(attenuation, body, ball, x, y)
  added = np.zeros_like(attenuation)
  inside = np.zeros((fine, fine), bool)
  for nodule in nodules:
    findings.add_ball(added, body, nodule.ball, x, y, inside)
  image = _expose(attenuation, added, exposure, body.field / fine, quantum)
  mask = inside
  if factor > 1:
    image = image.reshape(size, factor, size, factor).mean((1, 3))
    mask = inside.reshape(size, factor, size, factor).mean((1, 3)) >= 0.5
  for nodule in nodules:  # one smaller than a pixel marks the pixel it is in
    mask[findings.pixel_of(body, nodule.ball, size)] = True
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


def streams(seed: int, index: int) -> tuple[np.random.Generator, ...]:
  """Independent generators of the patient, the nodules, the label and the quantum noise."""
  children = np.random.SeedSequence([seed, index]).spawn(4)
  return tuple(np.random.Generator(np.random.PCG64(child)) for child in children)


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
    equalise=0.35 + 0.3 * u[3],
    window=(0.05 + 0.1 * u[4], 0.74 + 0.14 * u[5]),
    gamma=0.8 + 0.4 * u[6],
    margins=tuple(margins),
  )


def _attenuate(
  body: anatomy.Thorax, vessels: tuple[np.ndarray, np.ndarray], x: np.ndarray, y: np.ndarray
) -> np.ndarray:
  """Sum over the parts of the body of coefficient times path length; float32 [size, size]."""
  size = len(x)
  fat = min(0.9, 0.12 + body.fat / 50)
  tissue = (1 - fat) * SOFT + fat * FAT
  lung = SOFT * body.lung_density
  ends, radii = vessels
  ends = ends + np.stack(
    [anatomy.spine(body, ends[..., 1]), np.full(ends.shape[:2], body.apex)], -1
  )
  tree = projection.tubes(size, body.field / size, ends, radii)
  bone = skeleton.bones(body, x, y)
  total = np.empty((size, size), np.float32)
  across = anatomy.smooth_weights(size, 7)
  lung_texture = body.texture[0] @ (-0.04 * across.T)
  soft_texture = body.texture[1] @ (0.015 * across.T)
  # Strips of rows keep the many intermediate images in the processor's cache.
  height = max(1, 18432 // size)
  for top in range(0, size, height):
    rows = slice(top, top + height)
    depth = anatomy.lungs(body, x[rows], y[rows])
    vessel = tree[rows]
    vessel *= float(SOFT - lung)
    vessel *= np.minimum(depth * float(1 / 15), 1)
    strip = anatomy.soft_tissue(body, x[rows], y[rows])
    strip *= across[rows] @ soft_texture + 1
    strip -= anatomy.air(body, x[rows], y[rows])
    np.maximum(strip, 0, out=strip)
    depth *= across[rows] @ lung_texture + 1
    depth *= float(1 - lung / tissue)
    strip -= depth
    strip *= float(tissue)
    strip += vessel
    strip += bone[rows]
    np.maximum(strip, 0, out=total[rows])
  return total


def _expose(
  attenuation: np.ndarray,
  added: np.ndarray,
  exposure: Exposure,
  pixel: float,
  rng: np.random.Generator,
) -> np.ndarray:
  """Grey values 0 to 255 of the radiograph of a body with ``attenuation`` plus ``added``.

  Scatter and display window follow from the body alone, as nodules are too small to move them;
  so radiographs with and without nodules are the same elsewhere.
  """
  size = len(attenuation)
  weights = anatomy.smooth_weights(size, 12)
  primary = projection.transmission(attenuation)
  # Every other pixel is enough for what varies slowly.
  coarse, sample = weights[::2], primary[::2, ::2]
  total = np.outer(coarse.sum(0), coarse.sum(0))
  spread = weights @ ((coarse.T @ sample @ coarse) / total) @ weights.T
  scatter = np.float32(exposure.scatter) * spread
  reference = -np.log(sample + scatter[::2, ::2])
  slow = weights @ ((coarse.T @ reference @ coarse) / total) @ weights.T
  slow *= np.float32(exposure.equalise)
  reference -= slow[::2, ::2]
  edge, step = size // 16, max(1, size // 128)
  chest = np.sort(reference[edge:-edge:step, edge:-edge:step], axis=None)
  low, high = chest[len(chest) // 50], chest[-len(chest) // 60]

  if added.any():
    primary *= projection.transmission(added)
  received = _blur(primary, exposure.blur / pixel)
  received += scatter
  noise = rng.standard_normal(received.shape, dtype=np.float32)
  noise *= np.sqrt(received * float(1 / (exposure.dose * pixel * pixel)))
  received += noise
  np.maximum(received, 1e-5, out=received)
  shown = np.log(received, out=received)
  shown += slow
  shown += low
  black, white = exposure.window
  # From here on a look-up table, as in a display: 4096 steps to the grey values 0 to 255.
  shown *= float((black - white) / (high - low) * 4095)
  shown += float(black * 4095)
  np.maximum(shown, 0, out=shown)
  np.minimum(shown, 4095, out=shown)
  tone = 255 * np.linspace(0, 1, 4096, dtype=np.float32) ** np.float32(exposure.gamma)
  shown = tone[shown.astype(np.uint16)]
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
      step = turned[1:] - turned[:-1]
      step *= weight
      turned[:-1] += step
      turned[1:] -= step
  return image
