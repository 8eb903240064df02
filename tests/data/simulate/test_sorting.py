"""Simulated proteins have the signals of their class, and nothing depends on anything else."""

import numpy as np
import pytest

from medjax.data.simulate import sorting

CASES = [sorting.simulate(0, i) for i in range(600)]


@pytest.mark.core
def test_a_protein_is_a_function_of_its_arguments():
  again = sorting.simulate(0, 7)
  assert again.sequence == CASES[7].sequence
  assert (again.mask == CASES[7].mask).all()
  assert sorting.simulate(1, 7).sequence != again.sequence
  for seed, index in ((-1, 0), (0, -1)):
    with pytest.raises(ValueError, match='must not be negative'):
      sorting.simulate(seed, index)


@pytest.mark.core
def test_every_class_has_its_signal():
  counts = np.bincount([case.label for case in CASES])
  assert (np.abs(counts - 120) < 40).all()
  for case in CASES:
    name = sorting.CLASSES[case.label]
    signal = ''.join(np.array(list(case.sequence))[case.mask])
    assert bool(signal) == (name != 'cytosol')
    assert sorting.LENGTHS[0] <= case.length == len(case.sequence) < sorting.LENGTHS[1]
    assert case.sequence[0] == 'M'
    if name == 'secreted':
      assert case.mask[1]
      assert not case.mask[30:].any()
      assert signal[-3] in 'AVST'
      assert signal[-1] in 'AGS'
    if name == 'mitochondrion':
      assert sum(letter in 'RK' for letter in signal) >= 4
      assert not set(signal) & set('DE')
    if name == 'nucleus':
      assert sum(letter in 'RK' for letter in signal) >= 4
    if name == 'membrane':
      starts = np.flatnonzero(np.diff(np.r_[0, case.mask.astype(int)]) == 1)
      assert 1 <= len(starts) <= 6  # neighbours may touch
      assert set(signal) <= set('LAVIFGMW')


@pytest.mark.core
def test_outside_of_signals_residues_are_as_frequent_as_in_proteins():
  rest = ''.join(''.join(np.array(list(case.sequence))[1:][~case.mask[1:]]) for case in CASES)
  shares = {letter: 100 * rest.count(letter) / len(rest) for letter in 'LAWC'}
  for letter, expected in {'L': 9.7, 'A': 8.3, 'W': 1.1, 'C': 1.4}.items():
    assert shares[letter] == pytest.approx(expected, abs=0.4)
