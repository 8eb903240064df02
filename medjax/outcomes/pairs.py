"""No label at all: a case has another view of it, in which it should be recognised.

``predict`` writes file, embedding_1, embedding_2, ... and error.
"""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from medjax import evaluation
from medjax.config import Config
from medjax.evaluation import Estimate, PairDecision
from medjax.evaluation.pairs import NEAR
from medjax.outcomes.base import CardRow, Metric, Outcome, Row
from medjax.outcomes.rows import Rows


@dataclasses.dataclass(frozen=True)
class Pairs(Outcome[evaluation.Pairs, PairDecision]):
  """A case is seen in two views.

  Attributes:
    length: of an embedding.
  """

  length: int

  metrics: ClassVar[Mapping[str, Metric]] = {
    'recognised': Metric('Recognised', share=True),
    'near': Metric(f'Among the {NEAR} nearest', share=True),
  }
  headline: ClassVar[Sequence[str]] = ('recognised', 'near')
  counted: ClassVar[str] = 'compared'

  @property
  def monitor(self) -> str:  # type: ignore[override]
    """'recognised': the share of cases that are."""
    return 'recognised'

  def table(self, statistics: np.ndarray, label: Any, **columns: Any) -> evaluation.Pairs:
    """See ``Outcome``; labels are not looked at."""
    for name in ('classes', 'sizes'):
      columns.pop(name, None)
    columns['metadata'] = evaluation.Pairs.renamed(columns['metadata'])
    return evaluation.Pairs.of_views(statistics, **columns)

  def read_table(self, path: pathlib.Path) -> evaluation.Pairs:
    """See ``NumberRows.read_csv``."""
    return evaluation.Pairs.read_csv(path)

  def score(self, table: evaluation.Pairs) -> float | None:
    """The share of cases that are recognised; None where all are of one patient."""
    compared = table.labelled()
    return float((compared.rank == 0).mean()) if len(compared) else None

  def decide(self, validation: evaluation.Pairs, step: int, config: Config) -> PairDecision:
    """Nothing but the checkpoint."""
    return PairDecision(step)

  def read_decision(self, values: dict[str, Any]) -> PairDecision:
    """See ``PairDecision.from_json``."""
    return PairDecision.from_json(values)

  def evaluate(
    self, table: evaluation.Pairs, decision: PairDecision
  ) -> tuple[evaluation.Pairs, dict[str, Estimate]]:
    """The table and ``evaluation.pair_metrics``."""
    return table, evaluation.pair_metrics(table)

  def writer(self, decision: PairDecision, classes: Sequence[str]) -> 'EmbeddingRows':
    """See ``Outcome``."""
    return EmbeddingRows(self.length)

  def label_text(self, label: Any, classes: Sequence[str]) -> str:
    """Nothing: labels are not looked at."""
    return ''

  def card_rows(self, decision: PairDecision, data: dict[str, Any]) -> list[CardRow]:
    """What an embedding is for."""
    return [
      ('Output (15)', 'an embedding of each image: numbers that say what is alike, and no finding'),
      (
        'Metrics (12e)',
        'whether an image is the nearest one to its own enlarged middle, among those of other '
        'patients in the split: the more images, the harder',
      ),
    ]


class EmbeddingRows(Rows):
  """Embeddings.

  Args:
    length: of each.
  """

  def __init__(self, length: int):
    self.numbers = [f'embedding_{i}' for i in range(1, length + 1)]
    self.columns = ['file', *self.numbers, 'error']
    self.shown = ['file', *self.numbers[:3], 'error']

  def cells(
    self, predicted: np.ndarray, sizes: Sequence[Mapping[str, int]]
  ) -> Iterator[Row | None]:
    """See ``Rows``."""
    for embedding in predicted:
      numbers = map(repr, embedding.tolist())
      cells = dict(zip(self.numbers, numbers, strict=True))
      yield cells if np.isfinite(embedding).all() else None
