"""Simulated heartbeats by the dynamical model of McSharry et al., with ectopic beats.

A point runs around a circle, once a beat; as it passes the angles of the events P, Q, R, S and T it
is pulled up or down, which draws the ECG:

  dx/dt = a x - w y,   dy/dt = a y + w x,   a = 1 - sqrt(x^2 + y^2)
  dz/dt = -sum_i a_i d_i exp(-d_i^2 / (2 b_i^2)) - (z - z0),   d_i = angle - angle of event i

w is 2 pi over the time to the next R peak, and z0 the baseline. On the circle, where the point
starts, the angle is known at all times, and z is integrated by the Runge-Kutta method of order 4.

A beat in the middle of five is to be classified. It is

* normal, in the sinus rhythm of the patient, which is regular or not,
* supraventricular: early, with another P wave, and a QRS complex like the patient's own,
* ventricular: early, with no P wave, a wide QRS complex and a T wave of the opposite sign, followed
  by a longer pause.

A patient has a heart rate, sizes and widths of all waves, and noise: baseline wander, mains hum and
muscle. One in six patients has a bundle branch block: all beats are wide, also normal ones, so that
width alone does not tell. Beats come in patients of ``PER_PATIENT``. A model trained on these beats
knows nothing of any real heart.

Source:
  McSharry, Clifford, Tarassenko and Smith (2003), A dynamical model for generating synthetic
    electrocardiogram signals, IEEE Transactions on Biomedical Engineering 50:289-294 (angles,
    sizes and widths; widths and angles change with the heart rate as in its program ECGSYN).
"""

import dataclasses
from typing import Any

import numpy as np
import scipy

CLASSES = ('normal', 'supraventricular', 'ventricular')
PER_PATIENT = 20
_SHARES = (0.6, 0.2, 0.2)
_AROUND = 2  # beats before and after the one in the middle
_FINE = 250  # steps of the integration a second, at least
_LEAD_IN = 1.5  # seconds that are integrated before the window, to forget how z began
_MILLIVOLTS = 1 / 0.048  # the R peak of the paper, 30 * 0.1^2 / (2 pi), is a millivolt

# Angle, size and width of P, Q, R, S and T (table 1 of the paper; the angles in radians).
ANGLE = np.array([-np.pi / 3, -np.pi / 12, 0.0, np.pi / 12, np.pi / 2])
SIZE = np.array([1.2, -5.0, 30.0, -7.5, 0.75])
WIDTH = np.array([0.25, 0.1, 0.1, 0.1, 0.4])


@dataclasses.dataclass(frozen=True)
class Case:
  """A beat and the truth about it.

  Attributes:
    signal: float32 [samples, 1], about millivolts.
    label: number in ``CLASSES``.
    mask: bool [samples], what makes the beat abnormal: from P wave to R peak of a supraventricular
      one, QRS complex and T wave of a ventricular one; all False for a normal beat.
    patient: whose beat it is.
    rr: seconds since the R peak before.
    block: whether the patient has a bundle branch block.
  """

  signal: np.ndarray
  label: int
  mask: np.ndarray
  patient: str
  rr: float
  block: bool


def simulate(
  seed: int, index: int, rate: float = 125.0, before: float = 0.8, after: float = 0.45
) -> Case:
  """One simulated beat, a function of its arguments alone.

  Args:
    seed: of the data set, >= 0.
    index: of the beat in the data set, >= 0; ``PER_PATIENT`` in a row are of one patient.
    rate: samples a second.
    before: seconds before the R peak.
    after: seconds from the R peak on.

  Returns:
    The beat with its truth.

  Raises:
    ValueError: an argument is out of its range.

  Example:
    >>> case = simulate(seed=0, index=3)
    >>> case.signal.shape, case.patient, bool(case.mask.any()) == bool(case.label)
    ((156, 1), 'patient-00000', True)
  """
  if seed < 0 or index < 0:
    raise ValueError(f'seed and index must not be negative, got seed={seed}, index={index}')
  if not 50 <= rate <= 2000 or not 0 < before <= 2 or not 0 < after <= 2:
    raise ValueError(
      f'expected a rate from 50 to 2000 and up to 2 s before and after, got {rate}, {before}, '
      f'{after}'
    )
  number = index // PER_PATIENT
  of_patient = np.random.default_rng([seed, number])
  patient = _patient(of_patient)
  rng = np.random.default_rng([seed, number, index])
  label = int(rng.choice(len(CLASSES), p=_SHARES))
  interval = patient['interval'] * rng.normal(1, patient['irregular'], 2 * _AROUND + 1).clip(0.75)
  early = rng.uniform(0.65, 0.92)
  events = np.repeat(patient['events'][None], 2 * _AROUND + 1, axis=0)
  if label:
    interval[_AROUND] *= early
  if label == 1:
    events[_AROUND] = _supraventricular(events[_AROUND], rng)
  if label == 2:
    interval[_AROUND + 1] *= 2 - early  # the sinus beat that would have come is lost
    events[_AROUND] = _ventricular(rng, patient)
  events = _timed(events, interval / patient['interval'])
  # interval[k] is before beat k.
  peaks = np.cumsum(interval) - interval[: _AROUND + 1].sum()
  left, count = round(before * rate), round(before * rate) + round(after * rate)
  time = (np.arange(count) - left) / rate
  clean = integrate(time, peaks, events)
  signal = clean * _MILLIVOLTS * patient['gain'] + _noise(patient, rng, time, rate)
  mask = np.zeros(count, bool)
  if label == 1:
    mask = (time >= -interval[_AROUND] * 0.3) & (time <= 0.02)
  if label == 2:
    mask = (time >= -0.1) & (time <= 0.4)
  return Case(
    signal.astype(np.float32)[:, None], label, mask, f'patient-{number:05d}',
    float(interval[_AROUND]), bool(patient['block']),
  )  # fmt: skip


def integrate(time: np.ndarray, peaks: np.ndarray, events: np.ndarray) -> np.ndarray:
  """z of the model with a baseline of zero.

  The equation of z is linear, so that a step of the Runge-Kutta method is a multiple of z plus a
  weighted sum of the forces at its start, middle and end, and all steps are one recursive filter.

  Args:
    time: seconds, [samples], evenly spaced.
    peaks: seconds of the R peaks, [beats], rising.
    events: angle, size and width of the events of each beat, [beats, 5, 3].

  Returns:
    z at these times, float64 [samples].
  """
  spacing = time[1] - time[0]
  parts = max(1, int(np.ceil(spacing * _FINE)))
  step = spacing / parts
  lead_in = int(np.ceil(_LEAD_IN / spacing)) * parts
  count = lead_in + (len(time) - 1) * parts
  half = time[0] + (np.arange(2 * count + 1) / 2 - lead_in) * step
  pull = force(half, peaks, events)
  h = step
  keep = 1 - h + h**2 / 2 - h**3 / 6 + h**4 / 24
  first = 1 - h + h**2 / 2 - h**3 / 4
  middle = 4 - 2 * h + h**2 / 2
  added = h / 6 * (first * pull[:-1:2] + middle * pull[1::2] + pull[2::2])
  z = scipy.signal.lfilter([1.0], [1.0, -keep], added)
  return z[lead_in - 1 :: parts][: len(time)]


def force(time: np.ndarray, peaks: np.ndarray, events: np.ndarray) -> np.ndarray:
  """The sum over events that pulls z, [samples], see ``integrate``."""
  beat = np.arange(len(peaks))
  turns = np.interp(time, peaks, beat)
  # Before the first and after the last peak the point keeps its speed.
  turns += np.minimum(time - peaks[0], 0) / (peaks[1] - peaks[0])
  turns += np.maximum(time - peaks[-1], 0) / (peaks[-1] - peaks[-2])
  total = np.zeros(len(time))
  for number, (angle, size, width) in enumerate(events.transpose(0, 2, 1)):
    delta = 2 * np.pi * (turns - number)[:, None] - angle
    near = np.abs(delta) < 6 * width  # further away it pulls with less than 1e-7
    total -= (size * delta * np.exp(-(np.where(near, delta, 0) ** 2) / (2 * width**2)) * near).sum(
      axis=1
    )
  return total


def _patient(rng: np.random.Generator) -> dict[str, Any]:
  """What all beats of a patient have in common."""
  interval = rng.uniform(0.65, 1.1)
  block = bool(rng.random() < 1 / 6)
  size = SIZE * rng.lognormal(0, [0.25, 0.4, 0.2, 0.4, 0.3])
  width = WIDTH * rng.lognormal(0, [0.15, 0.1, 0.1, 0.1, 0.15])
  if block:
    width = width * [1, 1.5, 1.7, 1.9, 1]
    size = size * [1, 0.5, 0.45, 0.8, -0.8]
  quick = np.sqrt(1 / interval)  # as in ECGSYN: intervals shrink less than the beat
  angle = ANGLE * [np.sqrt(quick), quick, 1, quick, np.sqrt(quick)]
  return {
    'events': np.stack([angle, size, width * quick], axis=1),
    'interval': interval,
    'irregular': rng.choice([0.02, 0.05, 0.12], p=[0.4, 0.3, 0.3]),
    'block': block,
    'gain': rng.lognormal(0, 0.2),
    'wander': rng.uniform(0.05, 0.5),
    'hum': rng.uniform(0, 0.08),
    'mains': rng.choice([50.0, 60.0]),
    'muscle': rng.uniform(0.02, 0.15),
  }


def _supraventricular(events: np.ndarray, rng: np.random.Generator) -> np.ndarray:
  """The P wave starts elsewhere in the atria; the ventricles are excited as ever."""
  changed = events.copy()
  changed[0, 0] *= rng.uniform(0.75, 1.0)
  changed[0, 1] *= rng.choice([-1, 1]) * rng.uniform(0.3, 1.2)
  changed[0, 2] *= rng.uniform(0.6, 1.0)
  return changed


def _ventricular(rng: np.random.Generator, patient: dict[str, Any]) -> np.ndarray:
  """No P wave, a wide complex of either sign, and a large T wave against it; often a fusion, with
  a part of the patient's own complex."""
  sign = 1 if rng.random() < 0.7 else -1
  angle = np.array([-np.pi / 3, -0.5, 0.0, 0.55, 1.4])
  size = sign * np.array([0.0, -1.5, 7, -1.5, -0.5]) * rng.lognormal(0, 0.3, 5)
  width = np.array([0.25, 0.15, 0.26, 0.25, 0.4]) * rng.lognormal(0, 0.15, 5)
  ectopic = np.stack([angle, size, width], axis=1)
  ectopic[:, [0, 2]] /= patient['interval']  # radians of the patient's beat, for the same seconds
  ectopic[4, [0, 2]] *= patient['interval'] ** 0.5
  share = rng.choice([1.0, rng.uniform(0.25, 0.9)])
  fusion = share * ectopic + (1 - share) * patient['events']
  fusion[0, 1] = (1 - share) * patient['events'][0, 1]
  return fusion


def _timed(events: np.ndarray, ratio: np.ndarray) -> np.ndarray:
  """Events [beats, 5, 3] whose seconds are as in the patient's usual beat.

  A point that runs faster passes an event in less time; but an early beat has as long a P wave and
  QRS complex as others, and a T wave that is only somewhat earlier and shorter.

  Args:
    events: angle, size and width.
    ratio: of each interval before a beat to the usual one, [beats].
  """
  ahead = np.append(ratio[1:], 1.0)
  factor = np.stack([ratio, ratio, np.sqrt(ratio * ahead), ahead, np.sqrt(ahead)], axis=1)
  changed = events.copy()
  changed[:, :, [0, 2]] /= factor[:, :, None]
  return changed


def _noise(
  patient: dict[str, Any], rng: np.random.Generator, time: np.ndarray, rate: float
) -> np.ndarray:
  """Baseline wander with breathing, mains hum, and muscle noise above 15 Hz."""
  phase = rng.uniform(0, 2 * np.pi, 2)
  wander = patient['wander'] * np.sin(2 * np.pi * rng.uniform(0.15, 0.4) * time + phase[0])
  hum = patient['hum'] * np.sin(2 * np.pi * patient['mains'] * time + phase[1])
  muscle = rng.standard_normal(len(time) + 50)
  muscle = scipy.signal.lfilter(*scipy.signal.butter(2, 15 / (rate / 2), 'high'), muscle)[50:]
  return wander + hum + patient['muscle'] * muscle + rng.normal(0, 0.1)
