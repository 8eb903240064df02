"""Lists of variants: places in named sequences and the letters that take their place.

VCF files (plain or gzip), or tables with the columns sequence, position, ref and alt. Positions
count from 1, as in both.

Reference:
  Danecek et al. (2011), The variant call format and VCFtools, Bioinformatics 27:2156-2158.
"""

import dataclasses
import pathlib
import re
from collections.abc import Sequence

from medjax.data import numerals, tables
from medjax.data.quote import short
from medjax.data.sequences import table
from medjax.data.sequences.alphabet import Alphabet
from medjax.data.text import clean
from medjax.data.text_file import read_text
from medjax.errors import UserError

_VCF = ('CHROM', 'POS', 'ID', 'REF', 'ALT')
_LETTERS = re.compile('[A-Za-z]+')


@dataclasses.dataclass(frozen=True)
class Variant:
  """A change of a sequence.

  Attributes:
    name: its own, or 'SEQUENCE:POSITION REF>ALT'.
    sequence: name of the sequence that it changes.
    position: of the first letter that changes, from 1.
    ref: the letters that are there.
    alt: the letters that come instead.
    where: file and line, for errors.
    problem: why it cannot be read; '' where it can.
  """

  name: str
  sequence: str
  position: int
  ref: str
  alt: str
  where: str
  problem: str = ''

  def apply(self, sequence: str, length: int, letters: Alphabet) -> tuple[str, str]:
    """The sequence without and with the change, or ``length`` letters around it where it is longer.

    Both begin at the same letter, so that nothing else moves. Letters that the alphabet reads as
    one are the same, such as the T that a VCF file has and the U of RNA.

    Args:
      sequence: the whole one that the variant names, in upper case.
      length: letters that the network sees.
      letters: the alphabet of the sequence.

    Raises:
      UserError: the position is not in the sequence, or other letters are there than ``ref``.

    Example:
      >>> from medjax.data.sequences.alphabet import RNA
      >>> Variant('v', 's', 3, 'T', 'C', 'v.csv row 2').apply('ACUGA', 3, RNA)
      ('CUG', 'CCG')
    """
    start = self.position - 1
    if not 0 <= start < len(sequence):
      raise UserError(
        f'{self.where}: position {self.position} is not in {short(self.sequence)}, which has '
        f'{len(sequence)} letters'
      )
    there = sequence[start : start + len(self.ref)]
    if letters.spelled(there) != letters.spelled(self.ref):
      raise UserError(
        f'{self.where}: {short(self.sequence)} has {short(there)} at {self.position}; '
        f'expected {short(self.ref)}'
      )
    changed = sequence[:start] + self.alt.upper() + sequence[start + len(self.ref) :]
    first = max(0, min(start + len(self.ref) // 2 - length // 2, len(sequence) - length))
    return sequence[first : first + length], changed[first : first + length]


def read(path: pathlib.Path) -> list[Variant]:
  """The variants of a file; those with several alternatives are several.

  A line that names no change of letters, such as a breakend, is a variant with a problem.

  Raises:
    UserError: no file, no text, no header, or no variants.

  Example:
    >>> read(pathlib.Path('variants.vcf'))  # doctest: +SKIP
    [Variant(name='rs1', sequence='chr1', position=101, ref='A', alt='G', ...)]
  """
  text = read_text(path, 'a VCF file or a table of variants')
  if text.lstrip().startswith('#'):
    variants = _of_vcf(text, path)
  else:
    header, rows = table.parse(text, path)
    names = [tables.column(path, header, name) for name in ('sequence', 'position', 'ref', 'alt')]
    own = tables.column(path, header, 'id', optional=True)
    variants = [
      _variant([row[name] for name in names], row.get(own, ''), f'{path} row {line}')
      for line, row in rows
    ]
  if not variants:
    raise UserError(f'{path}: has a header and no variants')
  return variants


def _of_vcf(text: str, path: pathlib.Path) -> list[Variant]:
  variants = []
  columns: list[str] = []
  # Not splitlines, which also breaks lines at form feeds and other separators.
  for number, line in enumerate(re.split('\r\n|\n|\r', text), start=1):
    where = f'{path} line {number}'
    if line.startswith('##') or not line.strip():
      continue
    cells = line.split('\t')
    if line.startswith('#'):
      columns = [clean(cell) for cell in line[1:].split('\t')]
      if tuple(columns[:5]) != _VCF:
        raise UserError(f'{where}: expected the columns {" ".join(_VCF)}, joined by tabs')
      continue
    if not columns:
      raise UserError(f'{where}: expected a header that begins with #CHROM at first')
    if len(cells) < len(_VCF):
      raise UserError(f'{where}: {len(cells)} cells joined by tabs; expected at least {len(_VCF)}')
    sequence, position, name, ref, alternatives = (clean(cell) for cell in cells[:5])
    variants += [
      _variant([sequence, position, ref, alt], '' if name == '.' else name, where)
      for alt in alternatives.split(',')
    ]
  return variants


def _variant(cells: Sequence[str], name: str, where: str) -> Variant:
  sequence, position, ref, alt = cells
  name = name or f'{sequence}:{position} {ref}>{alt}'
  problem = ''
  place = numerals.whole(position) or 0
  if not place:
    problem = f'position is {short(position)!r}; expected a whole number from 1'
  elif not _LETTERS.fullmatch(ref) or not _LETTERS.fullmatch(alt):
    problem = f'changes {short(ref)!r} to {short(alt)!r}; expected letters'
  return Variant(name, sequence, place, ref, alt, where, problem)
