"""How a sequence becomes tokens of one length, and tokens become inputs."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from medjax.data import dataset
from medjax.data.sequences import alphabet as alphabets
from medjax.data.sequences.alphabet import Alphabet


def fit(tokens: np.ndarray, length: int, keep: str = 'middle') -> np.ndarray:
  """The middle of a sequence that is too long, or half from either end, or a short one with padding
  after it, [length].

  Example:
    >>> fit(np.array([1, 2, 3], np.uint8), 5).tolist(), fit(np.arange(5), 3).tolist()
    ([1, 2, 3, 0, 0], [1, 2, 3])
    >>> fit(np.arange(9), 4, 'ends').tolist()
    [0, 1, 7, 8]
  """
  lack = length - len(tokens)
  if lack >= 0:
    return np.concatenate([tokens, np.full(lack, alphabets.PADDING, tokens.dtype)])
  if keep == 'ends':
    last = length // 2
    return np.concatenate([tokens[: length - last], tokens[len(tokens) - last :]])
  start = -lack // 2
  return tokens[start : start + length]


def one_hot(letters: Alphabet, batch: dataset.Batch) -> jax.Array:
  """float32 [B, L, letters]: shares of an ambiguity code, zeros for padding."""
  return jnp.asarray(letters.table)[batch['tokens']]


@dataclasses.dataclass(frozen=True)
class Encoder:
  """How a sequence becomes tokens.

  Attributes:
    letters: the alphabet.
    length: letters that are looked at, padding included.
    keep: which of a longer sequence: 'middle' or 'ends'.
    places: of the length, those that the network sees; empty for all.
  """

  letters: Alphabet
  length: int
  keep: str = 'middle'
  places: tuple[int, ...] = ()

  def __call__(self, sequence: str, where: str) -> dict[str, np.ndarray]:
    """The arrays of one sequence; raises UserError for a letter that is none of the alphabet's."""
    tokens = fit(self.letters.encode(sequence, where), self.length, self.keep)
    return {'tokens': tokens[list(self.places)] if self.places else tokens}

  def details(self) -> dict[str, Any]:
    """JSON values, which ``from_details`` reads back."""
    return {
      'alphabet': self.letters.name,
      'length': self.length,
      'keep': self.keep,
      'places': list(self.places),
    }

  @classmethod
  def from_details(cls, details: dict[str, Any]) -> 'Encoder':
    """What ``details`` gave."""
    letters = alphabets.ALPHABETS[details['alphabet']]
    return cls(letters, details['length'], details['keep'], tuple(details['places']))
