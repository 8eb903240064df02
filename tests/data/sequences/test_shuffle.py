"""Shuffles that keep dinucleotides: exact counts, and every possible sequence equally often."""

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from medjax.data.sequences import shuffle


def _pairs(sequence):
  return Counter(itertools.pairwise(sequence))


def test_dinucleotides_and_ends_are_kept():
  rng = np.random.default_rng(0)
  for length in (*range(1, 12), 50, 200, 201):
    for letters in ('AC', 'ACGT', 'ACGTN'):
      sequence = ''.join(rng.choice(list(letters), length))
      shuffled = shuffle.dinucleotide(sequence, rng)
      assert _pairs(shuffled) == _pairs(sequence)
      assert Counter(shuffled) == Counter(sequence)
      assert (shuffled[0], shuffled[-1]) == (sequence[0], sequence[-1])


def test_a_long_sequence_is_really_shuffled():
  rng = np.random.default_rng(1)
  sequence = ''.join(rng.choice(list('ACGT'), 1000))
  same = np.mean(
    [a == b for a, b in zip(sequence, shuffle.dinucleotide(sequence, rng), strict=True)]
  )
  assert same == pytest.approx(0.25, abs=0.06)


@pytest.mark.parametrize('sequence', ['AACATGACA', 'ACGACTAAC', 'ABCABDAC'])
def test_every_sequence_with_these_pairs_is_equally_likely(sequence):
  possible = {
    walk
    for middle in itertools.permutations(sequence[1:-1])
    if _pairs(walk := sequence[0] + ''.join(middle) + sequence[-1]) == _pairs(sequence)
  }
  rng = np.random.default_rng(2)
  counts = Counter(shuffle.dinucleotide(sequence, rng) for _ in range(400 * len(possible)))
  assert set(counts) == possible
  assert stats.chisquare(list(counts.values())).pvalue > 0.001


def test_the_generator_alone_decides():
  drawn = [shuffle.dinucleotide('ACGTTGCAACGG' * 3, np.random.default_rng(s)) for s in (0, 0, 1)]
  assert drawn[0] == drawn[1] != drawn[2]
  assert shuffle.dinucleotide('', np.random.default_rng(0)) == ''
