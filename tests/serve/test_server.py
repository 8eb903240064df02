"""The process: under load, under malformed requests, and when it is asked to end."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from made_server import call

from experiments import lung_cnn
from medjax.bench import malformed, serving
from medjax.bench.client import Client
from medjax.errors import UserError
from medjax.serve import server

pytestmark = pytest.mark.slow
MALFORMED = int(os.environ.get('MEDJAX_MALFORMED', '400'))  # requests; 10,000 before a release


@pytest.fixture(scope='module')
def environment(cache):
  return os.environ | {
    'PYTHONPATH': os.pathsep.join(p for p in sys.path if p),
    'MEDJAX_CACHE': str(cache),
    'XLA_FLAGS': '',
  }


@pytest.fixture
def started(image_run, tmp_path, environment, monkeypatch):
  """``started(*flags)`` gives a server of the run on images; see ``bench.serving``."""
  for name, value in environment.items():
    monkeypatch.setenv(name, value)
  servers = []

  def begin(*flags):
    log = tmp_path / f'{len(servers)}.log'
    found = asyncio.run(
      serving.start('experiments.lung_cnn', str(image_run), log, ['--wait_ms=1', *flags])
    )
    servers.append(found)
    return found, log

  yield begin
  for one in servers:
    if one.process.poll() is None:
      one.process.kill()
      one.process.wait()


def test_no_answer_under_load_is_lost_or_wrong(started, image_run, pictures, tmp_path):
  files = list(map(str, pictures))
  output = tmp_path / 'predict.csv'
  rows = serving.predicted('experiments.lung_cnn', str(image_run), files, output)
  found, _ = started()
  seen = asyncio.run(serving.load(found, files, rows, clients=40, seconds=3))
  assert set(seen.statuses) == {200}
  assert seen.statuses[200] >= 40
  assert seen.wrong == []
  said = serving.lines(seen, 100.0)
  assert said[0].endswith('wrong: 0')
  assert 'p99' in said[2]
  # What would be wrong is seen: one row in another's place.
  first, second = (rows[name] for name in files[:2])
  assert serving.differs(first, {**second, 'probability': float(second['probability'])})
  assert not serving.differs(first, {**first, 'probability': float(first['probability']),
                                     'error': None})  # fmt: skip


def test_malformed_requests_are_refused_and_do_no_harm(started, pictures):
  good = next(iter(pictures.values()))
  found, log = started()

  async def ask():
    counts = await malformed.send(found.port, good, MALFORMED, seed=1)
    async with Client(found.port) as client:
      return counts, await client.post('/predict', good)

  counts, (status, answer) = asyncio.run(ask())
  assert sum(counts.values()) == MALFORMED
  assert {key: n for key, n in counts.items() if not 400 <= key[1] < 500} == {}
  assert len({name for name, _ in counts}) == 21
  assert status == 200
  assert json.loads(answer)['cases'][0]['error'] is None
  assert b'failure' not in log.read_bytes()
  assert b'Traceback' not in log.read_bytes()


def test_sigterm_answers_what_is_in_work_and_ends_with_0(started, pictures):
  good = next(iter(pictures.values()))
  found, log = started('--wait_ms=1500')

  async def ask():
    async def post():
      async with Client(found.port) as client:
        return await client.post('/predict', good)

    asked = [asyncio.create_task(post()) for _ in range(5)]
    await asyncio.sleep(0.7)  # they wait for others to come
    found.process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.4)
    late = await post()
    return [await one for one in asked], late

  answers, late = asyncio.run(ask())
  assert [status for status, _ in answers] == [200] * 5
  assert late[0] == 0  # nobody listens any more
  assert found.process.wait(30) == 0
  assert b'all that was in work is answered' in log.read_bytes()


def exchange(port, head, body, wait=0.0):
  """All that a server says to a client which sends everything before it reads."""
  with socket.create_connection(('127.0.0.1', port), timeout=30) as client:
    client.sendall(head)
    time.sleep(wait)
    for start in range(0, len(body), 2**16):
      client.sendall(body[start : start + 2**16])
    said = b''
    while piece := client.recv(2**16):
      said += piece
  return said


@pytest.mark.parametrize('route', ['/predict', '/nowhere', '/health'])
def test_an_early_refusal_reaches_who_sends_much(started, route):
  """10 MB, none of which is read: one answer, which says that the connection ends."""
  found, log = started('--queue=1', '--max_mib=1')
  body = bytes(10 * 10**6)
  head = (
    f'POST {route} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n'
    f'Content-Length: {len(body)}\r\n\r\n'
  ).encode()
  status = {'/predict': 413, '/nowhere': 404, '/health': 405}[route]
  for wait in (0.0, 0.3):
    said = exchange(found.port, head, body, wait)
    assert said.startswith(f'HTTP/1.1 {status} '.encode())
    assert said.count(b'HTTP/1.1') == 1
    assert b'connection: close' in said.lower()
    assert json.loads(said.split(b'\r\n\r\n', 1)[1])['error']
  chunks = b''.join(b'fff0\r\n' + bytes(0xFFF0) + b'\r\n' for _ in range(100)) + b'0\r\n\r\n'
  head = head.split(b'Content-Length')[0] + b'Transfer-Encoding: chunked\r\n\r\n'
  said = exchange(found.port, head, chunks, 0.1)
  assert said.startswith(f'HTTP/1.1 {status} '.encode())
  assert said.count(b'HTTP/1.1') == 1
  # What follows a body that was not read is neither a request nor a second answer.
  said = exchange(found.port, head, chunks + b'GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n', 0.1)
  assert said.count(b'HTTP/1.1') == 1
  assert exchange(found.port, head, b'no chunk at all\r\n', 0.1).count(b'HTTP/1.1') == 1
  assert b'"status": 431' not in log.read_bytes()


def test_a_body_that_was_read_leaves_the_connection_open(started, pictures):
  found, _ = started()
  good = next(iter(pictures.values()))
  request = (
    f'POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n'
    f'Content-Length: {len(good)}\r\n\r\n'
  ).encode() + good
  last = b'GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  said = exchange(found.port, request + request.replace(good, b'x' * len(good)), last)
  assert [one[:3] for one in said.split(b'HTTP/1.1 ')[1:]] == [b'200', b'400', b'200']


SLOW = """
import sys, time
from medjax.deploy import files
from experiments import lung_cnn
import medjax
original, seconds = files.load, float(sys.argv.pop(1))
def slow(case):
  time.sleep(seconds)
  return original(case)
files.load = slow
medjax.main(lung_cnn.Config(), lung_cnn.build, sys.argv[1:])
"""


@pytest.mark.parametrize(
  ('flags', 'status', 'code', 'said'),
  [
    (['--drain=1'], 500, 1, b'serve: ended; 1 requests in work were dropped after 1 s'),
    (['--drain=9', '--timeout=1'], 504, 0, b'serve: ended; all that was in work is answered'),
  ],
)
def test_it_ends_in_time_though_a_thread_is_at_work(
  image_run, pictures, environment, tmp_path, flags, status, code, said
):
  """And says how many requests it could not answer."""
  log = tmp_path / 'log'
  command = [sys.executable, '-c', SLOW, '60', 'serve', f'--workdir={image_run}', '--port=0']
  with open(log, 'wb') as file:
    process = subprocess.Popen([*command, *flags], stderr=file, stdout=file, env=environment)
  try:
    until = time.monotonic() + 120
    while b'"ready"' not in log.read_bytes() and time.monotonic() < until:
      assert process.poll() is None, log.read_bytes()
      time.sleep(0.1)
    port = int(re.search(rb'127\.0\.0\.1:(\d+)', log.read_bytes())[1])

    async def ask():
      async with Client(port) as client:
        asked = asyncio.create_task(client.post('/predict', next(iter(pictures.values()))))
        await asyncio.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        return await asked

    assert asyncio.run(ask())[0] == status
    assert process.wait(20) == code  # and not after the 60 s of the thread
  finally:
    process.kill()
    process.wait()
  assert said in log.read_bytes()
  assert b'with threads at work' in log.read_bytes()


def test_heads_that_are_too_large_or_never_end(started, monkeypatch):
  found, _ = started()

  async def ask():
    async with Client(found.port) as client:
      large = await client.send(b'GET / HTTP/1.1\r\nX: ' + b'y' * 10**5 + b'\r\n\r\n')
    async with Client(found.port) as client:
      return large, await client.send(b'GET / HTTP/1.1\r\nHost: local', end=True)

  large, cut = asyncio.run(ask())
  assert large[0] == 431
  assert cut[0] == 400


def test_a_server_starts_while_the_model_is_compiled(image_run, environment, tmp_path):
  """It lives at once, and is ready later."""
  with socket.socket() as free:
    free.bind(('127.0.0.1', 0))
    port = free.getsockname()[1]
  process = subprocess.Popen(
    [sys.executable, '-m', 'experiments.lung_cnn', 'serve', f'--workdir={image_run}',
     f'--port={port}', f'--log={tmp_path}/requests.log'],
    env=environment, stderr=subprocess.PIPE,
  )  # fmt: skip

  async def ask():
    seen = []
    until = time.monotonic() + 120
    while time.monotonic() < until:
      async with Client(port) as client:
        live = await client.send(b'GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n')
      async with Client(port) as client:
        ready = await client.send(b'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
      if live[0]:
        seen.append((live[0], ready[0]))
      if ready[0] == 200:
        return seen
      await asyncio.sleep(0.02)
    return seen

  try:
    seen = asyncio.run(ask())
    assert seen[-1] == (200, 200)
    assert set(seen[:-1]) <= {(200, 503), (200, 0)}
    with socket.socket() as taken:
      with pytest.raises(UserError, match=f'--port={port}: cannot listen there: Address already'):
        server.listen('127.0.0.1', port)
      assert taken
  finally:
    process.terminate()
    _, said = process.communicate(timeout=30)
  assert process.returncode == 0
  assert b'"route"' not in said
  assert b'"route": "/health"' in (tmp_path / 'requests.log').read_bytes()


def test_mistakes_are_one_line(image_run, tmp_path, capsys, monkeypatch):
  token = tmp_path / 'tokens'
  call(lung_cnn, 'serve', '--new_token=predict', f'--tokens={token}')
  printed = capsys.readouterr().out.strip()
  assert len(printed) == 43
  assert printed not in token.read_text()
  call(lung_cnn, 'serve', '--new_token=metrics,explain')
  assert 'sha256:' in capsys.readouterr().err
  for given, said in (
    (['--host=0.0.0.0'], '--host=0.0.0.0: whoever gets at it could use it; expected --tokens=FILE'),
    (['--certificate=a.pem'], '--certificate and --key: expected both or none'),
    (['--tokens=missing'], '--tokens=missing: no such file'),
    (['--method=none'], '--method=none: expected one of'),
    (['--timeout=0'], '--timeout=0: expected seconds'),
    (['--port=70000'], '--port=70000: expected at most 65535'),
    (['--log=/nowhere/at/all'], '--log=/nowhere/at/all: cannot be written'),
    (['--certificate=a.pem', '--key=b.pem'], '--certificate=a.pem --key=b.pem: '),
    (['--new_token=root'], "--new_token: role 'root'"),
  ):
    call(lung_cnn, 'serve', f'--workdir={image_run}', *given, code=2)
    assert said in capsys.readouterr().err, given
  monkeypatch.setattr('medjax.verbs.serve._NEEDS', ('starlette', 'no_such_package'))
  call(lung_cnn, 'serve', f'--workdir={image_run}', code=2)
  assert "needs no_such_package: pip install 'medjax[serve]'" in capsys.readouterr().err


def test_a_socket_that_cannot_be_bound_is_closed(monkeypatch):
  made = []
  original = socket.socket
  monkeypatch.setattr(
    server.socket, 'socket', lambda *args: [made.append(original(*args)), made[-1]][1]
  )
  with server.listen('127.0.0.1', 0) as taken:
    taken.listen()
    with pytest.raises(UserError, match='cannot listen there'):
      server.listen('127.0.0.1', taken.getsockname()[1])
  assert len(made) == 2
  assert [one.fileno() for one in made] == [-1, -1]
