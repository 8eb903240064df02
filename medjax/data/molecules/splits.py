"""Which molecules train, validate and test: by scaffold, cluster, time, a draw, a column or a file.

Near copies of a molecule (the same first block of the InChIKey) are never parted by a split that is
drawn here. In splits that are given, and by time, such pairs are noted.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from medjax.data import split, tables
from medjax.data.molecules import dates, groups, rules, split_file
from medjax.data.molecules.config import Config
from medjax.data.molecules.messages import listed
from medjax.data.molecules.reading import Entry
from medjax.data.molecules.records import File
from medjax.data.quote import short
from medjax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Chosen:
  """The groups and splits of N molecules.

  Attributes:
    group: name of the group of each, which splits keep together.
    given: split of each; '' where none was chosen, as for folds.
    notes: what was decided, one line each.
  """

  group: list[str]
  given: list[str]
  notes: tuple[str, ...]


def given(config: Config, file: File) -> tuple[list[str], str]:
  """The split that the data set names for each record, '' for none, and what names it.

  Raises:
    UserError: see ``split_file.read`` and ``split.canonical``; or splits are by time, and there is
      no column with dates.
  """
  if config.split_file:
    path = pathlib.Path(config.split_file).expanduser()
    count = len(file.records)
    return split_file.read(path, config.split_name, file.path, count), str(path)
  column = tables.optional_column(file.path, file.header, config.split_column, 'split')
  if not column:
    if config.split == 'time':  # before the long part of the work
      tables.column(file.path, file.header, config.date_column)
    return [''] * len(file.records), ''
  found = [
    split.in_row(record.cells, column, f'{file.path} {record.place}') for record in file.records
  ]
  return found, f'column {column!r} of {file.path}'


def choose(
  config: Config,
  file: File,
  entries: Sequence[Entry],
  named: Sequence[str],
  strata: Sequence[str],
) -> Chosen:
  """Groups and splits of molecules.

  Args:
    config: the settings.
    file: where they are from.
    entries: the molecules, each different.
    named: split that each is given, all '' where the data set names none.
    strata: what splits that are drawn at random should be alike in.

  Raises:
    UserError: there is no date, or near copies are in two given splits and may not.
  """
  molecules = [one.molecule for one in entries]
  places = [one.place for one in entries]
  copies = groups.near_copies(molecules)
  if any(named) and not config.folds:
    notes = _straddling(config, copies, named, places)
    return Chosen(_names('molecule', groups.together(copies)), list(named), tuple(notes))
  if config.split == 'time':
    splits, note = _by_time(config, file, entries)
    notes = _straddling(config, copies, splits, places)
    return Chosen(_names('molecule', groups.together(copies)), splits, (note, *notes))
  alike: list[Sequence[str] | Sequence[int]] = [copies]
  kind = 'molecule'
  if 'scaffold' in config.split:
    kind = 'scaffold'
    alike.append(groups.scaffolds(molecules))
  elif config.split == 'cluster':
    kind = 'cluster'
    alike.append(groups.clusters(molecules, config.cluster_similarity))
  of = groups.together(*alike)
  names = _names(kind, of)
  sizes = np.bincount(of)
  notes = [f'{len(of)} molecules in {len(sizes)} groups by {kind}, the largest of {sizes.max()}']
  if config.folds:
    return Chosen(names, [''] * len(names), tuple(notes))
  rule: Callable[[], list[str]] = {
    'scaffold': lambda: rules.largest_first(of.tolist()),
    'cluster': lambda: rules.largest_first(of.tolist()),
    'balanced_scaffold': lambda: rules.balanced(of.tolist(), config.seed),
    'random': lambda: split.stratified(strata, names, config.seed, rules.FRACTIONS),
  }[config.split]
  notes.append(f'no split given: 80/10/10 for train, val and test by {_HOW[config.split]}')
  return Chosen(names, rule(), tuple(notes))


_HOW = {
  'scaffold': 'Bemis-Murcko scaffold, the largest first',
  'cluster': 'Butina cluster, the largest first',
  'balanced_scaffold': 'Bemis-Murcko scaffold, balanced',
  'random': 'a draw',
}


def _names(kind: str, numbers: np.ndarray) -> list[str]:
  return [f'{kind}-{number}' for number in numbers]


def _by_time(config: Config, file: File, entries: Sequence[Entry]) -> tuple[list[str], str]:
  column = tables.column(file.path, file.header, config.date_column)
  times = []
  cells = [one.cells[column] for one in entries]
  for one, cell, time in zip(entries, cells, dates.moments(cells), strict=True):
    if time is None:
      raise UserError(
        f'{file.path} {one.place}: {column} is {short(cell)!r}; expected a date such as '
        '2021-03-04, or numbers alone'
      )
    times.append(time)
  splits = rules.by_time(times)
  if len(set(splits)) < len(rules.FRACTIONS):
    raise UserError(
      f'{file.path}: column {column!r} has too few different dates to split by; expected 80% of '
      'the molecules before those of val and test'
    )
  first = {
    name: cells[min(rows, key=times.__getitem__)]
    for name in ('val', 'test')
    if (rows := [row for row, where in enumerate(splits) if where == name])
  }
  return splits, f'splits by {column}: val from {first["val"]}, test from {first["test"]}'


def _straddling(
  config: Config, copies: Sequence[str], splits: Sequence[str], places: Sequence[str]
) -> list[str]:
  """A note on near copies in two splits.

  Raises:
    UserError: there are some and the settings do not accept them.
  """
  rows_of: dict[str, list[int]] = {}
  for row, key in enumerate(copies):
    rows_of.setdefault(key, []).append(row)
  found = [rows for rows in rows_of.values() if len({splits[row] for row in rows}) > 1]
  if not found:
    return []
  rows = listed([[places[row] for row in one] for one in found])
  text = f'{len(found)} molecules have copies or near copies in two splits: {rows}'
  if not config.allow_group_overlap:
    raise UserError(f'{text}; config.data.allow_group_overlap=true accepts them')
  return [f'LEAK ALLOWED: {text}']
