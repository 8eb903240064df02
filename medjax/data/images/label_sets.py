"""Labels of images that may be of several classes, or of none: names joined in one text."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from medjax.data import labels

SEPARATOR = ' | '


def encode(texts: Sequence[str], classes: Sequence[str]) -> np.ndarray:
  """1 for each class of an image and 0 for the others, float32 [N, C].

  Example:
    >>> encode(['a | c', ''], ('a', 'b', 'c')).tolist()
    [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
  """
  label = np.zeros((len(texts), len(classes)), np.float32)
  for row, text in zip(label, texts, strict=True):
    row[labels.encode(_names(text), classes)] = 1
  return label


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
  return text.split(SEPARATOR) if text else []
