"""Text files of strangers, plain or compressed: whole and bounded, or one line says why not."""

import gzip
import io
import pathlib
import zlib

from medjax.data import received
from medjax.errors import UserError

# A whole human genome has 3.3e9 bytes.
MOST_BYTES = 2**32
# Text rarely becomes fifty times smaller; deflate ends at 1032 times, which are bytes all alike.
MOST_TIMES = 100
_MOST_TIMES_SENT = 8  # of a file that a request brought, many of which are in memory at once
_NEVER_TOO_MUCH = 2**24
_GZIP = b'\x1f\x8b'
_PIECE = 2**20
_BETWEEN = '\n\r,;\t'  # lines, and cells of tables


def read_text(path: pathlib.Path, kind: str) -> str:
  """The text of a file, without the byte-order mark and the compression that it may have.

  A file compressed by gzip is known by its first bytes, whatever its name. It is unpacked piece by
  piece, and no further than to ``MOST_BYTES``, or to ``MOST_TIMES`` its own size where that is more
  than 16 MiB: a few hundred kB can hold many GB. Of what a request brought it is no further than
  ``received.room``, and such a file has a bounded number of cells and lines.

  Args:
    path: the file.
    kind: what was expected, for errors.

  Raises:
    UserError: there is no such file, or it cannot be read, is damaged, is no UTF-8 text, is empty
      or unpacks to too much, or was sent and has too many cells or lines.

  Example:
    >>> read_text(pathlib.Path('sites.fa.gz'), 'FASTA')  # doctest: +SKIP
    '>site1\\nACGT\\n'
  """
  try:
    content = received.read_bytes(path)
  except FileNotFoundError:
    raise UserError(f'{path}: no such file; expected {kind}') from None
  except (OSError, ValueError) as error:
    reason = error.strerror if isinstance(error, OSError) else error
    raise UserError(f'{path}: cannot be read: {reason}; expected {kind}') from None
  if content.startswith(_GZIP):
    content = _unpacked(content, path)
  try:
    text = content.decode('utf-8-sig')
  except UnicodeDecodeError as error:
    raise UserError(
      f'{path}: is no UTF-8 text: byte {error.start + 1} is {error.object[error.start]:#04x}; '
      f'expected {kind}'
    ) from None
  if '\0' in text:
    raise UserError(f'{path}: is no text: it has zero bytes; expected {kind}')
  if not text.strip():
    raise UserError(f'{path}: is empty; expected {kind}')
  if received.inside():
    received.require_pieces(path, sum(map(text.count, _BETWEEN)))
  return text


def _unpacked(content: bytes, path: pathlib.Path) -> bytes:
  times = _MOST_TIMES_SENT if received.inside() else MOST_TIMES
  room = received.room()
  most = min(MOST_BYTES, max(_NEVER_TOO_MUCH, times * len(content)), room)
  whole = bytearray()
  try:
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
      while piece := file.read(_PIECE):
        if len(whole) + len(piece) > room:
          raise UserError(
            f'{path}: {len(content)} bytes that unpack to more than the {room} that files of a '
            'request may have together; expected fewer rows'
          )
        if len(whole) + len(piece) > most:
          raise UserError(
            f'{path}: {len(content)} bytes that unpack to more than {most}; expected at most '
            f'{times} times as many and {MOST_BYTES}, or the file unpacked by hand'
          )
        received.unpacked(len(piece))
        whole += piece
  except (OSError, EOFError, zlib.error) as error:
    raise UserError(f'{path}: is damaged: gzip says {error}; expected the whole file') from None
  return bytes(whole)
