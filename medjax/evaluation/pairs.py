"""Two views of each case: how many other cases are as alike to the one as the other one is."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from medjax.evaluation.estimate import Estimate
from medjax.evaluation.number_rows import NumberRows
from medjax.evaluation.proportions import proportion

_ROWS = 1024  # cases that are compared with all others at a time
NEAR = 5


@dataclasses.dataclass(frozen=True, eq=False)
class Pairs(NumberRows):
  """How surely a model recognises each case of one split in another view of it.

  Attributes:
    id: [N] strings, unique: every example is counted exactly once.
    rank: [N] int64: how many cases of other groups are at least as alike to the case's first view
      as its own second view is.
    others: [N] int64: how many cases of other groups there are.
    group: [N] strings: the patient that the example belongs to.
    split: name of the split.
    metadata: further columns by name, [N] strings each.

  Raises:
    ValueError: lengths or values break the description above.

  Example:
    >>> names = np.array(['a', 'b'])
    >>> views = np.array([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.6, 0.8]]])
    >>> Pairs.of_views(views, id=names, group=names, split='test', metadata={}).rank.tolist()
    [0, 0]
  """

  id: np.ndarray
  rank: np.ndarray
  others: np.ndarray
  group: np.ndarray
  split: str
  metadata: dict[str, list[str]] = dataclasses.field(default_factory=dict)
  numbers: ClassVar[Sequence[str]] = ('rank', 'others')
  dtype: ClassVar[Any] = np.int64

  def __post_init__(self):
    self.check_rows()
    if not ((self.rank >= 0) & (self.rank <= self.others)).all():
      raise ValueError('a rank is not between 0 and others')

  @classmethod
  def of_views(cls, views: np.ndarray, **columns: Any) -> 'Pairs':
    """The table of unit vectors [N, 2, D]; ``columns`` are the other attributes."""
    first, second = views[:, 0].astype(np.float64), views[:, 1].astype(np.float64)
    _, group = np.unique(columns['group'], return_inverse=True)
    own = (first * second).sum(axis=1)
    rank, others = np.zeros(len(views), np.int64), np.zeros(len(views), np.int64)
    for begin in range(0, len(views), _ROWS):
      rows = slice(begin, begin + _ROWS)
      strangers = group[rows, None] != group
      # As alike counts too: views that are all the same recognise nobody.
      alike = first[rows] @ second.T >= own[rows, None] - 1e-9
      rank[rows], others[rows] = (alike & strangers).sum(axis=1), strangers.sum(axis=1)
    return cls(rank=rank, others=others, **columns)

  def labelled(self) -> 'Pairs':
    """The rows that are compared with any other case."""
    return self.take(np.flatnonzero(self.others > 0))


def pair_metrics(table: Pairs) -> dict[str, Estimate]:
  """``recognised``: the share of cases whose second view is nearer than every other case is; and
  ``near``: than all but four. Wilson's interval, over groups; None where cases are of one group."""
  compared, what = table.labelled(), 'case beside those of other patients'
  return {
    'recognised': proportion(compared.rank == 0, compared.group, what),
    'near': proportion(compared.rank < NEAR, compared.group, what),
  }


@dataclasses.dataclass(frozen=True)
class PairDecision:
  """Nothing is decided of a case; only the checkpoint is.

  Attributes:
    checkpoint_step: the checkpoint that is evaluated.
  """

  checkpoint_step: int

  def to_json(self) -> dict[str, Any]:
    """A JSON object, which ``from_json`` reads back."""
    return dataclasses.asdict(self)

  @classmethod
  def from_json(cls, fields: dict[str, Any]) -> 'PairDecision':
    """What ``to_json`` gave; raises KeyError where a field is missing."""
    return cls(int(fields['checkpoint_step']))
