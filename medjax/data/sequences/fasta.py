"""Sequences from FASTA files and from tables, plain or compressed, as they are downloaded."""

import dataclasses
import pathlib
import re
from collections import Counter
from collections.abc import Sequence

from medjax.data import received, tables
from medjax.data.quote import short
from medjax.data.sequences import table
from medjax.data.text import clean
from medjax.data.text_file import read_text
from medjax.errors import UserError

# Not splitlines, which also breaks headers at form feeds and other separators.
_LINE = re.compile('[^\r\n]*(\r\n|\n|\r|$)')


@dataclasses.dataclass(frozen=True)
class Entry:
  """One sequence of a file.

  Attributes:
    id: first word of the header; what repeats an earlier one has ' #2', ' #3' and so on after it.
    header: the whole header without '>' and outer spaces.
    sequence: as of ``letters``.
    path: the file.
    line: number of the header's line, from 1.
  """

  id: str
  header: str
  sequence: str
  path: pathlib.Path
  line: int

  @property
  def where(self) -> str:
    """File and line, for errors."""
    return f'{self.path} line {self.line}'

  @property
  def own_id(self) -> str:
    """First word of the header, whatever others there are."""
    return self.header.split(maxsplit=1)[0]


def read(path: pathlib.Path, *, allow_empty: bool = False) -> list[Entry]:
  """Reads a FASTA file.

  A file compressed by gzip is known by its first bytes, whatever its name. Sequences may wrap over
  lines and lines may end as on any system. Blank lines are left out, and so are lines that begin
  with ';', the comments of old files. Identifiers that repeat, as they do in real files, are told
  apart by number and not refused. Letters are not looked at: see ``Alphabet.encode``.

  Args:
    path: the file.
    allow_empty: take entries without sequence as well.

  Returns:
    Its entries, in their order.

  Raises:
    UserError: no file, no text, no entries, or an entry without name or sequence.

  Source:
    Pearson, W. R. and Lipman, D. J. (1988), Improved tools for biological sequence comparison.
    PNAS 85(8), 2444-2448.
  """
  text = read_text(path, 'FASTA')
  headers: list[tuple[int, str]] = []
  parts: list[list[str]] = []
  for number, found in enumerate(_LINE.finditer(text), start=1):
    line = found[0].strip()
    if line.startswith('>'):
      headers.append((number, clean(line[1:])))
      parts.append([])
      received.require_cases(len(headers))
    elif line and not line.startswith(';'):
      if not headers:
        raise UserError(f'{path} line {number}: expected a header that begins with > at first')
      parts[-1].append(line)
  if not headers:
    raise UserError(f'{path}: has no sequences; expected headers that begin with >')
  entries = []
  seen: Counter[str] = Counter()
  for (number, header), lines in zip(headers, parts, strict=True):
    if not header:
      raise UserError(f'{path} line {number}: the header is empty; expected a name after >')
    id = header.split(maxsplit=1)[0]
    sequence = letters(''.join(lines))
    if not sequence and not allow_empty:
      raise UserError(
        f'{path} line {number}: {short(id)} has no sequence; expected one below its header'
      )
    seen[id] += 1
    if seen[id] > 1:
      id = f'{id} #{seen[id]}'
    entries.append(Entry(id, header, sequence, path, number))
  return entries


def letters(text: str) -> str:
  """A sequence in upper case and without blanks.

  What is no letter of ASCII stays as it is, for ``Alphabet.encode`` to name: some such letters have
  two in upper case, and others become one of ASCII.

  Args:
    text: as it was written, over several lines or in a cell.

  Example:
    >>> letters('ac gt'), letters('a\u00dfc')
    ('ACGT', 'AßC')
  """
  joined = ''.join(text.split())
  if joined.isascii():
    return joined.upper()
  return ''.join(letter.upper() if letter.isascii() else letter for letter in joined)


def labels(entries: Sequence[Entry], pattern: str) -> list[str]:
  """The class of each entry, taken from its header.

  Args:
    entries: of ``read``.
    pattern: a regular expression, looked for anywhere in the header, with one group around the
      class, or several of which one is named ``label``.

  Returns:
    One class an entry.

  Raises:
    UserError: the pattern is no regular expression or has not that group, or some header does not
      match or has nothing in the group.

  Example:
    >>> entry = Entry('chr1,+,10,110;', 'chr1,+,10,110; class:1', 'ACGT', pathlib.Path('a.fa'), 1)
    >>> labels([entry], r'class:(\\d)')
    ['1']
  """
  try:
    compiled = re.compile(pattern)
  except re.error as error:
    raise UserError(f'label pattern {pattern!r}: is no regular expression: {error}') from None
  if 'label' not in compiled.groupindex and compiled.groups != 1:
    raise UserError(
      f'label pattern {pattern!r}: has {compiled.groups} groups; expected one ( ) around the '
      'class, or one named (?P<label> )'
    )
  group = 'label' if 'label' in compiled.groupindex else 1
  classes = []
  for entry in entries:
    match = compiled.search(entry.header)
    label = (match[group] or '').strip() if match else ''
    if not label:
      what = 'gives an empty class' if match else 'does not match'
      raise UserError(
        f'{entry.where}: header {short(entry.header)!r} {what}; expected label pattern {pattern!r}'
      )
    classes.append(label)
  return classes


def read_table(
  path: pathlib.Path, sequence_column: str = 'sequence', *, allow_empty: bool = False
) -> list[tables.Row]:
  """Reads a table, plain or compressed by gzip, with a sequence in each row.

  Args:
    path: separated by commas, semicolons or tabs.
    sequence_column: its name, but for case.
    allow_empty: take rows without sequence as well.

  Returns:
    The number of each row's last line and its cells by column. The sequence stands under
    ``sequence_column`` as spelled here, in upper case and without spaces.

  Raises:
    UserError: no file, no text, no rows, no such column, or a row without sequence.
  """
  text = read_text(path, 'a table')
  header, lines = table.parse(text, path)
  column = tables.column(path, header, sequence_column)
  rows = []
  for line, cells in lines:
    sequence = letters(cells.pop(column))
    if not sequence and not allow_empty:
      raise UserError(f'{path} row {line}: {column} is empty; leave the row out or fill it in')
    rows.append((line, {sequence_column: sequence} | cells))
  if not rows:
    raise UserError(f'{path}: has a header and no rows')
  return rows
