"""Numbers as people and machines write them: decimal commas, thousands, percent, limits.

A column is one of numbers when every cell that is not missing is written in one way, of these:
1234.5, 1234,5, 1.234,5, 1,234.5, 1 234,5 or 1'234.5. Where the cells fit several ways (1,234), the
other columns of the table tell, then cells separated by semicolons or tabs mean a decimal comma; a
point (1.234) is one of decimals unless other columns have decimal commas. What is a guess is called
one in the notes. Percent signs are left out where all cells have one; a limit of detection such as
<0.01 is read as the limit. New cells are read in the training table's way and in no other.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence

from medjax.data.missing import Missing, counted
from medjax.data.tables import Row
from medjax.data.tabular import dates
from medjax.errors import UserError

_LIMIT = re.compile(r'(<=|>=|<|>|\u2264|\u2265|~)\s*')


@dataclasses.dataclass(frozen=True)
class _Way:
  """A way of writing numbers.

  Attributes:
    name: 'point', or a comma or point with what stands between thousands before it.
    pattern: of one number.
    thousands: what stands between thousands; '' for nothing.
    decimal: what separates decimals.
  """

  name: str
  pattern: re.Pattern[str]
  thousands: str
  decimal: str

  def plain(self, cell: str) -> str:
    """The same number with a decimal point and nothing else."""
    if self.thousands:
      cell = re.sub(self.thousands, '', cell)
    return cell.replace(self.decimal, '.')


def _grouped(between: str, decimal: str) -> re.Pattern[str]:
  # Nobody writes thousands before an exponent, or with a zero in front: 0,500 is a half.
  thousands = rf'[1-9]\d{{0,2}}({between}\d{{3}})+({decimal}\d*)?'
  bare = rf'(?=[.,]?\d)\d*({decimal}\d*)?([eE][+-]?\d+)?'
  return re.compile(rf'[+-]?({thousands}|{bare})', re.ASCII)


_PLAIN = '1234.5'
_SIMPLE = re.compile(r'-?\d+(\.\d{1,2}|\.\d{4,})?', re.ASCII)  # in no other way
_MAYBE_THOUSANDS = re.compile(r'[+-]?[1-9]\d{0,2}[.,]\d{3}', re.ASCII)
_DECIMAL = {'point': '.', 'comma': ','}
_WAYS = {
  way.name: way
  for way in (
    _Way(_PLAIN, _grouped('(?!)', r'\.'), '', '.'),
    _Way('1234,5', _grouped('(?!)', ','), '', ','),
    _Way('1.234,5', _grouped(r'\.', ','), r'\.', ','),
    _Way('1,234.5', _grouped(',', r'\.'), ',', '.'),
    _Way('1 234,5', _grouped(' ', ','), ' ', ','),
    _Way('1 234.5', _grouped(' ', r'\.'), ' ', '.'),
    _Way("1'234.5", _grouped("['\u2019]", r'\.'), "['\u2019]", '.'),
  )
}


def read(
  header: Sequence[str],
  rows: Sequence[Row],
  missing: Missing,
  *,
  semicolons: bool,
  decimal: str = 'auto',
  texts: Sequence[str] = (),
) -> tuple[list[Row], dict[str, str], list[str]]:
  """The rows with all numbers written alike, how each column was written, and notes.

  Args:
    header: names of the columns.
    rows: number and cells of each.
    missing: which words mean a missing value; such cells become empty in columns of numbers.
    semicolons: whether cells are separated otherwise than by commas.
    decimal: 'point' or 'comma' where it is known, otherwise 'auto'.
    texts: columns that are left as they are.

  Returns:
    Rows; for ``as_trained``, how the numbers of each column were written, where that is not
    1234.5: another way, ending in 0 where no number has decimals, and in % where all are percent;
    and notes.

  Example:
    >>> rows = [(2, {'crp': '5,57'}), (3, {'crp': '1.200,4'}), (4, {'crp': 'NULL'})]
    >>> read(['crp'], rows, Missing(), semicolons=True)[0]
    [(2, {'crp': '5.57'}), (3, {'crp': '1200.4'}), (4, {'crp': ''})]
  """
  fits: dict[str, list[_Way]] = {}
  sure: set[str] = set()  # what separates decimals in columns that are written in one way only
  for name in header:
    cells = [row[name] for _, row in rows]
    if name not in texts and (ways := _fitting(cells, missing)) and not _dates(cells, missing):
      fits[name] = [way for way in ways if way.decimal == _DECIMAL.get(decimal)] or ways
      separators = {way.decimal for way in fits[name]}
      if len(separators) == 1 and _has(cells, min(separators)):
        sure |= separators
  commas = sure == {','} if len(sure) == 1 else semicolons
  way_of: dict[str, _Way] = {}
  written: dict[str, str] = {}
  notes: list[str] = []
  for name, ways in fits.items():
    cells = [row[name] for _, row in rows]
    if ways[0].name == _PLAIN and not (sure == {','} and _has(cells, '.')):
      way = ways[0]  # nothing to tell
    else:
      way = next((w for w in ways if (w.decimal == ',') == commas), ways[0])
    way_of[name] = way
    written[name] = _written(cells, way, sure == {','}, missing)
    # Thousands are rarely parted by points where commas separate cells.
    several = ways if semicolons or way.name != _PLAIN else [way]
    notes += _notes(name, cells, way, several, missing)
  read_rows = [(line, _plain(row, way_of, missing)) for line, row in rows]
  return read_rows, {name: way for name, way in written.items() if way != _PLAIN}, notes


def is_limit(cell: str) -> bool:
  """Whether a cell is a limit of detection, which is read as the limit.

  Example:
    >>> is_limit('<0.01'), is_limit('0.01'), is_limit('<low')
    (True, False, False)
  """
  return bool(_LIMIT.match(cell) and _fitting([cell], Missing()))


def as_trained(cell: str, written: str, missing: Missing, *, semicolons: bool, where: str) -> str:
  """A new cell of a column of numbers, read as the training table's were.

  Args:
    cell: as ``tables.parse`` gives it.
    written: how the training table wrote them, as ``read`` says; '' for 1234.5.
    missing: which words mean a missing value.
    semicolons: whether the new cells are separated otherwise than by commas.
    where: row and column, for errors.

  Returns:
    The number written plainly, '' where it is missing; a cell that is none stays as it is.

  Raises:
    UserError: it is a number written in another way, or one with three decimals where no other
      has any, and these may be thousands.

  Example:
    >>> as_trained('5,57', '1234,5', Missing(), semicolons=True, where='new.csv row 2: crp')
    '5.57'
  """
  if missing.number(cell):
    return ''
  written = written or _PLAIN
  percent, whole = written.endswith('%'), written.removesuffix('%').endswith('0')
  way = _WAYS[written.removesuffix('%')[:-1] + '5']
  bare = _bare(cell, percent)
  if cell.endswith('%') is not percent or not way.pattern.fullmatch(bare):
    if not _fitting([cell], missing):
      return cell
    raise UserError(
      f'{where} is {cell!r}; expected a number as the training table wrote them, such as '
      f'{way.name}{"%" * percent}'
    )
  thousands = way.decimal in bare and _MAYBE_THOUSANDS.fullmatch(bare)
  if whole and thousands and (semicolons or way.decimal == ','):
    raise UserError(
      f'{where} is {cell!r}, which may be {way.plain(bare)} or thousands; expected a number as the '
      f'training table wrote them, without decimals, such as {way.name[:-2]}{"%" * percent}'
    )
  return way.plain(bare)


def _written(cells: Sequence[str], way: _Way, commas: bool, missing: Missing) -> str:
  """How a column is written, as ``as_trained`` reads it.

  Args:
    cells: of the column.
    way: in which they are read.
    commas: whether other columns have decimal commas, as this one would if it had decimals.
    missing: which words mean a missing value.
  """
  there = [cell for cell in cells if not missing.number(cell)]
  whole = not _has(there, way.decimal)
  name = '1234,5' if whole and commas and way.name == _PLAIN else way.name
  return (name[:-1] + '0' if whole else name) + '%' * all(cell.endswith('%') for cell in there)


def _has(cells: Sequence[str], character: str) -> bool:
  return any(character in cell for cell in cells)


def _fitting(cells: Sequence[str], missing: Missing) -> list[_Way]:
  """The ways in which all of these cells may be written that are not missing."""
  distinct = {cell for cell in cells if not missing.number(cell)}
  if distinct and all(map(_SIMPLE.fullmatch, distinct)):
    return [_WAYS[_PLAIN]]
  percent = all(cell.endswith('%') for cell in distinct)
  bare = {_bare(cell, percent) for cell in distinct}
  if not bare or not all(any('0' <= c <= '9' for c in cell) for cell in bare):
    return []
  return [way for way in _WAYS.values() if all(map(way.pattern.fullmatch, bare))]


def _bare(cell: str, percent: bool) -> str:
  """Without a sign of a limit or of percent."""
  cell = _LIMIT.sub('', cell, count=1) if _LIMIT.match(cell) else cell
  return (cell.removesuffix('%') if percent else cell).strip().replace('\u2212', '-')


def _plain(row: dict[str, str], way_of: Mapping[str, _Way], missing: Missing) -> dict[str, str]:
  return row | {
    name: '' if missing.number(row[name]) else way.plain(_bare(row[name], True))
    for name, way in way_of.items()
  }


def _dates(cells: Sequence[str], missing: Missing) -> bool:
  """Whether numbers are dates, such as 20190312 or 03.2020: these tell nothing of decimals."""
  return dates.are_dates([cell for cell in cells if not missing.number(cell)])


def _is_ambiguous(cell: str, ways: Sequence[_Way]) -> bool:
  """Whether a cell is not the same number in each of these ways."""
  return len({way.plain(_bare(cell, True)) for way in ways}) > 1


def _notes(
  name: str, cells: Sequence[str], way: _Way, ways: Sequence[_Way], missing: Missing
) -> list[str]:
  """What was decided about a column of numbers, where it is not plain."""
  lacking = [cell for cell in cells if missing.number(cell)]
  there = [cell for cell in cells if not missing.number(cell)]
  said = []
  odd = next((c for c in there if _WAYS[_PLAIN].pattern.fullmatch(_bare(c, True)) is None), '')
  if not odd and way.name != _PLAIN:
    odd = there[0]
  if not odd and len(ways) > 1:
    odd = next((c for c in there if _is_ambiguous(c, ways)), '')
  if odd:
    both = ' (a guess; config.data.decimal says it)' if _is_ambiguous(odd, ways) else ''
    said.append(f'{odd!r} is read as {way.plain(_bare(odd, True))}{both}')
  limits = [cell for cell in there if _LIMIT.match(cell)]
  if limits:
    said.append(f'limits of detection ({len(limits)}, such as {limits[0]!r}) are read as the limit')
  if there and all(cell.endswith('%') for cell in there):
    said.append('percent signs left out')
  if lacking:
    said.append(f'missing: {counted(lacking)}')
  return [f'column {name!r} is one of numbers: {"; ".join(said)}'] if said else []
