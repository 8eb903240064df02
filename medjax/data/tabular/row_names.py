"""Columns that name rows, cases or people: by what they are called, and by their numbers.

A network that sees the number of a case learns the order in which cases came, and nothing else.
"""

import itertools
import math
import re
from collections.abc import Sequence

from medjax.data import patients

_ENOUGH = 20  # rows from which numbers that are all different tell something
_LARGE = 10_000  # from which numbers, if all are different, name rows
_STEP = 10  # in which rows are counted, at most
_MOSTLY = 0.75  # of the differences that are one step; of a sorted measurement fewer are
_ROUND = 100  # measurements are rounded to this or more, names never are
_WHOLE = re.compile(r'(\d+)(\.0*)?', re.ASCII)  # a column of floats adds the point and zeros

# Words in the names of columns that name a row or a person.
_NAMES = frozenset({
  'id', 'ids', 'uid', 'uuid', 'guid', 'identifier', 'mrn', 'ssn', 'accession', 'barcode', 'surname',
  'firstname', 'lastname', 'fullname', 'email', 'phone', 'telephone', 'address', 'unnamed',
  'rownames', 'rowname', 'rownum', 'rownumber',
})  # fmt: skip
_ALONE = frozenset({'index', 'idx', 'no', 'nr', 'number', 'key', 'name', 'row', 'record'})
# What rows are of. With whole numbers that are all different, such a column numbers them.
_OF = (
  'accession', 'admission', 'animal', 'barcode', 'biopsy', 'case', 'chart', 'client', 'encounter',
  'episode', 'exam', 'examination', 'fall', 'file', 'hospital', 'image', 'lab', 'order', 'pat',
  'patient', 'person', 'proband', 'pseudo', 'pseudonym', 'record', 'row', 'sample', 'scan',
  'series', 'slide', 'specimen', 'stay', 'study', 'subj', 'subject', 'visit',
)  # fmt: skip
_NUMBER = ('id', 'idnr', 'no', 'nr', 'nro', 'num', 'number', 'nummer')
_NUMBERED = re.compile(rf'({"|".join(_OF)})?({"|".join(_NUMBER)})|[a-z]{{3,}}(nr|nummer|number)')


def words(name: str) -> list[str]:
  """The words in the name of a column, in lower case.

  Example:
    >>> words('StudyID'), words('nhs_number')
    (['study', 'id'], ['nhs', 'number'])
  """
  return re.findall(r'[a-z]+', re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', name).lower())


def by_name(name: str, cells: Sequence[str]) -> bool:
  """Whether a column is called like one of names, and its cells do not speak against it.

  Args:
    name: of the column.
    cells: that are not missing, with numbers written plainly.

  Example:
    >>> by_name('Fallnummer', ['7', '3', '12']), by_name('case', ['1', '0', '1'])
    (True, False)
  """
  found, different = words(name), len(set(cells))
  if patients.is_column(name):
    return True
  if _NAMES & set(found) or (len(found) == 1 and found[0] in _ALONE):
    return 2 * different > len(cells)
  # A "hospital stay" is one of what rows are of, the "age at visit" is not.
  of_rows = bool(found) and (_NUMBERED.fullmatch(found[-1]) or set(found) <= set(_OF))
  return bool(of_rows) and different == len(cells) and len(_whole(cells)) == len(cells)


def by_numbers(cells: Sequence[str]) -> str:
  """Why whole numbers, whatever they are called, name the rows; '' where they do not.

  Numbers that are all different do when they count with few gaps, in steps of at most ten and in
  whatever order; when they rise or fall from row to row, mostly by one step, with more gaps; and
  when they are large and of one size. But not when they are rounded, as only measurements are.

  Args:
    cells: that are not missing, with numbers written plainly.

  Example:
    >>> by_numbers([str(2 * i) for i in range(100, 130)])
    'counts the rows'
    >>> by_numbers([str(i * i) for i in range(30)]), by_numbers(['40', '62'] * 15)
    ('', '')
  """
  numbers = _whole(cells)
  count = len(numbers)
  if count < max(_ENOUGH, len(cells)) or len(set(numbers)) < count:
    return ''
  least, largest = min(numbers), max(numbers)
  step = math.gcd(*(number - least for number in numbers))
  if math.gcd(*numbers) >= _ROUND:
    return ''
  steps = (largest - least) // step
  counts = is_one_way(cells) and _share_of_steps(numbers, step) >= _MOSTLY
  if step <= _STEP and (steps < 2 * count or (steps < 10 * count and counts)):
    return 'counts the rows'
  if least >= _LARGE and largest < 10 * least:
    return f'looks like a name of rows, all {count} being different, as {cells[0]!r}'
  return ''


def is_one_way(cells: Sequence[str]) -> bool:
  """Whether whole numbers rise, or fall, from each row to the next.

  They may be names of rows in the order of the table, or what the table is sorted by.

  Args:
    cells: that are not missing, with numbers written plainly.

  Example:
    >>> is_one_way([str(i * i) for i in range(30)]), is_one_way(['2', '3', '1'] * 10)
    (True, False)
  """
  numbers = _whole(cells)
  if len(numbers) < max(_ENOUGH, len(cells)):
    return False
  pairs = list(itertools.pairwise(numbers))
  return all(a < b for a, b in pairs) or all(a > b for a, b in pairs)


def _share_of_steps(numbers: Sequence[int], step: int) -> float:
  """How many of the differences between neighbours are one step."""
  steps = [abs(b - a) == step for a, b in itertools.pairwise(numbers)]
  return sum(steps) / len(steps)


def _whole(cells: Sequence[str]) -> list[int]:
  """The whole numbers from 0 among cells."""
  found = map(_WHOLE.fullmatch, cells)
  return [int(match[1]) for match in found if match and len(match[1]) <= 30]
