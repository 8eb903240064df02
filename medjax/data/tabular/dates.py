"""Columns of dates, no inputs: as people, DICOM, statistics packages and Excel write them.

A column holds dates when more than half of its cells that are not missing are dates, whatever words
stand among them; or when its name says so and its cells are numbers as large as Excel's, in which a
date is the count of days since 1900.
"""

import itertools
import re
from collections.abc import Iterable, Sequence

from medjax.data import numerals

_YEAR = r'(19|20)\d{2}'
_MONTH = r'(0?[1-9]|1[0-2])'
_NAME = r'[^\W\d_]{3,9}\.?'
_DATE = re.compile(
  '|'.join((
    r'\d{4}[-/.]\d{1,2}[-/.]\d{1,2}',
    r'\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})',
    rf'\d{{1,2}}\.?[- ]{_NAME}[- ](\d{{4}}|\d{{2}})',
    rf'\d{{1,2}}[A-Za-z]{{3}}{_YEAR}',  # of SAS
    rf'{_NAME} \d{{1,2}}, \d{{4}}',
    r'\d{4}-\d{2}',
    rf'{_YEAR}/{_MONTH}',
    rf'{_MONTH}[-/]{_YEAR}',
    rf'(0[1-9]|1[0-2])\.{_YEAR}',
    # Of DICOM, where a time may follow; and the same through a column of floats.
    rf'{_YEAR}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(([01]\d|2[0-3])[0-5]\d[0-5]\d(\.\d+)?|\.0+)?',
  ))
)  # fmt: skip
_TIME = re.compile(r'([T ]|^)\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?(Z|[+-]\d{2}:?\d{2})?$')
_WORDS = frozenset({
  'dates', 'datetime', 'timestamp', 'dob', 'dod', 'birthday', 'birthdays', 'gebdat', 'geburtstag',
})  # fmt: skip
_WORD = re.compile(r'(date|datum)[a-z]*|[a-z]*(date|datum)')
_EARLIEST = 5000  # of Excel's days, in 1913; years are less


def is_date(cell: str) -> bool:
  """Whether a cell is a date, with or without a time of day, or a time of day.

  Example:
    >>> is_date('1.2.2020 10:30'), is_date('20190312'), is_date('1.2')
    (True, True, False)
  """
  return bool(_DATE.fullmatch(_TIME.sub('', cell).strip()) or _TIME.fullmatch(cell))


def are_dates(cells: Sequence[str]) -> bool:
  """Whether most of these cells are dates.

  Example:
    >>> are_dates(['01.02.2020', '03/2020', 'unknown to us']), are_dates(['2020', '2021'])
    (True, False)
  """
  others = (cell for cell in cells if not is_date(cell))
  half = (len(cells) + 1) // 2
  return bool(cells) and next(itertools.islice(others, half - 1, None), None) is None


def why(name: str, words: Iterable[str], cells: Sequence[str]) -> str:
  """Why a column is one of dates; '' where it is none.

  Args:
    name: of the column.
    words: in its name, in lower case.
    cells: that are not missing, with numbers written plainly.

  Example:
    >>> why('visit', ['visit'], ['2021-03-04', '2021-03-05'])
    "holds dates, such as '2021-03-04'"
    >>> why('OPDatum', ['opdatum'], ['43210', '43217'])
    "holds dates as numbers, as 'OPDatum' says, such as '43210'"
  """
  if are_dates(cells):
    return f'holds dates, such as {next(filter(is_date, cells))!r}'
  if any(word in _WORDS or _WORD.fullmatch(word) for word in words):
    large = [cell for cell in cells if (numerals.real(cell) or 0) >= _EARLIEST]
    if 2 * len(large) > len(cells):
      return f'holds dates as numbers, as {name!r} says, such as {large[0]!r}'
  return ''
