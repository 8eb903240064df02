"""Masked atoms that a network names: the table with one row a molecule, and its metrics."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from medjax.evaluation.bootstrap import Bootstrap
from medjax.evaluation.estimate import Estimate
from medjax.evaluation.number_rows import NumberRows


@dataclasses.dataclass(frozen=True, eq=False)
class NamedAtoms(NumberRows):
  """How many masked atoms of each molecule of one split are named rightly.

  Attributes:
    id: [N] strings, unique: every example is counted exactly once.
    masked: float64 [N], whole: atoms that were masked; may be 0.
    right: float64 [N], whole: those of them that are named rightly.
    common: float64 [N], whole: those of them that are of the element that is the most common one
      among all masked atoms of the split.
    log_likelihood: float64 [N], of their elements, in nats.
    group: [N] strings: what belongs together, such as molecules of one scaffold.
    split: name of the split.
    metadata: further columns by name, [N] strings each.

  Raises:
    ValueError: lengths or values break the description above.
  """

  id: np.ndarray
  masked: np.ndarray
  right: np.ndarray
  common: np.ndarray
  log_likelihood: np.ndarray
  group: np.ndarray
  split: str
  metadata: dict[str, list[str]] = dataclasses.field(default_factory=dict)
  numbers: ClassVar[Sequence[str]] = ('masked', 'right', 'common', 'log_likelihood')

  def __post_init__(self):
    self.check_rows()
    if not ((self.right >= 0) & (np.maximum(self.right, self.common) <= self.masked)).all():
      raise ValueError('more atoms are named than are masked')
    if not np.isfinite(self.log_likelihood).all():
      raise ValueError('a log-likelihood is not finite')

  def labelled(self) -> 'NamedAtoms':
    """The rows with a masked atom."""
    return self.take(np.flatnonzero(self.masked > 0))


def naming_metrics(table: NamedAtoms) -> dict[str, Estimate]:
  """``named``: the share of masked atoms that are named rightly; ``common``: the share of the most
  common element, which is that of a network that always says it; and ``log_likelihood``, the mean
  over masked atoms, in nats. Intervals are of the bootstrap over groups.
  """
  known = table.labelled()
  if not len(known):
    return dict.fromkeys(('named', 'common', 'log_likelihood'), Estimate(None, reason='no atom'))
  counts = np.stack([known.right, known.common, known.log_likelihood], axis=1)

  def of(times: np.ndarray) -> dict[str, np.ndarray]:
    shares = (times @ counts) / (times @ known.masked)[:, None]
    return dict(zip(('named', 'common', 'log_likelihood'), shares.T, strict=True))

  whole = {name: float(value[0]) for name, value in of(np.ones((1, len(known)))).items()}
  return Bootstrap(known.group).intervals(whole, of)
