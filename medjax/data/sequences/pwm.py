"""Position weight matrices: the probability of each letter at each place of a motif."""

import numpy as np

from medjax.data.sequences.alphabet import DNA, Alphabet


def information(pwm: np.ndarray) -> np.ndarray:
  """Information content of each place, in bits, over letters that are all equally likely.

  Args:
    pwm: [W, letters], rows that add up to 1.

  Returns:
    float64 [W], from 0 to log2(letters); its sum is that of the motif.

  Example:
    >>> information(np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4])).tolist()
    [2.0, 1.0, 0.0]

  Source:
    Schneider, T. D., Stormo, G. D., Gold, L. and Ehrenfeucht, A. (1986), Information content of
    binding sites on nucleotide sequences. Journal of Molecular Biology 188(3), 415-431.
  """
  logs = np.log2(pwm, out=np.zeros(pwm.shape), where=pwm > 0)
  return np.log2(pwm.shape[1]) + (pwm * logs).sum(1)


def consensus(pwm: np.ndarray, alphabet: Alphabet = DNA) -> str:
  """The likeliest letter of each place.

  Example:
    >>> consensus(np.array([[0.7, 0.1, 0.1, 0.1], [0, 0.2, 0, 0.8]]))
    'AT'
  """
  return ''.join(alphabet.letters[i] for i in pwm.argmax(1))


def sample(pwm: np.ndarray, rng: np.random.Generator, alphabet: Alphabet = DNA) -> str:
  """One occurrence of the motif, each place drawn on its own."""
  drawn = (rng.random(len(pwm))[:, None] >= pwm.cumsum(1)[:, :-1]).sum(1)
  return ''.join(alphabet.letters[i] for i in drawn)


def reverse_complement(pwm: np.ndarray, alphabet: Alphabet = DNA) -> np.ndarray:
  """The motif as it reads on the other strand.

  Raises:
    ValueError: the alphabet has no complement.
  """
  return pwm[::-1, alphabet.letter_complement]
