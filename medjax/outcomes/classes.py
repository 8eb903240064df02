"""One of two or more classes."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import markupsafe
import numpy as np

from medjax import evaluation
from medjax.config import ClassSettings, Config, part
from medjax.evaluation import (
  Decision,
  Estimate,
  Predictions,
  Scale,
  calibration,
  conformal,
  recalibration,
  rows,
  transport,
)
from medjax.evaluation import threshold as thresholds
from medjax.evaluation.metrics import log_losses
from medjax.evaluation.table import by_class
from medjax.outcomes import card, class_section, simple, trust
from medjax.outcomes.base import CardRow, Evaluated, Metric, Outcome, Row
from medjax.outcomes.class_rows import ClassRows
from medjax.outcomes.simple import FittedModel, SimpleModel

# Metrics that calibration is for, shown also without it.
_CALIBRATED = ('brier', 'log_loss', 'ece')
# Metrics that exist for each of several classes, and as a mean over them.
_OF_CLASS = ('auroc', 'auprc', 'sensitivity', 'specificity', 'ppv', 'npv', 'f1')
# Metrics of calls, which may be taken together over folds; see ``pooled``.
_OF_CALLS = ('accuracy', 'balanced', 'f1', 'mcc', 'sensitivity', 'ppv')

METRICS = {
  'auroc': Metric('AUROC', share=True),
  'auprc': Metric('AUPRC (average precision)', share=True),
  'accuracy': Metric('Accuracy', share=True),
  'balanced_accuracy': Metric('Balanced accuracy', share=True),
  'sensitivity': Metric('Sensitivity', share=True),
  'specificity': Metric('Specificity', share=True),
  'ppv': Metric('Positive predictive value', share=True),
  'npv': Metric('Negative predictive value', share=True),
  'f1': Metric('F1', share=True),
  'mcc': Metric('Matthews correlation'),
  'threshold': Metric('Threshold'),
}


class Classes(Outcome[Predictions, Decision]):
  """A case is of one of two classes, of which the second is the positive one, or of one of many.

  Attributes:
    monitor: the AUROC; of many classes the mean of each against the rest.
  """

  monitor = 'auroc'
  metrics: ClassVar[Mapping[str, Metric]] = METRICS
  headline: ClassVar[Sequence[str]] = (
    'auroc', 'sensitivity', 'specificity', 'auprc', 'balanced_accuracy', 'accuracy',
  )  # fmt: skip
  decided: ClassVar[Sequence[str]] = ('sensitivity', 'specificity', 'balanced_accuracy')
  ideal: ClassVar[Mapping[str, float]] = {'calibration_intercept': 0.0, 'calibration_slope': 1.0}
  learners: ClassVar[Sequence[str]] = simple.LEARNERS
  template: ClassVar[pathlib.Path] = pathlib.Path(__file__).parent / 'classes.html'
  about_examples: ClassVar[str] = (
    'Of each class, cases that the model got most wrong and most right. The probability is that of '
    'the true class.'
  )

  def table(self, statistics: np.ndarray, label: np.ndarray, **columns: Any) -> Predictions:
    """See ``Outcome``; probabilities that rounding put outside of 0..1 are put back."""
    columns.pop('sizes', None)
    probability = np.clip(statistics.astype(np.float64), 0.0, 1.0)
    return Predictions(probability=probability, label=label.astype(np.int64), **columns)

  def read_table(self, path: pathlib.Path) -> Predictions:
    """See ``evaluation.read_csv``."""
    return evaluation.read_csv(path)

  def score(self, table: Predictions) -> float | None:
    """AUROC, of many classes its mean over those with cases and non-cases; None without any."""
    if table.is_binary:
      return evaluation.mean_auroc([table.label], [table.probability])
    labels = [table.label == number for number in range(len(table.classes))]
    return evaluation.mean_auroc(labels, list(table.probability.T))

  def decide(self, validation: Predictions, step: int, config: Config) -> Decision:
    """Fits calibration, threshold and conformal sets to a table of raw predictions."""
    settings = part(config, ClassSettings)
    fitted = calibration.fit(settings.calibration, validation)
    shown = fitted.table(validation)
    if validation.is_binary:
      rule, target = settings.operating_point, settings.operating_target
      threshold = thresholds.choose(rule, target, shown.label, shown.probability)
    else:
      threshold = Estimate(None, reason='the decision is the most probable class')
    # Raw: calibration has seen the labels, and its probabilities are better here than on new cases.
    sets = conformal.fit(settings.conformal, settings.coverage, validation)
    return Decision(step, fitted, threshold, sets)

  def read_decision(self, values: dict[str, Any]) -> Decision:
    """See ``Decision.from_json``."""
    return Decision.from_json(values)

  def evaluate(
    self, table: Predictions, decision: Decision
  ) -> tuple[Predictions, dict[str, Estimate]]:
    """The calibrated table, its metrics, those before calibration, and what the sets are worth."""
    shown = decision.calibration.table(table)
    estimates = _metrics(shown, decision.threshold)
    if decision.calibration.method != 'none':
      before = _metrics(table, decision.threshold)
      estimates |= {f'{name}_uncalibrated': before[name] for name in _CALIBRATED if name in before}
      if not table.is_binary:  # whose order calibration keeps
        estimates['raw_auroc'] = before['auroc']
    return shown, estimates | evaluation.conformal_metrics(table, decision.conformal)

  def writer(self, decision: Decision, classes: Sequence[str]) -> ClassRows:
    """See ``Outcome``."""
    return ClassRows(decision, classes)

  def calls(self, decision: Decision, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The class that each case is called, int [N], and calibrated probabilities of all, [N, C]."""
    probability = decision.calibration.apply(predicted)
    return decision.calls(probability), by_class(probability)

  def called(self, table: Predictions, decision: Decision) -> np.ndarray:
    """The class that each row is called, int [N]."""
    return decision.calls(table.probability)

  @property
  def call_columns(self) -> Sequence[str]:
    """The class called, and its probability."""
    return ('call', 'probability')

  def call_cells(self, call: int, values: np.ndarray, classes: Sequence[str]) -> Row:
    """The class called and its calibrated probability."""
    return {'call': classes[call], 'probability': f'{values[call]:.4f}'}

  def followed(self, calls: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """The class called; of two classes always the positive one."""
    return np.ones_like(calls) if len(classes) == 2 else calls

  def rightly_called(self, table: Predictions, decision: Decision, what: str) -> np.ndarray:
    """Which rows are called what they are; with two classes, those of the second."""
    calls = self.called(table, decision)
    return (calls == table.label) & ((calls == 1) | (not table.is_binary))

  def metric(self, name: str, names: Sequence[str]) -> Metric | None:
    """See ``Outcome``; of several classes also each against the rest."""
    several = any(other.startswith('auroc_') for other in names)
    if name in METRICS:
      known = METRICS[name]
      if several and name in _OF_CLASS:
        return Metric(f'{known.title}, mean over classes', share=True)
      return known
    metric, _, of_class = name.partition('_')
    if metric not in _OF_CLASS:
      return None
    known = METRICS[metric]
    return Metric(f'{known.title}, {of_class} against the rest', share=True)

  def context(self, shown: Evaluated) -> dict[str, Any]:
    """See ``class_section.context``."""
    return class_section.context(shown.table, shown.metrics, shown.decision)

  def label_text(self, label: Any, classes: Sequence[str]) -> str:
    """The name of the class."""
    return classes[int(label)]

  def about_cases(self, table: Predictions) -> str:
    """How many are positive."""
    if not table.is_binary or not len(table):
      return ''
    return (
      f'{int(table.label.sum()):,} of them positive, that is {table.classes[1]} '
      f'({table.label.mean():.1%}, which is also the AUPRC of guessing)'
    )

  def choose_examples(self, table: Predictions, count: int) -> list[str]:
    """See ``class_section.choose_examples``."""
    return class_section.choose_examples(table, count)

  def example_groups(
    self, table: Predictions, metrics: dict[str, Any], pictures: Mapping[str, Sequence[str]]
  ) -> list[dict[str, Any]]:
    """By true class, wrong ones first."""
    return class_section.example_groups(table, metrics, pictures)

  def card_rows(self, decision: Decision, data: dict[str, Any]) -> list[CardRow]:
    """Imbalance, threshold, calibration and abstention."""
    classes = data['classes']
    output = 'probability of each class; the most probable one is called'
    if decision.threshold.value is not None:
      output = (
        f'probability of {card.plain(classes[1])}; called at {decision.threshold.value:.4g} or '
        f'more ({card.plain(decision.threshold.reason)})'
      )
    sets = decision.conformal
    each = ' in each class' if sets.method == 'mondrian' else ''
    fitted = decision.calibration
    return [
      card.imbalance(data),
      ('Output and threshold (15)', output),
      ('Calibration (12c)', f'{fitted.method}: {card.plain(fitted.reason)}'),
      (
        'Abstention (15; uncertainty)',
        f'conformal sets made to hold the truth in {sets.coverage:.0%} of the cases{each}, '
        f'{card.plain(sets.reason)}; where the set is not one class there is no decision',
      ),
    ]

  def subgroup_rows(self, table: Predictions, decision: Decision) -> list[dict[str, Any]]:
    """See ``trust.subgroup_rows``."""
    return trust.subgroup_rows(table, decision)

  def scales(self, table: Predictions) -> Sequence[Scale]:
    """Of two classes the probability of the second; several have no order."""
    if not table.is_binary:
      return []
    return [Scale.of_class('', table.label, table.probability, table.classes)]

  def judged(self, table: Predictions, decision: Decision) -> dict[str, Estimate]:
    """The metrics of probabilities and of the frozen threshold, and its net benefit."""
    found = _metrics(table, decision.threshold)
    threshold = decision.threshold.value
    if threshold is not None and 0 < threshold < 1 and len(table.labelled()):
      curve = evaluation.decision_curve(table, np.array([threshold]))
      ends = float(curve.low[0]), float(curve.high[0])
      found['net_benefit'] = Estimate(float(curve.model[0]), *ends, method='bootstrap')
    return found

  def promised(self, decision: Decision) -> float | None:
    """What conformal sets were made for."""
    return decision.conformal.coverage if decision.conformal.method != 'none' else None

  def updates(
    self, decision: Decision
  ) -> Mapping[str, Callable[[Predictions], Callable[[Predictions], Predictions]]]:
    """See ``recalibration.of_classes``."""
    return recalibration.of_classes(decision.calibration, decision.threshold.value is not None)

  def losses(self, table: Predictions) -> np.ndarray:
    """The log loss."""
    return log_losses(table.label.astype(np.int64), table.by_class())

  def linear_predictor(self, table: Predictions) -> np.ndarray | None:
    """The logit of the second of two classes."""
    return calibration.log_odds(table.probability) if table.is_binary else None

  def calibration_figure(self, table: Predictions) -> markupsafe.Markup | None:
    """Reliability in bins of as many cases each."""
    return trust.reliability(table)

  def expected(self, table: Predictions) -> float | None:
    """See ``transport.expected_auroc``."""
    return transport.expected_auroc(table.probability) if table.is_binary else None

  def fit_simple(
    self, model: SimpleModel, features: np.ndarray, label: np.ndarray, classes: Sequence[str]
  ) -> FittedModel:
    """See ``Outcome``; probabilities are those of ``predict_proba``."""
    simple.require_classes(label, classes)
    name, settings, pipeline = simple.classifier(model, features)
    pipeline.fit(features, label)

    def predict(features: np.ndarray) -> np.ndarray:
      probability = pipeline.predict_proba(features)
      return probability[:, 1] if len(classes) == 2 else probability

    return FittedModel(name, settings, predict)

  def decide_simple(self, validation: Predictions, step: int, config: Config) -> Decision:
    """Without calibration, so that the figures are those of scikit-learn's probabilities."""
    settings: Any = dataclasses.replace(part(config, ClassSettings), calibration='none')
    return self.decide(validation, step, settings)

  def averaged(self, tables: Sequence[Predictions]) -> Predictions:
    """With the mean of the probabilities."""
    return rows.averaged(tables, 'probability')

  def pooled(self, tables: Sequence[Predictions]) -> dict[str, Estimate]:
    """Metrics of the calls that all runs made on their test splits, taken together.

    A mean over folds is undefined, or taken of few folds, where a class has fewer cases than there
    are folds; and the mean of F1 over folds is biased (Forman and Scholz 2010, Apples-to-apples in
    cross-validation studies, SIGKDD Explorations 12:49-57). Probabilities of different networks are
    not ranked against one another, so AUROC and AUPRC are not pooled. An example that several
    repeats have tested has the mean of its probabilities. Intervals are over examples, or groups,
    and do not know that training sets vary.

    Returns:
      accuracy, balanced_accuracy, f1 (mean over classes), mcc, and sensitivity, ppv and f1 of each
      class; nothing for two classes, whose calls need a threshold in each run.
    """
    if tables[0].is_binary:
      return {}
    together = self.averaged(tables)
    estimates = evaluation.multiclass_metrics(together)
    return {name: estimates[name] for name in estimates if name.split('_')[0] in _OF_CALLS}

  def compare(self, tables: Sequence[Predictions], decisions: Sequence[Decision]) -> dict[str, Any]:
    """See ``evaluation.compare``; each run calls cases at its own threshold."""
    calls = [self.called(*pair) for pair in zip(tables, decisions, strict=True)]
    return evaluation.compare(tables[0], tables[1], (calls[0], calls[1]))


def _metrics(table: Predictions, threshold: Estimate) -> dict[str, Estimate]:
  calibrated = evaluation.calibration_metrics(table)
  if table.is_binary:
    return evaluation.binary_metrics(table, threshold) | calibrated
  return evaluation.multiclass_metrics(table) | calibrated
