"""How often each short word stands in a sequence, on one-hot sequences."""

import jax
import jax.numpy as jnp


def count_words(x: jax.Array, length: int) -> jax.Array:
  """Counts of all words (k-mers) of one-hot sequences [..., L, letters]: [..., letters**length].

  Overlapping ones count; a word that reaches into padding, rows of zeros, does not. A place shared
  among letters counts for each word by the product of its shares, so that counts have a gradient.
  Words stand in the order of their letters' numbers, the first letter being the slowest.

  Args:
    x: one-hot letters or shares of them, floating.
    length: letters of a word, at least 1.

  Example:
    >>> x = jnp.eye(2)[jnp.array([0, 1, 0, 1])]                       # ABAB
    >>> count_words(x, 2)                                             # AA, AB, BA, BB
    Array([0., 2., 1., 0.], dtype=float32)
  """
  letters = x.shape[-1]
  places = max(x.shape[-2] - length + 1, 0)

  def standing(start: int, stop: int) -> jax.Array:
    """Which word is read from ``start`` to ``stop`` of each place's: [..., places, words]."""
    words = x[..., start : start + places, :]
    for i in range(start + 1, stop):
      longer = words[..., None] * x[..., i : i + places, None, :]
      words = longer.reshape(*words.shape[:-1], words.shape[-1] * letters)
    return words

  if length == 1:
    return standing(0, 1).sum(axis=-2)
  # Summed over places within a product of halves: whole words at each place would be large.
  counts = jnp.einsum('...la,...lb->...ab', standing(0, length // 2), standing(length // 2, length))
  return counts.reshape(*x.shape[:-2], letters**length)
