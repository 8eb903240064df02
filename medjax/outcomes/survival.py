"""The time until an event, which may not have been seen: survival.

``predict`` writes file, risk (the log hazard ratio to a case whose output is 0, or of a
discrete-time network the log of the mean cumulative hazard), survival_<horizon> (the probability of
no event until then) for each horizon, median_survival (empty where survival stays above a half as
long as cases were observed), risk_group and error.
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from medjax import evaluation
from medjax.config import Config
from medjax.errors import UserError
from medjax.evaluation import Estimate, SurvivalDecision, SurvivalTable
from medjax.evaluation.survival import free_name
from medjax.evaluation.survival_decision import parted
from medjax.evaluation.survival_paired import compare_survival
from medjax.outcomes import card, simple, survival_section
from medjax.outcomes.base import CardRow, Evaluated, Metric, Outcome, Row
from medjax.outcomes.simple import FittedModel, SimpleModel
from medjax.outcomes.survival_rows import SurvivalRows, timed

# Metrics that there are for each horizon.
_AT_HORIZON = {
  'auroc': Metric('AUROC until', share=True),
  'brier': Metric('Brier score at', share=True),
  'observed_to_expected': Metric('Observed over expected events until'),
}


_COX_PENALTY = 1.0


@dataclasses.dataclass(frozen=True)
class Survival(Outcome[SurvivalTable, SurvivalDecision]):
  """A case has the time of an event, or the time until which it was not seen.

  Labels are ``{'time': float32 [N], 'event': bool [N]}``, times at least 0 and NaN where unknown.

  Attributes:
    horizons: times at which survival is told, rising, in the unit of the labels.
    ends: where the intervals of a discrete-time network end; empty for proportional hazards.
    unit: of the times, such as 'days', for readers; '' where it is not known.
    monitor: Harrell's concordance.
  """

  horizons: tuple[float, ...] = ()
  ends: tuple[float, ...] = ()
  unit: str = ''

  monitor = 'concordance'
  metrics: ClassVar[Mapping[str, Metric]] = {
    'concordance': Metric('Concordance (Harrell)', share=True),
    'concordance_uno': Metric('Concordance (Uno)', share=True),
    'auroc_mean': Metric('AUROC, mean over horizons', share=True),
    'integrated_brier': Metric('Integrated Brier score', share=True),
  }
  headline: ClassVar[Sequence[str]] = (
    'concordance', 'concordance_uno', 'auroc_mean', 'integrated_brier',
  )  # fmt: skip
  learners: ClassVar[Sequence[str]] = ('linear',)
  template: ClassVar[pathlib.Path] = pathlib.Path(__file__).parent / 'survival.html'

  def table(self, statistics: np.ndarray, label: Any, **columns: Any) -> SurvivalTable:
    """See ``Outcome``; survival is that at ``ends``, and none of a Cox network."""
    columns.pop('sizes', None)
    del columns['classes']
    columns['metadata'] = {free_name(name): c for name, c in columns['metadata'].items()}
    risk, survival = parted(statistics)
    # As they were written: 0.1 in float32 is later than 0.1, and not until it.
    time = np.asarray(label['time']).astype(str).astype(np.float64)
    return SurvivalTable(
      time=time,
      event=np.asarray(label['event'], bool) & ~np.isnan(time),
      risk=risk,
      survival=survival,
      horizons=self.ends,
      **columns,
    )

  def read_table(self, path: pathlib.Path) -> SurvivalTable:
    """See ``evaluation.read_survival``."""
    return evaluation.read_survival(path)

  def score(self, table: SurvivalTable) -> float | None:
    """Harrell's concordance; None without a comparable pair of cases."""
    table = table.labelled()
    return evaluation.concordance_harrell(table.time, table.event, table.risk).value

  def decide(self, validation: SurvivalTable, step: int, config: Config) -> SurvivalDecision:
    """Fits the baseline hazard, the curve of the censoring and groups of risk."""
    return SurvivalDecision.fit(validation, step, self.horizons, self.ends)

  def read_decision(self, values: dict[str, Any]) -> SurvivalDecision:
    """See ``SurvivalDecision.from_json``."""
    return SurvivalDecision.from_json(values)

  def evaluate(
    self, table: SurvivalTable, decision: SurvivalDecision
  ) -> tuple[SurvivalTable, dict[str, Estimate]]:
    """The table with survival at the horizons, and ``evaluation.survival_metrics``."""
    shown = decision.table(table)
    return shown, evaluation.survival_metrics(shown, decision.censoring)

  def writer(self, decision: SurvivalDecision, classes: Sequence[str]) -> SurvivalRows:
    """See ``Outcome``."""
    return SurvivalRows(decision, self.unit)

  def calls(
    self, decision: SurvivalDecision, predicted: np.ndarray
  ) -> tuple[np.ndarray, np.ndarray]:
    """No classes; what is predicted is the risk, [N, 1]."""
    return np.zeros(len(predicted), int), parted(predicted)[0][:, None]

  @property
  def call_columns(self) -> Sequence[str]:
    """The risk."""
    return ('risk',)

  def call_cells(self, call: int, values: np.ndarray, classes: Sequence[str]) -> Row:
    """The risk."""
    return {'risk': f'{values[0]:.6g}'}

  def metric(self, name: str, names: Sequence[str]) -> Metric | None:
    """See ``Outcome``.

    Example:
      >>> Survival((365.0,), unit='days').metric('auroc_at_365', ()).title
      'AUROC until 365 days'
    """
    if name in self.metrics:
      return self.metrics[name]
    kind, _, horizon = name.partition('_at_')
    if kind not in _AT_HORIZON:
      return None
    known = _AT_HORIZON[kind]
    return dataclasses.replace(known, title=f'{known.title} {timed(horizon, self.unit)}')

  def context(self, shown: Evaluated) -> dict[str, Any]:
    """See ``survival_section.context``."""
    return survival_section.context(shown.table, shown.metrics, shown.decision, self.unit)

  def label_text(self, label: Any, classes: Sequence[str]) -> str:
    """When the event was, or until when there was none.

    Example:
      >>> Survival(unit='days').label_text({'time': np.float32(90), 'event': False}, ())
      'no event until 90 days'
    """
    time = float(str(label['time']))
    if np.isnan(time):
      return 'not known'
    at = timed(f'{time:g}', self.unit)
    return f'event at {at}' if label['event'] else f'no event until {at}'

  def about_cases(self, table: SurvivalTable) -> str:
    """How many had the event, and how long the others were followed."""
    if not len(table):
      return ''
    text = f'{int(table.event.sum()):,} of them with the event ({table.event.mean():.1%})'
    followed = evaluation.censoring_curve(table.time, table.event).quantile().value
    if followed is None:
      return text
    return f'{text}, median follow-up {timed(f"{followed:g}", self.unit)}'

  def card_rows(self, decision: SurvivalDecision, data: dict[str, Any]) -> list[CardRow]:
    """What is told of a case, how survival is made, and groups."""
    at = ', '.join(timed(f'{horizon:g}', self.unit) for horizon in decision.horizons)
    model = (
      f'hazards of {len(self.ends)} intervals, survival linear within each'
      if self.ends
      else 'proportional hazards; the baseline hazard is that of the validation cases'
    )
    cuts = ' and '.join(f'{cut:.4g}' for cut in decision.risk_cuts)
    names = ', '.join(decision.group_names)
    return [
      ('Output (15)', f'risk, and the probability of no event until {at or "no horizon"}'),
      ('Survival (12c)', f'{model}; {card.plain(decision.reason)}'),
      ('Groups of risk (15)', f'{names}, parted at {cuts}' if cuts else 'none: risks are equal'),
      (
        'Data in the run folder',
        "decision.json holds the times of the validation cases' events and censorings",
      ),
    ]

  def fit_simple(
    self, model: SimpleModel, features: np.ndarray, label: Any, classes: Sequence[str]
  ) -> FittedModel:
    """See ``Outcome``: Cox regression with a small penalty, by ``evaluation.fit_cox``.

    Where survival is told at ``ends``, it is that of the baseline hazard of the training cases.
    """
    known = ~np.isnan(label['time'])
    simple.require_cases(int(known.sum()))
    time, event = label['time'][known].astype(np.float64), np.asarray(label['event'])[known]
    transform = simple.transformer(model, features[known])
    values = _dense(transform.fit_transform(features[known]))
    fit = evaluation.fit_cox(values, time, event, l2=_COX_PENALTY)
    if fit.coefficients is None:
      raise UserError(fit.reason)
    coefficients = fit.coefficients
    hazard = evaluation.baseline_hazard(time, event, values @ coefficients)

    def predict(features: np.ndarray) -> np.ndarray:
      risk = _dense(transform.transform(features)) @ coefficients
      if not self.ends:
        return risk
      # Nothing is known after the last training case: survival stays as it was.
      ends = np.minimum(self.ends, hazard.last)
      return np.concatenate([risk[:, None], hazard.survival(risk, ends)], axis=1)

    return FittedModel(model.named('Cox regression'), f'L2 penalty {_COX_PENALTY:g} / 2', predict)

  def compare(
    self, tables: Sequence[SurvivalTable], decisions: Sequence[SurvivalDecision]
  ) -> dict[str, Any]:
    """See ``evaluation.survival_paired``; both with the first run's curve of the censoring."""
    return compare_survival(tables[0], tables[1], decisions[0].censoring)


def _dense(values: Any) -> np.ndarray:
  """Transformed features as float64 [N, D]; those of letters are sparse."""
  return np.asarray(values.toarray() if hasattr(values, 'toarray') else values, np.float64)
