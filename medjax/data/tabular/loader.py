"""Rows of a table as examples: a CSV file, or a data set that scikit-learn ships."""

import csv
import dataclasses
import functools
import hashlib
import io
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from medjax.config import setting
from medjax.data import dataset, labels, memory, split, tables
from medjax.data.tabular import preprocess
from medjax.data.tabular.modality import Table
from medjax.data.tabular.rows import parsed
from medjax.errors import UserError

_SKLEARN = 'sklearn:'
_TYPICAL = 20  # rows that stand for the training rows in explanations
_FEW = 10  # different whole numbers that are taken as classes


@dataclasses.dataclass
class Config(dataset.Source):
  """Which table, and which columns say what."""

  source: str = setting('simulated', "'simulated', a CSV file, or sklearn:NAME.")
  label_column: str = setting('label', 'Column with the class or the number to predict.')
  id_column: str = setting('id', 'Column with a name for each row, if there is one.')
  group_column: str = setting(
    'patient', 'Column with the patient, if there is one; empty for none.'
  )
  split_column: str = setting(
    'split', 'Column with train, val or test, if there is one; empty to draw splits.'
  )
  labels: Literal['auto', 'classes', 'numbers'] = setting(
    'auto', 'What labels are; auto takes more than ten different numbers as numbers.'
  )
  positive: str = setting('', 'The positive one of two classes; empty tells it from the names.')
  categorical: tuple[str, ...] = setting((), 'Columns whose numbers are names of categories.')
  drop: tuple[str, ...] = setting((), 'Columns that are no input.')
  allow_group_overlap: bool = setting(False, 'Accept a patient in two splits.')
  seed: int = setting(0, 'Seed of the simulator and of splits drawn here.', low=0, high=2**31 - 1)
  folds: int = setting(0, 'Parts of a cross-validation, one of which tests; 0 for none.', low=0)
  fold: int = setting(0, 'The part that tests, from 0.', low=0)
  simulated_rows: int = setting(2000, 'Rows to simulate.', low=50)


@dataclasses.dataclass(frozen=True)
class _Table:
  """Rows with what they are of."""

  name: str
  where: str
  header: list[str]
  rows: list[tuple[int, dict[str, str]]]
  simulated: bool = False


def load(
  config: Config,
  *,
  simulator: Callable[[int, int], list[dict[str, str]]] | None = None,
  reference: bool = False,
) -> dataset.Dataset:
  """The rows that ``config.source`` names, as float32 inputs [D].

  Args:
    config: the source and how to read it.
    simulator: (seed, rows) -> cells by column; stands behind 'simulated'.
    reference: see ``preprocess.fit``.

  Returns:
    The data set. ``details`` holds the fitted preprocessing, the names of the inputs, ``typical``
    inputs, and mean and standard deviation of training labels that are numbers.

  Raises:
    UserError: one line that names the file, row or column and what was expected.

  Example:
    >>> data = load(Config(source='heart.csv', label_column='target'))  # doctest: +SKIP
  """
  if config.stored is not None:
    modality = Table.from_details(config.stored['details'])
    return dataset.without_examples(config.stored, modality)
  table = _read(config, simulator)
  label = tables.column(pathlib.Path(table.where), table.header, config.label_column)
  group = _optional(table, config.group_column, 'patient')
  given = _optional(table, config.split_column, 'split')
  name = _optional(table, config.id_column, 'id')
  drop, categorical = (
    [tables.column(pathlib.Path(table.where), table.header, column) for column in asked]
    for asked in (config.drop, config.categorical)
  )
  without = labels.missing([row[label] for _, row in table.rows])
  rows = [(line, row) for line, row in table.rows if row[label].lower() not in without]
  if not rows:
    raise UserError(f'{table.where}: no row has a value in column {label!r}')
  notes = []
  if len(rows) < len(table.rows):
    notes.append(f'{len(table.rows) - len(rows)} rows without {label} left out')
  columns = [c for c in table.header if c and c not in {label, group, given, name, *drop}]
  cells = [row for _, row in rows]
  ids = [row[name] for row in cells] if name else [f'row-{line}' for line, _ in rows]
  repeated = next((i for i, n in _counted(ids) if n > 1), None)
  if repeated is not None:
    raise UserError(f'{table.where}: {name} {repeated!r} stands in several rows; expected one')
  groups = _groups(table, rows, ids, columns, group)
  texts = [row[label] for row in cells]
  numbers = _numbers(texts, config.labels, f'{table.where}: column {label!r}')
  classes = () if numbers is not None else labels.class_names(texts, config.positive, table.where)
  # Numbers are split so that every part has small and large ones.
  strata = texts if numbers is None else split.quarters(numbers)
  splits, more = _splits(config, table, rows, strata, groups, given, numbers is None)
  notes += more
  if len(classes) == 2:
    notes.append(f'positive class: {classes[1]}')
  train = [row for row, where in zip(cells, splits, strict=True) if where == 'train']
  fitted = preprocess.fit(train, columns, categorical=categorical, reference=reference)
  constant = [c for c in columns if c not in {column.name for column in fitted.columns}]
  if constant:
    notes.append(f'columns with one value, left out: {", ".join(constant)}')
  notes += preprocess.strays(fitted, train, categorical)
  values = np.stack([fitted.row(row, f'{table.where} row {line}') for line, row in rows])
  encoded = numbers if numbers is not None else _encode(texts, classes)
  parts = memory.splits(
    splits,
    {'values': values},
    id=ids,
    label=encoded,
    group=groups,
    metadata=[{column: row[column] for column in columns} for row in cells],
  )
  of_train = np.array([where == 'train' for where in splits])
  modality = Table(fitted, _typical(values[of_train], fitted.column_of))
  details = modality.details() | {'label': label}
  if numbers is not None:
    known = numbers[of_train].astype(np.float64)
    details |= {'label_mean': float(known.mean()), 'label_scale': float(known.std()) or 1.0}
  fingerprint = _digest([json.dumps([table.header, ids, groups, splits, texts]), *map(str, cells)])
  return dataset.Dataset(
    table.name,
    parts,
    classes,
    fingerprint,
    table.simulated,
    modality,
    tuple(notes),
    details=details,
  )


def _typical(values: np.ndarray, column_of: np.ndarray) -> np.ndarray:
  """See ``Table.typical``: of each column evenly spaced ranks, in an order of its own, so that no
  row is that of a patient."""
  random = np.random.default_rng(0)
  rank = ((np.arange(_TYPICAL) + 0.5) / _TYPICAL * len(values)).astype(int)
  typical = np.empty((_TYPICAL, values.shape[1]))
  for column in np.unique(column_of):
    inputs = values[:, column_of == column]
    order = np.lexsort(inputs.T)[rank]
    typical[:, column_of == column] = inputs[random.permutation(order)]
  # As data.json keeps them, so that a finished run explains to the same bits.
  return np.array(
    [[float(f'{value:.5g}') for value in row] for row in typical.tolist()], np.float32
  )


def _read(config: Config, simulator: Callable[[int, int], list[dict[str, str]]] | None) -> _Table:
  if config.source == 'simulated':
    if simulator is None:
      raise UserError('config.data.source=simulated: this experiment has no simulated table')
    found = simulator(config.seed, config.simulated_rows)
    numbered = list(enumerate(found, start=2))
    name = f'simulated ({simulator.__module__.rsplit(".", 1)[-1]})'
    return _Table(name, name, list(found[0]), numbered, simulated=True)
  if config.source.startswith(_SKLEARN):
    return _sklearn(config.source, config.label_column)
  path = pathlib.Path(config.source).expanduser()
  header, rows = parsed(path)
  if not rows:
    raise UserError(f'{path}: has a header and no rows')
  return _Table(path.stem, str(path), header, rows)


def _sklearn(source: str, label: str) -> _Table:
  """A data set that is part of scikit-learn; nothing is downloaded."""
  try:
    from sklearn import datasets
  except ImportError:
    raise UserError(
      f"config.data.source={source}: scikit-learn is not installed; pip install 'scikit-learn>=1.6'"
    ) from None
  loaders = {
    'breast_cancer': datasets.load_breast_cancer,
    'diabetes': functools.partial(datasets.load_diabetes, scaled=False),
    'iris': datasets.load_iris,
    'wine': datasets.load_wine,
  }
  name = source.removeprefix(_SKLEARN)
  if name not in loaders:
    raise UserError(f'config.data.source={source}: expected {_SKLEARN} and {", ".join(loaders)}')
  found: Any = loaders[name]()
  names = [str(column) for column in found.feature_names]
  classes = [str(c) for c in found.get('target_names', [])]
  rows = []
  for line, (values, target) in enumerate(zip(found.data, found.target, strict=True), start=2):
    cells = {column: repr(float(value)) for column, value in zip(names, values, strict=True)}
    cells[label] = classes[int(target)] if classes else repr(float(target))
    rows.append((line, cells))
  return _Table(name, source, [*names, label], rows)


def _optional(table: _Table, name: str, default: str) -> str:
  return tables.column(
    pathlib.Path(table.where), table.header, name, optional=name in ('', default)
  )


def _groups(
  table: _Table,
  rows: Sequence[tuple[int, dict[str, str]]],
  ids: Sequence[str],
  columns: Sequence[str],
  group: str,
) -> list[str]:
  """The patient of each row; without any, the first row with the same measurements."""
  if group:
    of = ['' if row[group].lower() in tables.MISSING else row[group] for _, row in rows]
    if all(of):
      return of
    if any(of):
      raise UserError(
        f'{table.where} row {rows[of.index("")][0]}: no {group}; expected one in every row or in '
        'none'
      )
  first: dict[tuple[str, ...], str] = {}
  return [
    first.setdefault(tuple(row[c] for c in columns), name)
    for (_, row), name in zip(rows, ids, strict=True)
  ]


def _numbers(texts: Sequence[str], kind: str, where: str) -> np.ndarray | None:
  """Labels as float32 numbers, or None where they are classes."""
  found = [tables.parse_number(text) for text in texts]
  if None in found:
    if kind == 'numbers':
      raise UserError(f'{where} holds {texts[found.index(None)]!r}; expected numbers')
    return None
  values = np.array(found, np.float64)
  if kind == 'auto':
    kind = 'numbers' if len(np.unique(values)) > _FEW else 'classes'
  return values.astype(np.float32) if kind == 'numbers' else None


def _splits(
  config: Config,
  table: _Table,
  rows: Sequence[tuple[int, dict[str, str]]],
  strata: Sequence[str],
  groups: Sequence[str],
  given: str,
  train_all: bool,
) -> tuple[list[str], list[str]]:
  asked = [
    split.canonical(row[given], f'{table.where} row {line}') if given and row[given] else ''
    for line, row in rows
  ]
  origin = f'column {given!r} of {table.where}'
  allow = config.allow_group_overlap
  return split.choose(
    config, strata, groups, asked, origin, train_all=train_all, allow_overlap=allow
  )


def _encode(texts: Sequence[str], classes: Sequence[str]) -> np.ndarray:
  number = {name: i for i, name in enumerate(classes)}
  return np.array([number[text] for text in texts], np.int32)


def _counted(values: Sequence[str]) -> list[tuple[str, int]]:
  found: dict[str, int] = {}
  for value in values:
    found[value] = found.get(value, 0) + 1
  return list(found.items())


def _digest(parts: Sequence[str]) -> str:
  content = hashlib.blake2b(digest_size=8)
  buffer = io.StringIO()
  csv.writer(buffer).writerow(parts)
  content.update(buffer.getvalue().encode())
  return content.hexdigest()
