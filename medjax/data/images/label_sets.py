"""Labels of images that may be of several classes, or of none: names joined in one text.

A name behind a question mark is one of which nobody knows whether it applies.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from medjax.data import labels

SEPARATOR = ' | '
UNKNOWN = '?'


def encode(texts: Sequence[str], classes: Sequence[str]) -> np.ndarray:
  """1 for each class of an image, NaN where that is not known, and 0 for the others, [N, C].

  Example:
    >>> encode(['a | ?c', ''], ('a', 'b', 'c')).tolist()
    [[1.0, 0.0, nan], [0.0, 0.0, 0.0]]
  """
  label = np.zeros((len(texts), len(classes)), np.float32)
  for row, text in zip(label, texts, strict=True):
    names = _parts(text)
    row[labels.encode([name.removeprefix(UNKNOWN) for name in names], classes)] = [
      np.nan if name.startswith(UNKNOWN) else 1 for name in names
    ]
  return label


def names(texts: Sequence[str]) -> list[str]:
  """Every class that applies to some image, by the alphabet."""
  return sorted({name for text in texts for name in _names(text)})


def strata(texts: Sequence[str]) -> list[str]:
  """What splits should be alike in: of each image the rarest of its classes, '' for none.

  The sets themselves are too many: most of them stand there once.

  Example:
    >>> strata(['a', 'a | b', ''])
    ['a', 'b', '']
  """
  counts = Counter(name for text in texts for name in _names(text))
  return [min(_names(text), key=counts.__getitem__, default='') for text in texts]


def _names(text: str) -> list[str]:
  """The classes that apply."""
  return [name for name in _parts(text) if not name.startswith(UNKNOWN)]


def _parts(text: str) -> list[str]:
  return text.split(SEPARATOR) if text else []
