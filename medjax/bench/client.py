"""A small client of HTTP/1.1, which takes little of the time that a server is measured by."""

import asyncio
import re
from types import TracebackType

_LENGTH = re.compile(rb'\r\ncontent-length: *(\d+)', re.IGNORECASE)
_PATIENCE = 60.0  # seconds for an answer


class Client:
  """One connection, which is opened again where the server closed it.

  Args:
    port: of this machine.
  """

  def __init__(self, port: int):
    self._port = port
    self._reader: asyncio.StreamReader | None = None
    self._writer: asyncio.StreamWriter | None = None

  async def __aenter__(self) -> 'Client':
    return self

  async def __aexit__(
    self,
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
  ) -> None:
    self.close()

  def close(self) -> None:
    """Closes the connection; the next request opens another one."""
    if self._writer is not None:
      self._writer.close()
    self._reader = self._writer = None

  async def post(
    self, path: str, body: bytes, kind: str = 'application/octet-stream'
  ) -> tuple[int, bytes]:
    """Status and body of the answer; 0 where there was none."""
    head = f'POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n'
    return await self.send(f'{head}Content-Length: {len(body)}\r\n\r\n'.encode() + body)

  async def send(self, request: bytes, *, end: bool = False) -> tuple[int, bytes]:
    """Sends bytes as they are, and then perhaps that there are no more; see ``post``."""
    try:
      async with asyncio.timeout(_PATIENCE):
        return await self._answer(request, end)
    except (TimeoutError, OSError, EOFError, ValueError):
      self.close()
      return 0, b''

  async def _answer(self, request: bytes, end: bool) -> tuple[int, bytes]:
    if self._writer is None:
      self._reader, self._writer = await asyncio.open_connection('127.0.0.1', self._port)
    assert self._reader is not None
    self._writer.write(request)
    if end:
      self._writer.write_eof()
    head = await self._reader.readuntil(b'\r\n\r\n')
    length = None if request.startswith(b'HEAD ') else _LENGTH.search(head)
    body = await self._reader.readexactly(int(length[1])) if length else b''
    if b'connection: close' in head.lower():
      self.close()
    return int(head.split(b' ', 2)[1]), body
