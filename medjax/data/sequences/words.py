"""Sequences as counts of short words, or as letters at each place, for simple models."""

from typing import Any

import numpy as np

from medjax.data.sequences.alphabet import Alphabet


def longest(letters: Alphabet) -> int:
  """Letters of the longest words that are counted: 3 of nucleic acids, 2 of proteins."""
  return 3 if len(letters.letters) == 4 else 2


def counts(tokens: np.ndarray, letters: Alphabet, both_strands: bool = False) -> np.ndarray:
  """How often each word of one letter up to ``longest`` stands in each sequence.

  Overlapping words count; those with an ambiguity code or padding do not.

  Args:
    tokens: [N, L], padding after each sequence.
    letters: the alphabet.
    both_strands: whether words of the reverse complement count as well.

  Returns:
    float64 [N, words]: words of one letter, then of two and so on, each in the order of their
    letters, the first letter being the slowest.

  Example:
    >>> from medjax.data.sequences.alphabet import DNA
    >>> counts(DNA.encode('ACA', 'here')[None], DNA)[0, :6].tolist()   # A, C, G, T, AA, AC
    [2.0, 1.0, 0.0, 0.0, 0.0, 1.0]
  """
  size = len(letters.letters)
  parts = [_of_length(tokens, size, length) for length in range(1, longest(letters) + 1)]
  found = np.concatenate(parts, axis=1)
  return found + counts(letters.reverse_complement(tokens), letters) if both_strands else found


def _of_length(tokens: np.ndarray, size: int, length: int) -> np.ndarray:
  places = max(tokens.shape[1] - length + 1, 0)
  word = np.zeros((len(tokens), places), np.int64)
  whole = np.ones((len(tokens), places), bool)
  for place in range(length):
    letter = tokens[:, place : place + places].astype(np.int64) - 1
    word = word * size + letter
    whole &= (letter >= 0) & (letter < size)
  cells = (np.arange(len(tokens))[:, None] * size**length + word)[whole]
  found = np.bincount(cells, minlength=len(tokens) * size**length)
  return found.reshape(len(tokens), -1).astype(np.float64)


def scaled_steps(shape: tuple[int, ...]) -> list[Any]:
  """Counts [N, D] to the same spread."""
  from sklearn.preprocessing import StandardScaler

  return [StandardScaler()]


def one_hot_steps(shape: tuple[int, ...]) -> list[Any]:
  """A column for each token that stands at each place of training cases [N, places]."""
  from sklearn.preprocessing import OneHotEncoder

  return [OneHotEncoder(handle_unknown='ignore')]
