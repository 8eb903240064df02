"""Predicted numbers: the table with one row an example, and intervals that hold the truth."""

import dataclasses
import math
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax.errors import UserError
from medjax.evaluation import conformal
from medjax.evaluation.estimate import Estimate
from medjax.evaluation.proportions import proportion
from medjax.evaluation.regression import regression_metrics
from medjax.evaluation.rows import Rows, constant, floats, read_columns, write_rows

_COLUMNS = ('id', 'label', 'prediction', 'group', 'split')


@dataclasses.dataclass(frozen=True, eq=False)
class Numbers(Rows):
  """What a model predicted for each example of one split, where labels are numbers.

  Attributes:
    id: [N] strings, unique: every example is counted exactly once.
    label: float64 [N], NaN where the label is missing.
    prediction: float64 [N], finite, in the label's unit.
    group: [N] strings: the patient, scaffold or family that the example belongs to.
    split: name of the split.
    metadata: further columns by name, [N] strings each.

  Raises:
    ValueError: lengths or values break the description above.

  Example:
    >>> names = np.array(['a', 'b'])
    >>> len(Numbers(names, np.array([1.0, 2.0]), np.array([1.5, 2.0]), names, 'test'))
    2
  """

  id: np.ndarray
  label: np.ndarray
  prediction: np.ndarray
  group: np.ndarray
  split: str
  metadata: dict[str, list[str]] = dataclasses.field(default_factory=dict)

  def __post_init__(self):
    self.check_rows()
    if not np.isfinite(self.prediction).all():
      raise ValueError('a prediction is not finite')
    if np.isinf(self.label).any():
      raise ValueError('a label is infinite')

  def labelled(self) -> 'Numbers':
    """The rows whose label is known."""
    return self.take(np.flatnonzero(~np.isnan(self.label)))

  def write_csv(self, path: str | os.PathLike[str]) -> None:
    """Writes id, label (empty where missing), prediction, group, split and the metadata, in one
    step and so that ``read_numbers`` returns the same bits."""
    rows = (
      [
        self.id[row],
        '' if math.isnan(self.label[row]) else repr(float(self.label[row])),
        repr(float(self.prediction[row])),
        self.group[row],
        self.split,
        *(column[row] for column in self.metadata.values()),
      ]
      for row in range(len(self))
    )
    write_rows(path, [*_COLUMNS, *self.metadata], rows)


def read_numbers(path: str | os.PathLike[str]) -> Numbers:
  """Reads a table written by ``Numbers.write_csv`` or by another tool.

  Only id, label and prediction are required; see ``table.read_csv`` for the rest.

  Raises:
    UserError: the file is missing, or a column or a value is missing or wrong; the message names
      the file and the row (the header is row 1).
  """
  path = pathlib.Path(path)
  columns = read_columns(path)
  if 'prediction' not in columns:
    raise UserError(f"{path} row 1: no column 'prediction'")
  try:
    return Numbers(
      id=np.array(columns['id']),
      label=floats(path, 'label', columns['label'], missing=True),
      prediction=floats(path, 'prediction', columns['prediction'], missing=False),
      group=np.array(columns.get('group', columns['id'])),
      split=constant(path, columns, 'split', path.stem),
      metadata={name: cells for name, cells in columns.items() if name not in _COLUMNS},
    )
  except ValueError as error:
    raise UserError(f'{path}: {error}') from None


@dataclasses.dataclass(frozen=True)
class Interval:
  """Conformal intervals of predicted numbers: prediction - half_width to prediction + half_width.

  Attributes:
    checkpoint_step: the checkpoint whose validation predictions this was fitted to.
    coverage: how often an interval holds the true number.
    half_width: in the label's unit; infinite where there were too few validation cases.
    reason: on what it was fitted.
  """

  checkpoint_step: int
  coverage: float
  half_width: float
  reason: str = ''

  @classmethod
  def fit(cls, validation: Numbers, step: int, coverage: float) -> 'Interval':
    """Fits the width to a table of a split that was not trained on."""
    table = validation.labelled()
    width = conformal.interval_half_width(table.label, table.prediction, coverage)
    reason = f'fitted on {len(table)} cases of {table.split}'
    if math.isinf(width):
      reason += '; too few for an interval of that coverage'
    return cls(step, coverage, width, reason)

  def told(self, predicted: np.ndarray, classes: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """What is said of cases: prediction, low and high, the ends of the interval, float64 [N].

    Args:
      predicted: numbers, [N].
      classes: none.
    """
    values = np.asarray(predicted, np.float64)
    return {
      'prediction': values,
      'low': values - self.half_width,
      'high': values + self.half_width,
    }

  def to_json(self) -> dict[str, Any]:
    """A JSON object, which ``from_json`` reads back to the same bits."""
    width = None if math.isinf(self.half_width) else self.half_width
    return {**dataclasses.asdict(self), 'half_width': width}

  @classmethod
  def from_json(cls, fields: dict[str, Any]) -> 'Interval':
    """What ``to_json`` gave.

    Raises:
      KeyError: a field is missing.
    """
    width = fields['half_width']
    return cls(
      int(fields['checkpoint_step']),
      float(fields['coverage']),
      math.inf if width is None else float(width),
      fields['reason'],
    )


def number_metrics(table: Numbers, interval: Interval) -> dict[str, Estimate]:
  """See ``regression_metrics``; and coverage, how often the intervals hold the truth."""
  known = table.labelled()
  held = np.abs(known.label - known.prediction) <= interval.half_width
  return {
    **regression_metrics(known.label, known.prediction, known.group),
    'coverage': proportion(held, known.group, 'case'),
    'half_width': Estimate(
      None if math.isinf(interval.half_width) else interval.half_width, reason=interval.reason
    ),
  }
