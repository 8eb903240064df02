"""From cells of a table to numbers: fitted on training rows, kept with the run as JSON.

Numbers are standardised by the training rows' mean and standard deviation; a missing one becomes
their median, and where training rows have missing ones a further input says so. Texts become one
input for each level that training rows have; a level that they do not have is none of these.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medjax.data import tables, text
from medjax.data.missing import Missing
from medjax.data.tabular import number_cells
from medjax.errors import UserError

_MOST_LEVELS = 100  # of a column of texts; more are names, not categories
_QUANTILES = 21
_FARTHEST = 1e18  # standard deviations; what float32 can square

Row = Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Number:
  """A column of numbers.

  Attributes:
    name: of the column.
    mean: of the training rows, after missing ones were filled in; in the column's unit.
    scale: their standard deviation.
    median: what a missing one becomes.
    missing: whether a further input says that it is missing.
    quantiles: of the training rows, from the smallest to the largest, evenly spaced in probability.
  """

  name: str
  mean: float
  scale: float
  median: float
  missing: bool
  quantiles: tuple[float, ...]

  @property
  def inputs(self) -> list[str]:
    """Names of the inputs it gives."""
    return [self.name, f'{self.name} (missing)'] if self.missing else [self.name]

  def values(self, cell: str, where: str, missing: Missing) -> list[float]:
    """The inputs of one cell; raises UserError where it is no number."""
    number = tables.parse_number(cell, missing)
    if number is None:
      raise UserError(f'{where}: {self.name} is {cell!r}; expected a number')
    lacks = math.isnan(number)
    value = ((self.median if lacks else number) - self.mean) / self.scale
    if abs(value) > _FARTHEST:
      raise UserError(
        f'{where}: {self.name} is {cell}, {abs(value):.1g} standard deviations from the mean of '
        f'{self.mean:.4g}; expected a number like others'
      )
    return [value, float(lacks)] if self.missing else [value]


@dataclasses.dataclass(frozen=True)
class Category:
  """A column of texts.

  Attributes:
    name: of the column.
    levels: that have an input, the most frequent first; a missing cell is a level like others.
    reference: a level without an input, all others being compared with it; '' for none.
  """

  name: str
  levels: tuple[str, ...]
  reference: str = ''

  @property
  def inputs(self) -> list[str]:
    """Names of the inputs it gives."""
    return [f'{self.name}={level}' for level in self.levels]

  def values(self, cell: str, where: str, missing: Missing) -> list[float]:
    """The inputs of one cell."""
    level = _level(cell, missing)
    return [float(level == other) for other in self.levels]


@dataclasses.dataclass(frozen=True)
class Preprocessing:
  """How rows become inputs.

  Attributes:
    columns: in order.
    missing: which words mean a missing value.
    written: how numbers were written, by column, where not plainly; see ``number_cells.read``.

  Example:
    >>> rows = [{'age': '40', 'sex': 'f'}, {'age': '60', 'sex': 'm'}, {'age': 'NA', 'sex': 'f'}]
    >>> fitted = fit(rows, ['age', 'sex'])
    >>> fitted.inputs
    ['age', 'age (missing)', 'sex=m']
    >>> fitted.row({'age': '50', 'sex': 'm'}, 'new.csv row 2')
    array([0., 0., 1.], dtype=float32)
  """

  columns: tuple[Number | Category, ...]
  missing: Missing = Missing()
  written: Mapping[str, str] = dataclasses.field(default_factory=dict)

  @property
  def inputs(self) -> list[str]:
    """Names of the inputs, in order."""
    return [name for column in self.columns for name in column.inputs]

  @property
  def scales(self) -> np.ndarray:
    """What one unit of each input is in the column's own unit, float64 [D]; 1 for levels."""
    return np.array(
      [
        scale
        for column in self.columns
        for scale in (
          [column.scale] + [1.0] * (len(column.inputs) - 1)
          if isinstance(column, Number)
          else [1.0] * len(column.inputs)
        )
      ]
    )

  @property
  def column_of(self) -> np.ndarray:
    """Which column each input is made of, int [D], from 0."""
    return np.repeat(np.arange(len(self.columns)), [len(c.inputs) for c in self.columns])

  def row(self, cells: Row, where: str) -> np.ndarray:
    """Inputs of one row, float32 [D].

    Args:
      cells: by column; further columns are ignored.
      where: the row, for errors.

    Raises:
      UserError: a column is missing or a cell is no number.
    """
    values: list[float] = []
    cells = self.spelled(cells)
    for column in self.columns:
      if column.name not in cells:
        raise UserError(f'{where}: no column {column.name!r}; the model was trained with it')
      values += column.values(cells[column.name], where, self.missing)
    return np.array(values, np.float32)

  def spelled(self, cells: Row) -> Row:
    """A row with the columns named as in training, where only case or blanks differ.

    Example:
      >>> fitted.spelled({'AGE ': '50', 'sex': 'm'})['age']          # doctest: +SKIP
      '50'
    """
    missing = [column.name for column in self.columns if column.name not in cells]
    if not missing:
      return cells
    given, trained = (
      Counter(text.key(name) for name in names)
      for names in (cells, (column.name for column in self.columns))
    )
    of_key = {text.key(name): name for name in cells}
    keys = {name: text.key(name) for name in missing}
    return dict(cells) | {
      name: cells[of_key[key]]
      for name, key in keys.items()
      if given[key] == trained[key] == 1  # or it is not known which is meant
    }

  def to_json(self) -> dict[str, Any]:
    """JSON values, which ``from_json`` reads back."""
    columns = [
      {'kind': 'number' if isinstance(column, Number) else 'category'}
      | {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(column).items()}
      for column in self.columns
    ]
    written = {c.name: self.written[c.name] for c in self.columns if c.name in self.written}
    return {'columns': columns, 'missing': self.missing.to_json(), 'written': written}

  @classmethod
  def from_json(cls, stored: Mapping[str, Any]) -> 'Preprocessing':
    """What ``to_json`` gave."""
    columns: list[Number | Category] = []
    for one in stored['columns']:
      fields: dict[str, Any] = {k: v for k, v in one.items() if k != 'kind'}
      fields |= {k: tuple(v) for k, v in fields.items() if isinstance(v, list)}
      columns.append((Number if one['kind'] == 'number' else Category)(**fields))
    return cls(tuple(columns), Missing.of(stored['missing']), stored['written'])

  def note(self, cells: Row) -> str:
    """What is to be said of reading a row of another table: limits of detection, and numbers that
    may stand for a missing value, such as -999; or ''.

    Args:
      cells: by column, as ``tables.parse`` gives them.
    """
    limits = [
      f'{column.name} {cells[column.name]!r}'
      for column in self.columns
      if isinstance(column, Number) and number_cells.is_limit(cells.get(column.name, ''))
    ]
    told = [f'limits of detection are read as the limit ({", ".join(limits)})'] if limits else []
    if far := self.far(cells):
      told.append(f'{", ".join(far)}: far from all training rows; taken as it stands')
    return '; '.join(told)

  def far(self, cells: Row) -> list[str]:
    """Numbers of a row that are farther beyond those of training than these are apart.

    Example:
      >>> fitted.far({'age': '-999', 'sex': 'm'})                    # doctest: +SKIP
      ['age -999 (trained on 18 to 95)']
    """
    found = []
    cells = self.spelled(cells)
    for column in self.columns:
      if not isinstance(column, Number) or column.name not in cells:
        continue
      number = tables.parse_number(cells[column.name], self.missing)
      low, high = column.quantiles[0], column.quantiles[-1]
      width = high - low
      if number is not None and (number < low - width or number > high + width):
        shown = cells[column.name].strip()
        found.append(f'{column.name} {shown} (trained on {low:g} to {high:g})')
    return found

  def as_trained(self, cells: Row, where: str, *, semicolons: bool) -> dict[str, str]:
    """A row of another table, its numbers read as the training table's.

    Args:
      cells: by column, as ``tables.parse`` gives them.
      where: the row, for errors.
      semicolons: whether cells are separated otherwise than by commas.

    Raises:
      UserError: a number is written in another way; see ``number_cells.as_trained``.
    """
    return dict(cells) | {
      name: number_cells.as_trained(
        cells[name],
        self.written.get(name, ''),
        self.missing,
        semicolons=semicolons,
        where=f'{where}: {name}',
      )
      for name in (column.name for column in self.columns if isinstance(column, Number))
      if name in cells
    }


def fit(
  rows: Sequence[Row],
  columns: Sequence[str],
  *,
  categorical: Sequence[str] = (),
  reference: bool = False,
  missing: Missing | None = None,
  written: Mapping[str, str] | None = None,
) -> Preprocessing:
  """Fits to training rows.

  Args:
    rows: cells by column.
    columns: which of them are inputs. One whose every cell is a number or missing is a column of
      numbers, any other one of texts. Columns with one value only give no input.
    categorical: columns that are texts although their cells are numbers.
    reference: give the most frequent level of a text column no input, so that inputs are not
      collinear and coefficients compare with it.
    missing: which words mean a missing value; None for the usual ones.
    written: see ``Preprocessing``.

  Raises:
    UserError: a column of texts has more than a hundred levels, or no column is left.
  """
  fitted: list[Number | Category] = []
  missing = missing or Missing()
  for name in columns:
    cells = [row[name] for row in rows]
    numbers = [tables.parse_number(cell, missing) for cell in cells]
    if name not in categorical and all(number is not None for number in numbers):
      column = _fit_number(name, np.array(numbers, np.float64))
      if column is not None:
        fitted.append(column)
      continue
    counts = Counter(_level(cell, missing) for cell in cells)
    levels = [level for level, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]
    if len(levels) > _MOST_LEVELS:
      texts = (cell for cell, number in zip(cells, numbers, strict=True) if number is None)
      odd = next(texts, levels[0])
      raise UserError(
        f'column {name!r}: {len(levels)} different texts, such as {odd!r}; expected numbers, or at '
        f'most {_MOST_LEVELS} categories (config.data.drop={name} leaves it out)'
      )
    if len(levels) > 1:
      # Two levels are one question.
      first = 1 if reference or len(levels) == 2 else 0
      fitted.append(Category(name, tuple(levels[first:]), levels[0] if first else ''))
  if not fitted:
    raise UserError(f'no column of {", ".join(columns) or "none"} has two different values')
  return Preprocessing(tuple(fitted), missing, written or {})


def strays(fitted: Preprocessing, rows: Sequence[Row], categorical: Sequence[str]) -> list[str]:
  """Notes on columns read as categories for the sake of few texts among numbers.

  Args:
    fitted: to these rows.
    rows: cells by column.
    categorical: columns that are meant as texts.

  Example:
    >>> rows = [{'age': age} for age in ('40', '52', '61', 'unkown')]
    >>> strays(fit(rows, ['age']), rows, ())
    ["column 'age' is read as categories, as 1 of 4 cells is no number, such as 'unkown'"]
  """
  notes = []
  for column in fitted.columns:
    if isinstance(column, Number) or column.name in categorical:
      continue
    cells = [row[column.name] for row in rows]
    parsed = [tables.parse_number(cell, fitted.missing) for cell in cells]
    texts = [cell for cell, number in zip(cells, parsed, strict=True) if number is None]
    numbers = sum(number is not None and not math.isnan(number) for number in parsed)
    if 0 < len(texts) < numbers:
      notes.append(
        f'column {column.name!r} is read as categories, as {len(texts)} of {len(cells)} cells '
        f'{"is no number" if len(texts) == 1 else "are no numbers"}, such as {texts[0]!r}'
      )
  return notes


def _fit_number(name: str, values: np.ndarray) -> Number | None:
  known = values[~np.isnan(values)]
  if not len(known):
    return None
  median = float(np.median(known))
  filled = np.where(np.isnan(values), median, values)
  constant = np.ptp(filled) == 0
  if constant and len(known) == len(values):
    return None
  quantiles = np.quantile(known, np.linspace(0, 1, _QUANTILES))
  return Number(
    name,
    # Of equal numbers, mean and standard deviation may be off by rounding.
    median if constant else float(filled.mean()),
    1.0 if constant else float(filled.std()) or 1.0,
    median,
    len(known) < len(values),
    tuple(map(float, quantiles)),
  )


def _level(cell: str, missing: Missing) -> str:
  return '(missing)' if missing.level(cell) else text.clean(cell)
