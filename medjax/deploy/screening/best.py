"""The best molecules of a library, and what is said of all, in one pass over its rows."""

import array
import dataclasses
import hashlib
import heapq
from collections.abc import Iterable, Sequence

import numpy as np

from medjax.outcomes import Row

_COPIES = 20  # rows of one molecule that are named


@dataclasses.dataclass
class Candidate:
  """A molecule among the best.

  Attributes:
    score: larger is better.
    row: its first one in the library.
    copies: where else it stands.
    more: copies beyond those that are named.
  """

  score: float
  row: Row
  copies: list[str] = dataclasses.field(default_factory=list)
  more: int = 0


@dataclasses.dataclass(frozen=True)
class Ranked:
  """A library in the order of its predictions.

  Attributes:
    best: the best molecules, each once, the best first; of equals that which comes first.
    score: of each predicted row, larger is better, float64 [N].
    molecule: a number that is the same for rows of one molecule, uint64 [N].
    known: of each predicted row, 1 for an active, 0 for none, -1 for not known, int8 [N].
    rows: of the library.
    unreadable: rows without a prediction.
  """

  best: list[Candidate]
  score: np.ndarray
  molecule: np.ndarray
  known: np.ndarray
  rows: int
  unreadable: int

  @property
  def molecules(self) -> int:
    """How many different ones were predicted."""
    return len(np.unique(self.molecule))

  @property
  def first(self) -> np.ndarray:
    """Numbers of the first row of each molecule, among those predicted."""
    return np.sort(np.unique(self.molecule, return_index=True)[1])

  def among(self, smiles: Sequence[str], *, active: bool = False) -> int:
    """How many of these molecules were predicted; with ``active`` those that are known actives."""
    of_interest = self.molecule[self.known == 1] if active else self.molecule
    return len(set(map(fingerprint, smiles)) & set(of_interest.tolist()))


def rank(rows: Iterable[Row], column: str, lowest: bool, count: int) -> Ranked:
  """Goes through the rows of a screen once; memory holds the best, and 17 bytes of each other.

  Args:
    rows: with 'row', 'smiles', 'active' ('1', '0' or ''), 'error' and ``column``.
    column: what is ranked.
    lowest: whether the lowest is best.
    count: how many of the best are kept.
  """
  score, molecule, known = array.array('d'), array.array('Q'), array.array('b')
  kept: dict[str, Candidate] = {}
  # The worst first; of equals the later row, as its number is negative.
  heap: list[tuple[float, int, str]] = []
  number = 0
  for number, row in enumerate(rows, start=1):
    if row['error']:
      continue
    value = float(row[column]) * (-1 if lowest else 1)
    smiles = row['smiles']
    score.append(value)
    molecule.append(fingerprint(smiles))
    known.append(int(row['active'] or -1))
    if smiles in kept:
      same = kept[smiles]
      if len(same.copies) < _COPIES:
        same.copies.append(row['row'])
      else:
        same.more += 1
    elif len(heap) < count or value > heap[0][0]:
      kept[smiles] = Candidate(value, row)
      heapq.heappush(heap, (value, -number, smiles))
      if len(heap) > count:
        del kept[heapq.heappop(heap)[2]]
  best = [kept[smiles] for _, _, smiles in sorted(heap, reverse=True)]
  columns = (np.array(score), np.array(molecule), np.array(known))
  return Ranked(best, *columns, number, number - len(score))


def fingerprint(smiles: str) -> int:
  """64 bits of a digest: of a million molecules two share one once in 37 million libraries."""
  return int.from_bytes(hashlib.blake2b(smiles.encode(), digest_size=8).digest(), 'little')
