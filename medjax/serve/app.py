"""The routes of a server, as an ASGI application."""

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from medjax import machine
from medjax.data import received
from medjax.errors import UserError
from medjax.serve import body as bodies
from medjax.serve import openapi, page, tokens
from medjax.serve.batches import Batches
from medjax.serve.observed import Observed
from medjax.serve.refused import RefusedError, busy
from medjax.serve.room import Room, Taken
from medjax.serve.served import Part, Served, unexplained
from medjax.serve.watch import Watch

_HELD = 16  # largest requests that are in memory together
# Requests read at the same time, on few or many cores: an image may take 4 bytes a pixel of
# limits.MAX_PIXELS while it is decoded.
_READERS = 4
_THREADS = ('reader', 'explainer', 'device')
_JSON_SAYS = 'for research, not for diagnosis'


@dataclasses.dataclass(frozen=True)
class Limits:
  """How much a server takes on.

  Attributes:
    size: bytes of a request.
    cases: of a request.
    queue: cases in work.
    explained: cases that are explained or wait for it.
    wait: seconds that a batch waits for more.
    timeout: seconds until a request is given up.
  """

  size: int = 32 * 2**20
  cases: int = 256
  queue: int = 512
  explained: int = 8
  wait: float = 0.004
  timeout: float = 30.0


class Service:
  """One model at work, and the routes to it.

  Args:
    served: the model.
    limits: see there.
    known: gives roles by digest of a token; None lets everyone in.
    watch: told of every request; None makes one that says nothing of them.
  """

  def __init__(
    self,
    served: Served,
    limits: Limits,
    known: Callable[[], Mapping[bytes, frozenset[str]]] | None,
    log: Any,
  ):
    self.served, self.limits, self.known = served, limits, known
    self.room = Room(limits.queue, _HELD * limits.size)
    self.explaining = Room(limits.explained, _HELD * limits.size)
    self.watch = Watch(log, lambda: self.room.cases)
    self.ready = False
    self.problem: BaseException | None = None
    self.ask_to_end: Callable[[], None] = lambda: None
    self._readers = concurrent.futures.ThreadPoolExecutor(min(_READERS, machine.cores()), 'reader')
    self._explainer = concurrent.futures.ThreadPoolExecutor(1, 'explainer')
    guarded = known is not None
    self._document = json.dumps(openapi.document(served, limits, guarded)).encode()
    self._page = page.Page(served, guarded)

  def app(self) -> Observed:
    """The application."""
    routes = [
      Route('/', self._show, methods=['GET']),
      Route('/health', self._health, methods=['GET']),
      Route('/live', self._live, methods=['GET']),
      Route('/metrics', self._metrics, methods=['GET']),
      Route('/openapi.json', self._openapi, methods=['GET']),
      Route('/predict', self._predict, methods=['POST']),
    ]
    if self.served.explainer is not None:
      routes.append(Route('/explain', self._explain, methods=['POST']))
    handlers: dict[Any, Any] = {
      RefusedError: _refused,
      HTTPException: _http_error,
      Exception: _failed,
    }
    inner = Starlette(routes=routes, exception_handlers=handlers, lifespan=self._life)
    inner.router.redirect_slashes = False
    paths = [route.path for route in routes]
    return Observed(inner, self.watch, paths, local_only=self.known is None)

  @contextlib.asynccontextmanager
  async def _life(self, app: Starlette) -> AsyncIterator[None]:
    self._batches = Batches(
      self.served.predict, self.served.at_once, self.limits.wait, self.watch.batch
    )
    self._batches.start()
    warming = asyncio.create_task(self._warm())
    yield
    warming.cancel()
    await self._batches.stop()
    for pool in (self._readers, self._explainer):
      pool.shutdown(wait=False, cancel_futures=True)

  def working(self) -> bool:
    """Whether threads are still at work on requests; of those that ended none is."""
    return any(one.name.rpartition('_')[0] in _THREADS for one in threading.enumerate())

  async def _warm(self) -> None:
    loop = asyncio.get_running_loop()
    try:
      await loop.run_in_executor(self._explainer, self.served.warm)
    except Exception as error:
      self.problem = error
      self.ask_to_end()
      return
    self.ready = True
    self.watch.line({'ready': self.served.name})

  # Routes that say what there is.

  async def _show(self, request: Request) -> Response:
    return Response(self._page.html, media_type='text/html', headers=self._page.headers)

  async def _live(self, request: Request) -> Response:
    return _json(200, {'status': 'live'})

  async def _health(self, request: Request) -> Response:
    about = {'use': _JSON_SAYS}
    if self.known is None:
      about['model'] = self.served.name
    if not self.ready:
      return _json(503, {'status': 'starting', **about}, {'Retry-After': '1'})
    return _json(200, {'status': 'ready', **about})

  async def _metrics(self, request: Request) -> Response:
    self._allow(request, 'metrics')
    return Response(self.watch.metrics(), media_type='text/plain; version=0.0.4')

  async def _openapi(self, request: Request) -> Response:
    self._allow(request, '')
    return Response(self._document, media_type=bodies.JSON)

  # Routes to the model.

  async def _predict(self, request: Request) -> Response:
    self._allow(request, 'predict')
    return await self._within_time(request, self.room, self._predicted)

  async def _explain(self, request: Request) -> Response:
    self._allow(request, 'explain')
    return await self._within_time(request, self.explaining, self._explained)

  async def _within_time(
    self, request: Request, room: Room, answer: Callable[[Request, Taken], Awaitable[Response]]
  ) -> Response:
    """The answer, or 408 or 504 where time is up; what is left of the work then is dropped."""
    if not self.ready:
      raise busy('the model is being compiled; send it again in a second')
    with room.taken() as taken:
      try:
        async with asyncio.timeout(self.limits.timeout):
          return await answer(request, taken)
      except TimeoutError:
        limit = f'{self.limits.timeout:g} s'
        if not _about(request).get('read'):
          headers = {'Connection': 'close'}
          raise RefusedError(408, f'body: not all of it came within {limit}', headers) from None
        raise RefusedError(504, f'not done within {limit}; send fewer cases, or later') from None
      except ClientDisconnect:
        raise RefusedError(400, 'body: the client went away') from None

  async def _predicted(self, request: Request, taken: Taken) -> Response:
    parts = await self._parts(request, taken, self.limits.cases)
    good = [part for part in parts if not isinstance(part.arrays, str)]
    taken.has(cases=len(good))
    found, batch = await self._batches.rows(good)
    _about(request)['batch'] = batch
    rows = iter(found)
    cases = [
      self.served.cells(
        self.served.empty(part) if isinstance(part.arrays, str) else next(rows), part
      )
      for part in parts
    ]
    return self._answer(cases)

  async def _explained(self, request: Request, taken: Taken) -> Response:
    parts = await self._parts(request, taken, self.limits.explained)
    taken.has(cases=len(parts))
    cases = []
    for part in parts:
      if isinstance(part.arrays, str):
        cases.append(unexplained(part, part.arrays))
      else:
        # One case a call, so that a request that is given up stops at the next one.
        cases.append(await _in_thread(self._explainer, taken, self.served.explain, part))
    assert self.served.explainer is not None
    return self._answer(cases, method=self.served.explainer.method)

  def _answer(self, cases: Sequence[Any], **more: str) -> Response:
    return _json(200, {'model': self.served.name, 'use': _JSON_SAYS, **more, 'cases': cases})

  async def _parts(self, request: Request, taken: Taken, most: int) -> list[Part]:
    """The cases of a request, read; at least one of them is good."""
    kind = bodies.media_type(request.headers.get('content-type', ''))
    encoding = request.headers.get('content-encoding', 'identity')
    if encoding.lower() != 'identity':
      raise RefusedError(415, f'Content-Encoding: {encoding[:40]!r}; expected none')
    about = _about(request)
    body = await self._body(request, taken)
    about['bytes'], about['read'] = len(body), True
    given_up = threading.Event()

    def check() -> None:
      if given_up.is_set():
        raise RefusedError(504, 'not done in time')

    bounds = received.Bounds(most, self.limits.size, lambda size: taken.grow(size=size), check)
    try:
      parts: list[Part] = await _in_thread(
        self._readers, taken, self._opened, body, kind, request, bounds
      )
    finally:
      given_up.set()
    about['cases'] = len(parts)
    if all(isinstance(part.arrays, str) for part in parts):
      first = parts[0]
      raise RefusedError(400, f'{first.name}: {first.arrays}')
    return parts

  def _opened(
    self, body: bytes, kind: str, request: Request, bounds: received.Bounds
  ) -> list[Part]:
    try:
      if kind == bodies.JSON:
        return self.served.open_json(bodies.cases(body), bounds)
      files = bodies.files(body, request.headers['content-type'], int(bounds.cases))
      return self.served.open_files(files, bounds)
    except UserError as error:
      raise RefusedError(400, str(error)) from None

  async def _body(self, request: Request, taken: Taken) -> bytes:
    """All bytes of a request, as many as its header says and no more than are allowed."""
    most, told = self.limits.size, request.headers.get('content-length')
    if told is not None and told.isdecimal():
      if len(told) > 15 or int(told) > most:
        raise _too_large(most)
      taken.has(size=int(told))
    pieces, size = [], 0
    async for piece in request.stream():
      size += len(piece)
      if size > most:
        raise _too_large(most)
      taken.has(size=size)
      pieces.append(piece)
    return b''.join(pieces)

  def _allow(self, request: Request, role: str) -> None:
    """Sees that a request may ask for this; '' is what every token is for.

    Raises:
      RefusedError: it may not.
    """
    if self.known is None:
      return
    scheme, _, token = request.headers.get('authorization', '').partition(' ')
    headers = {'WWW-Authenticate': 'Bearer'}
    if scheme.lower() != 'bearer' or not token.strip():
      raise RefusedError(401, 'Authorization: expected Bearer and a token', headers)
    roles = tokens.roles_of(token.strip(), self.known())
    if roles is None:
      raise RefusedError(401, 'Authorization: the token is not known', headers)
    if tokens.ADMIN in roles:
      _about(request)['role'] = tokens.ADMIN
      return
    if not role:
      return
    if role not in roles:
      raise RefusedError(403, f'Authorization: the token is not for {role}')
    _about(request)['role'] = role


async def _in_thread(
  pool: concurrent.futures.Executor, taken: Taken, function: Callable[..., Any], *given: Any
) -> Any:
  """What a function gives in a thread; while it is at work its request keeps its room."""
  taken.work = pool.submit(function, *given)
  return await asyncio.wrap_future(taken.work)


def _too_large(most: int) -> RefusedError:
  line = f'body: expected at most {most} bytes ({most / 2**20:g} MiB)'
  return RefusedError(413, line, {'Connection': 'close'})


def _about(request: Request) -> dict[str, Any]:
  """What the log says of a request."""
  about: dict[str, Any] = request.scope['medjax']
  return about


def _json(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
  content = json.dumps(value, allow_nan=False, ensure_ascii=False).encode(errors='replace')
  return Response(content, status, dict(headers or {}), bodies.JSON)


async def _refused(request: Request, error: Exception) -> Response:
  assert isinstance(error, RefusedError)
  return _json(error.status, {'error': error.line}, error.headers)


async def _http_error(request: Request, error: Exception) -> Response:
  assert isinstance(error, HTTPException)
  allowed = (error.headers or {}).get('Allow', '')
  line = f'method: expected {allowed}' if allowed else f'path: {error.detail.lower()}'
  return _json(error.status_code, {'error': line}, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
  id = _about(request)['id']
  return _json(500, {'error': f'the server failed; its log says more under id {id}', 'id': id})
