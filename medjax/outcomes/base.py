"""What a label is: one object for each kind of label, which everything else asks."""

import abc
import dataclasses
import pathlib
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import markupsafe
import numpy as np

from medjax.config import Config
from medjax.errors import UserError
from medjax.evaluation import Estimate, Scale
from medjax.outcomes.simple import FittedModel, SimpleModel
from medjax.plots import html

Row = dict[str, str]
CardRow = tuple[str, str | None]

T = TypeVar('T')  # the table of predictions
D = TypeVar('D')  # how predictions become decisions


@dataclasses.dataclass(frozen=True)
class Metric:
  """How a metric is shown.

  Attributes:
    title: its name for readers.
    share: whether it and its interval are between 0 and 1.
    most: the largest value that it can have; of those that checkpoints are best by.
  """

  title: str
  share: bool = False
  most: float = 1.0


@dataclasses.dataclass(frozen=True)
class Evaluated:
  """What the report knows of one evaluated run when it asks an outcome for its section.

  Attributes:
    split: name of the split that is shown.
    table: its labelled predictions; None where there are none.
    metrics: of that split, by name, as evaluation.json has them.
    decision: how predictions become decisions; None where it is not known, and ``decision_problem``
      says why.
    decision_problem: see there.
    evaluation_problem: why there are no metrics; '' where there are.
    problems: lines on tables that cannot be read.
    metric_rows: of the table of all metrics.
    splits: names of the splits in its columns.
  """

  split: str
  table: Any
  metrics: dict[str, Any]
  decision: Any
  decision_problem: str = ''
  evaluation_problem: str = ''
  problems: Sequence[str] = ()
  metric_rows: Sequence[dict[str, Any]] = ()
  splits: Sequence[str] = ()


class Writer(Protocol):
  """Turns predictions of new cases into the rows of a CSV.

  Attributes:
    columns: of the CSV; the first is 'file', the last 'error'.
    shown: those of them that the terminal shows.
    numbers: those of them that hold numbers; a class may be called '1', too.
  """

  columns: list[str]
  shown: list[str]
  numbers: list[str]

  def begin(
    self, output: pathlib.Path | None, restore: Mapping[str, Callable[[np.ndarray], np.ndarray]]
  ) -> None:
    """Told before the first rows.

    Args:
      output: the CSV, beside which a writer may write files; None to give them as data URIs.
      restore: by name of a case, what brings a map [H, W] of its input to the size of its file,
        once it was read.
    """

  def rows(
    self, names: Sequence[str], predicted: Any, sizes: Sequence[Mapping[str, int]] = ()
  ) -> list[Row]:
    """Rows of cases.

    Args:
      names: of the cases, N.
      predicted: what the task's ``predict`` gave, leaves [N, ...].
      sizes: of each case how long its axes are that are not as long in every case.
    """

  def empty(self, name: str, error: str) -> Row:
    """The row of a case without a prediction."""

  def undecided(self, row: Row) -> Row:
    """The row of a case unlike all that were seen, without what was promised of those alone."""

  def summary(self, rows: Sequence[Row]) -> list[str]:
    """Lines for the terminal."""

  def page(self, rows: Sequence[Row]) -> str:
    """An HTML page that draws the rows; '' for none."""


class Outcome(abc.ABC, Generic[T, D]):
  """The owner of one kind of label: its table, metrics, decision, report and cells of ``predict``.

  A subclass says what is abstract here; the rest has defaults that suit any label. ``Classes``,
  ``Number``, ``LabelSet``, ``Masks``, ``States`` and ``Survival`` are those of medjax.

  Attributes:
    monitor: name of the metric that chooses the best checkpoint; larger is better.
    metrics: how each metric is shown, by name. Others have a section of their own, or none.
    headline: names of the metrics at the top of the report, the most important first.
    learners: which simple models there are for such labels; see ``fit_simple``.
    template: of the report's section; see ``context``.
    about_examples: what the report says of the cases that it shows; see ``choose_examples``.
    counted: what the cases are that metrics are of, in a word.
    marks: whether ``mark`` draws labels and predictions on images.
    decided: names of metrics of decisions, of which larger is better.
    order_only: whether ``monitor`` is of the order of cases alone, which no recalibration changes.
    ideal: of metrics of calibration, what they are where it is right.
  """

  monitor: str
  metrics: ClassVar[Mapping[str, Metric]] = {}
  headline: ClassVar[Sequence[str]] = ()
  learners: ClassVar[Sequence[str]] = ()
  template: ClassVar[pathlib.Path] = pathlib.Path(__file__).parent / 'metrics.html'
  about_examples: ClassVar[str] = ''
  counted: ClassVar[str] = 'labelled'
  marks: ClassVar[bool] = False
  decided: ClassVar[Sequence[str]] = ()
  order_only: ClassVar[bool] = True
  ideal: ClassVar[Mapping[str, float]] = types.MappingProxyType({})

  # Tables and numbers.

  @abc.abstractmethod
  def table(self, statistics: Any, label: Any, **columns: Any) -> T:
    """The predictions table of a split.

    Args:
      statistics: what the task's ``statistics`` gave, leaves [N, ...], finite.
      label: labels as the split has them, leaves [N, ...].
      columns: id, group, split, metadata, the data's ``classes``, and ``sizes`` [N] of each axis
        that is not as long in every example.
    """

  @abc.abstractmethod
  def read_table(self, path: pathlib.Path) -> T:
    """A table that was written as CSV; raises UserError."""

  @abc.abstractmethod
  def score(self, table: T) -> float | None:
    """``monitor`` alone, for every epoch; None where it is undefined."""

  @abc.abstractmethod
  def decide(self, validation: T, step: int, config: Config) -> D:
    """How predictions become decisions, fitted to the validation table of the checkpoint of
    ``step``; an object with ``checkpoint_step`` and ``to_json``."""

  @abc.abstractmethod
  def read_decision(self, values: dict[str, Any]) -> D:
    """What ``to_json`` of a decision gave; raises KeyError, TypeError or ValueError."""

  @abc.abstractmethod
  def evaluate(self, table: T, decision: D) -> tuple[T, dict[str, Estimate]]:
    """The table as it is shown (calibrated, for classes) and every metric with its interval."""

  # New cases.

  @abc.abstractmethod
  def writer(self, decision: D, classes: Sequence[str]) -> Writer:
    """What ``predict`` writes of new cases."""

  # Explanations: of tasks with one number a case; see ``Task.explained``.

  def calls(self, decision: D, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is explained of each case: its class, int [N], and what is predicted, [N, C].

    Without classes all are of class 0, and C is 1.

    Args:
      decision: of the run.
      predicted: what the task's ``predict`` gave, [N] or [N, C].
    """
    return np.zeros(len(predicted), int), np.asarray(predicted).reshape(len(predicted), -1)

  def called(self, table: T, decision: D) -> np.ndarray:
    """The class, int [N], that each row of a table, as ``evaluate`` gave it, is explained for."""
    return np.zeros(len(table), int)  # type: ignore[arg-type]

  @property
  def call_columns(self) -> Sequence[str]:
    """Columns of ``call_cells``; the last one is a number."""
    return ('prediction',)

  def call_cells(self, call: int, values: np.ndarray, classes: Sequence[str]) -> Row:
    """Cells that say what was predicted of an explained case: of ``calls``."""
    return {'prediction': f'{values[0]:.6g}'}

  def followed(self, calls: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Class, int [N], whose prediction is followed where an input is changed, of ``calls`` [N]."""
    return calls

  def rightly_called(self, table: T, decision: D, what: str) -> np.ndarray:
    """Which rows are predicted rightly and are worth an explanation, bool [N].

    Raises:
      UserError: a prediction is not right or wrong; ``what`` names who asks.
    """
    raise UserError(f'{what}: needs one class a case, which this run does not predict')

  # The report and the card.

  def metric(self, name: str, names: Sequence[str]) -> Metric | None:
    """How a metric is shown; None for one that is not in the table of all metrics.

    Args:
      name: of the metric.
      names: of all metrics there are.
    """
    return self.metrics.get(name)

  def context(self, shown: Evaluated) -> dict[str, Any]:
    """Values for ``template``, beside those of ``shown``."""
    return {}

  def section(self, shown: Evaluated) -> markupsafe.Markup:
    """HTML of the report's section on predictions, metrics and decisions."""
    return html.render(self.template, **vars(shown), **self.context(shown))

  def label_text(self, label: Any, classes: Sequence[str]) -> str:
    """A label of one example in words, for captions."""
    return str(label)

  def mark(self, image: np.ndarray, label: Any, predicted: Any = None) -> np.ndarray:
    """An image with its label drawn on it, and what is predicted; by default as it is.

    Args:
      image: uint8 [H, W, C] with C of 1 or 3.
      label: of this example.
      predicted: what the task's ``predict`` gave of it; None to draw the label alone.

    Returns:
      uint8 [H', W', C'].
    """
    return image

  def about_cases(self, table: T) -> str:
    """What the report's summary says of the cases beside their number; '' for nothing."""
    return ''

  def choose_examples(self, table: T, count: int) -> list[str]:
    """Ids of cases that the report shows as pictures, at most ``count``; none by default."""
    return []

  def example_groups(
    self, table: T, metrics: dict[str, Any], pictures: Mapping[str, Sequence[str]]
  ) -> list[dict[str, Any]]:
    """Pictures in groups: 'name', and 'pictures' with 'id', 'sources', 'right', 'text' (what was
    predicted) and 'number' (how strongly, as text).

    Args:
      table: of the split that is shown.
      metrics: of that split.
      pictures: data URIs by id.
    """
    return []

  def card_rows(self, decision: D, data: dict[str, Any]) -> list[CardRow]:
    """Rows of the model card: how an output becomes what is said of a case.

    Args:
      decision: of the run.
      data: what data.json says.
    """
    return [('Output (15)', 'a prediction in the form of the labels')]

  def subgroup_rows(self, table: T, decision: D) -> list[dict[str, Any]]:
    """Subgroups of a table with their metrics; none by default."""
    return []

  def scales(self, table: T) -> Sequence[Scale]:
    """Labels and predictions as numbers that can be compared between cases; none by default."""
    return ()

  # The simple model beside which a network has to prove its worth.

  def fit_simple(
    self, model: SimpleModel, features: np.ndarray, label: Any, classes: Sequence[str]
  ) -> FittedModel:
    """Fits a simple model to training cases, every one of which counts alike.

    Args:
      model: what the inputs offer.
      features: of the training cases, [N, ...]; see ``Modality.simple_features``.
      label: labels as the split has them, leaves [N, ...]; unknown ones are left out.
      classes: names of the classes.

    Raises:
      UserError: these labels have no such model, or the training cases do not allow one.
    """
    raise UserError('there is no simple model for labels of this kind')

  def decide_simple(self, validation: T, step: int, config: Config) -> D:
    """As ``decide``, of a simple model; whatever would change its figures is left out."""
    return self.decide(validation, step, config)

  # Another site; see ``medjax.validation``.

  def judged(self, table: T, decision: D) -> dict[str, Estimate]:
    """Further metrics of a table as ``evaluate`` gave it, or as an update of ``updates`` did."""
    return {}

  def promised(self, decision: D) -> float | None:
    """How often ``coverage`` was promised to hold the truth; None where nothing was."""
    return None

  def updates(self, decision: D) -> Mapping[str, Callable[[T], Callable[[T], T]]]:
    """Ways to fit the frozen model to another site, from the least to the most; none by default.

    Each is a function of some cases of the site, as ``table`` gave them, that gives what makes a
    table as it is shown of others.
    """
    return {}

  def losses(self, table: T) -> np.ndarray | None:
    """What each labelled case of a table as it is shown costs, [N]; None where nothing says so."""
    return None

  def linear_predictor(self, table: T) -> np.ndarray | None:
    """What is predicted of each case on the scale of the model, [N]; None where it is no number."""
    return None

  def calibration_figure(self, table: T) -> markupsafe.Markup | None:
    """What was predicted and what came true, of a table as it is shown; None for no figure."""
    return None

  def expected(self, table: T) -> float | None:
    """``monitor`` of these cases if predictions were right; None where that is not known."""
    return None

  # Several runs.

  def pooled(self, tables: Sequence[T]) -> dict[str, Estimate]:
    """Metrics of the test cases of all folds taken together; none by default."""
    return {}

  def averaged(self, tables: Sequence[T]) -> T:
    """One table of the cases of all, each once with the mean of what tables predict of it.

    By it the decisions of several runs together are fitted, on cases that none of them has seen.

    Raises:
      UserError: predictions of this kind have no mean.
    """
    raise UserError('predictions of this kind cannot be averaged over runs')

  def compare(self, tables: Sequence[T], decisions: Sequence[D]) -> dict[str, Any]:
    """Paired differences of two tables on the same cases, ``evaluation.Difference`` by metric.

    Raises:
      UserError: they are of different cases, or this outcome cannot be compared so.
    """
    raise UserError('compare: predictions of this kind cannot be compared yet')
