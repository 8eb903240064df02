"""No label at all: some atoms of a molecule are masked, and their elements are to be named.

``predict`` writes file, embedding_1, embedding_2, ... and error.
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from medjax import evaluation
from medjax.config import Config
from medjax.evaluation import Estimate, NamedAtoms, PairDecision
from medjax.outcomes.base import CardRow, Metric, Outcome
from medjax.outcomes.pairs import EmbeddingRows


@dataclasses.dataclass(frozen=True)
class MaskedAtoms(Outcome[NamedAtoms, PairDecision]):
  """A molecule has masked atoms.

  Attributes:
    length: of an embedding.
  """

  length: int

  monitor: ClassVar[str] = 'log_likelihood'  # type: ignore[misc]
  metrics: ClassVar[Mapping[str, Metric]] = {
    'named': Metric('Masked atoms named rightly', share=True),
    'common': Metric('Masked atoms of the most common element', share=True),
    'log_likelihood': Metric('Log-likelihood a masked atom, in nats', most=0.0),
  }
  headline: ClassVar[Sequence[str]] = ('named', 'common', 'log_likelihood')
  counted: ClassVar[str] = 'masked'

  def table(self, statistics: Any, label: Any, **columns: Any) -> NamedAtoms:
    """See ``Outcome``; labels are not looked at."""
    for name in ('classes', 'sizes'):
      columns.pop(name, None)
    columns['metadata'] = NamedAtoms.renamed(columns['metadata'])
    elements = statistics['elements'].astype(np.float64)
    return NamedAtoms(
      masked=elements.sum(axis=1),
      right=statistics['right'].astype(np.float64),
      common=elements[:, elements.sum(axis=0).argmax()],
      log_likelihood=statistics['log_likelihood'].astype(np.float64),
      **columns,
    )

  def read_table(self, path: pathlib.Path) -> NamedAtoms:
    """See ``NumberRows.read_csv``."""
    return NamedAtoms.read_csv(path)

  def score(self, table: NamedAtoms) -> float | None:
    """The mean log-likelihood of masked atoms; None without any."""
    masked = table.masked.sum()
    return float(table.log_likelihood.sum() / masked) if masked else None

  def decide(self, validation: NamedAtoms, step: int, config: Config) -> PairDecision:
    """Nothing but the checkpoint."""
    return PairDecision(step)

  def read_decision(self, values: dict[str, Any]) -> PairDecision:
    """See ``PairDecision.from_json``."""
    return PairDecision.from_json(values)

  def evaluate(
    self, table: NamedAtoms, decision: PairDecision
  ) -> tuple[NamedAtoms, dict[str, Estimate]]:
    """The table and ``evaluation.naming_metrics``."""
    return table, evaluation.naming_metrics(table)

  def writer(self, decision: PairDecision, classes: Sequence[str]) -> EmbeddingRows:
    """See ``Outcome``."""
    return EmbeddingRows(self.length)

  def label_text(self, label: Any, classes: Sequence[str]) -> str:
    """Nothing: labels are not looked at."""
    return ''

  def card_rows(self, decision: PairDecision, data: dict[str, Any]) -> list[CardRow]:
    """What an embedding is for."""
    return [
      ('Output (15)', 'an embedding of each molecule: numbers that say what is alike'),
      (
        'Metrics (12e)',
        'whether the element of a masked atom is named, beside always naming the most common one',
      ),
    ]
