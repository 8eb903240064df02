"""Requests that are wrong in many ways, each of which a server has to refuse."""

import asyncio
import gzip
import io
import json
import random
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator

from medjax.bench.client import Client

_CLIENTS = 16
_JSON = 'application/json'


def requests(good: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
  """Names and bytes of wrong requests without end; those of one seed are always the same.

  Args:
    good: a file that is read.
    seed: of their randomness.
  """
  draw = random.Random(seed)
  while True:
    for make in _KINDS:
      yield make.__name__.strip('_'), make(draw, good)


async def send(port: int, good: bytes, count: int, seed: int = 0) -> Counter[tuple[str, int]]:
  """Sends wrong requests and counts kinds and statuses of what was answered; 0 for nothing.

  Args:
    port: of the server.
    good: a file that it reads.
    count: of requests.
    seed: of their randomness.
  """
  found: Counter[tuple[str, int]] = Counter()
  made = requests(good, seed)

  async def ask(times: int) -> None:
    for _ in range(times):
      name, request = next(made)
      async with Client(port) as client:
        status, _ = await client.send(request, end=name == 'cut_off')
      found[name, status] += 1

  shares = [count // _CLIENTS + (number < count % _CLIENTS) for number in range(_CLIENTS)]
  await asyncio.gather(*map(ask, shares))
  return found


def post(body: bytes, kind: str = 'application/octet-stream', more: str = '') -> bytes:
  """A request with a body of that type."""
  head = f'POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{more}'
  return f'{head}Content-Length: {len(body)}\r\n\r\n'.encode('latin-1') + body


def _noise(draw: random.Random, good: bytes) -> bytes:
  return post(draw.randbytes(draw.randrange(1, 4000)), draw.choice(['image/png', 'text/csv']))


def _truncated(draw: random.Random, good: bytes) -> bytes:
  return post(good[: draw.randrange(1, max(2, len(good) * 9 // 10))])


def _empty(draw: random.Random, good: bytes) -> bytes:
  return post(b'', draw.choice(['image/png', 'text/csv', _JSON, 'multipart/form-data']))


def _bomb(draw: random.Random, good: bytes) -> bytes:
  """A PNG file of a few kB that says that it has up to 4e18 pixels."""

  def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))

  side = draw.choice([20_000, 65_535, 2**31 - 1])
  head = chunk(b'IHDR', struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0))
  data = chunk(b'IDAT', zlib.compress(bytes(2**20)))
  return post(b'\x89PNG\r\n\x1a\n' + head + data + chunk(b'IEND', b''), 'image/png')


def _packed_bomb(draw: random.Random, good: bytes) -> bytes:
  file = io.BytesIO()
  with gzip.GzipFile(fileobj=file, mode='wb', mtime=0) as out:
    out.write(bytes(2**24 + draw.randrange(2**20)))
  return post(file.getvalue(), draw.choice(['text/csv', 'application/gzip']))


def _json_types(draw: random.Random, good: bytes) -> bytes:
  wrong: list[object] = [
    None, 1, 'x', [], {}, {'cases': 1}, {'cases': []}, {'cases': [[]]}, {'cases': [None]},
    {'cases': [True]}, {'case': ['C']}, {'cases': [{}], 'more': 1},
  ]  # fmt: skip
  return post(json.dumps(draw.choice(wrong)).encode(), _JSON)


def _json_numbers(draw: random.Random, good: bytes) -> bytes:
  number = draw.choice(['NaN', 'Infinity', '-Infinity', '1e999', '9' * 5000, '-', '0x1'])
  return post(f'{{"cases": [{{"age": {number}}}]}}'.encode(), _JSON)


def _json_deep(draw: random.Random, good: bytes) -> bytes:
  depth = draw.randrange(70, 100_000)
  sides = draw.choice(['[]', '{}'])
  if sides == '[]':
    return post(b'{"cases": ' + b'[' * depth + b']' * depth + b'}', _JSON)
  return post(b'{"cases": [' + b'{"a":' * depth + b'1' + b'}' * depth + b']}', _JSON)


def _json_cut(draw: random.Random, good: bytes) -> bytes:
  whole = b'{"cases": [{"age": 61, "sex": "\xc3\xa9"}]}'
  return post(whole[: draw.randrange(1, len(whole) - 1)], _JSON)


def _json_bytes(draw: random.Random, good: bytes) -> bytes:
  return post(draw.randbytes(draw.randrange(1, 400)), _JSON)


def _kind(draw: random.Random, good: bytes) -> bytes:
  kind = draw.choice(['text/html', 'video/mp4', '', ';', 'image', '\xff\xfe', 'application/xml'])
  return post(good, kind)


def _encoding(draw: random.Random, good: bytes) -> bytes:
  return post(good, 'image/png', f'Content-Encoding: {draw.choice(["gzip", "br", "x"])}\r\n')


def _multipart(draw: random.Random, good: bytes) -> bytes:
  head = b'Content-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
  bodies = [
    b'--b\r\n' + head + good,  # no end
    b'--b\r\n' + head + draw.randbytes(100) + b'\r\n--b--\r\n',
    b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n',  # no file
    b'--c\r\n' + head + good + b'\r\n--c--\r\n',  # another boundary
    b'--b\r\n' + b'X' * 9000 + b': y\r\n\r\n\r\n--b--\r\n',
    draw.randbytes(500),
    b'--b--\r\n',
  ]
  kinds = ['multipart/form-data', 'multipart/form-data; boundary=', 'multipart/form-data; b']
  right = draw.random() < 0.8
  kind = 'multipart/form-data; boundary=b' if right else draw.choice(kinds)
  return post(draw.choice(bodies), kind)


def _many_parts(draw: random.Random, good: bytes) -> bytes:
  part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\nx\r\n'
  return post(part * 2000 + b'--b--\r\n', 'multipart/form-data; boundary=b')


def _too_large(draw: random.Random, good: bytes) -> bytes:
  size = draw.choice([2**31, 2**40, 10**15, 10**16])
  head = 'POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n'
  return f'{head}Content-Length: {size}\r\n\r\n'.encode() + good[:100]


def _length(draw: random.Random, good: bytes) -> bytes:
  head = 'POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n'
  wrong = draw.choice(['-1', 'x', '1, 2', '1e3', '9' * 40, '+5', ' '])
  return f'{head}Content-Length: {wrong}\r\n\r\n'.encode() + good[:100]


def _chunks(draw: random.Random, good: bytes) -> bytes:
  head = b'POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n'
  wrong = draw.choice([b'zz\r\nx\r\n', b'-1\r\nx\r\n', b'f' * 40 + b'\r\n', b'5\r\nabcdefgh\r\n'])
  return head + b'Transfer-Encoding: chunked\r\n\r\n' + wrong


def _cut_off(draw: random.Random, good: bytes) -> bytes:
  whole = post(good, 'image/png')
  return whole[:-1]


def _path(draw: random.Random, good: bytes) -> bytes:
  path = draw.choice(['/../etc/passwd', '/predict/', '/%00', '/\xff', '/a' * 500, '//x', '/docs'])
  return f'GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode('latin-1')


def _method(draw: random.Random, good: bytes) -> bytes:
  method = draw.choice(['PUT', 'DELETE', 'PATCH', 'GET', 'TRACE', 'OPTIONS', 'HEAD', 'FOO', 'get'])
  return f'{method} /predict HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode()


def _head(draw: random.Random, good: bytes) -> bytes:
  return draw.choice(
    [
      b'GET / HTTP/1.1\r\n' + b'X: ' + b'y' * 200_000 + b'\r\n\r\n',
      b'GET / HTTP/9.9\r\n\r\n',
      b'GET /\r\n\r\n',
      b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + draw.randbytes(200),  # TLS
      b'GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n',
      b'GET / HTTP/1.1\r\nHost: localhost\r\nNo colon\r\n\r\n',
      draw.randbytes(200) + b'\r\n\r\n',
    ]
  )


_KINDS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
  _noise, _truncated, _empty, _bomb, _packed_bomb, _json_types, _json_numbers, _json_deep,
  _json_cut, _json_bytes, _kind, _encoding, _multipart, _many_parts, _too_large, _length, _chunks,
  _cut_off, _path, _method, _head,
)  # fmt: skip
