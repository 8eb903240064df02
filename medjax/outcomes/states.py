"""One of several states at each position, such as secondary structure.

``predict`` writes file, length, states (a letter at each position), confidence (a digit at each),
expected (the share of right positions, from how often each digit was right on validation; empty
where a digit did not occur there) and error, and draws the chains.
"""

import dataclasses
import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from medjax import evaluation
from medjax.config import Config
from medjax.evaluation import Confidence, Estimate, Positions
from medjax.evaluation.positions import spelled
from medjax.outcomes import card, simple, state_section
from medjax.outcomes.base import CardRow, Evaluated, Metric, Outcome, Row
from medjax.outcomes.classes import METRICS
from medjax.outcomes.rows import Rows
from medjax.outcomes.simple import FittedModel, SimpleModel
from medjax.plots import chains

# Share of positions that are right among so many states; Q3 of helix, strand and coil.
_RIGHT = re.compile(r'(chain_)?q(\d+)')
_OF_STATE = ('sensitivity', 'ppv', 'f1', 'sov')


@dataclasses.dataclass(frozen=True)
class States(Outcome[Positions, Confidence]):
  """A case has a state at each of its positions.

  Attributes:
    count: how many states there are.
    axis: name of the axis of positions, where cases differ in length.
  """

  count: int
  axis: str = 'positions'

  metrics: ClassVar[Mapping[str, Metric]] = METRICS | {
    'sov': Metric('Segment overlap (SOV)', share=True)
  }
  learners: ClassVar[Sequence[str]] = simple.LEARNERS
  template: ClassVar[pathlib.Path] = pathlib.Path(__file__).parent / 'states.html'

  @property
  def monitor(self) -> str:  # type: ignore[override]
    """'q3' for three states: the share of positions that are right."""
    return f'q{self.count}'

  @property
  def headline(self) -> Sequence[str]:  # type: ignore[override]
    """Right positions, segments, and right positions of each chain."""
    return (self.monitor, 'sov', f'chain_{self.monitor}')

  def table(self, statistics: np.ndarray, label: np.ndarray, **columns: Any) -> Positions:
    """See ``Outcome``."""
    sizes = columns.pop('sizes', {})
    lengths = sizes.get(self.axis, np.full(len(label), label.shape[1]))
    states = columns.pop('classes')
    return Positions.of_probabilities(statistics, label, lengths, states=states, **columns)

  def read_table(self, path: pathlib.Path) -> Positions:
    """See ``evaluation.read_positions``."""
    return evaluation.read_positions(path)

  def score(self, table: Positions) -> float | None:
    """Share of known positions that are right; None without any."""
    counts = table.confusion().sum(axis=0)
    return float(np.trace(counts) / counts.sum()) if counts.sum() else None

  def decide(self, validation: Positions, step: int, config: Config) -> Confidence:
    """Counts how often each digit of confidence is right."""
    return Confidence.fit(validation, step)

  def read_decision(self, values: dict[str, Any]) -> Confidence:
    """See ``Confidence.from_json``."""
    return Confidence.from_json(values)

  def evaluate(
    self, table: Positions, decision: Confidence
  ) -> tuple[Positions, dict[str, Estimate]]:
    """The table and ``evaluation.position_metrics``."""
    return table, evaluation.position_metrics(table)

  def writer(self, decision: Confidence, classes: Sequence[str]) -> 'StateRows':
    """See ``Outcome``."""
    return StateRows(decision, self.axis)

  def metric(self, name: str, names: Sequence[str]) -> Metric | None:
    """See ``Outcome``.

    Example:
      >>> States(3).metric('chain_q3', ()).title
      'Q3, mean over chains'
    """
    right = _RIGHT.fullmatch(name)
    if right:
      title = f'Q{right[2]}' + (', mean over chains' if right[1] else '')
      return Metric(title, share=True)
    if name in self.metrics:
      return self.metrics[name]
    metric, _, of_state = name.partition('_')
    if metric not in _OF_STATE:
      return None
    return Metric(f'{self.metrics[metric].title}, {of_state} against the rest', share=True)

  def context(self, shown: Evaluated) -> dict[str, Any]:
    """See ``state_section.context``."""
    return state_section.context(shown.table, shown.metrics, shown.decision)

  def card_rows(self, decision: Confidence, data: dict[str, Any]) -> list[CardRow]:
    """Imbalance, and what the digits are worth."""
    return [
      card.imbalance(data),
      (
        'Output (15)',
        'probability of each state at each position; the most probable one is called',
      ),
      (
        'Uncertainty (15)',
        'a digit at each position, the probability in tenths; how often each is right: '
        + card.plain(decision.reason),
      ),
    ]

  def fit_simple(
    self, model: SimpleModel, features: np.ndarray, label: np.ndarray, classes: Sequence[str]
  ) -> FittedModel:
    """See ``Outcome``; features are those of each position, [N, L, D]."""
    label = label[:, : features.shape[1]]  # beyond the longest of these there is padding alone
    known = label >= 0
    simple.require_classes(label[known], classes)
    name, settings, pipeline = simple.classifier(model, features[known])
    pipeline.fit(features[known], label[known])

    def predict(features: np.ndarray) -> np.ndarray:
      positions = features.reshape(-1, features.shape[-1])
      return pipeline.predict_proba(positions).reshape(*features.shape[:-1], len(classes))

    return FittedModel(name, settings, predict)

  def compare(self, tables: Sequence[Positions], decisions: Sequence[Confidence]) -> dict[str, Any]:
    """See ``evaluation.compare_positions``."""
    return evaluation.compare_positions(tables[0], tables[1])


class StateRows(Rows):
  """States along chains, and how far to trust them."""

  def __init__(self, decision: Confidence, axis: str = 'positions'):
    self._decision, self._axis = decision, axis
    self.columns = ['file', 'length', 'states', 'confidence', 'expected', 'error']
    self.shown = ['file', 'length', 'expected', 'error']
    self.numbers = ['expected']

  def cells(self, predicted: Any, sizes: Sequence[Mapping[str, int]]) -> Iterator[Row | None]:
    """See ``Rows``."""
    for row, whole in enumerate(predicted):
      length = sizes[row].get(self._axis, len(whole)) if sizes else len(whole)
      probability = whole[:length]
      if not np.isfinite(probability).all():
        yield None
        continue
      states, digits = spelled(probability, ''.join(self._decision.states))
      expected = self._decision.expected(digits)
      yield {
        'length': str(len(states)),
        'states': states,
        'confidence': digits,
        'expected': '' if expected is None else repr(expected),
      }

  def summary(self, rows: Sequence[Row]) -> list[str]:
    """See ``Writer``."""
    return [f'expected: the share of right positions, {self._decision.reason}']

  def page(self, rows: Sequence[Row]) -> str:
    """See ``Writer``."""
    drawings = []
    for row in rows:
      if row['error']:
        continue
      about = f'{row["length"]} residues'
      if row['expected']:
        about += f', {float(row["expected"]):.0%} of them expected to be right'
      drawn = chains.chain(
        [('predicted', row['states'])], row['file'], confidence=row['confidence']
      )
      drawings.append((f'{row["file"]}: {about}', drawn))
    return chains.page('Predicted states', drawings)
