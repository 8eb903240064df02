"""Tables without the columns that say who somebody is, and with other ids, dates and ages.

Of each column one of: left out (people, places, numbers and addresses of ``data.personal``, free
texts, names of rows, dates that cannot be moved); patients replaced by what stands for them in
DICOM files; names of files by their new ones; dates moved by the days of the patient; ages over 89
written as 90. Everything else, and what ``keep`` names, is as it was.
"""

import io
import pathlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence

from medjax.data import numerals, patients, personal, tables
from medjax.data.tabular import dates, row_names
from medjax.deidentify.keyed import Keyed
from medjax.errors import UserError
from medjax.evaluation import csv_cells

_GERMAN = re.compile(r'(\d{1,2})\.(\d{1,2})\.(\d{4})(.*)')
_LONG = 30  # letters on average of a column of free texts
_LIKE_A_NAME = 0.5  # of the cells that are different, from which texts may name somebody
_SHORTEST = 3  # letters of a word that is looked for in other columns
_DIGITS = 5  # of a number that is
_ENOUGH = 5  # different texts from which this tells something
_Change = Callable[[dict[str, str]], str]


def deidentify(
  text: str,
  where: pathlib.Path,
  keyed: Keyed,
  files: Mapping[str, str],
  keep: Collection[str] = (),
  keep_dates: bool = False,
) -> tuple[str, dict[str, str], list[str]]:
  """The table as comma-separated text, what was done to which column, and its columns.

  Args:
    text: of the table.
    where: it is from, for errors.
    keyed: makes what stands for patients and dates.
    files: new names of files by their old ones.
    keep: columns that stay as they are.
    keep_dates: whether dates are moved, where a column has the patient, and not left out.

  Returns:
    The text; for each column that is not as it was what was done, without any value; and the names
    of the columns that it had.

  Raises:
    UserError: it cannot be read, or no column is left.
  """
  header, rows = tables.parse(text, where)
  cells = [{name: csv_cells.read(cell) for name, cell in row.items()} for _, row in rows]
  if not cells:
    raise UserError(f'{where}: has no rows; expected a header and rows')
  if any(map(_is_value, header)) or sum(map(_is_number, header)) > len(header) / 2:
    raise UserError(
      f'{where}: its first row looks like values of a patient and not like names of columns; '
      'expected a header'
    )
  patient = next((name for name in header if patients.is_column(name)), '')
  changes: dict[str, _Change] = {}
  done: dict[str, str] = {}
  for name in header:
    column = [row[name] for row in cells if row[name]]
    if name in keep:
      changes[name] = _same(name)
      continue
    change, what = _plan(name, column, patient, keyed, files, keep_dates)
    if change is not None:
      changes[name] = change
    if what:
      done[name] = what
  for name in _repeating(cells, changes, done, patient, keep):
    del changes[name]
    done[name] = 'left out: repeats a name or an id of another column'
  out = io.StringIO(newline='')
  csv_cells.write_lines(
    out, [list(changes), *([change(row) for change in changes.values()] for row in cells)]
  )
  if not changes:
    raise UserError(f'{where}: every column says who somebody is; --keep=COLUMN keeps one')
  return out.getvalue(), done, header


def _is_number(cell: str) -> bool:
  return numerals.real(cell) is not None


def _is_value(cell: str) -> bool:
  """Whether the name of a column looks like a date, a telephone number and the like."""
  return dates.is_date(cell) or bool(_GERMAN.fullmatch(cell)) or bool(personal.by_cells([cell]))


def _plan(
  name: str, column: Sequence[str], patient: str, keyed: Keyed, files: Mapping[str, str],
  keep_dates: bool,
) -> tuple[_Change | None, str]:  # fmt: skip
  """What to write of a column, None for nothing, and what that is called; '' for no change."""
  if patients.is_column(name):
    return lambda row: keyed.patient(row[name]), 'patients replaced by keyed digests'
  if column and all(cell.replace('\\', '/') in files for cell in column):
    return lambda row: files.get(row[name].replace('\\', '/'), ''), 'names of files replaced'
  kind = personal.why(name, column)
  if not kind and row_names.words(name) == ['name']:
    kind = 'names of people'
  if kind:
    return None, f'left out: looks like one of {kind}'
  if dates.why(name, row_names.words(name), column):
    return _dates(name, column, patient, keyed, keep_dates)
  if row_names.by_name(name, column) or row_names.by_numbers(column):
    return None, 'left out: looks like names of rows or records'
  if _free(column):
    return None, 'left out: holds texts that may be about somebody'
  if old := personal.oldest(name, column):
    return lambda row: _capped(row[name]), f'{old} ages over {personal.OLDEST} written as 90'
  return _same(name), ''


def _repeating(
  cells: Sequence[Mapping[str, str]],
  changes: Mapping[str, _Change],
  done: Mapping[str, str],
  patient: str,
  keep: Collection[str],
) -> list[str]:
  """Columns that stay though they say what a column of names, ids or addresses said."""
  who = [n for n, what in done.items() if n == patient or what.startswith('left out: looks like')]
  said = {
    word
    for row in cells
    for name in who
    for word in re.findall(r'\w+', row[name].casefold())
    if len(word) >= (_DIGITS if word.isdigit() else _SHORTEST)
  }
  return [
    name
    for name in changes
    if name not in done
    and name not in keep
    and any(
      not said.isdisjoint(re.findall(r'\w+', row[name].casefold()))
      for row in cells
      if numerals.real(row[name]) is None
    )
  ]


def _same(name: str) -> _Change:
  return lambda row: row[name]


def _dates(
  name: str, column: Sequence[str], patient: str, keyed: Keyed, keep_dates: bool
) -> tuple[_Change | None, str]:
  if not keep_dates:
    return None, 'left out: holds dates'
  if not patient:
    return None, 'left out: holds dates, and no column says of which patient'
  if not any(keyed.moved(_iso(cell), 'x') for cell in column):
    return None, 'left out: holds dates in a form that cannot be told for sure'
  return lambda row: _moved(row[name], row[patient], keyed), "dates moved by each patient's days"


def _moved(date: str, patient: str, keyed: Keyed) -> str:
  return keyed.moved(_iso(date), patient) if patient else ''


def _iso(date: str) -> str:
  """A date with year, month and day in this order, where it has points as in German."""
  found = _GERMAN.fullmatch(date)
  return f'{found[3]}-{int(found[2]):02}-{int(found[1]):02}{found[4]}' if found else date


def _capped(cell: str) -> str:
  number = numerals.real(cell)
  return cell if number is None or number <= personal.OLDEST else str(personal.OLDEST + 1)


def _free(column: Sequence[str]) -> bool:
  """Whether these are texts of which hardly any is said twice, or long ones."""
  texts = [cell for cell in column if numerals.real(cell) is None]
  if not texts or 2 * len(texts) <= len(column):
    return False
  different = len(set(texts))
  if sum(map(len, texts)) > _LONG * len(texts):
    return True
  return different >= _ENOUGH and different > _LIKE_A_NAME * len(texts)
