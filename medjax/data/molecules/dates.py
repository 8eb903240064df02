"""When something was measured, for splits by time."""

import datetime
import re
from collections.abc import Sequence

from medjax.data import numerals

_ISO = re.compile(r'(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?:[T ].*)?', re.ASCII)
_POINTS = re.compile(r'(\d{1,2})\.(\d{1,2})\.(\d{4})', re.ASCII)
_COMPACT = re.compile(r'((?:19|20)\d{2})(\d{2})(\d{2})', re.ASCII)


def moments(cells: Sequence[str]) -> list[float | None]:
  """Numbers that are larger the later a date is; None for a cell that is none.

  Dates are 2021-03-04, 2021/3/4, 2021-03, 2021, 20210304 or 4.3.2021; a time of day after them is
  left out. 3/4/2021 is two days, and none here. Where all cells are numbers, such as years or
  weeks, these are taken as they are.

  Args:
    cells: of a column.

  Example:
    >>> moments(['2021-03-04', '5.3.2021', '3/4/2021']), moments(['7', '2021'])
    ([737853.0, 737854.0, None], [7.0, 2021.0])
  """
  numbers = [numerals.real(cell) for cell in cells]
  if None not in numbers:
    return numbers
  return [_day(cell) for cell in cells]


def _day(cell: str) -> float | None:
  """The number of a day."""
  for pattern, order in ((_COMPACT, (1, 2, 3)), (_ISO, (1, 2, 3)), (_POINTS, (3, 2, 1))):
    if found := pattern.fullmatch(cell):
      year, month, day = (int(found[part] or 1) for part in order)
      try:
        return float(datetime.date(year, month, day).toordinal())
      except ValueError:
        return None
  return None
