"""Several findings of one image in a table: joined in one cell, or a column each."""

import pathlib
import re
from collections import Counter
from collections.abc import Sequence

from medjax.data import tables, text
from medjax.data.images.config import Config
from medjax.data.images.label_sets import SEPARATOR, UNKNOWN
from medjax.data.images.messages import short
from medjax.data.missing import Missing
from medjax.errors import UserError

# What stands in a cell of names where there is nothing to name (NIH ChestX-ray14: No Finding).
_NOTHING = frozenset(
  text.key(name) for name in ('No Finding', 'No findings', 'none', 'normal', 'negative')
)
_ANSWERS = {
  '1': '', 'yes': '', 'true': '', 'positive': '', 'present': '',
  '0': None, 'no': None, 'false': None, 'negative': None, 'absent': None,
  '-1': UNKNOWN, 'uncertain': UNKNOWN, 'unknown': UNKNOWN, 'u': UNKNOWN,
}  # fmt: skip


def columns(header: Sequence[str], table: pathlib.Path, config: Config) -> dict[str, str]:
  """The columns of findings by the names that were asked for.

  Raises:
    UserError: one is not there, or is asked for twice.
  """
  found = {name: tables.column(table, header, name) for name in config.findings}
  twice = next((name for name, count in Counter(found.values()).items() if count > 1), None)
  if twice is not None:
    raise UserError(f'config.data.findings: {twice} stands there twice; expected each column once')
  return found


def of_columns(
  rows: Sequence[tables.Row], findings: dict[str, str], table: pathlib.Path, config: Config
) -> tuple[list[tables.Row], list[str], list[str]]:
  """Rows of which something is known, their labels, and notes.

  Labels are texts as ``label_sets`` reads them.

  Args:
    rows: of the table, with their numbers.
    findings: columns by the names of the classes.
    table: the file, for errors.
    config: what an empty cell means, and what counts as one.

  Raises:
    UserError: a cell is neither 1, 0, -1 nor a word for one of them.
  """
  missing, blanks, uncertain = Missing.of(config.missing), 0, 0
  kept, texts, nothing = [], [], 0
  for number, cells in rows:
    parts = []
    for name, column in findings.items():
      cell = text.clean(cells[column])
      if missing.number(cell):
        blanks += 1
        answer = UNKNOWN if config.blank_finding == 'unknown' else None
      else:
        key = re.sub(r'^([+-]?\d+)\.0*$', r'\1', cell.lower())
        if key not in _ANSWERS:
          raise UserError(
            f'{table} row {number}: {column} is {short(cell)}; expected 1 (present), 0 (absent), '
            '-1 or nothing (not known)'
          )
        answer = _ANSWERS[key]
        uncertain += answer == UNKNOWN
      if answer is not None:
        parts.append(answer + name)
    if len(parts) == len(findings) and all(part.startswith(UNKNOWN) for part in parts):
      nothing += 1
    else:
      kept.append((number, cells))
      texts.append(SEPARATOR.join(parts))
  if not kept:
    raise UserError(
      f'{table}: nothing is known of any row in {short(", ".join(findings.values()))}'
    )
  notes = []
  if uncertain:
    notes.append(f'{uncertain} findings are uncertain (-1): they count for nothing')
  if blanks:
    means = 'not known' if config.blank_finding == 'unknown' else 'absent'
    notes.append(
      f'{blanks} findings are empty cells, taken for {means} (config.data.blank_finding)'
    )
  if nothing:
    notes.append(f'{nothing} rows of which nothing is known are left out')
  return kept, texts, notes


def of_cells(cells: Sequence[str]) -> tuple[list[str], list[str]]:
  """Labels, texts as ``label_sets`` reads them, of cells such as 'Effusion|Mass'; and notes.

  Example:
    >>> of_cells(['Effusion|Mass', 'No Finding'])[0]
    ['Effusion | Mass', '']
  """
  texts, empty = [], Counter[str]()
  for cell in cells:
    names = [text.clean(name) for name in re.split('[|;]', cell)]
    named = [name for name in dict.fromkeys(names) if name and text.key(name) not in _NOTHING]
    if not named:
      empty[text.clean(cell)] += 1
    texts.append(SEPARATOR.join(named))
  notes = [f'{short(cell)} ({count} rows) is no finding' for cell, count in empty.items()]
  return texts, notes
