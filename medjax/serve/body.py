"""What a request holds: files or JSON, parsed in memory from its bytes."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from medjax.data.received import MOST_PIECES
from medjax.serve.refused import RefusedError

# Types of bodies that are one file, and how such a file's name would end. What it is, readers tell
# by its content where they can.
TYPES: Mapping[str, str] = {
  'application/dicom': '.dcm',
  'application/gzip': '.gz',
  'application/octet-stream': '',
  'chemical/x-daylight-smiles': '.smi',
  'chemical/x-mdl-molfile': '.mol',
  'chemical/x-mdl-sdfile': '.sdf',
  'image/bmp': '.bmp',
  'image/gif': '.gif',
  'image/jp2': '.jp2',
  'image/jpeg': '.jpg',
  'image/png': '.png',
  'image/tiff': '.tif',
  'image/webp': '.webp',
  'image/x-portable-graymap': '.pgm',
  'text/csv': '.csv',
  'text/plain': '.txt',
  'text/tab-separated-values': '.tsv',
  'text/x-fasta': '.fa',
}
JSON, MULTIPART = 'application/json', 'multipart/form-data'
_MOST_HEADERS = 16  # of a part
_LONGEST_HEADER = 8192
_LONGEST_NAME = 100
_DEEPEST = 64  # objects and lists in each other
_MOST_GROUPS = 2**18  # objects and lists, which take more memory than other values


def media_type(content_type: str) -> str:
  """The type of a body, in lower case, without parameters.

  Raises:
    RefusedError: it is none that is read.
  """
  found = content_type.split(';', 1)[0].strip().lower()
  if found in TYPES or found in (JSON, MULTIPART):
    return found
  raise RefusedError(
    415,
    f'Content-Type: {found[:80]!r}; expected {MULTIPART}, {JSON} or a file: {", ".join(TYPES)}',
  )


def cases(body: bytes) -> list[Any]:
  """The values under 'cases' of a JSON object.

  Raises:
    RefusedError: it is no JSON, has numbers beyond what a float holds or is nested too deeply, has
      too many values, or has other fields.
  """
  # Signs inside of texts count too; no request that is meant has as many.
  for signs, most in ((b',', MOST_PIECES), (b'[{', _MOST_GROUPS)):
    if sum(body.count(sign) for sign in signs) > most:
      what = 'values' if signs == b',' else 'lists and objects'
      raise RefusedError(413, f'body: more than {most} {what}; send several requests')
  try:
    found = json.loads(body, parse_constant=_no_number, parse_float=_finite)
  except RecursionError:
    raise RefusedError(400, f'body: nested too deeply; expected at most {_DEEPEST}') from None
  except ValueError as error:  # UnicodeDecodeError too
    reason = str(error).splitlines()[0][:120]
    raise RefusedError(400, f'body: is no JSON: {reason}; expected {{"cases": [...]}}') from None
  if not isinstance(found, dict) or set(found) != {'cases'} or not isinstance(found['cases'], list):
    raise RefusedError(422, 'body: expected an object with one field, cases, which is a list')
  _require_flat(found['cases'])
  return found['cases']


def _no_number(word: str) -> float:
  raise ValueError(f'{word} is no number; expected null for what is missing')


def _finite(text: str) -> float:
  number = float(text)
  if not math.isfinite(number):
    raise ValueError(f'{text[:20]} is more than a float holds')
  return number


def _require_flat(value: Any) -> None:
  """Sees that a value is not nested deeply; by a stack, not by recursion."""
  waiting = [(value, 1)]
  while waiting:
    one, depth = waiting.pop()
    if depth > _DEEPEST:
      raise RefusedError(422, f'cases: nested too deeply; expected at most {_DEEPEST}')
    inside = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    waiting += [(part, depth + 1) for part in inside if isinstance(part, dict | list)]


def files(body: bytes, content_type: str, most: int) -> dict[str, bytes]:
  """The files of a body, by name.

  Args:
    body: all of it.
    content_type: its header.
    most: how many files there may be.

  Raises:
    RefusedError: it is no such body, or has no files or too many.
  """
  kind = media_type(content_type)
  if kind != MULTIPART:
    if not body:
      raise RefusedError(400, 'body: is empty; expected a file')
    return {f'body{TYPES[kind]}': body}
  found: dict[str, bytes] = {}
  for name, data in _parts(body, content_type, most):
    free, number = name, 2
    while free in found:
      free, number = f'{number}-{name}', number + 1
    found[free] = data
  if not found:
    raise RefusedError(400, 'body: has no file; expected a part with a filename')
  return found


def _parts(body: bytes, content_type: str, most: int) -> list[tuple[str, bytes]]:
  """Name and bytes of each part with a file name, in their order."""
  from python_multipart.exceptions import MultipartParseError
  from python_multipart.multipart import MultipartParser, parse_options_header

  _, options = parse_options_header(content_type)
  boundary = options.get(b'boundary', b'')
  if not 1 <= len(boundary) <= 70:  # RFC 2046
    raise RefusedError(400, 'Content-Type: has no boundary of 1 to 70 characters')
  collected = _Collected(most)
  try:
    parser = MultipartParser(boundary, collected.callbacks())  # type: ignore[arg-type]
    parser.write(body)
    parser.finalize()
  except (MultipartParseError, ValueError) as error:
    line = str(error).splitlines()[0][:120] if str(error) else 'damaged'
    raise RefusedError(400, f'body: is no {MULTIPART}: {line}') from None
  if not collected.ended:
    raise RefusedError(400, f'body: is no {MULTIPART}: cut off; expected its last boundary')
  return collected.parts


class _Collected:
  """Parts as the parser finds them; it tells of each piece by callbacks."""

  def __init__(self, most: int):
    self.parts: list[tuple[str, bytes]] = []
    self.ended = False
    self._most, self._count = most, 0
    self._field, self._value, self._headers = b'', b'', dict[bytes, bytes]()
    self._pieces: list[bytes] = []

  def callbacks(self) -> dict[str, Any]:
    return {
      'on_part_begin': self._begin,
      'on_header_field': self._on_field,
      'on_header_value': self._on_value,
      'on_header_end': self._end_header,
      'on_part_data': lambda data, start, end: self._pieces.append(data[start:end]),
      'on_part_end': self._end,
      'on_end': self._finish,
    }

  def _begin(self) -> None:
    self._count += 1
    if self._count > self._most:
      raise RefusedError(413, f'body: more than {self._most} files in one request; send several')
    self._field, self._value, self._headers, self._pieces = b'', b'', {}, []

  def _on_field(self, data: bytes, start: int, end: int) -> None:
    self._field = self._short(self._field + data[start:end])

  def _on_value(self, data: bytes, start: int, end: int) -> None:
    self._value = self._short(self._value + data[start:end])

  def _short(self, header: bytes) -> bytes:
    if len(header) > _LONGEST_HEADER or len(self._headers) >= _MOST_HEADERS:
      raise RefusedError(400, 'body: a part has too long or too many headers')
    return header

  def _end_header(self) -> None:
    self._headers[self._field.lower()] = self._value
    self._field = self._value = b''

  def _end(self) -> None:
    from python_multipart.multipart import parse_options_header

    _, options = parse_options_header(self._headers.get(b'content-disposition', b''))
    if b'filename' in options:
      name = plain_name(options[b'filename'].decode(errors='replace'))
      self.parts.append((name, b''.join(self._pieces)))
    self._pieces = []

  def _finish(self) -> None:
    self.ended = True


def plain_name(name: str) -> str:
  """A file's name as it is answered, without folders and signs of other uses; its ending stays.

  Example:
    >>> plain_name('C:\\\\Müller/../scan 1.nii.gz'), plain_name('')
    ('scan 1.nii.gz', 'file')
  """
  last = re.split(r'[/\\]', name)[-1]
  plain = ''.join(c if c.isalnum() or c in ' ._-' else '_' for c in last).strip(' .')
  return plain[-_LONGEST_NAME:] or 'file'
