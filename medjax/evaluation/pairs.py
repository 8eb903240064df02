"""Two views of each case: how many other cases are as alike to the one as the other one is."""

import dataclasses
import os
import pathlib
from typing import Any

import numpy as np

from medjax.errors import UserError
from medjax.evaluation.estimate import Estimate
from medjax.evaluation.proportions import proportion
from medjax.evaluation.rows import Rows, constant, floats, read_columns, write_rows

_COLUMNS = ('id', 'rank', 'others', 'group', 'split')
_ROWS = 1024  # cases that are compared with all others at a time
NEAR = 5


@dataclasses.dataclass(frozen=True, eq=False)
class Pairs(Rows):
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

  def write_csv(self, path: str | os.PathLike[str]) -> None:
    """Writes id, rank, others, group, split and the metadata, as ``read_pairs`` returns them."""
    columns = (self.id, self.rank, self.others, self.group, [self.split] * len(self))
    rows = zip(*columns, *self.metadata.values(), strict=True)
    write_rows(path, [*_COLUMNS, *self.metadata], rows)


def read_pairs(path: str | os.PathLike[str]) -> Pairs:
  """Reads a table written by ``Pairs.write_csv``.

  Raises:
    UserError: the file is missing, or a column or a value is missing or wrong.
  """
  path = pathlib.Path(path)
  columns = read_columns(path, ('id', 'rank', 'others'))
  counts = {
    name: floats(path, name, columns[name], missing=False).astype(np.int64)
    for name in ('rank', 'others')
  }
  try:
    return Pairs(
      id=np.array(columns['id']),
      group=np.array(columns.get('group', columns['id'])),
      split=constant(path, columns, 'split', path.stem),
      metadata={name: cells for name, cells in columns.items() if name not in _COLUMNS},
      **counts,
    )
  except ValueError as error:
    raise UserError(f'{path}: {error}') from None


def reserved(name: str) -> bool:
  """Whether a metadata column would be taken for one of the table's own."""
  return name in _COLUMNS


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
