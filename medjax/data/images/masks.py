"""Masks of stored images: in words, as arrays, and what has to be said of them."""

import hashlib
from collections.abc import Sequence

import numpy as np

from medjax.data import dataset
from medjax.data.examples import Examples
from medjax.data.images import decode
from medjax.errors import UserError

OF = ' in mask '  # between what a mask shows and its digest
_AT_ONCE = 1024


def described(stored: bytes, classes: Sequence[str]) -> str:
  """What a stored mask shows, and a digest of it, so that two of one image can be told apart.

  Args:
    stored: PNG bytes.
    classes: by number; the first is the background.
  """
  numbers = np.unique(decode.stored_numbers(stored))
  shown = ' and '.join(classes[number] for number in numbers if number) or 'nothing'
  return f'{shown}{OF}{hashlib.blake2b(stored, digest_size=8).hexdigest()}'


def decoded(rows: dataset.Readable, size: int) -> np.ndarray:
  """All masks, uint8 [N, size, size]: a byte a pixel, so that 1,000 of 256 x 256 take 66 MB."""
  label = np.zeros((len(rows), size, size), np.uint8)
  for first in range(0, len(rows), _AT_ONCE):
    part = range(first, min(first + _AT_ONCE, len(rows)))
    for number, row in zip(part, rows.__getitems__(part), strict=True):
      label[number] = decode.stored_numbers(row['label'])
  return label


def notes(label: np.ndarray, read: Examples, classes: Sequence[str]) -> list[str]:
  """How many images of each split show each structure, a line each.

  Raises:
    UserError: no training image shows one.
  """
  where, lines = np.array(read.split), []
  for number, name in enumerate(classes[1:], start=1):
    shown = (label == number).any(axis=(1, 2))
    counts = {split: int(shown[where == split].sum()) for split in dict.fromkeys(read.split)}
    if not counts.get('train'):
      raise UserError(f'{read.name}: no mask of a training image shows {name}; expected some')
    each = ', '.join(
      f'{count} of {int((where == split).sum())} in {split}' for split, count in counts.items()
    )
    lines.append(f'images that show {name}: {each}')
  return [*lines, f'masks are kept in memory: {label.nbytes / 1e6:.0f} MB']
