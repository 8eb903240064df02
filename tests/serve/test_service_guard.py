"""Who is answered, what is told of a request, and what one may take."""

import asyncio
import gzip
import hashlib
import io
import json
import os
import threading

import nibabel
import numpy as np
import pytest

from medjax.deploy import files
from medjax.serve import tokens
from medjax.serve.app import Limits, Service

OCTETS = {'Content-Type': 'application/octet-stream'}
JSON = {'Content-Type': 'application/json'}


def test_tokens_and_their_roles(serving, served_images, pictures):
  first = next(iter(pictures.values()))
  made = {roles: tokens.new(roles) for roles in ('predict', 'explain,metrics', 'admin')}
  known = {
    hashlib.sha256(token.encode()).hexdigest().encode(): frozenset(roles.split(','))
    for roles, (token, _) in made.items()
  }

  async def ask(client, service):
    found = {}
    for who in (*made, 'unknown', 'none'):
      token = made[who][0] if who in made else 'x' * 43
      headers = {} if who == 'none' else {'Authorization': f'Bearer {token}'}
      found[who] = [
        (await client.post('/predict', content=first, headers=OCTETS | headers)).status_code,
        (await client.post('/explain', content=first, headers=OCTETS | headers)).status_code,
        (await client.get('/metrics', headers=headers)).status_code,
        (await client.get('/health', headers=headers)).status_code,
        (await client.get('/openapi.json', headers=headers)).status_code,
      ]
    return found, (await client.get('/')).text, (await client.get('/health')).text

  (found, page, health), log = serving(served_images, ask, known=known)
  assert served_images.name not in page + health
  assert found == {
    'predict': [200, 403, 403, 200, 200],
    'explain,metrics': [403, 200, 200, 200, 200],
    'admin': [200, 200, 200, 200, 200],
    'unknown': [401, 401, 401, 200, 401],
    'none': [401, 401, 401, 200, 401],
  }
  assert all(token not in '\n'.join(log) for token, _ in made.values())
  assert {json.loads(line).get('role') for line in log} >= {'predict', 'explain', 'admin'}


def test_without_tokens_another_hosts_name_is_refused(serving, served_images):
  async def ask(client, service):
    return [
      (await client.get('/health', headers={'Host': host})).status_code
      for host in ('localhost:80', '127.0.0.1', '[::1]:8000', 'evil.example', '')
    ]

  assert serving(served_images, ask)[0] == [200, 200, 200, 421, 421]


def test_metrics_and_log_say_how_much_and_not_what(serving, served_images, pictures):
  path, data = next(iter(pictures.items()))

  async def ask(client, service):
    await client.post('/predict?patient=Ada', files=[('file', (path.name, data))])
    await client.get('/patients/Ada')
    return (await client.get('/metrics')).text

  text, log = serving(served_images, ask)
  assert 'medjax_requests_total{route="/predict",status="200"} 1.0' in text
  assert 'medjax_requests_total{route="other",status="404"} 1.0' in text
  assert 'medjax_cases_total{route="/predict"} 1.0' in text
  assert 'medjax_batch_cases_count 1.0' in text
  assert 'process_resident_memory_bytes' in text
  for word in ('Ada', path.name, 'scan', '127.0.0.1'):
    assert word not in '\n'.join(log)
    assert word not in text
  keys = {'time', 'id', 'method', 'route', 'status', 'ms', 'bytes', 'cases', 'batch'}
  assert set(json.loads(log[1])) == keys


@pytest.mark.parametrize(
  ('headers', 'status'),
  [
    ({}, 200),
    ({'Origin': 'http://localhost'}, 200),
    ({'Origin': 'http://localhost', 'Sec-Fetch-Site': 'same-origin'}, 200),
    ({'Origin': 'https://evil.example'}, 403),
    ({'Origin': 'http://localhost:3000', 'Sec-Fetch-Site': 'same-site'}, 403),
    ({'Origin': 'null'}, 403),
    ({'Sec-Fetch-Site': 'cross-site'}, 403),
  ],
)
def test_without_tokens_a_page_of_another_site_sends_nothing(
  serving, served_images, pictures, headers, status
):
  first = next(iter(pictures.values()))

  async def ask(client, service):
    link = await client.get('/', headers=headers | {'Sec-Fetch-Mode': 'navigate'})
    sent = await client.post('/predict', files=[('file', ('a.png', first))], headers=headers)
    return link.status_code, sent

  (link, sent), _ = serving(served_images, ask)
  assert link == 200
  assert sent.status_code == status
  assert status == 200 or sent.json()['error'].startswith(
    'Origin: without tokens, expected no page'
  )


def test_with_tokens_a_page_of_another_site_needs_one(serving, served_images, pictures):
  first = next(iter(pictures.values()))
  token, line = tokens.new('predict')
  known = {line.split()[0].removeprefix('sha256:').encode(): frozenset(['predict'])}

  async def ask(client, service):
    headers = OCTETS | {'Origin': 'https://portal.example', 'Authorization': f'Bearer {token}'}
    return (await client.post('/predict', content=first, headers=headers)).status_code

  assert serving(served_images, ask, known=known)[0] == 200


def test_notes_of_cases_are_answered_and_not_logged(serving, served_images, pictures):
  first = next(iter(pictures.values()))
  volume = nibabel.Nifti1Image(
    np.random.default_rng(0).integers(0, 99, (40, 40, 9)).astype(np.int16), np.eye(4)
  )
  files = [('file', ('a.png', first)), ('file', ('b.nii', volume.to_bytes()))]

  async def ask(client, service):
    return [(await client.post(route, files=files)).json() for route in ('/predict', '/explain')]

  answers, log = serving(served_images, ask)
  for answer in answers:
    assert [case['note'] for case in answer['cases']] == [None, 'the middle one of 9 axial slices']
  assert 'middle' not in '\n'.join(log)


def test_what_unpacks_to_too_much_or_has_too_many_cases_is_refused(serving, served_table):
  columns = served_table.reader.parts
  rows = ','.join(columns) + '\n' + (','.join('1' for _ in columns) + '\n') * 20_000
  packed = gzip.compress(rows.encode())

  async def ask(client, service):
    many = await client.post('/predict', files=[('file', ('x.csv', packed))])
    large = await client.post('/predict', files=[('file', ('x.csv', packed))] * 2)
    values = await client.post('/predict', json={'cases': [{}] * 257})
    lists = await client.post(
      '/predict', content=b'{"cases":[' + b'[],' * 2**18 + b'[]]}', headers=JSON
    )
    numbers = await client.post(
      '/predict', content=b'{"cases":[' + b'1,' * (2**22 + 1) + b'1]}', headers=JSON
    )
    return many, large, values, lists, numbers, service.room

  (*answers, room), _ = serving(served_table, ask, size=2**24)
  assert [answer.status_code for answer in answers] == [413] * 5
  many, large, values, lists, numbers = (answer.json()['error'] for answer in answers)
  assert many == large == values == 'too many rows in one request; expected at most 256'
  assert lists == 'body: more than 262144 lists and objects; send several requests'
  assert numbers == 'body: more than 4194304 values; send several requests'
  assert room.cases == room.bytes == 0


def test_room_is_held_until_the_thread_of_a_request_that_was_given_up_ends(
  serving, served_images, pictures, monkeypatch
):
  first = next(iter(pictures.values()))
  hold, loaded = threading.Event(), []
  original = files.load

  def slow(case):
    loaded.append(case.name)
    hold.wait(10)
    return original(case)

  async def ask(client, service):
    monkeypatch.setattr('medjax.serve.served.files.load', slow)
    several = [('file', (f'{n}.png', first)) for n in range(3)]
    answer = await client.post('/predict', files=several)
    held = service.room.cases, service.room.bytes > len(first), service.working()
    full = await client.post('/predict', content=first, headers=OCTETS)
    hold.set()
    for _ in range(100):
      if not service.room.cases:
        break
      await asyncio.sleep(0.02)
    return answer, held, full, service.room

  (answer, held, full, room), _ = serving(served_images, ask, timeout=0.3, queue=1)
  assert answer.status_code == 504
  assert held == (1, True, True)
  assert full.status_code == 503
  assert room.cases == room.bytes == 0
  assert loaded == ['0.png']  # the others are not read, as nobody waits for them


def test_few_requests_are_read_at_the_same_time(monkeypatch, served_images):
  for cores, readers in ((1, 1), (3, 3), (200, 4)):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _, cores=cores: set(range(cores)))
    service = Service(served_images, Limits(), None, io.StringIO())
    assert service._readers._max_workers == readers
