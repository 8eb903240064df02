"""Predictions of several labels at once: the table with one row an example, and its metrics."""

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax.errors import UserError
from medjax.evaluation import metrics
from medjax.evaluation.bootstrap import Bootstrap
from medjax.evaluation.class_means import mean_over
from medjax.evaluation.decision import Decision
from medjax.evaluation.estimate import Estimate
from medjax.evaluation.proportions import mean, proportion
from medjax.evaluation.ranking import Ranking
from medjax.evaluation.rows import Rows, constant, read_columns, write_rows
from medjax.evaluation.table import Predictions

_LABEL, _PROBABILITY = 'label_', 'probability_'


@dataclasses.dataclass(frozen=True, eq=False)
class Labels(Rows):
  """What a model predicted for each example of one split, where an example has several classes.

  Attributes:
    id: [N] strings, unique.
    label: float64 [N, C]: 1 for a class of the example, 0 for none of its, NaN where not known.
    probability: float64 [N, C] in 0..1, of each class by itself.
    group: [N] strings: the patient, scaffold or family that the example belongs to.
    split: name of the split.
    classes: C names.
    metadata: further columns by name, [N] strings each.

  Raises:
    ValueError: shapes or values break the description above.
  """

  id: np.ndarray
  label: np.ndarray
  probability: np.ndarray
  group: np.ndarray
  split: str
  classes: tuple[str, ...]
  metadata: dict[str, list[str]] = dataclasses.field(default_factory=dict)

  def __post_init__(self):
    shape = (len(self.id), len(self.classes))
    for name in ('label', 'probability'):
      if getattr(self, name).shape != shape:
        raise ValueError(f'{name} has shape {getattr(self, name).shape}; expected {shape}')
    self.check_rows()
    if not ((self.probability >= 0) & (self.probability <= 1)).all():
      raise ValueError('a probability is outside of 0..1')
    if not (np.isnan(self.label) | (self.label == 0) | (self.label == 1)).all():
      raise ValueError('a label is not 0, 1 or NaN')

  def labelled(self) -> 'Labels':
    """The rows of which at least one label is known."""
    return self.take(np.flatnonzero(~np.isnan(self.label).all(axis=1)))

  def of_class(self, number: int) -> Predictions:
    """One class against the rest, of the rows where it is known."""
    rows = np.flatnonzero(~np.isnan(self.label[:, number]))
    name = self.classes[number]
    return Predictions(
      id=self.id[rows],
      label=self.label[rows, number].astype(np.int64),
      probability=self.probability[rows, number],
      group=self.group[rows],
      split=self.split,
      classes=(f'not {name}', name),
    )

  def write_csv(self, path: str | os.PathLike[str]) -> None:
    """Writes id, label_CLASS (0, 1 or empty) and probability_CLASS for each class, group, split and
    the metadata, in one step and so that ``read_labels`` returns the same bits."""
    names = [prefix + name for prefix in (_LABEL, _PROBABILITY) for name in self.classes]
    rows = (
      [
        self.id[row],
        *('' if np.isnan(value) else str(int(value)) for value in self.label[row]),
        *map(repr, self.probability[row].tolist()),
        self.group[row],
        self.split,
        *(column[row] for column in self.metadata.values()),
      ]
      for row in range(len(self))
    )
    write_rows(path, ['id', *names, 'group', 'split', *self.metadata], rows)


def read_labels(path: str | os.PathLike[str]) -> Labels:
  """Reads a table written by ``Labels.write_csv`` or by another tool; see ``table.read_csv``.

  Raises:
    UserError: the file is missing, or a column or a value is missing or wrong; the message names
      the file and the row (the header is row 1).
  """
  path = pathlib.Path(path)
  columns = read_columns(path, ('id',))
  classes = tuple(n.removeprefix(_LABEL) for n in columns if n.startswith(_LABEL))
  lacks = [name for name in classes if _PROBABILITY + name not in columns]
  if not classes or lacks:
    wanted = f'{_PROBABILITY}{lacks[0]}' if lacks else f'{_LABEL}CLASS for each class'
    raise UserError(f'{path} row 1: no column {wanted!r}')
  own = {'id', 'group', 'split'} | {p + n for p in (_LABEL, _PROBABILITY) for n in classes}
  try:
    return Labels(
      id=np.array(columns['id']),
      label=_column(path, columns, _LABEL, classes),
      probability=_column(path, columns, _PROBABILITY, classes),
      group=np.array(columns.get('group', columns['id'])),
      split=constant(path, columns, 'split', path.stem),
      classes=classes,
      metadata={name: cells for name, cells in columns.items() if name not in own},
    )
  except ValueError as error:
    raise UserError(f'{path}: {error}') from None


def _column(
  path: pathlib.Path, columns: dict[str, list[str]], prefix: str, classes: Sequence[str]
) -> np.ndarray:
  numbers = np.full((len(columns['id']), len(classes)), np.nan)
  for number, name in enumerate(classes):
    for row, cell in enumerate(columns[prefix + name]):
      if prefix == _LABEL and not cell:
        continue
      try:
        numbers[row, number] = float(cell)
      except ValueError:
        raise UserError(
          f'{path} row {row + 2}: {prefix}{name} is {cell!r}; expected a number'
        ) from None
  return numbers


@dataclasses.dataclass(frozen=True)
class LabelDecisions:
  """How probabilities of several labels become calls: a decision for each class by itself.

  Attributes:
    checkpoint_step: the checkpoint whose validation predictions they were fitted to.
    classes: a decision by name; a class whose validation cases are all alike has one that calls it
      at 0.5.
  """

  checkpoint_step: int
  classes: dict[str, Decision]

  def calibrated(self, table: Labels) -> Labels:
    """The table with calibrated probabilities."""
    return dataclasses.replace(table, probability=self.apply(table.probability))

  def apply(self, probability: np.ndarray) -> np.ndarray:
    """Calibrated probabilities of raw ones, [N, C]."""
    columns = [
      one.calibration.apply(probability[:, i].astype(np.float64))
      for i, one in enumerate(self.classes.values())
    ]
    return np.stack(columns, axis=1)

  def calls(self, probability: np.ndarray) -> np.ndarray:
    """Which classes calibrated probabilities [N, C] call, bool [N, C]."""
    columns = [one.calls(probability[:, i]) for i, one in enumerate(self.classes.values())]
    return np.stack(columns, axis=1) == 1

  def told(self, predicted: np.ndarray, classes: Sequence[str]) -> dict[str, np.ndarray]:
    """What is said of cases: probability, calibrated, float64 [N, C], and called, bool [N, C].

    Args:
      predicted: probabilities as the network gave them, [N, C].
      classes: names of the classes.
    """
    probability = self.apply(predicted)
    return {'probability': probability, 'called': self.calls(probability)}

  def to_json(self) -> dict[str, Any]:
    """A JSON object, which ``from_json`` reads back to the same bits."""
    classes = {name: one.to_json() for name, one in self.classes.items()}
    return {'checkpoint_step': self.checkpoint_step, 'classes': classes}

  @classmethod
  def from_json(cls, fields: dict[str, Any]) -> 'LabelDecisions':
    """What ``to_json`` gave.

    Raises:
      KeyError: a field is missing.
    """
    classes = {name: Decision.from_json(one) for name, one in fields['classes'].items()}
    return cls(int(fields['checkpoint_step']), classes)


def label_metrics(table: Labels, decision: LabelDecisions) -> dict[str, Estimate]:
  """Metrics of several labels, each class against the rest where it is known.

  Args:
    table: calibrated; see ``LabelDecisions.calibrated``.
    decision: thresholds.

  Returns:
    By name, auroc, auprc and f1, means over the classes that have cases and non-cases; exact_match,
    the share of fully known examples whose calls are all right; log_loss, over all known labels;
    and for each class auroc_CLASS, auprc_CLASS, sensitivity_CLASS, specificity_CLASS, ppv_CLASS,
    npv_CLASS and f1_CLASS; see ``metrics`` for their intervals.
  """
  table = table.labelled()
  by_class: dict[str, dict[str, Estimate]] = {}
  for number, (name, one) in enumerate(decision.classes.items()):
    by_class[name] = metrics.binary_metrics(table.of_class(number), one.threshold)
  estimates: dict[str, Estimate] = {}
  whole = ~np.isnan(table.label).any(axis=1)
  calls = decision.calls(table.probability)
  means = _mean_over_classes(table, calls, by_class)
  for metric in ('auroc', 'auprc', 'f1'):
    estimates[metric] = means[metric]
    estimates |= {f'{metric}_{name}': one[metric] for name, one in by_class.items()}
  for metric in ('sensitivity', 'specificity', 'ppv', 'npv'):
    estimates |= {f'{metric}_{name}': one[metric] for name, one in by_class.items()}
  right = (calls == (table.label == 1)).all(axis=1)[whole]
  estimates['exact_match'] = proportion(right, table.group[whole], 'case')
  known = ~np.isnan(table.label)
  of_true = np.where(table.label == 1, table.probability, 1 - table.probability)[known]
  losses = -np.log(np.maximum(of_true, np.finfo(np.float64).eps))
  estimates['log_loss'] = mean(losses, np.repeat(table.group, known.sum(axis=1)))
  return estimates


def _mean_over_classes(
  table: Labels, calls: np.ndarray, by_class: dict[str, dict[str, Estimate]]
) -> dict[str, Estimate]:
  """auroc, auprc and f1: means over the classes that have cases and non-cases."""
  known = ~np.isnan(table.label)
  usable = [
    i for i in range(len(table.classes)) if len(np.unique(table.label[known[:, i], i])) == 2
  ]
  names = ('auroc', 'auprc', 'f1')
  if not usable:
    return dict.fromkeys(names, Estimate(None, reason='no class has cases and non-cases'))
  positive = table.label == 1
  rankings = [Ranking(positive[known[:, i], i], table.probability[known[:, i], i]) for i in usable]

  def statistics(times: np.ndarray) -> dict[str, np.ndarray]:
    by_metric: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for i, ranking in zip(usable, rankings, strict=True):
      some, is_, called = times[:, known[:, i]], positive[known[:, i], i], calls[known[:, i], i]
      roc, precision = ranking.areas(some)
      hits, actual, all_called = (
        some @ part.astype(np.float32) for part in (is_ & called, is_, called)
      )
      with np.errstate(invalid='ignore', divide='ignore'):
        f1 = 2 * hits.astype(np.float64) / (actual + all_called)
      for name, value in zip(names, (roc, precision, f1), strict=True):
        by_metric[name].append(value)
    return {name: np.mean(values, axis=0) for name, values in by_metric.items()}

  values = {
    name: float(v[0]) for name, v in statistics(np.ones((1, len(table)), np.float32)).items()
  }
  resampled = Bootstrap(table.group).intervals(values, statistics, lacks='they lack a class')
  estimates = {
    name: mean_over({table.classes[i]: by_class[table.classes[i]][name] for i in usable}, one)
    for name, one in resampled.items()
  }
  if len(usable) == len(table.classes):
    return estimates
  few = f'mean over {len(usable)} of {len(table.classes)} classes, which have cases and non-cases'
  return {
    name: dataclasses.replace(one, reason='; '.join(filter(None, (few, one.reason))))
    for name, one in estimates.items()
  }
