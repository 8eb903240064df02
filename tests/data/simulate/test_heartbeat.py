"""Simulated beats: the model's own equations, integrated otherwise, and what beats are made of."""

import numpy as np
import pytest
import scipy.integrate

from medjax.data.simulate import heartbeat


@pytest.fixture(scope='module')
def cases():
  return [heartbeat.simulate(0, index) for index in range(600)]


def test_z_solves_the_three_coupled_equations():
  """dx/dt, dy/dt and dz/dt of the paper, by an adaptive method from scipy."""
  rate, seconds = 200, 3.0
  speed = 2 * np.pi  # sixty beats a minute

  def change(t, state):
    x, y, z = state
    alpha = 1 - np.hypot(x, y)
    delta = np.angle(np.exp(1j * (np.arctan2(y, x) - heartbeat.ANGLE)))
    pull = heartbeat.SIZE * delta * np.exp(-(delta**2) / (2 * heartbeat.WIDTH**2))
    return [alpha * x - speed * y, alpha * y + speed * x, -pull.sum() - z]

  times = np.arange(int(seconds * rate)) / rate
  # It begins far before, in the middle between two R peaks: what z was then is forgotten.
  solved = scipy.integrate.solve_ivp(
    change, (-9.5, seconds), [-1.0, 0.0, 0.0], t_eval=times, rtol=1e-8, atol=1e-10, max_step=0.005
  ).y[2]
  events = np.stack([heartbeat.ANGLE, heartbeat.SIZE, heartbeat.WIDTH], axis=1)
  peaks = np.arange(-10.0, 8.0)
  found = heartbeat.integrate(times, peaks, np.repeat(events[None], len(peaks), axis=0))
  # What is left is how z began, which decays as exp(-t) and is small from the first.
  left = (found - solved) * np.exp(times)
  assert np.abs(left).max() < 0.03 * np.ptp(solved)
  np.testing.assert_allclose(found, solved + left[0] * np.exp(-times), atol=2e-3 * np.ptp(solved))
  assert np.argmax(found[rate // 2 : 3 * rate // 2]) == pytest.approx(rate // 2, abs=3)


def test_a_beat_is_a_function_of_seed_and_index():
  one, again = heartbeat.simulate(3, 70), heartbeat.simulate(3, 70)
  np.testing.assert_array_equal(one.signal, again.signal)
  assert np.abs(one.signal - heartbeat.simulate(4, 70).signal).max() > 0.01
  assert one.signal.dtype == np.float32
  assert heartbeat.simulate(0, 0, rate=250, before=0.25, after=0.45).signal.shape == (174, 1)


def test_classes_patients_and_what_makes_a_beat_abnormal(cases):
  label = np.array([case.label for case in cases])
  shares = np.bincount(label) / len(label)
  np.testing.assert_allclose(shares, [0.6, 0.2, 0.2], atol=0.06)
  assert len({case.patient for case in cases}) == 30
  assert all(len({c.block for c in cases[i : i + 20]}) == 1 for i in range(0, 600, 20))
  for case in cases:
    assert np.isfinite(case.signal).all()
    assert case.mask.any() == bool(case.label)
  # Ectopic beats are early for their patient.
  for start in range(0, 600, 20):
    some = cases[start : start + 20]
    normal = np.median([c.rr for c in some if c.label == 0])
    early = [c.rr for c in some if c.label]
    assert not early or np.mean(early) < 0.9 * normal


def test_ventricular_complexes_are_wide_also_beside_a_bundle_branch_block(cases):
  def steepness(case):
    """Size of the fastest change over the size of the complex: high where it is narrow."""
    part = case.signal[85:120, 0]
    return np.abs(np.diff(part)).max() / np.ptp(part)

  by_class = [[steepness(c) for c in cases if c.label == k and not c.block] for k in range(3)]
  medians = [np.median(values) for values in by_class]
  assert medians[2] < 0.7 * min(medians[:2])
  assert medians[1] == pytest.approx(medians[0], rel=0.15)
  blocked = np.median([steepness(c) for c in cases if c.label == 0 and c.block])
  assert blocked < medians[0]


@pytest.mark.parametrize(
  'wrong', [{'seed': -1}, {'index': -1}, {'rate': 10}, {'before': 0}, {'after': 3}]
)
def test_arguments_out_of_range(wrong):
  with pytest.raises(ValueError, match=r'must not be negative|expected a rate from 50'):
    heartbeat.simulate(**({'seed': 0, 'index': 0} | wrong))
