"""A number, with the interval that holds the truth as often as asked for.

``predict`` writes file, prediction, low and high (the ends of the conformal interval, empty where
it is infinite, or the case is outside of the applicability domain) and error.
"""

import math
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import markupsafe
import numpy as np

from medjax import evaluation
from medjax.config import Config, CoverageSettings, part
from medjax.evaluation import Estimate, Interval, Numbers, Scale, recalibration, rows
from medjax.evaluation.number_calibration import number_calibration
from medjax.outcomes import card, simple
from medjax.outcomes.base import CardRow, Evaluated, Metric, Outcome, Row
from medjax.outcomes.rows import Rows
from medjax.outcomes.simple import FittedModel, SimpleModel
from medjax.plots import curves


class Number(Outcome[Numbers, Interval]):
  """A case has a number.

  Attributes:
    monitor: the share of variance explained.
  """

  monitor = 'r2'
  metrics: ClassVar[Mapping[str, Metric]] = {
    'rmse': Metric('Root mean squared error'),
    'mae': Metric('Mean absolute error'),
    'r2': Metric('R2'),
    'spearman': Metric("Spearman's correlation"),
    'concordance': Metric('Concordance'),
  }
  headline: ClassVar[Sequence[str]] = ('r2', 'rmse', 'mae', 'spearman', 'concordance')
  order_only: ClassVar[bool] = False
  ideal: ClassVar[Mapping[str, float]] = {'calibration_intercept': 0.0, 'calibration_slope': 1.0}
  learners: ClassVar[Sequence[str]] = simple.LEARNERS
  template: ClassVar[pathlib.Path] = pathlib.Path(__file__).parent / 'number.html'

  def table(self, statistics: np.ndarray, label: np.ndarray, **columns: Any) -> Numbers:
    """See ``Outcome``."""
    columns.pop('sizes', None)
    del columns['classes']
    return Numbers(
      prediction=statistics.astype(np.float64), label=label.astype(np.float64), **columns
    )

  def read_table(self, path: pathlib.Path) -> Numbers:
    """See ``evaluation.read_numbers``."""
    return evaluation.read_numbers(path)

  def score(self, table: Numbers) -> float | None:
    """R2; None where all labels are equal."""
    known = table.labelled()
    if not len(known) or np.ptp(known.label) == 0:
      return None
    spread = np.square(known.label - known.label.mean()).sum()
    return float(1 - np.square(known.label - known.prediction).sum() / spread)

  def decide(self, validation: Numbers, step: int, config: Config) -> Interval:
    """Fits the width of conformal intervals."""
    return Interval.fit(validation, step, part(config, CoverageSettings).coverage)

  def read_decision(self, values: dict[str, Any]) -> Interval:
    """See ``Interval.from_json``."""
    return Interval.from_json(values)

  def evaluate(self, table: Numbers, decision: Interval) -> tuple[Numbers, dict[str, Estimate]]:
    """The table and ``evaluation.number_metrics``."""
    return table, evaluation.number_metrics(table, decision)

  def writer(self, decision: Interval, classes: Sequence[str]) -> 'NumberRows':
    """See ``Outcome``."""
    return NumberRows(decision)

  def context(self, shown: Evaluated) -> dict[str, Any]:
    """Figures of predicted against true, and how wide the interval is."""
    interval, table = shown.decision, shown.table
    width = interval.half_width if interval and math.isfinite(interval.half_width) else None
    figures = {}
    if table is not None and len(table):
      figures = {
        'scatter': markupsafe.Markup(curves.scatter(table.label, table.prediction, width)),
        'residuals': markupsafe.Markup(curves.residuals(table.prediction, table.label)),
      }
    return {'figures': figures, 'half_width': width, 'coverage': shown.metrics.get('coverage')}

  def card_rows(self, decision: Interval, data: dict[str, Any]) -> list[CardRow]:
    """The unit, and how wide the interval is."""
    width = f'{decision.half_width:.4g}' if math.isfinite(decision.half_width) else 'infinity'
    promise = f'made to hold the truth in {decision.coverage:.0%} of the cases'
    return [
      ('Output (15)', 'a number in the unit of the labels'),
      ('Uncertainty (15)', f'plus or minus {width}, {promise}; {card.plain(decision.reason)}'),
    ]

  def scales(self, table: Numbers) -> Sequence[Scale]:
    """The label itself; a standard deviation is far apart."""
    apart = float(np.nanstd(table.label)) if len(table.labelled()) else 0.0
    about = f'{apart:.3g}, which is a standard deviation of the labels'
    return [Scale('', table.label, table.prediction, apart, about)] if apart else []

  def judged(self, table: Numbers, decision: Interval) -> dict[str, Estimate]:
    """The metrics, with the line of true numbers over predicted ones."""
    return evaluation.number_metrics(table, decision) | number_calibration(table)

  def promised(self, decision: Interval) -> float | None:
    """What intervals were made for."""
    return decision.coverage if math.isfinite(decision.half_width) else None

  def updates(
    self, decision: Interval
  ) -> Mapping[str, Callable[[Numbers], Callable[[Numbers], Numbers]]]:
    """See ``recalibration.of_numbers``."""
    return recalibration.of_numbers()

  def losses(self, table: Numbers) -> np.ndarray:
    """The squared error."""
    return np.square(table.label - table.prediction)

  def linear_predictor(self, table: Numbers) -> np.ndarray:
    """The prediction."""
    return table.prediction

  def calibration_figure(self, table: Numbers) -> markupsafe.Markup | None:
    """True numbers over predicted ones."""
    return markupsafe.Markup(curves.scatter(table.label, table.prediction, None))

  def fit_simple(
    self, model: SimpleModel, features: np.ndarray, label: np.ndarray, classes: Sequence[str]
  ) -> FittedModel:
    """See ``Outcome``."""
    known = ~np.isnan(label)
    simple.require_cases(int(known.sum()))
    name, settings, pipeline = simple.regressor(model, features[known])
    pipeline.fit(features[known], label[known].astype(np.float64))
    return FittedModel(name, settings, pipeline.predict)

  def averaged(self, tables: Sequence[Numbers]) -> Numbers:
    """With the mean of the numbers."""
    return rows.averaged(tables, 'prediction')

  def compare(self, tables: Sequence[Numbers], decisions: Sequence[Interval]) -> dict[str, Any]:
    """See ``evaluation.compare_numbers``."""
    return evaluation.compare_numbers(tables[0], tables[1])


class NumberRows(Rows):
  """Numbers with the interval that holds the truth as often as asked for."""

  def __init__(self, interval: Interval):
    self._interval = interval
    self.columns = self.shown = ['file', 'prediction', 'low', 'high', 'error']
    self.numbers = ['prediction', 'low', 'high']

  def cells(
    self, predicted: np.ndarray, sizes: Sequence[Mapping[str, int]]
  ) -> Iterator[Row | None]:
    """See ``Rows``."""
    told = self._interval.told(predicted)
    for values in zip(*(column.tolist() for column in told.values()), strict=True):
      cells = (repr(value) if np.isfinite(value) else '' for value in values)
      yield dict(zip(self.numbers, cells, strict=True)) if np.isfinite(values[0]) else None

  def undecided(self, row: Row) -> Row:
    """See ``Writer``; the interval's promise holds for cases like those of validation."""
    return {**row, 'low': '', 'high': ''}

  def summary(self, rows: Sequence[Row]) -> list[str]:
    """See ``Writer``."""
    return [f'low to high holds {self._interval.coverage:.0%}: {self._interval.reason}']
