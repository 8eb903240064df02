"""Pairs in memory, of which drugs and targets are kept once each."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

NEW = -1
"""Number of a drug or target that is none of the data set's."""


@dataclasses.dataclass(frozen=True)
class Store:
  """Pairs as two numbers each, and what stands behind these.

  Attributes:
    drugs: arrays of each drug, by number.
    tokens: of each target, uint8 [T, residues], padded.
    drug: number of each pair's drug, int [N].
    target: of its target, likewise.

  Example:
    >>> store = Store([{'counts': np.ones(3)}], np.ones((2, 5), np.uint8), np.array([0, 0]),
    ...               np.array([1, 0]))
    >>> sorted(store.decode(store.__getitems__([0])[0]))
    ['counts', 'drug_number', 'target_number', 'tokens']
  """

  drugs: Sequence[Mapping[str, np.ndarray]]
  tokens: np.ndarray
  drug: np.ndarray
  target: np.ndarray

  def __len__(self) -> int:
    return len(self.drug)

  def __getitems__(self, keys: Sequence[int]) -> list[dict[str, Any]]:
    return [{'drug': int(self.drug[key]), 'target': int(self.target[key])} for key in keys]

  def decode(self, row: Mapping[str, int]) -> dict[str, np.ndarray]:
    """The arrays of a pair; see ``arrays``."""
    return arrays(self.drugs[row['drug']], self.tokens[row['target']], row['drug'], row['target'])


def arrays(
  drug: Mapping[str, np.ndarray], tokens: np.ndarray, drug_number: int, target_number: int
) -> dict[str, np.ndarray]:
  """What travels to the device of a pair.

  Args:
    drug: arrays of ``molecules.features.Features``.
    tokens: of the target, uint8 [residues], padded.
    drug_number: in the data set, or ``NEW``; simple models see it, networks do not.
    target_number: likewise.
  """
  numbers = {
    'drug_number': np.array(drug_number, np.int32),
    'target_number': np.array(target_number, np.int32),
  }
  return {**drug, 'tokens': tokens, **numbers}
