"""What is known of molecules: a class, a number, or several labels at once."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from medjax.data import concentrations, positive, tables
from medjax.data.missing import Missing
from medjax.data.molecules.config import Config
from medjax.data.molecules.records import NAME, File, Record
from medjax.data.quote import short
from medjax.data.tabular import number_cells
from medjax.data.tabular import target as table_target
from medjax.data.tabular.rows import Table
from medjax.errors import UserError

ALL = 'all'
_USUAL = 'label'


@dataclasses.dataclass(frozen=True)
class Labels:
  """The labels of those records that have any.

  Attributes:
    columns: that say them.
    kept: numbers of these records in the list that was given.
    values: class numbers, int32 [N]; numbers, float32 [N]; or float32 [N, C] of 1, 0 and NaN.
    classes: names in label order; none of numbers.
    notes: what was decided, one line each.
  """

  columns: list[str]
  kept: list[int]
  values: np.ndarray
  classes: tuple[str, ...]
  notes: tuple[str, ...]


def columns(config: Config, file: File) -> list[str]:
  """The columns with labels that the settings name, or the only one that can be meant; none where
  labels are not read.

  Raises:
    UserError: one is not there, or several may be meant.
  """
  path, header = file.path, file.header
  if config.labels == 'none':
    return []
  if config.label_column:
    return [tables.column(path, header, config.label_column, setting='config.data.label_column')]
  no_labels = {config.id_column.casefold(), config.split_column.casefold(), NAME}
  no_labels.add(config.date_column.casefold())
  others = [name for name in header if name.casefold() not in no_labels]
  if [name.casefold() for name in config.label_columns] == [ALL] and ALL not in header:
    if len(others) < 2:
      raise UserError(
        f'{path}: config.data.label_columns=all: expected two or more columns beside SMILES, id, '
        f'split and date, and there are {len(others)}'
      )
    return others
  if config.label_columns:
    found = [tables.column(path, header, name) for name in config.label_columns]
    if len(set(found)) < max(len(found), 2):
      raise UserError(
        f'config.data.label_columns={",".join(config.label_columns)}: expected two or more '
        'different columns'
      )
    return found
  usual = tables.column(path, header, _USUAL, optional=True)
  if usual or len(others) == 1:
    return [usual or others[0]]
  if not others:
    raise UserError(f'{path}: no column beside the SMILES; expected one with labels')
  raise UserError(
    f'{path}: which column is the label? expected config.data.label_column, or '
    f'config.data.label_columns=all for all at once (it has {", ".join(others)})'
  )


def encode(config: Config, file: File, records: Sequence[Record], names: Sequence[str]) -> Labels:
  """The labels of records.

  Args:
    config: the settings.
    file: where they are from.
    records: those that could be read.
    names: the columns with labels, as ``columns`` gives them.

  Raises:
    UserError: labels are not as expected.
  """
  if not names:
    nothing = np.zeros(len(records), np.float32)
    return Labels([], list(range(len(records))), nothing, (), ('labels are not read',))
  if len(names) > 1 or config.label_columns:
    return _several(config, file.path, records, names)
  missing = Missing.of(config.missing)
  rows = [(number, record.cells) for number, record in enumerate(records)]
  written: list[str] = []
  if config.labels != 'classes':
    rows, _, written = number_cells.read(names, rows, missing, semicolons=file.semicolons)
  table = Table(file.path.stem, str(file.path), file.header, rows)
  target = table_target.classes_or_numbers(
    table, names[0], config.labels, missing, positive=config.positive, joined=config.joined_names
  )
  kept = [number for number, _ in target.rows]
  values, notes = target.label, [*written, *target.notes]
  if not target.classes:
    values, said = _numbers(config, file.path, names[0], values, [records[i] for i in kept])
    notes += said
  elif config.numbers != 'as_is':
    raise UserError(f'config.data.numbers={config.numbers}: {names[0]} is one of classes')
  return Labels(list(names), kept, values, tuple(target.classes), tuple(notes))


def _numbers(
  config: Config, path: pathlib.Path, name: str, values: np.ndarray, records: Sequence[Record]
) -> tuple[np.ndarray, list[str]]:
  """The numbers to predict, float32 [N], and notes."""
  if config.numbers != 'as_is' and (values <= 0).any():
    place = records[int((values <= 0).argmax())].place
    raise UserError(
      f'{path} {place}: {name} is {values[values <= 0][0]:g}; expected a number of nM above 0, as '
      f'config.data.numbers={config.numbers}'
    )
  found, notes = concentrations.taken(name, values, config.numbers, 'config.data.numbers')
  return found.astype(np.float32), notes


def _several(
  config: Config, path: pathlib.Path, records: Sequence[Record], names: Sequence[str]
) -> Labels:
  missing = Missing.of(config.missing)
  values = np.full((len(records), len(names)), np.nan, np.float32)
  notes = []
  for place, name in enumerate(names):
    cells = [record.cells[name] for record in records]
    known = [number for number, cell in enumerate(cells) if not missing.number(cell)]
    answers, said = _answers(path, name, [cells[i] for i in known], [records[i] for i in known])
    values[known, place] = [answers[cells[i]] for i in known]
    notes += said
    if not known:
      notes.append(f'column {name!r} is empty: nothing is known of it')
  blank = int(np.isnan(values).sum())
  if blank:
    notes.append(f'{blank} of {values.size} labels are blank: not measured')
  kept = np.flatnonzero(~np.isnan(values).all(axis=1))
  if not len(kept):
    raise UserError(f'{path}: no row has a value in {", ".join(names)}')
  if len(kept) < len(records):
    notes.append(f'{len(records) - len(kept)} rows of which nothing is known are left out')
  return Labels(list(names), kept.tolist(), values[kept], tuple(names), tuple(notes))


def _answers(
  path: pathlib.Path, name: str, cells: Sequence[str], records: Sequence[Record]
) -> tuple[dict[str, float], list[str]]:
  """What the cells of a column that are not missing mean: 1 or 0; and notes.

  Raises:
    UserError: they are more than two answers, or other numbers.
  """
  plain = {cell: tables.parse_number(cell) for cell in cells}
  if all(number in (0.0, 1.0) for number in plain.values()):
    return {cell: float(number or 0) for cell, number in plain.items()}, []
  if len(plain) == 2 and None in plain.values():
    found, why = positive.of_two(list(plain))
    told = f'column {name!r}: {found!r} is 1' + (f' ({why})' if why else ', A GUESS')
    return {cell: float(cell == found) for cell in plain}, [told]
  odd = next(i for i, cell in enumerate(cells) if plain[cell] not in (0.0, 1.0))
  raise UserError(
    f'{path} {records[odd].place}: {name} is {short(cells[odd])!r}; expected 1, 0 or nothing, or '
    'two words, as several labels are predicted at once'
  )
