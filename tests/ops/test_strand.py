"""The other strand of one-hot sequences against the same in letters."""

import jax.numpy as jnp
import numpy as np

from medjax.data.sequences.alphabet import DNA
from medjax.ops.strand import reverse_complement


def test_it_is_the_reverse_complement_with_padding_at_the_end():
  sequences = ['ACGTTA', 'GATN', 'C']
  pairs = {'A': 'T', 'C': 'G', 'G': 'C', 'T': 'A', 'N': 'N'}
  tokens = np.zeros((3, 8), np.uint8)
  expected = np.zeros((3, 8), np.uint8)
  for row, text in enumerate(sequences):
    tokens[row, : len(text)] = DNA.encode(text, 'test')
    other = ''.join(pairs[letter] for letter in reversed(text))
    expected[row, : len(text)] = DNA.encode(other, 'test')
  complement = tuple(DNA.letter_complement.tolist())
  found = reverse_complement(jnp.asarray(DNA.table)[tokens], complement)
  np.testing.assert_array_equal(found, DNA.table[expected])
  np.testing.assert_array_equal(reverse_complement(found, complement), DNA.table[tokens])
