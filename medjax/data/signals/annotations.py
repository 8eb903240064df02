"""Beats that someone annotated, from files in MIT format (.atr).

Each annotation is two bytes, least first: a code of six bits over an interval of ten. Some codes
carry no time: longer intervals, sub-types, channels, and notes, which may say the file's own time
resolution and codes of its own.

Reference:
  Moody, G. B., WFDB Applications Guide, annot(5),
  https://www.physionet.org/physiotools/wag/annot-5.htm
"""

import dataclasses
import pathlib

import numpy as np

from medjax.data import numerals, source_files
from medjax.data.quote import short
from medjax.errors import UserError

# Codes of beats, of ecgcodes.h.
BEATS = {
  1: 'N', 2: 'L', 3: 'R', 4: 'a', 5: 'V', 6: 'F', 7: 'J', 8: 'A', 9: 'S', 10: 'E', 11: 'j',
  12: '/', 13: 'Q', 25: 'B', 30: '?', 34: 'e', 35: 'n', 38: 'f', 41: 'r',
}  # fmt: skip
_NOTE, _SKIP, _WITHOUT_TIME, _AUX = 22, 59, (60, 61, 62), 63
_RESOLUTION = '## time resolution:'
_DEFINITIONS, _END_OF_THEM = '## annotation type definitions', '## end of definitions'
_FINEST = 1e9


@dataclasses.dataclass(frozen=True)
class Annotated:
  """The beats in a file.

  Attributes:
    time: of each, in units of the file, int64 [beats], rising.
    symbols: of each, such as 'N'.
    resolution: units a second; 0 where they are samples of the record.
  """

  time: np.ndarray
  symbols: tuple[str, ...]
  resolution: float

  def samples(self, rate: float) -> np.ndarray:
    """The sample of each beat in a record of that rate, int64 [beats].

    Example:
      >>> Annotated(np.array([93, 191]), ('N', 'V'), 100.0).samples(200.0).tolist()
      [186, 382]
    """
    if self.resolution in (0, rate):
      return self.time
    return np.floor(self.time * (rate / self.resolution) + 0.5).astype(np.int64)


def read(path: pathlib.Path) -> Annotated:
  """Reads the beats; annotations of rhythm, noise and so on are left out.

  Args:
    path: of the .atr file.

  Raises:
    UserError: no such file, it is cut off or goes on after its end, its time resolution is no
      number, or no beat is in it.

  Example:
    >>> read(pathlib.Path('mitdb/100.atr')).symbols.count('N')  # doctest: +SKIP
    2239
  """
  try:
    data = source_files.read_bytes(path)
  except OSError as error:
    raise UserError(f'{path}: cannot be read: {error.strerror}; expected annotations') from None
  found = _parsed(data, path)
  resolution, symbol_of = _definitions(found, path)
  beats = [(time, symbol_of[code]) for time, code, _ in found if code in symbol_of]
  if not beats:
    raise UserError(f'{path}: annotates no beat; expected symbols such as N and V')
  beats.sort(key=lambda beat: beat[0])
  times, symbols = zip(*beats, strict=True)
  return Annotated(np.array(times, np.int64), symbols, resolution)


def _parsed(data: bytes, path: pathlib.Path) -> list[tuple[int, int, str]]:
  """(time, code, note) of each annotation."""
  words = np.frombuffer(data[: len(data) // 2 * 2], '<u2').tolist()
  found: list[tuple[int, int, str]] = []
  place = time = 0
  while place < len(words):
    code, interval = words[place] >> 10, words[place] & 0x3FF
    place += 1
    if not code and not interval:
      break
    if code == _SKIP:  # four bytes, the higher half first, below 0 for a step back
      high, low = [*words[place : place + 2], 0, 0][:2]
      step = (high << 16) + low
      time += step - (1 << 32) * (step >> 31)
      place += 2
    elif code == _AUX:
      length = interval & 0xFF
      note = data[2 * place : 2 * place + length].decode('latin-1').strip('\0 ')
      if found:
        found[-1] = (*found[-1][:2], note)
      place += (length + 1) // 2
    elif code not in _WITHOUT_TIME:
      time += interval
      found.append((time, code, ''))
  else:
    raise UserError(f'{path}: cut off; expected annotations that end with two zero bytes')
  if data[2 * place :].strip(b'\0'):
    raise UserError(f'{path}: goes on after two zero bytes, which end annotations; is it damaged?')
  return found


def _definitions(
  found: list[tuple[int, int, str]], path: pathlib.Path
) -> tuple[float, dict[int, str]]:
  """The time resolution and the symbols of beats by code, as notes at time 0 say."""
  resolution, symbol_of, defines = 0.0, dict(BEATS), False
  for time, code, note in found:
    if time or code != _NOTE:
      break
    if note.startswith(_RESOLUTION):
      resolution = numerals.real(note.removeprefix(_RESOLUTION).strip()) or 0.0
      if not 0 < resolution <= _FINEST:
        raise UserError(f'{path}: {short(note)!r}; expected units a second, above 0')
    elif note in (_DEFINITIONS, _END_OF_THEM):
      defines = note == _DEFINITIONS
    elif defines:
      number, symbol, *_ = [*note.split(maxsplit=2), '', '']
      if numerals.whole(number) is None:
        raise UserError(f'{path}: {short(note)!r}; expected a code, its symbol and its meaning')
      symbol_of.pop(int(number), None)
      if symbol in BEATS.values():
        symbol_of[int(number)] = symbol
  return resolution, symbol_of
