"""What goes round every request: its line in the log, headers of safety, and whose host it is."""

import asyncio
import ipaddress
import json
import secrets
import time
import urllib.parse
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from medjax.serve.watch import Watch

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MOST_HEAD = 64 * 2**10
"""Bytes of the headers of a request."""
_GONE = 499  # the client went away before an answer
_HEADERS = (
  (b'cache-control', b'no-store'),
  (b'referrer-policy', b'no-referrer'),
  (b'x-content-type-options', b'nosniff'),
  (b'x-frame-options', b'DENY'),
)
_METHODS = frozenset(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'])


class Observed:
  """An application that is watched.

  Args:
    app: the application.
    watch: is told of requests.
    paths: that there are; of others nothing is told.
    local_only: whether requests must name this machine as their host and come from no page of
      another site, which a browser would let send files and texts to a server without tokens.
  """

  def __init__(self, app: Any, watch: Watch, paths: Sequence[str], *, local_only: bool):
    self._app, self._watch = app, watch
    self._paths, self._local_only = frozenset(paths), local_only

  async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
    """See ASGI."""
    if scope['type'] != 'http':
      await self._app(scope, receive, send)
      return
    began, status = time.perf_counter(), _GONE
    about: dict[str, Any] = {'id': secrets.token_hex(8)}
    scope['medjax'] = about

    # What is left of a body would be taken for the next request by whoever does not read it.
    whole = not _has_body(scope)

    async def read() -> Message:
      nonlocal whole
      message = await receive()
      whole = whole or (message['type'] == 'http.request' and not message.get('more_body'))
      return message

    async def answer(message: Message) -> None:
      nonlocal status
      if message['type'] == 'http.response.start':
        status = message['status']
        own = {name for name, _ in message['headers']}
        usual = _HEADERS if whole else (*_HEADERS, (b'connection', b'close'))
        more = [header for header in usual if header[0] not in own]
        message['headers'] = [*message['headers'], *more]
      await send(message)

    try:
      if sum(len(name) + len(value) for name, value in scope['headers']) > MOST_HEAD:
        await _refuse(answer, 431, f'headers: expected at most {MOST_HEAD} bytes')
      elif self._local_only and not is_local(_host(scope)):
        await _refuse(answer, 421, 'Host: without tokens, expected localhost or an address of it')
      elif self._local_only and _is_of_another_site(scope):
        await _refuse(answer, 403, 'Origin: without tokens, expected no page of another site')
      else:
        await self._app(scope, read, answer)
    except asyncio.CancelledError:  # the server ends, and could wait no longer
      self._watch.dropped += 1
      raise
    except Exception as error:
      self._watch.failure(about['id'], error)
    finally:
      route = scope['path'] if scope['path'] in self._paths else 'other'
      method = scope['method'] if scope['method'] in _METHODS else 'other'
      id = about.pop('id')
      about.pop('read', None)
      self._watch.request(
        id=id, method=method, route=route, status=status, began=began, about=about
      )


def _header(scope: Message, header: bytes) -> list[str]:
  return [value.decode('latin-1') for name, value in scope['headers'] if name == header]


def _host(scope: Message) -> str:
  found = _header(scope, b'host')
  return found[0] if len(found) == 1 else ''


def _has_body(scope: Message) -> bool:
  length = _header(scope, b'content-length')
  return bool(_header(scope, b'transfer-encoding')) or any(one.strip('0') for one in length)


def _is_of_another_site(scope: Message) -> bool:
  """Whether a browser says that a page which is not of this server sends something.

  Source:
    W3C, Fetch Metadata Request Headers; RFC 6454, The Web Origin Concept (2011).
  """
  if scope['method'] in ('GET', 'HEAD'):  # which another site cannot read, and change nothing
    return False
  origins, host = _header(scope, b'origin'), _host(scope).lower()
  foreign = [one for one in origins if urllib.parse.urlsplit(one).netloc.lower() != host]
  return bool(foreign) or 'cross-site' in _header(scope, b'sec-fetch-site')


def is_local(host: str) -> bool:
  """Whether a header names this machine.

  Example:
    >>> [is_local(host) for host in ('localhost:8000', '127.0.0.1', '[::1]:80', 'evil.example')]
    [True, True, True, False]
  """
  name = host.rsplit(':', 1)[0] if host.rsplit(':', 1)[-1].isdecimal() else host
  if name.lower() == 'localhost':
    return True
  try:
    return ipaddress.ip_address(name.strip('[]')).is_loopback
  except ValueError:
    return False


async def _refuse(send: Send, status: int, line: str) -> None:
  content = json.dumps({'error': line}).encode()
  headers = [
    (b'content-type', b'application/json'),
    (b'content-length', str(len(content)).encode()),
  ]
  await send({'type': 'http.response.start', 'status': status, 'headers': headers})
  await send({'type': 'http.response.body', 'body': content})
