"""Poisson draws of patients."""

import numpy as np
import pytest

from medjax.privacy import sampling

GROUP = np.array(['a'] * 5 + ['b'] + ['c'] * 2 + [f'p{i}' for i in range(97)])


def test_every_patient_comes_with_the_same_chance_and_one_row():
  plan = sampling.poisson(GROUP, 0.2, 4000, 60, random=np.random.default_rng(0))
  assert plan.shape == (4000, 60)
  drawn = plan[plan >= 0]
  for row in plan[:50]:
    there = GROUP[row[row >= 0]]
    assert len(set(there)) == len(there)
  of_patient = {name: (GROUP[drawn] == name).sum() / 4000 for name in ('a', 'b', 'c', 'p0')}
  for share in of_patient.values():
    assert share == pytest.approx(0.2, abs=4 * np.sqrt(0.16 / 4000))
  rows = np.bincount(drawn, minlength=len(GROUP))[:5] / 4000  # those of a, alike
  assert rows == pytest.approx([0.04] * 5, abs=4 * np.sqrt(0.04 / 4000))


def test_the_number_of_patients_is_binomial():
  counts = (sampling.poisson(GROUP, 0.2, 4000, 60, random=np.random.default_rng(1)) >= 0).sum(1)
  assert counts.mean() == pytest.approx(20, abs=4 * 4 / np.sqrt(4000))
  assert counts.var() == pytest.approx(16, rel=0.1)


def test_rows_come_first_in_each_part_and_are_dealt_out_evenly():
  plan = sampling.poisson(GROUP, 0.3, 50, 61, multiple=4, random=np.random.default_rng(0))
  assert plan.shape == (50, 64)
  there = plan.reshape(50, 4, 16) >= 0
  counts = there.sum(axis=2)
  assert (np.ptp(counts, axis=1) <= 1).all()
  assert (there == (np.arange(16) < counts[..., None])).all()


def test_of_too_many_some_at_random_are_left_out():
  plan = sampling.poisson(GROUP, 1.0, 300, 10, random=np.random.default_rng(0))
  assert (plan >= 0).all()
  assert len(set(GROUP[plan].ravel())) == 100


def test_the_system_draws_anew_each_time():
  first, second = (sampling.poisson(GROUP, 0.5, 3, 90) for _ in range(2))
  assert (first != second).any()
  keys = [np.asarray(jax_words(sampling.system_key())) for _ in range(2)]
  assert (keys[0] != keys[1]).any()


def jax_words(key):
  import jax

  return jax.random.key_data(key)
