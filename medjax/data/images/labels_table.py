"""A table ``labels.csv`` beside images."""

import os
import pathlib
from typing import Any

from medjax.data import split, tables
from medjax.data.images.config import Config
from medjax.data.missing import Missing
from medjax.errors import UserError


def read(table: pathlib.Path, config: Config) -> tuple[list[dict[str, Any]], list[str], str]:
  """Rows of the table, notes for the user, and what gives the splits.

  A column is found by its name, or else by its name but for case.

  Args:
    table: the file. Images named in it are looked for in its folder and in ``images`` there.
    config: names of the columns; those with the patient and the split may be missing when they are
      the defaults, or be '' for none.

  Raises:
    UserError: one line that names the file, row or column and what was expected.
  """
  try:
    text = table.read_bytes().decode('utf-8-sig')
  except (OSError, UnicodeDecodeError) as error:
    raise UserError(f'{table}: cannot be read as UTF-8 text: {error}') from None
  if not text.strip():
    expected = f'{config.file_column},{config.label_column}'
    raise UserError(f'{table}: is empty; expected a header with {expected}')
  header, lines = tables.parse(text, table)
  file = tables.column(table, header, config.file_column)
  label = tables.column(table, header, config.label_column)
  group = tables.patient_column(table, header, config.group_column)
  given = tables.optional_column(table, header, config.split_column, 'split')
  taken = {
    file: config.file_column,
    label: config.label_column,
    group: config.group_column,
    given: config.split_column,
  }
  notes = [
    f'column {name!r} is taken for {as_!r}' for name, as_ in taken.items() if name not in ('', as_)
  ]
  missing = Missing.of(config.missing)
  rows: list[dict[str, Any]] = []
  seen: dict[str, int] = {}
  for line, cells in lines:
    where = f'{table} row {line}'
    name = cells[file]
    if not name:
      raise UserError(f'{where}: {file} is empty; leave the row out or fill it in')
    if missing.level(cells[label]):
      lack = f'is {cells[label]!r}, a missing value' if cells[label] else 'is empty'
      raise UserError(f'{where}: {label} {lack}; leave the row out or name its class')
    if name in seen:
      raise UserError(
        f'{where}: {_short(name)} was already in row {seen[name]}; expected each file once'
      )
    seen[name] = line
    rows.append(
      {
        'id': name,
        'path': _find(table.parent, name, where, file),
        'label': cells[label],
        'group': cells[group] if group and not missing.number(cells[group]) else '',
        'split': split.in_row(cells, given, where),
        'metadata': {k: v for k, v in cells.items() if not k or k not in taken},
      }
    )
  if not rows:
    raise UserError(f'{table}: has a header and no rows')
  grouped = [row for row in rows if row['group']]
  if grouped and len(grouped) < len(rows):
    missing = next(row['id'] for row in rows if not row['group'])
    raise UserError(f'{table}: {missing} has no {group}; expected one in every row or in none')
  return rows, notes, f'column {given!r} of {table}'


def _find(folder: pathlib.Path, name: str, where: str, column: str) -> pathlib.Path:
  for spelled in (name, name.replace('\\', '/')):  # tables are made on Windows too
    for path in (folder / spelled, folder / 'images' / spelled):
      if os.path.isfile(path):  # unlike Path.is_file, also answers for a name that is too long
        return path
  raise UserError(
    f'{where}: {_short(name)} is neither in {folder} nor in {folder / "images"}; expected an image '
    f'in column {column!r}'
  )


def _short(text: str) -> str:
  """At most 80 characters in one line."""
  text = ' '.join(text.split())
  return text if len(text) <= 80 else f'{text[:77]}...'
