"""A table ``labels.csv`` beside images."""

import pathlib
from typing import Any

from medjax.data import labels, source_files, split, tables, text_file
from medjax.data.images import findings
from medjax.data.images.config import NO_LABEL, Config, ImageSettings
from medjax.data.images.listing import Listing
from medjax.data.images.messages import for_all, short
from medjax.data.missing import Missing
from medjax.errors import UserError


def read(
  table: pathlib.Path, config: ImageSettings, label_column: str
) -> tuple[list[dict[str, Any]], list[str], str]:
  """Rows of the table, notes for the user, and what gives the splits.

  A column is found by its name, or else by its name but for case; a file by its name, or else by
  one that looks alike.

  Args:
    table: the file. Images named in it are looked for in its folder and in ``images`` there.
    config: names of the other columns; those with the patient and the split may be missing when
      they are the defaults, or be '' for none.
    label_column: with the class, or the file of a mask.

  Raises:
    UserError: names the file, row or column and what was expected, in one line; where several rows
      are wrong, in one line each for the first ten.
  """
  written = text_file.read_text(table, f'a table with {config.file_column},{label_column}')
  header, lines = tables.parse(written, table)
  file = tables.column(table, header, config.file_column)
  of_findings = findings.columns(header, table, config) if isinstance(config, Config) else {}
  unlabelled = isinstance(config, Config) and config.labels == 'none'
  label = '' if of_findings or unlabelled else tables.column(table, header, label_column)
  group = tables.patient_column(table, header, config.group_column)
  given = tables.optional_column(table, header, config.split_column, 'split')
  taken = {
    file: config.file_column,
    label: label_column,
    **{column: name for name, column in of_findings.items()},
    group: config.group_column,
    given: config.split_column,
  }
  notes = [
    f'column {name!r} is taken for {as_!r}' for name, as_ in taken.items() if name not in ('', as_)
  ]
  if not lines:
    raise UserError(f'{table}: has a header and no rows')
  missing = Missing.of(config.missing)
  if of_findings and isinstance(config, Config):
    lines, texts, left_out = findings.of_columns(lines, of_findings, table, config)
  elif unlabelled:
    texts, left_out = [NO_LABEL] * len(lines), []
  else:
    lines, left_out = labels.labelled_rows(lines, label, table, missing)
    texts = [cells[label] for _, cells in lines]
    if isinstance(config, Config) and config.labels == 'several':
      texts, empty = findings.of_cells(texts)
      left_out += empty
  notes += left_out
  find, seen = Finder(table, file), _Seen()
  rows: list[dict[str, Any]] = []
  errors: list[UserError] = []
  for (line, cells), wanted in zip(lines, texts, strict=True):
    where = f'{table} row {line}'
    try:
      name = cells[file]
      if not name:
        raise UserError(f'{where}: {file} is empty; leave the row out or fill it in')
      path = find(name, where)
      seen.add(path, name, line, where)
      rows.append(
        {
          'id': name,
          'path': path,
          'label': wanted,
          'group': cells[group] if group and not missing.number(cells[group]) else '',
          'split': split.in_row(cells, given, where),
          'metadata': {k: v for k, v in cells.items() if not k or k not in taken},
        }
      )
    except UserError as error:
      errors.append(error)
  if errors:
    raise for_all(errors, f'in {table} cannot be used')
  grouped = [row for row in rows if row['group']]
  if grouped and len(grouped) < len(rows):
    lacking = next(row['id'] for row in rows if not row['group'])
    raise UserError(f'{table}: {short(lacking)} has no {group}; expected one in every row or none')
  return rows, notes, f'column {given!r} of {table}'


class _Seen:
  """The files that rows have named, by what they are on disk: one has many spellings."""

  def __init__(self) -> None:
    self._first: dict[object, tuple[str, int]] = {}

  def add(self, path: pathlib.Path, name: str, line: int, where: str) -> None:
    """Notes the file of a row.

    Raises:
      UserError: an earlier row has it.
    """
    first, earlier = self._first.setdefault(source_files.same(path), (name, line))
    if earlier == line:
      return
    as_ = '' if first == name else f' as {short(first)}'
    raise UserError(
      f'{where}: {short(name)} was already in row {earlier}{as_}; expected each file once'
    )


class Finder:
  """Finds the files that a table names.

  Args:
    table: the file; what it names is beside it, or in ``folder`` there.
    column: with their names.
    folder: see there.
    what: they are, in the singular.
  """

  def __init__(
    self, table: pathlib.Path, column: str, folder: str = 'images', what: str = 'an image'
  ):
    self._folders = (table.parent, table.parent / folder)
    self._column, self._what = column, what
    self._listing = Listing()

  def __call__(self, name: str, where: str) -> pathlib.Path:
    """The file of a name.

    Raises:
      UserError: there is none, or several look like it.
    """
    spelled = (name, name.replace('\\', '/'))  # tables are made on Windows too
    paths = [folder / spelling for spelling in spelled for folder in self._folders]
    for path in paths:
      if source_files.is_file(path):
        return path
    for spelling in spelled:
      for folder in self._folders:
        alike = self._listing.alike(folder, spelling)
        if len(alike) > 1:
          raise UserError(
            f'{where}: {len(alike)} files look like {short(name)} and none is written like it; '
            'expected one'
          )
        if alike:
          return alike[0]
    beside, inside = self._folders
    raise UserError(
      f'{where}: {short(name)} is neither in {beside} nor in {inside}; expected {self._what} '
      f'in column {self._column!r}'
    )
