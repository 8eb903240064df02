"""Tables whose cells hold sequences: a cell is as long as a chromosome, if need be."""

import csv
import pathlib
import threading

from medjax.data import tables

_LONGEST_CELL = 2**30  # letters; Python's own limit is 131,072
_ONE_AT_A_TIME = threading.Lock()


def parse(text: str, path: pathlib.Path) -> tuple[list[str], list[tables.Row]]:
  """See ``tables.parse``; for cells of up to 2**30 letters.

  The limit is one for the whole process, so that it is put back.

  Args:
    text: the whole table.
    path: where it is from, for errors.

  Example:
    >>> header, rows = parse('id,sequence\\n1,' + 'A' * 140_000, pathlib.Path('long.csv'))
    >>> len(rows[0][1]['sequence'])
    140000
  """
  with _ONE_AT_A_TIME:
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
      return tables.parse(text, path)
    finally:
      csv.field_size_limit(before)
