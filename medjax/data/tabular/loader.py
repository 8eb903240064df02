"""Rows of a table as examples: a CSV file, or a data set that scikit-learn ships."""

import csv
import functools
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from medjax.data import dataset, examples, patients, split, tables
from medjax.data.examples import Examples
from medjax.data.missing import Missing
from medjax.data.tabular import columns as columns_lib
from medjax.data.tabular import preprocess, private, typical
from medjax.data.tabular import rows as reading
from medjax.data.tabular.config import RowSettings
from medjax.data.tabular.modality import Table
from medjax.errors import UserError


def load(
  config: RowSettings,
  *,
  simulator: Callable[[int, int], list[dict[str, str]]] | None = None,
  reference: bool = False,
) -> dataset.Dataset:
  """The rows that ``config.source`` names, as float32 inputs [D].

  Args:
    config: the source and how to read it; ``Config``, or ``SurvivalConfig``.
    simulator: (seed, rows) -> cells by column; stands behind 'simulated'.
    reference: see ``preprocess.fit``.

  Returns:
    The data set. ``details`` holds the fitted preprocessing, the names of the inputs, ``typical``
    inputs, mean and standard deviation of training labels that are numbers, and percentiles of the
    times of events.

  Raises:
    UserError: one line that names the file, row or column and what was expected.

  Example:
    >>> data = load(Config(source='heart.csv', label_column='target'))  # doctest: +SKIP
  """
  read = functools.partial(_read, config, simulator, reference)
  return examples.load(config, Table.from_details, read)


def _read(config: RowSettings, simulator: Any, reference: bool) -> dataset.Dataset:
  table = reading.read(config, simulator)
  target = config.target(table)
  group = table.patient_column(config.group_column)
  given = table.optional_column(config.split_column, 'split')
  name = table.optional_column(config.id_column, 'id')
  drop, categorical, keep = (
    [table.column(column) for column in asked]
    for asked in (config.drop, config.categorical, config.keep)
  )
  rows, missing = target.rows, Missing.of(config.missing)
  taken = {*target.columns, group, given, name, *drop}
  columns = [column for column in table.header if column and column not in taken]
  left: set[str] = set()
  notes: list[str] = []
  if config.fitted is None:
    left, notes = columns_lib.no_inputs(table, rows, columns, missing, {*keep, *categorical})
  columns = [column for column in columns if column not in left]
  if not columns:
    more = f'; so {len(notes) - 1} more' if len(notes) > 1 else ''
    told = f': {notes[0]}{more}; config.data.keep takes one' if notes else ''
    raise UserError(f'{table.where}: no column is left as an input{told}')
  cells = [row for _, row in rows]
  ids = [row[name] for row in cells] if name else [f'row-{line}' for line, _ in rows]
  if several := examples.repeated(ids):
    raise UserError(f'{table.where}: {name} {several[0]!r} stands in several rows; expected one')
  groups = columns_lib.groups(table, rows, ids, columns, group, missing)
  if group:
    people = len({patients.key(one) for one in groups})
    notes.append(f'column {group!r} is taken for the patient: {people} in {len(rows)} rows')
  read = Examples(
    table.name,
    ids,
    target.text,
    groups,
    [split.in_row(row, given, f'{table.where} row {line}') for line, row in rows],
    [{column: row[column] for column in columns} for row in cells],
    target.classes,
    strata=target.strata,
    origin=f'column {given!r} of {table.where}',
    simulated=table.simulated,
    train_all=bool(target.classes),
    notes=(*table.notes, *notes, *target.notes),
  ).with_splits(config)
  if config.fitted is not None:
    modality = Table.from_details(config.fitted)
    far = [(line, found) for line, row in rows if (found := modality.preprocessing.far(row))]
    if far:
      line, found = far[0]
      read = read.noting(
        f'numbers far from all training rows in {len(far)} rows, the first row {line}: '
        f'{", ".join(found)}; config.data.missing=usual,-999 would make such a -999 missing'
      )
    return read.to_dataset(
      {'values': _values(modality.preprocessing, table.where, rows)},
      target.label,
      modality,
      details=config.fitted,
    )
  train = [row for row, trained in zip(cells, read.in_train, strict=True) if trained]
  release = config.private
  if release is None:
    fitted = preprocess.fit(
      train, columns, categorical=categorical, reference=reference, missing=missing,
      written=table.written,
    )  # fmt: skip
  elif release.before is not None:
    fitted = Table.from_details(release.before).preprocessing
  else:
    fitted = private.fit(
      release, train, np.asarray(groups)[read.in_train].tolist(), columns, categorical=categorical,
      missing=missing, written=dict(table.written),
    )  # fmt: skip
  used = {column.name for column in fitted.columns}
  if constant := [column for column in columns if column not in used]:
    read = read.noting(f'columns with one value, left out: {", ".join(constant)}')
  texts = [c.name for c in fitted.columns if isinstance(c, preprocess.Category)]
  read = read.noting(
    *columns_lib.notes_on_kinds(fitted.columns),
    *columns_lib.notes_on_texts(rows, texts, missing),
    *preprocess.strays(fitted, train, categorical),
  )
  values = _values(fitted, table.where, rows)
  if release is None:
    modality = Table(fitted, typical.rows(values[read.in_train], fitted.column_of))
  else:
    modality = Table(fitted, private.typical(fitted))
  about = json.dumps([table.header, ids, groups, list(read.split), target.text])
  return read.to_dataset(
    {'values': values},
    target.label,
    modality,
    fingerprint=examples.digest(_csv_line([about, *map(str, cells)])),
    details=modality.details()
    | target.details(read.in_train)
    | ({} if release is None else {'private': True}),
  )


def _values(fitted: preprocess.Preprocessing, where: str, rows: Sequence[tables.Row]) -> np.ndarray:
  """The inputs of rows, float32 [N, D]."""
  return np.stack([fitted.row(row, f'{where} row {line}') for line, row in rows])


def _csv_line(parts: Sequence[str]) -> str:
  buffer = io.StringIO()
  csv.writer(buffer).writerow(parts)
  return buffer.getvalue()
