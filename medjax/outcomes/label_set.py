"""Any number of classes at once.

``predict`` writes file, probability_<class> of each by itself, calibrated, call (the classes
called, each at its own threshold, joined by ' | ') and error. Of a case outside of the
applicability domain nothing is called, and call says abstain.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from medjax import evaluation
from medjax.config import ClassSettings, Config, part
from medjax.errors import UserError
from medjax.evaluation import Estimate, LabelDecisions, Labels, Scale
from medjax.evaluation.decision import ABSTAIN
from medjax.outcomes import card, simple
from medjax.outcomes.base import CardRow, Evaluated, Metric, Outcome, Row
from medjax.outcomes.classes import METRICS, Classes
from medjax.outcomes.rows import Rows
from medjax.outcomes.simple import FittedModel, SimpleModel


class LabelSet(Outcome[Labels, LabelDecisions]):
  """A case is of any number of classes, or of none.

  Attributes:
    monitor: the mean of AUROCs over classes.
  """

  monitor = 'auroc'
  metrics: ClassVar[Mapping[str, Metric]] = METRICS | {
    'exact_match': Metric('All labels right', share=True)
  }
  headline: ClassVar[Sequence[str]] = ('auroc', 'sensitivity', 'specificity', 'auprc', 'accuracy')
  learners: ClassVar[Sequence[str]] = simple.LEARNERS
  template: ClassVar[pathlib.Path] = pathlib.Path(__file__).parent / 'labels.html'

  def table(self, statistics: np.ndarray, label: np.ndarray, **columns: Any) -> Labels:
    """See ``Outcome``."""
    columns.pop('sizes', None)
    return Labels(
      probability=statistics.astype(np.float64), label=label.astype(np.float64), **columns
    )

  def read_table(self, path: pathlib.Path) -> Labels:
    """See ``evaluation.read_labels``."""
    return evaluation.read_labels(path)

  def score(self, table: Labels) -> float | None:
    """Mean AUROC over the classes that have cases and non-cases; None without any."""
    of_classes = [table.of_class(number) for number in range(len(table.classes))]
    return evaluation.mean_auroc(
      [one.label for one in of_classes], [one.probability for one in of_classes]
    )

  def decide(self, validation: Labels, step: int, config: Config) -> LabelDecisions:
    """Fits calibration and threshold of each class by itself."""
    classes = {
      name: Classes().decide(validation.of_class(number), step, config)
      for number, name in enumerate(validation.classes)
    }
    return LabelDecisions(step, classes)

  def read_decision(self, values: dict[str, Any]) -> LabelDecisions:
    """See ``LabelDecisions.from_json``."""
    return LabelDecisions.from_json(values)

  def evaluate(self, table: Labels, decision: LabelDecisions) -> tuple[Labels, dict[str, Estimate]]:
    """The calibrated table and ``evaluation.label_metrics``."""
    shown = decision.calibrated(table)
    return shown, evaluation.label_metrics(shown, decision)

  def writer(self, decision: LabelDecisions, classes: Sequence[str]) -> 'LabelRows':
    """See ``Outcome``."""
    return LabelRows(decision)

  def calls(self, decision: LabelDecisions, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The class that is furthest above its threshold, or least below, int [N]; all that are
    predicted, calibrated, [N, C]."""
    probability = decision.apply(predicted)
    return self._foremost(decision, probability), probability

  def called(self, table: Labels, decision: LabelDecisions) -> np.ndarray:
    """As ``calls``, of a calibrated table."""
    return self._foremost(decision, table.probability)

  def _foremost(self, decision: LabelDecisions, probability: np.ndarray) -> np.ndarray:
    thresholds = [one.threshold.value for one in decision.classes.values()]
    return (probability - np.array(thresholds)).argmax(axis=1)

  @property
  def call_columns(self) -> Sequence[str]:
    """The class that is explained, and its probability."""
    return ('explained', 'probability')

  def call_cells(self, call: int, values: np.ndarray, classes: Sequence[str]) -> Row:
    """The class that is explained and its calibrated probability."""
    return {'explained': classes[call], 'probability': f'{values[call]:.4f}'}

  def metric(self, name: str, names: Sequence[str]) -> Metric | None:
    """See ``Classes.metric``."""
    return self.metrics['exact_match'] if name == 'exact_match' else Classes().metric(name, names)

  def context(self, shown: Evaluated) -> dict[str, Any]:
    """A row for each class: its cases, how well it is found, and at what it is called."""
    table, decision = shown.table, shown.decision
    rows = []
    for number, name in enumerate(table.classes if table is not None else ()):
      label = table.label[:, number]
      one = decision.classes.get(name) if decision else None
      names = (f'{metric}_{name}' for metric in ('auroc', 'sensitivity', 'specificity'))
      rows.append(
        {
          'name': name,
          'cases': int((label == 1).sum()),
          'unknown': int(np.isnan(label).sum()),
          'estimates': [shown.metrics.get(metric) for metric in names],
          'threshold': one.threshold.value if one else None,
        }
      )
    return {'label_rows': rows}

  def card_rows(self, decision: LabelDecisions, data: dict[str, Any]) -> list[CardRow]:
    """Imbalance, and threshold and calibration of each class."""
    classes = decision.classes.items()
    called = ', '.join(f'{card.plain(name)} at {one.threshold.value:.3g}' for name, one in classes)
    fits = ', '.join(f'{card.plain(name)} {one.calibration.method}' for name, one in classes)
    return [
      card.imbalance(data),
      ('Output and threshold (15)', f'probability of each class by itself; called: {called}'),
      ('Calibration (12c)', fits),
    ]

  def scales(self, table: Labels) -> Sequence[Scale]:
    """Each class by itself."""
    return [
      Scale.of_class(
        name, table.label[:, number], table.probability[:, number], (f'not {name}', name)
      )
      for number, name in enumerate(table.classes)
    ]

  def fit_simple(
    self, model: SimpleModel, features: np.ndarray, label: np.ndarray, classes: Sequence[str]
  ) -> FittedModel:
    """See ``Outcome``: a model of each class against the rest, where it is known.

    A class of which training has cases alone, or none, is predicted with its share there.
    """
    predicts: list[Callable[[np.ndarray], np.ndarray]] = []
    name = settings = ''
    for column in label.T:
      known = ~np.isnan(column)
      if len(np.unique(column[known])) < 2:
        share = float(column[known].mean()) if known.any() else 0.5
        predicts.append(functools.partial(_share, share))
        continue
      name, settings, pipeline = simple.classifier(model, features[known])
      pipeline.fit(features[known], column[known].astype(np.int64))
      predicts.append(functools.partial(_positive, pipeline))
    if not name:
      raise UserError('no class has training cases and training non-cases')
    return FittedModel(
      f'{name} of each class',
      settings,
      lambda features: np.stack([predict(features) for predict in predicts], axis=1),
    )

  def decide_simple(self, validation: Labels, step: int, config: Config) -> LabelDecisions:
    """See ``Classes.decide_simple``."""
    settings: Any = dataclasses.replace(part(config, ClassSettings), calibration='none')
    return self.decide(validation, step, settings)

  def compare(
    self, tables: Sequence[Labels], decisions: Sequence[LabelDecisions]
  ) -> dict[str, Any]:
    """See ``evaluation.compare_labels``."""
    return evaluation.compare_labels(tables[0], tables[1])


class LabelRows(Rows):
  """Probabilities of classes of which a case may have several, and those that are called."""

  def __init__(self, decisions: LabelDecisions):
    self._decisions = decisions
    self.numbers = [f'probability_{name}' for name in decisions.classes]
    self.columns = ['file', *self.numbers, 'call', 'error']
    self.shown = ['file', 'call', 'error']

  def cells(
    self, predicted: np.ndarray, sizes: Sequence[Mapping[str, int]]
  ) -> Iterator[Row | None]:
    """See ``Rows``."""
    told = self._decisions.told(predicted, tuple(self._decisions.classes))
    for values, called in zip(told['probability'], told['called'], strict=True):
      held = [c for c, yes in zip(self._decisions.classes, called, strict=True) if yes]
      numbers = [repr(float(value)) for value in values]
      cells = dict(zip(self.numbers, numbers, strict=True)) | {'call': ' | '.join(held)}
      yield cells if np.isfinite(values).all() else None

  def undecided(self, row: Row) -> Row:
    """See ``Writer``; no class is not the same as no answer."""
    return {**row, 'call': ABSTAIN}

  def summary(self, rows: Sequence[Row]) -> list[str]:
    """See ``Writer``."""
    none = sum(not row['call'] and not row['error'] for row in rows)
    return [f'of no class: {none}']


def _share(share: float, features: np.ndarray) -> np.ndarray:
  return np.full(len(features), share)


def _positive(pipeline: Any, features: np.ndarray) -> np.ndarray:
  return pipeline.predict_proba(features)[:, 1]
