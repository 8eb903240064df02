"""Counts of words against counting in letters."""

import collections
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax.ops.words import count_words

LETTERS = 'ACGT'


def one_hot(text):
  return jnp.eye(4)[jnp.array([LETTERS.index(letter) for letter in text])]


@pytest.mark.parametrize('length', [1, 2, 3, 5])
def test_counts_are_those_of_the_letters(length):
  text = ''.join(np.random.default_rng(length).choice(list(LETTERS), 60))
  counted = collections.Counter(text[i : i + length] for i in range(len(text) - length + 1))
  expected = [counted[''.join(word)] for word in itertools.product(LETTERS, repeat=length)]
  np.testing.assert_array_equal(count_words(one_hot(text), length), expected)


def test_padding_and_sequences_shorter_than_a_word_hold_none():
  x = one_hot('ACGTAC')
  padded = jnp.stack([jnp.pad(x, ((0, 9), (0, 0))), jnp.zeros((15, 4))])
  found = count_words(padded, 4)
  np.testing.assert_array_equal(found, jnp.stack([count_words(x, 4), jnp.zeros(256)]))
  assert not count_words(x, 7).any()
  assert count_words(x, 7).shape == (4**7,)


def test_a_shared_place_counts_by_its_shares():
  x = jnp.array([[0.5, 0.5], [1.0, 0.0], [0.25, 0.75]])
  np.testing.assert_allclose(count_words(x, 2), [0.5 + 0.25, 0.75, 0.5, 0])
  weight = jnp.array([1.0, 2.0, 3.0, 4.0])
  gradient = jax.grad(lambda x: (count_words(x, 2) * weight).sum())(x)
  np.testing.assert_allclose(gradient[0], [1.0, 3.0])  # what AA and BA weigh
