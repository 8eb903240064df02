"""Headers of WFDB records, read strictly: what is cut short or damaged is no field.

A header is lines of fields between blanks, of which most may be left out from the end on. Read
leniently, a gain that lost its last digits is another gain.

Reference:
  Moody, G. B., WFDB Applications Guide, header(5),
  https://www.physionet.org/physiotools/wag/header-5.htm
"""

import dataclasses
import pathlib
import re
from collections.abc import Sequence

from medjax.data import numerals, source_files
from medjax.data.quote import short
from medjax.data.text import clean
from medjax.errors import UserError

# Bytes a sample takes; those of compressed samples (FLAC) vary.
BYTES = {
  '8': 1.0, '16': 2.0, '24': 3.0, '32': 4.0, '61': 2.0, '80': 1.0, '160': 2.0, '212': 1.5,
  '310': 4 / 3, '311': 4 / 3, '508': 0.0, '516': 0.0, '524': 0.0,
}  # fmt: skip
_USUAL_RATE = 250.0  # of header(5), as is the gain
_USUAL_GAIN = 200.0
_FASTEST = 100_000.0

_FORMAT = re.compile(
  r'(?P<format>\d{1,3})(x(?P<each>\d{1,6}))?(:(?P<skew>\d{1,9}))?(\+(?P<offset>\d{1,15}))?',
  re.ASCII,
)
_GAIN = re.compile(
  r'(?P<gain>-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)(\((?P<baseline>-?\d{1,10})\))?(/\S+)?', re.ASCII
)
_INTEGER = re.compile(r'-?\d{1,15}', re.ASCII)
_INTEGERS = ('ADC resolution', 'ADC zero', 'first value', 'checksum', 'block size')


@dataclasses.dataclass(frozen=True)
class Signal:
  """What a header says of one lead.

  Attributes:
    lead: its name.
    file: that holds its samples.
    format: of them, a key of ``BYTES``.
    each: samples in a frame, of which there are ``Header.rate`` a second.
    skew: frames by which it is late.
    offset: bytes before its first sample.
    gain: steps of the converter in a unit, such as a millivolt.
    baseline: step that stands for 0.
    checksum: sum of all samples in 16 bits; None where there is none.
  """

  lead: str
  file: str
  format: str
  each: int
  skew: int
  offset: int
  gain: float
  baseline: int
  checksum: int | None


@dataclasses.dataclass(frozen=True)
class Header:
  """What a header says.

  Attributes:
    path: its file.
    rate: samples a second.
    length: samples of a lead; 0 where it is not said.
    signals: the leads; none where the record is made of segments.
    segments: (name, samples) of each; the name '~' is a gap.
    notes: what was assumed.
  """

  path: pathlib.Path
  rate: float
  length: int
  signals: tuple[Signal, ...] = ()
  segments: tuple[tuple[str, int], ...] = ()
  notes: tuple[str, ...] = ()


def read(path: pathlib.Path) -> Header:
  """Reads a header; the comments, the date and the time in it are passed over.

  What the format lets out is what the format says then: a rate of 250 samples a second and a gain
  of 200. A lead without a name is called 'lead 1', 'lead 2' and so on by its place.

  Args:
    path: of the .hea file.

  Raises:
    UserError: no such file, or one line that names the line and the field, and what was expected.

  Example:
    >>> read(pathlib.Path('mitdb/100.hea')).signals[0].lead  # doctest: +SKIP
    'MLII'
  """
  try:
    content = source_files.read_bytes(path)
  except (FileNotFoundError, NotADirectoryError):
    raise UserError(f'{path}: no such file; expected the header of a WFDB record') from None
  except OSError as error:
    raise UserError(f'{path}: cannot be read: {error.strerror}') from None
  try:
    text = content.decode()
  except UnicodeDecodeError:  # names and comments in the letters of old systems
    text = content.decode('latin-1')
  every = list(enumerate(map(str.strip, re.split('\r\n|\n|\r', text)), start=1))
  lines = [(number, line) for number, line in every if line and not line.startswith('#')]
  if not lines or '\0' in text:
    raise UserError(f'{path}: is no text with a line for the record; expected a WFDB header')
  (first, record), *rest = lines
  fields = record.split()
  where = f'{path} line {first}'
  if len(fields) < 2:
    raise UserError(f'{where}: expected the name of the record and its number of leads')
  _, in_segments, segments = fields[0].partition('/')
  wanted = _whole(segments if in_segments else fields[1], 'number', where)
  if wanted != len(rest) or not wanted:
    what = 'segments' if in_segments else 'leads'
    raise UserError(
      f'{where}: names {wanted} {what}, and {len(rest)} lines follow; expected as many, from 1'
    )
  rate, notes = _USUAL_RATE, []
  if len(fields) > 2:
    rate = _rate(fields[2], where)
  else:
    notes.append(f'no rate in the header: {rate:g} samples a second, as the format says')
  length = _whole(fields[3], 'number of samples', where) if len(fields) > 3 else 0
  if in_segments:
    parts = tuple(_segment(line.split(), f'{path} line {number}') for number, line in rest)
    return Header(path, rate, length, segments=parts, notes=tuple(notes))
  signals = [
    _signal(line, place, f'{path} line {number}', notes)
    for place, (number, line) in enumerate(rest, start=1)
  ]
  if every[-1] == rest[-1]:  # else a line break stands between them
    if signals[-1].checksum is None:
      raise UserError(
        f'{path} line {rest[-1][0]}: ends without a line break and without a checksum, so that it '
        'may be cut off; expected the whole header'
      )
    notes.append('the last line of the header has no end: the name there may be cut off')
  return Header(path, rate, length, tuple(signals), notes=tuple(dict.fromkeys(notes)))


def _rate(field: str, where: str) -> float:
  """The rate, before what counts on another clock: 360/1000(0)."""
  rate = numerals.real(field.split('/')[0])
  if rate is None or not 0 < rate <= _FASTEST:
    raise UserError(
      f'{where}: rate {short(field)!r}; expected samples a second, above 0 and at most '
      f'{_FASTEST:.0f}'
    )
  return rate


def _segment(fields: Sequence[str], where: str) -> tuple[str, int]:
  if len(fields) != 2 or not re.fullmatch(r'~|[-\w]+', fields[0]):
    raise UserError(f'{where}: expected the name of a segment and its number of samples')
  return fields[0], _whole(fields[1], 'number of samples', where)


def _signal(line: str, place: int, where: str, notes: list[str]) -> Signal:
  file, *fields = line.split(maxsplit=8)
  found = _FORMAT.fullmatch(fields[0]) if fields else None
  known = BYTES if file != '~' else ('0',)  # a header that only names the leads of segments
  if not found or found['format'] not in known or int(found['each'] or 1) < 1:
    raise UserError(
      f'{where}: format {short(fields[0]) if fields else ""!r}; expected one of '
      f'{", ".join(known)}, as in 212 or 16x2+24'
    )
  gain = _GAIN.fullmatch(fields[1]) if len(fields) > 1 else None
  scale = numerals.real(gain['gain']) if gain else None
  if len(fields) > 1 and scale is None:
    raise UserError(
      f'{where}: gain {short(fields[1])!r}; expected a number, as in 200 or 200(1024)/mV'
    )
  numbers: list[int] = []
  for name, field in zip(_INTEGERS, fields[2:7], strict=False):
    if not _INTEGER.fullmatch(field):
      raise UserError(f'{where}: {name} {short(field)!r}; expected a whole number')
    numbers.append(int(field))
  zero = numbers[1] if len(numbers) > 1 else 0
  if not scale:
    notes.append(f'no gain for some leads: {_USUAL_GAIN:g} a unit, as the format says')
  lead = clean(fields[7]) if len(fields) > 7 else ''
  if not lead:
    notes.append('leads without a name are called by their place: lead 1, lead 2 and so on')
  return Signal(
    lead or f'lead {place}',
    file,
    found['format'],
    int(found['each'] or 1),
    int(found['skew'] or 0),
    int(found['offset'] or 0),
    scale or _USUAL_GAIN,
    int(gain['baseline']) if gain and gain['baseline'] else zero,
    numbers[3] if len(numbers) > 3 else None,
  )


def _whole(field: str, what: str, where: str) -> int:
  number = numerals.whole(field)
  if number is None:
    raise UserError(f'{where}: {what} {short(field)!r}; expected a whole number')
  return number
