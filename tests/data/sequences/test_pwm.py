"""Position weight matrices against entropies, frequencies and strings."""

import numpy as np
import pytest
from scipy import stats

from medjax.data.sequences import pwm
from medjax.data.sequences.alphabet import DNA, PROTEIN, RNA


def test_information_is_what_entropy_lacks():
  matrix = np.random.default_rng(0).dirichlet([0.3] * 20, 9)
  matrix[0] = np.eye(20)[3]
  entropy = stats.entropy(matrix, base=2, axis=1)
  np.testing.assert_allclose(pwm.information(matrix), np.log2(20) - entropy, atol=1e-12)


def test_samples_have_the_frequencies_of_the_matrix():
  rng = np.random.default_rng(1)
  matrix = rng.dirichlet([1] * 4, 6)
  drawn = [pwm.sample(matrix, rng) for _ in range(20_000)]
  tokens = np.stack([DNA.encode(site, '') for site in drawn])
  np.testing.assert_allclose(DNA.table[tokens].mean(0), matrix, atol=0.015)
  assert pwm.sample(np.eye(4), rng, RNA) == 'ACGU'


def test_consensus_and_the_other_strand():
  matrix = np.eye(4)[[0, 0, 1, 3, 2]]
  assert pwm.consensus(matrix) == 'AACTG'
  assert pwm.consensus(pwm.reverse_complement(matrix)) == 'CAGTT'
  assert pwm.consensus(np.eye(20)[[0, 19]], PROTEIN) == 'AY'
  with pytest.raises(ValueError, match='protein has no complement'):
    pwm.reverse_complement(np.eye(20), PROTEIN)
