"""Predicted survival: the table with one row an example, and its CSV file."""

import dataclasses
import math
import os
import pathlib

import numpy as np

from medjax.errors import UserError
from medjax.evaluation.rows import Rows, constant, floats, read_columns, write_rows

_PREFIX = 'survival_'
_COLUMNS = ('id', 'time', 'event', 'risk', 'group', 'split')
_RISE = 1e-6  # of survival over time that is rounding of float32


@dataclasses.dataclass(frozen=True, eq=False)
class SurvivalTable(Rows):
  """What a model predicted for each example of one split, where labels are right-censored times.

  Attributes:
    id: [N] strings, unique: every example is counted exactly once.
    time: float64 [N], of the event or of the end of observation, at least 0; NaN where unknown.
    event: bool [N], whether the event was seen; False where the time is unknown.
    risk: float64 [N], finite; larger means an earlier event.
    survival: float64 [N, T], the probability of no event up to and with each horizon, not rising
      from one to the next.
    horizons: T times above 0, rising, in the unit of ``time``; may be none.
    group: [N] strings: the patient that the example belongs to.
    split: name of the split.
    metadata: further columns by name, [N] strings each.

  Raises:
    ValueError: lengths, shapes or values break the description above.

  Example:
    >>> names = np.array(['a', 'b'])
    >>> table = SurvivalTable(
    ...   id=names,
    ...   time=np.array([30.0, 45.0]),
    ...   event=np.array([True, False]),
    ...   risk=np.array([0.4, -0.2]),
    ...   survival=np.array([[0.5], [0.8]]),
    ...   horizons=(40.0,),
    ...   group=names,
    ...   split='test',
    ... )
    >>> len(table)
    2
  """

  id: np.ndarray
  time: np.ndarray
  event: np.ndarray
  risk: np.ndarray
  survival: np.ndarray
  horizons: tuple[float, ...]
  group: np.ndarray
  split: str
  metadata: dict[str, list[str]] = dataclasses.field(default_factory=dict)

  def __post_init__(self):
    if not all(math.isfinite(horizon) and horizon > 0 for horizon in self.horizons):
      raise ValueError(f'horizons are {self.horizons}; expected numbers above 0')
    if (np.diff(self.horizons) <= 0).any():
      raise ValueError(f'horizons are {self.horizons}; expected them to rise')
    self.check_rows()
    shape = (len(self), len(self.horizons))
    if self.survival.shape != shape:
      raise ValueError(f'survival has shape {self.survival.shape}; expected {shape}')
    if self.event.dtype != bool:
      raise ValueError(f'event is {self.event.dtype}; expected bool')
    if np.isinf(self.time).any() or (self.time < 0).any():
      raise ValueError('a time is negative or infinite')
    if self.event[np.isnan(self.time)].any():
      raise ValueError('there is an event whose time is unknown')
    if not np.isfinite(self.risk).all():
      raise ValueError('a risk is not finite')
    if not ((self.survival >= 0) & (self.survival <= 1)).all():
      raise ValueError('a probability of survival is NaN or outside [0, 1]')
    if (np.diff(self.survival, axis=1) > _RISE).any():
      raise ValueError('a probability of survival rises from one horizon to the next')
    for name in self.metadata:
      if name in _COLUMNS or name.startswith(_PREFIX):
        raise ValueError(f'metadata column {name!r} has a reserved name')

  def labelled(self) -> 'SurvivalTable':
    """The rows whose time is known."""
    return self.take(np.flatnonzero(~np.isnan(self.time)))

  def write_csv(self, path: str | os.PathLike[str]) -> None:
    """Writes the table in one step and so that ``read_survival`` returns the same bits.

    Columns: id, time and event ('1' or '0'), both empty where unknown, risk, survival_<horizon> for
    each horizon, group, split, then the metadata.
    """
    names = [_PREFIX + horizon_name(horizon) for horizon in self.horizons]
    header = ['id', 'time', 'event', 'risk', *names, 'group', 'split', *self.metadata]
    rows = (
      [
        self.id[row],
        *(('', '') if math.isnan(time) else (repr(time), int(self.event[row]))),
        repr(float(self.risk[row])),
        *map(repr, self.survival[row].tolist()),
        self.group[row],
        self.split,
        *(column[row] for column in self.metadata.values()),
      ]
      for row, time in enumerate(self.time.tolist())
    )
    write_rows(path, header, rows)


def free_name(column: str) -> str:
  """The name of a metadata column that is none of the table's own.

  Example:
    >>> free_name('age'), free_name('risk')
    ('age', 'column_risk')
  """
  taken = column in _COLUMNS or column.startswith(_PREFIX)
  return f'column_{column}' if taken else column


def horizon_name(horizon: float) -> str:
  """A horizon as it stands in names of columns and metrics, read back by ``float`` to the same.

  Example:
    >>> horizon_name(365.0), horizon_name(0.5)
    ('365', '0.5')
  """
  return repr(float(horizon)).removesuffix('.0')


def read_survival(path: str | os.PathLike[str]) -> SurvivalTable:
  """Reads a table written by ``SurvivalTable.write_csv`` or by another tool.

  Only id, time, event and risk are required; see ``table.read_csv`` for the rest.

  Raises:
    UserError: the file is missing, or a column or a value is missing or wrong; the message names
      the file and the row (the header is row 1).
  """
  path = pathlib.Path(path)
  columns = read_columns(path, ('id', 'time', 'event', 'risk'))
  names = [name for name in columns if name.startswith(_PREFIX)]
  horizons = []
  for name in names:
    try:
      horizons.append(float(name.removeprefix(_PREFIX)))
    except ValueError:
      raise UserError(
        f'{path} row 1: column {name!r} names no horizon; expected {_PREFIX}<number>'
      ) from None
  time = floats(path, 'time', columns['time'], missing=True)
  event = _events(path, columns['event'], np.isnan(time))
  survival = [floats(path, name, columns[name], missing=False) for name in names]
  try:
    return SurvivalTable(
      id=np.array(columns['id']),
      time=time,
      event=event,
      risk=floats(path, 'risk', columns['risk'], missing=False),
      survival=np.array(survival).T if survival else np.zeros((len(time), 0)),
      horizons=tuple(horizons),
      group=np.array(columns.get('group', columns['id'])),
      split=constant(path, columns, 'split', path.stem),
      metadata={
        name: cells for name, cells in columns.items() if name not in _COLUMNS and name not in names
      },
    )
  except ValueError as error:
    raise UserError(f'{path}: {error}') from None


def _events(path: pathlib.Path, cells: list[str], unknown: np.ndarray) -> np.ndarray:
  for row, cell in enumerate(cells):
    if cell not in (('', '0') if unknown[row] else ('0', '1')):
      expected = 'nothing, as there is no time' if unknown[row] else '1 or 0'
      raise UserError(f'{path} row {row + 2}: event is {cell!r}; expected {expected}')
  return np.array([cell == '1' for cell in cells], bool)
