"""The records of a file one after another, in bounded memory, whatever is wrong with single ones.

``records.read`` has all of a file at once and refuses one that is not whole; here a row that is
not as it should be is passed on with the reason, and reading goes on after it.
"""

import collections
import csv
import dataclasses
import gzip
import io
import itertools
import pathlib
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from medjax.data import source_files, tables
from medjax.data.molecules import records, smiles_column
from medjax.data.molecules.records import Record
from medjax.data.text import clean
from medjax.errors import UserError

_LONGEST = 2**20  # characters of a line
_LARGEST_BLOCK = 10 * _LONGEST  # characters of a record of an SD file
_BLANK = ' \t\f\v,;"\r\n'  # of which a line before the header may be
_LOOKED_AT = 200  # rows in which the column of SMILES is looked for
_GZIP = b'\x1f\x8b'
_NO_TEXT = f'is no UTF-8 text, holds zero bytes or has a line of more than {_LONGEST} characters'


@dataclasses.dataclass(frozen=True)
class Streamed:
  """A record, or a row that is none.

  Attributes:
    record: what could be read of it.
    problem: why it is none; '' where it is one.
  """

  record: Record
  problem: str = ''


class Stream:
  """The records of a file in their order.

  Args:
    path: a table, .smi or .sdf, each plain or gzip; see ``records.read``.
    column: of the SMILES in a table; '' to find it in the first 200 rows.

  Raises:
    UserError: no such file, another ending, no records, or no column of SMILES.

  Example:
    >>> for one in Stream(pathlib.Path('library.smi.gz')):  # doctest: +SKIP
    ...   print(one.record.structure)
  """

  def __init__(self, path: pathlib.Path, column: str = ''):
    self._path, self._column = path, column
    name = path.name.lower().removesuffix('.gz')
    if not name.endswith(records.ENDINGS):
      raise UserError(
        f'{path}: expected a file of molecules: .csv, .tsv, .txt, .smi or .sdf, each also as .gz'
      )
    self._read: Callable[[Iterator[str]], Iterator[Streamed]] = self._table
    if name.endswith(records.SDF):
      self._read = _sdf
    elif name.endswith(records.SMI):
      self._read = _smi
    try:
      self._raw = source_files.open_file(path)  # closed by ``__iter__``
      self.bytes = source_files.size(path)
    except OSError as error:
      raise UserError(
        f'{path}: cannot be read: {error.strerror}; expected a file of molecules'
      ) from None

  def __iter__(self) -> Iterator[Streamed]:
    """Yields the records; once."""
    empty = True
    with self._raw:
      try:
        for one in self._read(_lines(self._raw)):
          empty = False
          yield one
      except (OSError, EOFError, zlib.error) as error:
        raise UserError(
          f'{self._path}: is damaged: gzip says {error}; expected the whole file'
        ) from None
    if empty:
      raise UserError(f'{self._path}: has no molecules')

  def position(self) -> int:
    """How many of ``bytes`` were read so far."""
    return self.bytes if self._raw.closed else self._raw.tell()

  def _table(self, lines: Iterator[str]) -> Iterator[Streamed]:
    rows = _rows(lines, self._path)
    header = next(rows, None)
    if header is None:
      return
    names = header.cells
    repeated = [name for name in names if name and names.count(name) > 1]
    if repeated:
      raise UserError(f'{self._path}: has several columns {repeated[0]!r}; expected each name once')
    first = list(itertools.islice(rows, _LOOKED_AT))
    good = [
      (row.line, dict(zip(names, row.cells, strict=True)))
      for row in first
      if not row.problem and len(row.cells) == len(names)
    ]
    column = tables.column(self._path, names, self._column, optional=True)
    smiles, _ = smiles_column.find(self._path, names, good, column)
    for number, row in enumerate(itertools.chain(first, rows)):
      problem = row.problem
      if not problem and len(row.cells) != len(names):
        problem = f'{len(row.cells)} cells; expected {len(names)}, as in the header'
      cells = {} if problem else dict(zip(names, row.cells, strict=True))
      yield Streamed(Record(number, f'row {row.line}', cells.get(smiles, ''), cells), problem)


@dataclasses.dataclass(frozen=True)
class _Row:
  """Cells of a table, and the number of its last line."""

  line: int
  cells: list[str]
  problem: str = ''


def _rows(lines: Iterator[str], path: pathlib.Path) -> Iterator[_Row]:
  """The rows of a table that are not empty, the header first.

  A quote that is never closed costs its own line: reading goes on with the next.
  """
  number = 0  # of the line that was read last
  told = ''
  for told in lines:
    number += 1
    if told.strip(_BLANK):
      break
  if not told.strip(_BLANK):
    return
  between = tables.delimiter(told)
  waiting = collections.deque[str]()  # lines to read again
  taken: list[str] = []  # those of the row that is being read
  if not told.lower().lstrip('"').startswith('sep='):
    waiting.append(told)
    number -= 1

  def pull() -> Iterator[str]:
    nonlocal number
    while line := waiting.popleft() if waiting else next(lines, ''):
      number += 1
      taken.append(line)
      yield line

  reader = csv.reader(pull(), delimiter=between, skipinitialspace=True, strict=True)
  header = False
  while True:
    taken.clear()
    before = number
    problem, cells = '', list[str]()
    try:
      cells = next(reader)
    except StopIteration:
      return
    except csv.Error as error:
      problem = f'{error}; expected each quote closed at the end of its cell'
      waiting.extendleft(reversed(taken[1:]))
      number = before + 1
      # The lines that the reader was made with may have come to their end.
      reader = csv.reader(pull(), delimiter=between, skipinitialspace=True, strict=True)
    if not problem and _odd(taken):
      problem = _NO_TEXT
    if not problem and not any(cell.strip() for cell in cells):
      continue
    if not header and problem:
      raise UserError(f'{path} row {number}: header: {problem}')
    header = True
    yield _Row(number, [] if problem else [clean(cell) for cell in cells], problem)


def _smi(lines: Iterator[str]) -> Iterator[Streamed]:
  columns: records.SmiColumns | None = None
  number = 0
  for line, text in enumerate(lines, start=1):
    content = text.strip()
    if not content or text.startswith('#'):
      continue
    if columns is None:
      columns = records.smi_columns(content)
      if columns.named:
        continue
    if _odd([text]):
      yield Streamed(Record(number, f'line {line}', '', {}), _NO_TEXT)
    else:
      yield Streamed(records.smi_record(number, line, content, columns))
    number += 1


def _sdf(lines: Iterator[str]) -> Iterator[Streamed]:
  block: list[str] = []
  number = size = 0
  for line in itertools.chain(lines, [records.SDF_END]):
    if not line.startswith(records.SDF_END):
      size += len(line)
      if size <= _LARGEST_BLOCK:
        block.append(line.rstrip('\r\n'))
      continue
    if any(text.strip() for text in block):
      problem = f'has more than {_LARGEST_BLOCK} characters' if size > _LARGEST_BLOCK else ''
      problem = problem or (_NO_TEXT if _odd(block) else '')
      empty = Record(number, f'record {number + 1}', '', {})
      yield Streamed(empty if problem else records.sdf_record(number, block), problem)
      number += 1
    block, size = [], 0


def _lines(raw: BinaryIO) -> Iterator[str]:
  """The lines of a file with their ends; of one that is too long the beginning and a zero byte."""
  packed = raw.read(len(_GZIP)) == _GZIP
  raw.seek(0)
  source = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw
  # What is no UTF-8 becomes surrogates, so that the row that holds it is told from the others.
  text = io.TextIOWrapper(source, 'utf-8-sig', errors='surrogateescape', newline='')
  while line := text.readline(_LONGEST):
    if len(line) == _LONGEST and line[-1] not in '\r\n':
      while (rest := text.readline(_LONGEST)) and rest[-1] not in '\r\n':
        pass
      line = f'{line}\0\n'
    yield line


def _odd(lines: list[str]) -> bool:
  """Whether lines hold what is no text."""
  return any(
    '\0' in line or (not line.isascii() and any('\ud800' <= letter <= '\udfff' for letter in line))
    for line in lines
  )
