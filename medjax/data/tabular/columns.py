"""What the columns of a table say: whose a row is, which are no inputs, and what labels are."""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from medjax.data import labels as labels_lib
from medjax.data import missing as missing_lib
from medjax.data import personal, quote, tables
from medjax.data.missing import Missing
from medjax.data.tabular import dates, preprocess, row_names
from medjax.data.tabular.rows import Table
from medjax.errors import UserError

_TOLD = 20  # names of columns in a note
_FEW = 10  # different whole numbers that are taken as classes
_FEW_LEVELS = 3  # different texts that are categories in however few rows


def groups(
  table: Table,
  rows: Sequence[tables.Row],
  ids: Sequence[str],
  columns: Sequence[str],
  group: str,
  missing: Missing,
) -> list[str]:
  """The patient of each row; without any, the first row with the same measurements.

  Args:
    table: where the rows are from.
    rows: number and cells of each.
    ids: name of each.
    columns: with measurements.
    group: column with the patient; '' for none.
    missing: which words mean that no patient is named.

  Raises:
    UserError: some rows have a patient and others none.
  """
  if group:
    of = ['' if missing.number(row[group]) else row[group] for _, row in rows]
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


def no_inputs(
  table: Table,
  rows: Sequence[tables.Row],
  columns: Sequence[str],
  missing: Missing,
  keep: Collection[str],
) -> tuple[set[str], list[str]]:
  """Columns that are left out, as they name a row or a person, or are dates; and notes.

  Notes are of these columns, of others that may name rows, and of ages that few people have.

  Args:
    table: where the rows are from.
    rows: number and cells of each.
    columns: that might be inputs.
    missing: which words mean a missing value.
    keep: columns that are inputs whatever they look like.

  Raises:
    UserError: a few texts stand among the numbers of a column.
  """
  left: set[str] = set()
  notes = []
  for name in columns:
    cells = [cell for _, row in rows if not missing.number(cell := row[name])]
    if name in keep or len(set(cells)) < 2:
      continue
    why = _no_input_by_name(name, cells)
    if not why:
      _require_one_kind(table, rows, name, missing)
      why = _no_input_by_cells(cells)
    if why:
      left.add(name)
      notes.append(f'column {name!r} {why}: left out; config.data.keep={name} makes it an input')
    elif row_names.is_one_way(cells):
      notes.append(
        f'column {name!r} is an input, though its numbers, all different, are in the order of the '
        f'rows: if it counts them, config.data.drop={name} leaves it out'
      )
    elif old := personal.oldest(name, cells):
      notes.append(
        f'column {name!r} has {old} ages over {personal.OLDEST}, by which somebody may be '
        'known, as few are so old: python -m medjax.security deidentify caps them'
      )
  return left, notes


def _require_one_kind(
  table: Table, rows: Sequence[tables.Row], name: str, missing: Missing
) -> None:
  """Raises UserError for a column of numbers, but for a few texts that nobody foresaw."""
  parsed = {row[name]: tables.parse_number(row[name], missing) for _, row in rows}
  known = {number for number in parsed.values() if number is not None and number == number}
  texts = [(line, row[name]) for line, row in rows if parsed[row[name]] is None]
  if texts and len(known) > _FEW and len(texts) < len(rows) / 2:
    line, odd = texts[0]
    raise UserError(
      f'{table.where} row {line}: {name} is {odd!r}, one of {len(texts)} texts among '
      f'{len(rows) - len(texts)} numbers; expected a number, or '
      f'config.data.missing=usual,{odd} where it is missing, or config.data.categorical={name}'
    )


def _no_input_by_name(name: str, cells: Sequence[str]) -> str:
  """Why a column that is called so, or that holds dates, is no input; '' where it is one."""
  if why := dates.why(name, row_names.words(name), cells):
    return why
  if kind := personal.why(name, cells):
    return f'looks like one of {kind}'
  named = row_names.by_name(name, cells)
  different = f'{len(set(cells))} different of {len(cells)}'
  return f'looks like a name of rows or patients ({different})' if named else ''


def _no_input_by_cells(cells: Sequence[str]) -> str:
  """Why a column of these cells is no input, whatever it is called; '' where it is one."""
  different = len(set(cells))
  if None in map(tables.parse_number, cells):
    few = different <= _FEW_LEVELS or 2 * different <= len(cells)
    return '' if few else f'has {different} different texts in {len(cells)} rows, as {cells[0]!r}'
  return row_names.by_numbers(cells)


def notes_on_kinds(columns: Sequence[preprocess.Number | preprocess.Category]) -> list[str]:
  """Which columns are inputs as numbers, and which as categories of how many levels."""
  of_numbers = [column.name for column in columns if isinstance(column, preprocess.Number)]
  of_levels = [
    f'{column.name} ({len(column.levels) + bool(column.reference)} levels)'
    for column in columns
    if isinstance(column, preprocess.Category)
  ]
  kinds = {'numbers': of_numbers, 'categories': of_levels}
  return [f'{len(some)} columns are {kind}: {_told(some)}' for kind, some in kinds.items() if some]


def _told(names: Sequence[str]) -> str:
  more = f' and {len(names) - _TOLD} more' if len(names) > _TOLD else ''
  return ', '.join(quote.short(name) for name in names[:_TOLD]) + more


def notes_on_texts(
  rows: Sequence[tables.Row], columns: Sequence[str], missing: Missing
) -> list[str]:
  """What was taken as missing in columns of texts, and what might have been.

  Args:
    rows: number and cells of each.
    columns: of texts.
    missing: which words mean a missing value.
  """
  notes = []
  for name in columns:
    cells = [row[name] for _, row in rows]
    lacks = [cell for cell in cells if missing.level(cell)]
    perhaps = Counter(cell for cell in cells if missing.number(cell) and not missing.level(cell))
    said = [f'missing: {missing_lib.counted(lacks)}'] if lacks else []
    said += [
      f'{word!r} ({count}) is a category like others; config.data.missing=usual,{word} makes it '
      'missing'
      for word, count in perhaps.items()
    ]
    if said:
      notes.append(f'column {name!r} is one of categories: {"; ".join(said)}')
  return notes


def numbers(texts: Sequence[str], kind: str, where: str) -> np.ndarray | None:
  """Labels as numbers, float32 [N], or None where they are classes.

  Args:
    texts: label of each row.
    kind: 'classes', 'numbers', or 'auto' for numbers where more than ten are different.
    where: file and column, for errors.

  Raises:
    UserError: numbers were expected, and a label is none.
  """
  parsed = [tables.parse_number(text) for text in texts]
  if None in parsed:
    if kind == 'numbers':
      raise UserError(f'{where} holds {texts[parsed.index(None)]!r}; expected numbers')
    odd = [text for text, number in zip(texts, parsed, strict=True) if number is None]
    if kind == 'auto' and len(odd) < len(texts) / 2 and len(set(texts) - set(odd)) > _FEW:
      raise UserError(
        f'{where} holds {len(set(texts) - set(odd))} different numbers and {len(odd)} texts, such '
        f'as {odd[0]!r}; expected numbers, or classes with config.data.labels=classes'
      )
    return None
  values = np.array(parsed, np.float64)
  if kind == 'auto':
    kind = 'numbers' if len(np.unique(values)) > _FEW else 'classes'
  if kind != 'numbers':
    return None
  for text in texts:
    labels_lib.number(text, where)
  return values.astype(np.float32)
