"""Simulated chains follow their model, and the posterior is that of all segmentations."""

import itertools

import numpy as np
import pytest

from medjax.data.sequences.alphabet import PROTEIN
from medjax.data.simulate import chains
from medjax.evaluation import segments


@pytest.fixture(scope='module')
def cases():
  return [chains.simulate(0, index) for index in range(150)]


def test_a_chain_is_a_function_of_its_arguments(cases):
  assert chains.simulate(0, 7) == cases[7]
  assert chains.simulate(1, 7) != cases[7]
  for arguments in ((-1, 0), (0, -1)):
    with pytest.raises(ValueError, match='negative'):
      chains.simulate(*arguments)


def test_segments_have_lengths_of_their_kind(cases):
  for state, (low, high) in {'H': (4, 30), 'E': (2, 12), 'C': (1, 25)}.items():
    lengths = np.array([e - s for c in cases for s, e in segments.runs(c.states, state)])
    assert low <= lengths.min() <= lengths.max() <= high
    mean = {'H': 11.5, 'E': 5, 'C': 5.5}[state]
    assert lengths.mean() == pytest.approx(mean, abs=1)
  for case in cases:
    assert case.states[0] == case.states[-1] == 'C'
    assert 'HE' not in case.states
    assert 'EH' not in case.states
    assert 60 <= len(case.sequence) <= 192


def test_only_ends_are_unresolved(cases):
  assert any(case.observed.startswith('-') for case in cases)
  for case in cases:
    middle = case.observed.strip('-')
    assert '-' not in middle
    assert middle in case.states


def test_residues_prefer_their_states(cases):
  letters = ''.join(case.sequence for case in cases)
  states = ''.join(case.states for case in cases)
  share = {
    (a, s): sum(x == a and y == s for x, y in zip(letters, states, strict=True)) / states.count(s)
    for a, s in itertools.product('AVG', 'HEC')
  }
  assert share['A', 'H'] > share['A', 'E'] > share['A', 'C']
  assert share['V', 'E'] > share['V', 'H'] > share['V', 'C']
  assert share['G', 'C'] > share['G', 'E'] > share['G', 'H']


def _segmentations(length, before='X'):
  """All (states, lengths) of a chain that ends in coil, with what they say of the fold."""
  if not length:
    if before == 'C':
      yield []
    return
  for state in 'C' if before == 'X' else 'HE':
    for count in range(1, length + 1):
      for rest in _segmentations(length - count, 'C' if state == 'C' else 'X'):
        yield [(state, count), *rest]


def test_the_posterior_is_that_of_all_segmentations():
  sequence = 'GDEALKVVTG'
  tokens = PROTEIN.encode(sequence, 'here').astype(int) - 1
  total, whole = np.zeros((len(tokens), 3)), 0.0
  for helices in chains.FOLDS.values():
    top, below, prior_sum = np.zeros_like(total), 0.0, 0.0
    for parts in _segmentations(len(tokens)):
      prior = likelihood = 1.0
      start, states = 0, ''
      for state, count in parts:
        lengths = chains._length_chances(state)
        prior *= {'H': helices, 'E': 1 - helices, 'C': 1}[state]
        prior *= lengths[count] if count < len(lengths) else 0
        placed = chains.emissions(state, count)[:, np.arange(count), tokens[start : start + count]]
        likelihood *= placed.prod(axis=1).mean()
        start, states = start + count, states + state * count
      prior_sum += prior
      below += prior * likelihood
      top += prior * likelihood * np.array([[s == t for t in 'HEC'] for s in states])
    total += top / prior_sum
    whole += below / prior_sum
  np.testing.assert_allclose(chains.posterior(sequence), total / whole, rtol=1e-8, atol=1e-12)


def test_the_posterior_is_right_as_often_as_it_says(cases):
  found = [chains.posterior(case.sequence) for case in cases[:12]]
  states = ''.join(case.states for case in cases[:12])
  chance = np.concatenate(found)
  right = np.array(list('HEC'))[chance.argmax(axis=1)] == np.array(list(states))
  assert right.mean() == pytest.approx(chance.max(axis=1).mean(), abs=0.06)
  assert right.mean() > 0.6
