"""Affinities as numbers: as they stand, or logarithms of concentrations."""

import dataclasses

import numpy as np

from medjax.data import concentrations, tables
from medjax.data.binding.config import Config
from medjax.data.missing import Missing
from medjax.data.molecules.records import File
from medjax.data.quote import short
from medjax.data.tabular import number_cells


@dataclasses.dataclass(frozen=True)
class Affinities:
  """What N rows say of their pairs.

  Attributes:
    values: float64 [N], NaN where nothing is known.
    missing: which rows leave it empty, bool [N].
    broken: why the cells of other rows are no affinity, by row.
    notes: what was decided, one line each.
  """

  values: np.ndarray
  missing: np.ndarray
  broken: dict[int, str]
  notes: list[str]


def read(config: Config, file: File, column: str) -> Affinities:
  """The affinities of a column.

  Numbers may be written in any way that ``number_cells`` knows; a limit such as >10000 is read as
  the limit, with a note.

  Args:
    config: the settings.
    file: the table.
    column: its name.
  """
  cells = [record.cells[column] for record in file.records]
  words = Missing.of(config.missing)
  empty = np.array([words.number(cell) for cell in cells])
  broken = {
    row: f'{column} is {short(cell)!r}; expected a number'
    for row, cell in enumerate(cells)
    if not empty[row] and not any('0' <= letter <= '9' for letter in cell)
  }
  rows = [(row, {column: cell}) for row, cell in enumerate(cells) if row not in broken]
  found, _, notes = number_cells.read([column], rows, words, semicolons=file.semicolons)
  values = np.full(len(cells), np.nan)
  for row, plain in found:
    number = tables.parse_number(plain[column], words)
    if number is None:
      broken[row] = f'{column} is {short(cells[row])!r}; expected a number'
    elif config.affinity == 'minus_log10_nM' and number <= 0:
      broken[row] = f'{column} is {short(cells[row])!r}; expected a number of nM above 0'
    else:
      values[row] = number
  values, said = concentrations.taken(column, values, config.affinity, 'config.data.affinity')
  notes += said
  if empty.any():
    notes.append(f'{int(empty.sum())} rows have no {column}: left out')
  return Affinities(values, empty, broken, notes)
