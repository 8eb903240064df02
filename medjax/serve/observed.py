"""What goes round every request: its line in the log, headers of safety, and whose host it is."""

import ipaddress
import json
import secrets
import time
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
    local_only: whether requests must name this machine as their host, so that no page of another
      site gets at a server without tokens by a name that leads here.
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

    async def answer(message: Message) -> None:
      nonlocal status
      if message['type'] == 'http.response.start':
        status = message['status']
        own = {name for name, _ in message['headers']}
        more = [header for header in _HEADERS if header[0] not in own]
        message['headers'] = [*message['headers'], *more]
      await send(message)

    try:
      if sum(len(name) + len(value) for name, value in scope['headers']) > MOST_HEAD:
        await _refuse(answer, 431, f'headers: expected at most {MOST_HEAD} bytes')
      elif self._local_only and not is_local(_host(scope)):
        await _refuse(answer, 421, 'Host: without tokens, expected localhost or an address of it')
      else:
        await self._app(scope, receive, answer)
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


def _host(scope: Message) -> str:
  found = [value for name, value in scope['headers'] if name == b'host']
  return found[0].decode('latin-1') if len(found) == 1 else ''


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
