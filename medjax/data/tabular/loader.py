"""Rows of a table as examples: a CSV file, or a data set that scikit-learn ships."""

import csv
import functools
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from medjax.data import dataset, examples, labels, split
from medjax.data.examples import Examples
from medjax.data.tabular import columns as columns_lib
from medjax.data.tabular import preprocess, typical
from medjax.data.tabular import rows as reading
from medjax.data.tabular.config import Config
from medjax.data.tabular.modality import Table
from medjax.errors import UserError


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
  read = functools.partial(_read, config, simulator, reference)
  return examples.load(config, Table.from_details, read)


def _read(config: Config, simulator: Any, reference: bool) -> dataset.Dataset:
  table = reading.read(config, simulator)
  label = table.column(config.label_column)
  group = table.optional_column(config.group_column, 'patient')
  given = table.optional_column(config.split_column, 'split')
  name = table.optional_column(config.id_column, 'id')
  drop, categorical = (
    [table.column(column) for column in asked] for asked in (config.drop, config.categorical)
  )
  rows = labels.labelled_rows(table.rows, label, table.where)
  left = len(table.rows) - len(rows)
  columns = [c for c in table.header if c and c not in {label, group, given, name, *drop}]
  cells = [row for _, row in rows]
  ids = [row[name] for row in cells] if name else [f'row-{line}' for line, _ in rows]
  if several := examples.repeated(ids):
    raise UserError(f'{table.where}: {name} {several[0]!r} stands in several rows; expected one')
  groups = columns_lib.groups(table, rows, ids, columns, group)
  texts = [row[label] for row in cells]
  numbers = columns_lib.numbers(texts, config.labels, f'{table.where}: column {label!r}')
  classes = () if numbers is not None else labels.class_names(texts, config.positive, table.where)
  read = Examples(
    table.name,
    ids,
    texts,
    groups,
    [split.in_row(row, given, f'{table.where} row {line}') for line, row in rows],
    [{column: row[column] for column in columns} for row in cells],
    classes,
    # Numbers are split so that every part has small and large ones.
    strata=None if numbers is None else split.quarters(numbers),
    origin=f'column {given!r} of {table.where}',
    simulated=table.simulated,
    train_all=numbers is None,
    notes=(f'{left} rows without {label} left out',) if left else (),
  )
  read = read.with_splits(config).noting(*labels.positive_note(classes))
  train = [row for row, taken in zip(cells, read.in_train, strict=True) if taken]
  fitted = preprocess.fit(train, columns, categorical=categorical, reference=reference)
  constant = [c for c in columns if c not in {column.name for column in fitted.columns}]
  if constant:
    read = read.noting(f'columns with one value, left out: {", ".join(constant)}')
  read = read.noting(*preprocess.strays(fitted, train, categorical))
  values = np.stack([fitted.row(row, f'{table.where} row {line}') for line, row in rows])
  modality = Table(fitted, typical.rows(values[read.in_train], fitted.column_of))
  details = modality.details() | {'label': label}
  if numbers is not None:
    details |= examples.label_scale(numbers, read.in_train)
  about = json.dumps([table.header, ids, groups, list(read.split), texts])
  return read.to_dataset(
    {'values': values},
    numbers if numbers is not None else labels.encode(texts, classes),
    modality,
    fingerprint=examples.digest(_csv_line([about, *map(str, cells)])),
    details=details,
  )


def _csv_line(parts: Sequence[str]) -> str:
  buffer = io.StringIO()
  csv.writer(buffer).writerow(parts)
  return buffer.getvalue()
