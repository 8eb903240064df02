"""Sequences from FASTA files and from tables, plain or compressed, as they are downloaded."""

import dataclasses
import gzip
import pathlib
import re
import zlib
from collections import Counter
from collections.abc import Sequence

from medjax.data import tables
from medjax.errors import UserError

_GZIP = b'\x1f\x8b'


@dataclasses.dataclass(frozen=True)
class Entry:
  """One sequence of a file.

  Attributes:
    id: first word of the header; what repeats an earlier one has ' #2', ' #3' and so on after it.
    header: the whole header without '>' and outer spaces.
    sequence: in upper case, without spaces.
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
  # Not splitlines, which also breaks headers at form feeds and other separators.
  for number, line in enumerate(re.split('\r\n|\n|\r', text), start=1):
    line = line.strip()
    if line.startswith('>'):
      headers.append((number, line[1:].strip()))
      parts.append([])
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
    sequence = ''.join(''.join(lines).split()).upper()
    if not sequence and not allow_empty:
      raise UserError(f'{path} line {number}: {id} has no sequence; expected one below its header')
    seen[id] += 1
    if seen[id] > 1:
      id = f'{id} #{seen[id]}'
    entries.append(Entry(id, header, sequence, path, number))
  return entries


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
        f'{entry.where}: header {_short(entry.header)!r} {what}; expected label pattern {pattern!r}'
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
  header, lines = tables.parse(text, path)
  column = tables.column(path, header, sequence_column)
  rows = []
  for line, cells in lines:
    sequence = ''.join(cells.pop(column).split()).upper()
    if not sequence and not allow_empty:
      raise UserError(f'{path} row {line}: {column} is empty; leave the row out or fill it in')
    rows.append((line, {sequence_column: sequence} | cells))
  if not rows:
    raise UserError(f'{path}: has a header and no rows')
  return rows


def read_text(path: pathlib.Path, kind: str) -> str:
  """The text of a file, without the byte-order mark and the compression that it may have."""
  try:
    content = path.read_bytes()
  except FileNotFoundError:
    raise UserError(f'{path}: no such file; expected {kind}') from None
  except OSError as error:
    raise UserError(f'{path}: cannot be read: {error.strerror}; expected {kind}') from None
  if content.startswith(_GZIP):
    try:
      content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
      raise UserError(f'{path}: is damaged: gzip says {error}; expected the whole file') from None
  try:
    text = content.decode('utf-8-sig')
  except UnicodeDecodeError as error:
    raise UserError(f'{path}: is no UTF-8 text: {error}; expected {kind}') from None
  if '\0' in text:
    raise UserError(f'{path}: is no text: it has zero bytes; expected {kind}')
  if not text.strip():
    raise UserError(f'{path}: is empty; expected {kind}')
  return text


def _short(text: str) -> str:
  return text if len(text) <= 80 else f'{text[:77]}...'
