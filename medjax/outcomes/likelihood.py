"""No label beside the case: how probable it is under a language model.

``predict`` writes file, log_likelihood (of the whole, in nats), tokens, perplexity (a token),
typical (the share of validation cases that are no more probable a token) and error.
"""

import dataclasses
import math
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from medjax import evaluation
from medjax.config import Config
from medjax.evaluation import Estimate, LikelihoodDecision, Likelihoods
from medjax.outcomes.base import CardRow, Metric, Outcome, Row
from medjax.outcomes.rows import Rows


@dataclasses.dataclass(frozen=True)
class Likelihood(Outcome[Likelihoods, LikelihoodDecision]):
  """A case is a sequence of tokens, which is probable or not.

  Attributes:
    monitor: the mean log-likelihood a token, which is minus the logarithm of the perplexity.
    axis: name of the axis of tokens.
  """

  axis: str = 'positions'

  monitor: ClassVar[str] = 'log_likelihood'  # type: ignore[misc]
  metrics: ClassVar[Mapping[str, Metric]] = {
    'perplexity': Metric('Perplexity a token'),
    'log_likelihood': Metric('Log-likelihood a token, in nats', most=0.0),
    'sequence': Metric('Log-likelihood of a case, in nats'),
  }
  headline: ClassVar[Sequence[str]] = ('perplexity', 'log_likelihood')
  counted: ClassVar[str] = 'read'

  def table(self, statistics: Any, label: Any, **columns: Any) -> Likelihoods:
    """See ``Outcome``; labels are not looked at."""
    for name in ('classes', 'sizes'):
      columns.pop(name, None)
    columns['metadata'] = Likelihoods.renamed(columns['metadata'])
    numbers = {name: leaf.astype(np.float64) for name, leaf in statistics.items()}
    return Likelihoods(**numbers, **columns)

  def read_table(self, path: pathlib.Path) -> Likelihoods:
    """See ``NumberRows.read_csv``."""
    return Likelihoods.read_csv(path)

  def score(self, table: Likelihoods) -> float | None:
    """The mean log-likelihood a token."""
    return float(table.log_likelihood.sum() / table.tokens.sum()) if len(table) else None

  def decide(self, validation: Likelihoods, step: int, config: Config) -> LikelihoodDecision:
    """What is typical of validation cases."""
    return LikelihoodDecision.fit(validation, step)

  def read_decision(self, values: dict[str, Any]) -> LikelihoodDecision:
    """See ``LikelihoodDecision.from_json``."""
    return LikelihoodDecision.from_json(values)

  def evaluate(
    self, table: Likelihoods, decision: LikelihoodDecision
  ) -> tuple[Likelihoods, dict[str, Estimate]]:
    """The table and ``evaluation.likelihood_metrics``."""
    return table, evaluation.likelihood_metrics(table)

  def writer(self, decision: LikelihoodDecision, classes: Sequence[str]) -> 'LikelihoodRows':
    """See ``Outcome``."""
    return LikelihoodRows(decision, self.axis)

  def label_text(self, label: Any, classes: Sequence[str]) -> str:
    """Nothing: labels are not looked at."""
    return ''

  def card_rows(self, decision: LikelihoodDecision, data: dict[str, Any]) -> list[CardRow]:
    """What a likelihood is."""
    return [
      (
        'Output (15)',
        'how probable each token is after those before it, of which new cases can be drawn; what '
        'is drawn is a proposal that nobody has made or measured',
      ),
      (
        'Metrics (12e)',
        'perplexity a token: among how many equally probable tokens the model hesitates',
      ),
    ]


class LikelihoodRows(Rows):
  """Likelihoods, and how typical they are."""

  def __init__(self, decision: LikelihoodDecision, axis: str = 'positions'):
    self._decision, self._axis = decision, axis
    self.numbers = ['log_likelihood', 'tokens', 'perplexity', 'typical']
    self.columns = self.shown = ['file', *self.numbers, 'error']

  def cells(self, predicted: Any, sizes: Sequence[Mapping[str, int]]) -> Iterator[Row | None]:
    """See ``Rows``."""
    for value, size in zip(predicted['log_likelihood'].tolist(), sizes, strict=True):
      if not math.isfinite(value):
        yield None
        continue
      mean = value / size[self._axis]
      numbers = (value, size[self._axis], math.exp(-mean), self._decision.typical(mean))
      yield dict(zip(self.numbers, map(repr, numbers), strict=True))

  def summary(self, rows: Sequence[Row]) -> list[str]:
    """See ``Writer``."""
    return ['typical: the share of validation cases that are no more probable a token']
