"""Counted words against scikit-learn's CountVectorizer."""

import itertools

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from medjax.data.sequences import words
from medjax.data.sequences.alphabet import DNA, PROTEIN, RNA


@pytest.mark.parametrize(('letters', 'longest'), [(DNA, 3), (RNA, 3), (PROTEIN, 2)])
def test_counts_equal_those_of_scikit_learn(letters, longest):
  random = np.random.default_rng(0)
  texts = [''.join(random.choice(list(letters.letters), length)) for length in (40, 1, 2, 17)]
  tokens = np.zeros((4, 40), np.uint8)
  for row, text in zip(tokens, texts, strict=True):
    row[: len(text)] = letters.encode(text, 'here')
  names = [
    ''.join(word)
    for length in range(1, longest + 1)
    for word in itertools.product(letters.letters, repeat=length)
  ]
  counter = CountVectorizer(
    analyzer='char', ngram_range=(1, longest), lowercase=False, vocabulary=names
  )
  np.testing.assert_array_equal(words.counts(tokens, letters), counter.transform(texts).toarray())


def test_words_with_an_ambiguity_code_do_not_count():
  found = words.counts(DNA.encode('ACNGT', 'here')[None], DNA)[0]
  assert found[:4].tolist() == [1, 1, 1, 1]
  assert found[4:20].sum() == 2  # AC and GT
  assert found[20:].sum() == 0


def test_both_strands_count_alike():
  tokens = np.zeros((1, 9), np.uint8)
  tokens[0, :7] = DNA.encode('AACGTTG', 'here')
  other = DNA.reverse_complement(tokens)
  both = words.counts(tokens, DNA, both_strands=True)
  np.testing.assert_array_equal(both, words.counts(other, DNA, both_strands=True))
  np.testing.assert_array_equal(both, words.counts(tokens, DNA) + words.counts(other, DNA))
