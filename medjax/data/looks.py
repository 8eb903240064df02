"""What checks of data see of cases, whatever kind they are of."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Looks:
  """N cases as checks of data see them.

  Attributes:
    blank: which of them say nothing, such as images of one brightness, bool [N].
    features: numbers that say much of a case, float [N, D]; None where there are none.
    thumbnails: small grey images, float [N, H, W], by which copies are found; None where cases are
      no images.
    parts: parts of each case that should say nothing of its label, float [N, D] by name.
    coarse: views that may say something of it, float [N, D] by name.
  """

  blank: np.ndarray
  features: np.ndarray | None = None
  thumbnails: np.ndarray | None = None
  parts: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
  coarse: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

  def __len__(self) -> int:
    return len(self.blank)


def joined(looks: Sequence[Looks]) -> Looks:
  """All cases of several, in order; at least one.

  Example:
    >>> len(joined([Looks(np.zeros(2, bool)), Looks(np.ones(3, bool))]))
    5
  """
  first = looks[0]
  return Looks(
    np.concatenate([one.blank for one in looks]),
    _joined([one.features for one in looks]),
    _joined([one.thumbnails for one in looks]),
    {name: np.concatenate([one.parts[name] for one in looks]) for name in first.parts},
    {name: np.concatenate([one.coarse[name] for one in looks]) for name in first.coarse},
  )


def _joined(arrays: Sequence[np.ndarray | None]) -> np.ndarray | None:
  there = [array for array in arrays if array is not None]
  return np.concatenate(there) if len(there) == len(arrays) else None
