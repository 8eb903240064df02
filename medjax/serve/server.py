"""The process of a server: its socket, its limits on connections, and how it ends."""

import asyncio
import contextlib
import ipaddress
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from medjax.errors import UserError
from medjax.serve.app import Service
from medjax.serve.observed import MOST_HEAD

_CONNECTIONS = 2048
_BACKLOG = 1024
_IDLE = 15  # seconds between requests of one connection
_ALL = 'all that was in work is answered'
_LINGER = 15  # seconds that what is left of a refused body is read and thrown away


def is_loopback(host: str) -> bool:
  """Whether only this machine gets at an address.

  Example:
    >>> is_loopback('127.0.0.1'), is_loopback('localhost'), is_loopback('0.0.0.0')
    (True, True, False)
  """
  if host == 'localhost':
    return True
  try:
    return ipaddress.ip_address(host).is_loopback
  except ValueError:
    return False


def listen(host: str, port: int) -> socket.socket:
  """A socket that listens.

  Args:
    host: an address or a name of this machine.
    port: 0 for any that is free.

  Raises:
    UserError: it is in use, or no address of this machine.
  """
  if port > 65535:  # the system would take the rest of a division
    raise UserError(f'--port={port}: expected at most 65535')
  try:
    family, kind, _, _, address = socket.getaddrinfo(
      host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    found = socket.socket(family, kind)
    try:
      found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
      found.bind(address)
    except BaseException:
      found.close()
      raise
  except (OSError, OverflowError) as error:
    reason = getattr(error, 'strerror', None) or error
    raise UserError(f'--host={host} --port={port}: cannot listen there: {reason}') from None
  return found


class _Lingering:
  """The transport of a request, which is closed once its whole body came.

  To close it before would make the system of the client throw away the answer, while the client
  still sends: what a 503 says of trying again would be lost.

  Source:
    RFC 9112, HTTP/1.1 (2022), section 9.6.
  """

  def __init__(self, protocol: 'Protocol', transport: Any, cycle: Any):
    self._protocol, self._transport, self._cycle = protocol, transport, cycle

  def __getattr__(self, name: str) -> Any:
    return getattr(self._transport, name)

  def close(self) -> None:
    if self._cycle.more_body and not self._transport.is_closing():
      self._protocol.linger()
    else:
      self._transport.close()


class Protocol(HttpToolsProtocol):
  """HTTP with a limit on headers, and on the time until they are all there."""

  head = 0
  waiting: asyncio.TimerHandle | None = None
  lingering: asyncio.TimerHandle | None = None

  def connection_made(self, transport: Any) -> None:
    """See ``asyncio.Protocol``."""
    super().connection_made(transport)
    self._wait()

  def connection_lost(self, exc: Exception | None) -> None:
    """See ``asyncio.Protocol``."""
    self._stop_waiting()
    if self.lingering is not None:
      self.lingering.cancel()
    super().connection_lost(exc)

  def data_received(self, data: bytes) -> None:
    """See ``asyncio.Protocol``."""
    if self.lingering is not None:
      super().data_received(data)
      return
    if self._between and self.waiting is None:
      self._wait()
    self.head += len(data) if self._between else 0
    super().data_received(data)
    if self._between and self.head > MOST_HEAD and not self.transport.is_closing():
      self._refuse(431, 'Request Header Fields Too Large')

  def eof_received(self) -> None:
    """See ``asyncio.Protocol``: a request that is cut off is answered too."""
    if self.lingering is not None:
      return
    cut_off = self.head if self._between else self.cycle.more_body
    if cut_off and not self.transport.is_closing():
      self._refuse(400, 'Bad Request')

  @property
  def _between(self) -> bool:
    """Whether no request is on its way, so that what comes is the head of one."""
    return self.cycle is None or self.cycle.response_complete

  def on_headers_complete(self) -> None:
    """See ``HttpToolsProtocol``; what follows a refused body is no request that is answered."""
    if self.lingering is not None:
      return
    self.head = 0
    self._stop_waiting()
    super().on_headers_complete()
    lingering: Any = _Lingering(self, self.transport, self.cycle)
    self.cycle.transport = lingering

  def on_message_complete(self) -> None:
    """See ``HttpToolsProtocol``."""
    super().on_message_complete()
    if self.lingering is not None:
      self.transport.close()

  def send_400_response(self, msg: str) -> None:
    """See ``HttpToolsProtocol``; a request that was answered gets no second answer."""
    if self.lingering is None:
      super().send_400_response(msg)
    else:
      self.transport.close()

  def linger(self) -> None:
    """Says that there is no more to come, and throws away the rest of a body."""
    if self.transport.can_write_eof():
      self.transport.write_eof()
    self.lingering = self.loop.call_later(_LINGER, self.transport.close)

  def _wait(self) -> None:
    self.waiting = self.loop.call_later(_IDLE, self._late)

  def _late(self) -> None:
    if self._between and not self.transport.is_closing():
      self._refuse(408, 'Request Timeout')

  def _stop_waiting(self) -> None:
    if self.waiting is not None:
      self.waiting.cancel()
      self.waiting = None

  def _refuse(self, status: int, reason: str) -> None:
    content = f'{{"error": "request: {reason.lower()}"}}'
    self.transport.write(
      f'HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\n'
      f'content-length: {len(content)}\r\nconnection: close\r\n\r\n{content}'.encode()
    )
    self.transport.close()


class _Server(uvicorn.Server):
  """A server that ends well when it is asked to: what is in work is answered, and the code is 0."""

  @contextlib.contextmanager
  def capture_signals(self) -> Iterator[None]:
    """As of uvicorn, which would raise the signal again at the end."""
    handled = (signal.SIGINT, signal.SIGTERM)
    before = {one: signal.signal(one, self.handle_exit) for one in handled}
    try:
      yield
    finally:
      for one, handler in before.items():
        signal.signal(one, handler)


def run(
  service: Service, sockets: Sequence[socket.socket], drain: int, certificate: str, key: str
) -> int:
  """Serves until a signal asks to end; then answers what is in work, and returns.

  Threads may be at work still, on requests that were given up; see ``Service.working``.

  Args:
    service: what is served.
    sockets: that listen.
    drain: seconds that it may take to answer what is in work.
    certificate: PEM file of TLS; '' for none.
    key: PEM file of its key.

  Returns:
    How many requests were dropped, as they took longer than ``drain``.

  Raises:
    UserError: certificate or key cannot be read.
    Exception: that of compiling the model, where it failed.
  """
  config = uvicorn.Config(
    service.app(),
    http=Protocol,
    ws='none',
    lifespan='on',
    log_config=None,
    log_level='critical',
    access_log=False,
    server_header=False,
    proxy_headers=False,
    backlog=_BACKLOG,
    limit_concurrency=_CONNECTIONS,
    timeout_keep_alive=_IDLE,
    timeout_graceful_shutdown=drain,
    ssl_certfile=certificate or None,
    ssl_keyfile=key or None,
  )
  try:
    config.load()
  except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
    raise UserError(f'--certificate={certificate} --key={key}: {error}') from None
  server = _Server(config)

  def end() -> None:
    server.should_exit = True

  service.ask_to_end = end
  server.run(sockets=list(sockets))
  if service.problem is not None:
    raise service.problem
  if not server.started:
    raise UserError('serve: could not start')
  dropped = service.watch.dropped
  said = f'{dropped} requests in work were dropped after {drain} s' if dropped else _ALL
  print(f'serve: ended; {said}', file=sys.stderr, flush=True)
  return dropped
