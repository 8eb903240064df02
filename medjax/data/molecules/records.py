"""Structures with what stands beside them, from tables, .smi and .sdf files, plain or gzip."""

import dataclasses
import pathlib
import re
from collections.abc import Sequence

from medjax.data import received, tables, text_file
from medjax.data.molecules import smiles_column
from medjax.data.sequences import table
from medjax.data.text import clean
from medjax.errors import UserError

SDF = ('.sdf', '.sd', '.mol')
SMI = ('.smi', '.smiles', '.ism')
ENDINGS = (*tables.ENDINGS, *SDF, *SMI)
_PROPERTY = re.compile(r'>.*?<(.*)>')
_LINE = re.compile('\r\n|\n|\r')
NAME = 'name'
SDF_END = '$$$$'


@dataclasses.dataclass(frozen=True)
class Record:
  """A structure as a file has it.

  Attributes:
    number: of the row, line or record among those of the file, from 0.
    place: as people count it, such as 'row 2', where the header of a table is row 1.
    structure: a SMILES, or a mol block of several lines.
    cells: what stands beside it, by column.
  """

  number: int
  place: str
  structure: str
  cells: dict[str, str]


@dataclasses.dataclass(frozen=True)
class File:
  """The records of a file.

  Attributes:
    path: the file.
    header: names of the columns, without that of the structures.
    records: in their order.
    semicolons: whether cells are separated otherwise than by commas, as with decimal commas.
    notes: what was decided, one line each.
  """

  path: pathlib.Path
  header: list[str]
  records: list[Record]
  semicolons: bool = False
  notes: tuple[str, ...] = ()


def read(path: pathlib.Path, column: str = '', *, required: bool = True) -> File:
  """The records of a file; what is wrong with a structure is not looked at.

  Args:
    path: a table (see ``tables.parse``), .smi (a SMILES a line, then its name; with a header
      further columns) or .sdf (fields become columns), each plain or gzip.
    column: of the SMILES in a table; '' to find it, see ``smiles_column``.
    required: whether that column must be there; otherwise another one is found.

  Raises:
    UserError: no such file, another ending, an empty file, or see those functions.

  Example:
    >>> read(pathlib.Path('bace.csv')).records[0].structure  # doctest: +SKIP
    'O1CC[C@@H](NC(=O)[C@@H](Cc2cc3cc(ccc3nc2N)-c2ccccc2C)C)CC1(C)C'
  """
  name = path.name.lower().removesuffix('.gz')
  if not name.endswith(ENDINGS):
    raise UserError(
      f'{path}: expected a file of molecules: .csv, .tsv, .txt, .smi or .sdf, each also as .gz'
    )
  text = text_file.read_text(path, 'a file of molecules')
  if name.endswith(SDF):
    found = _of_sdf(text, path)
  elif name.endswith(SMI):
    found = _of_smi(text, path)
  else:
    found = _of_table(text, path, column, required)
  if not found.records:
    raise UserError(f'{path}: has a header and no molecules')
  return found


def named(name: str, column: str = '') -> list[tuple[str, str]]:
  """The structures of a file, or a word that is no file and a SMILES itself, each with its place.

  Args:
    name: of a file, or a SMILES.
    column: of a table; '' to find it.

  Raises:
    UserError: see ``read``.
  """
  path = pathlib.Path(name)
  if not received.exists(name) and not name.lower().removesuffix('.gz').endswith(ENDINGS):
    return [(name, name)]
  file = read(path, column, required=False)
  return [(f'{name} {one.place}', one.structure) for one in file.records]


def _of_table(text: str, path: pathlib.Path, column: str, required: bool) -> File:
  header, rows = table.parse(text, path)
  if not rows:
    return File(path, header, [])
  if not required:
    column = tables.column(path, header, column, optional=True)
  smiles, notes = smiles_column.find(path, header, rows, column)
  records = [
    Record(number, f'row {line}', cells[smiles], cells) for number, (line, cells) in enumerate(rows)
  ]
  others = [name for name in header if name and name != smiles]
  return File(path, others, records, tables.delimiter(text) != ',', tuple(notes))


def _of_smi(text: str, path: pathlib.Path) -> File:
  """Lines of a SMILES and what follows it; a line that begins with # is a remark."""
  lines: list[tuple[int, str]] = []
  for number, line in enumerate(_LINE.split(text), start=1):
    if line.strip() and not line.startswith('#'):
      lines.append((number, line.strip()))
      received.require_cases(len(lines) - 1)  # one may be a header
  columns = smi_columns(lines[0][1] if lines else '')
  received.require_pieces(path, len(lines) * len(columns.header))
  records = [
    smi_record(number, line, content, columns)
    for number, (line, content) in enumerate(lines[columns.named :])
  ]
  return File(path, list(columns.header), records)


@dataclasses.dataclass(frozen=True)
class SmiColumns:
  """What the lines of a .smi file hold.

  Attributes:
    header: names of what follows the SMILES.
    between: what separates them; None for blanks.
    named: whether the first line is the header.
  """

  header: tuple[str, ...] = (NAME,)
  between: str | None = None
  named: bool = False


def smi_columns(first: str) -> SmiColumns:
  """The columns of a .smi file, by its first line that is no remark.

  Example:
    >>> smi_columns('smiles\\tname\\tyear').header
    ('name', 'year')
  """
  between = '\t' if '\t' in first else None
  named = bool(first) and first.split()[0].lower() in ('smiles', 'smi', 'canonical_smiles')
  header = tuple(clean(name) for name in first.split(between)[1:]) if named else (NAME,)
  return SmiColumns(header, between, named)


def smi_record(number: int, line: int, content: str, columns: SmiColumns) -> Record:
  """The record of a line of a .smi file, without blanks around it."""
  parts = [clean(part) for part in content.split(columns.between, maxsplit=len(columns.header))]
  cells = [*parts[1:], *[''] * (1 + len(columns.header) - len(parts))]
  return Record(number, f'line {line}', parts[0], dict(zip(columns.header, cells, strict=True)))


def _of_sdf(text: str, path: pathlib.Path) -> File:
  """Records that end with $$$$, the last one perhaps without."""
  blocks: list[list[str]] = [[]]
  for line in _LINE.split(text):
    if line.startswith(SDF_END):
      received.require_cases(len(blocks))
      blocks.append([])
    else:
      blocks[-1].append(line)
  if not any(line.strip() for line in blocks[-1]):
    blocks.pop()
  records = [sdf_record(number, lines) for number, lines in enumerate(blocks)]
  header = dict.fromkeys(name for record in records for name in record.cells)
  received.require_pieces(path, len(records) * len(header))
  return File(
    path,
    list(header),
    [
      dataclasses.replace(record, cells={name: record.cells.get(name, '') for name in header})
      for record in records
    ],
  )


def sdf_record(number: int, lines: Sequence[str]) -> Record:
  """The record of the lines of an SD file up to $$$$; a cell for each field that it has."""
  ends = [place for place, line in enumerate(lines) if line.startswith('M  END')]
  end = ends[0] + 1 if ends else len(lines)
  cells = {NAME: clean(lines[0]) if lines else ''} | _fields(lines[end:])
  # A block is told from a SMILES by its lines, of which a broken one may have too few.
  return Record(number, f'record {number + 1}', '\n'.join(lines[:end]) + '\n', cells)


def _fields(lines: Sequence[str]) -> dict[str, str]:
  """The fields after a mol block: a line > <NAME>, then its lines up to a blank one."""
  cells: dict[str, list[str]] = {}
  name = ''
  for line in lines:
    if found := _PROPERTY.match(line):
      name = clean(found[1])
      cells[name] = []
    elif not line.strip():
      name = ''
    elif name:
      cells[name].append(line)
  return {name: clean(' '.join(parts)) for name, parts in cells.items()}
