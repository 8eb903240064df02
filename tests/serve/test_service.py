"""What is answered: the numbers of predict, or one line that says what is wrong."""

import asyncio
import csv
import gzip
import hashlib
import io
import json
import os
import sys
import threading

import nibabel
import numpy as np
import pytest
from made_server import call, rows_of

from experiments import lung_cnn, tabular_mlp
from medjax.data import received
from medjax.deploy import files
from medjax.serve import tokens
from medjax.serve.app import Limits, Service

OCTETS = {'Content-Type': 'application/octet-stream'}
JSON = {'Content-Type': 'application/json'}
# Files opened to be written while somebody watches; a hook cannot be taken off again.
_written = None


def _hook(event, arguments):
  if _written is None or event not in ('open', 'os.mkdir', 'os.rename'):
    return
  mode = arguments[1] if event == 'open' else 'w'
  if event != 'open' or (isinstance(mode, str) and set(mode) & set('wax+')):
    _written.append(arguments)


sys.addaudithook(_hook)


def same(row, case):
  """Whether a case of an answer is a row of ``predict``, to the last digit, but for the file."""
  assert [*row, 'note'] == list(case)
  for name, cell in row.items():
    if name == 'file':
      continue
    value = case[name]
    expected = None if cell == '' else float(cell) if isinstance(value, float) else cell
    assert value == expected, name


@pytest.fixture(scope='module')
def predicted(image_run, pictures, tmp_path_factory):
  output = tmp_path_factory.mktemp('predicted') / 'predict.csv'
  call(lung_cnn, 'predict', *map(str, pictures), f'--workdir={image_run}', f'--output={output}')
  return rows_of(output)


def test_answers_are_those_of_predict_to_the_last_digit(
  serving, served_images, pictures, predicted
):
  async def ask(client, service):
    files = [('file', (path.name, data)) for path, data in pictures.items()]
    together = await client.post('/predict', files=files)
    alone = await asyncio.gather(
      *(client.post('/predict', content=data, headers=OCTETS) for data in pictures.values())
    )
    return together, alone

  (together, alone), log = serving(served_images, ask)
  assert together.status_code == 200
  cases = together.json()['cases']
  assert [case['file'] for case in cases] == [path.name for path in pictures]
  for row, case, one in zip(predicted, cases, alone, strict=True):
    same(row, case)
    same(row, one.json()['cases'][0])
  assert together.json()['model'].startswith('lung_cnn step ')
  assert together.json()['use'] == 'for research, not for diagnosis'
  lines = [json.loads(line) for line in log]
  assert lines[0]['ready'] == together.json()['model']
  assert lines[1]['cases'] == 6
  assert all(line['batch'] <= 8 for line in lines[1:])
  assert max(line['batch'] for line in lines[2:]) > 1  # those that came together went together


def test_narrow_batches_give_the_same_bits(served_images, pictures):
  """Whatever widths were found to be the same, one case alone is what it is among others."""
  parts = served_images.open_files(
    {path.name: data for path, data in pictures.items()}, received.Bounds(9)
  )
  whole = served_images.predict(parts)
  assert [row for part in parts for row in served_images.predict([part])] == whole


def test_a_bad_file_among_good_ones_says_why(serving, served_images, pictures):
  first = next(iter(pictures.values()))

  async def ask(client, service):
    files = [('file', ('a.png', first)), ('file', ('b.png', first[:50])), ('x', ('a.png', first))]
    return await client.post('/predict', files=files)

  answer, _ = serving(served_images, ask)
  assert answer.status_code == 200
  good, bad, again = answer.json()['cases']
  assert bad['error'].startswith('cannot be read')
  assert bad['probability'] is None
  assert good == {**again, 'file': 'a.png'}
  assert again['file'] == '2-a.png'


def test_rows_of_a_table_as_csv_and_as_json(serving, served_table, table_run, tmp_path):
  columns = served_table.reader.parts
  rows = [dict.fromkeys(columns, '1.5'), dict.fromkeys(columns, ''), dict.fromkeys(columns, '3')]
  rows[1][columns[1]] = '2'  # rows of empty cells alone are none in a table
  rows[2][columns[0]] = 'x,"y'
  text = io.StringIO()
  writer = csv.DictWriter(text, columns)
  writer.writeheader()
  writer.writerows(rows)
  (tmp_path / 'new.csv').write_text(text.getvalue())
  output = tmp_path / 'out.csv'
  call(
    tabular_mlp, 'predict', f'{tmp_path}/new.csv', f'--workdir={table_run}', f'--output={output}'
  )

  async def ask(client, service):
    as_file = await client.post(
      '/predict', content=text.getvalue(), headers={'Content-Type': 'text/csv; charset=utf-8'}
    )
    numbers = [dict.fromkeys(columns, 1.5), {**dict.fromkeys(columns), columns[1]: 2}, rows[2]]
    as_json = await client.post('/predict', json={'cases': numbers})
    wrong = [
      await client.post('/predict', json={'cases': [value]})
      for value in ([], {}, 1, {columns[0]: [1]}, dict.fromkeys(columns, 'x' * 200_000))
    ]
    return as_file, as_json, wrong

  (as_file, as_json, wrong), log = serving(served_table, ask)
  assert as_file.status_code == as_json.status_code == 200
  for row, one, other in zip(
    rows_of(output), as_file.json()['cases'], as_json.json()['cases'], strict=True
  ):
    same(row, one)
    same({**row, 'error': ''}, {**other, 'error': None})
    assert bool(row['error']) == bool(one['error']) == bool(other['error'])
  assert as_file.json()['cases'][0]['file'] == 'body.csv row 2'
  assert as_json.json()['cases'][0]['file'] == 'case 1'
  assert [one.status_code for one in wrong] == [400] * 5
  assert wrong[0].json()['error'].startswith('case 1: is a list; expected an object with a value')
  assert 'no column' in wrong[1].json()['error']
  assert len(wrong[4].json()['error']) < 300
  assert 'xxx' not in '\n'.join(log)


def test_an_explanation_has_the_call_and_a_picture(serving, served_images, served_table, pictures):
  first = next(iter(pictures.values()))

  async def ask_images(client, service):
    good = await client.post('/explain', content=first, headers=OCTETS)
    bad = await client.post('/explain', content=first[:40], headers=OCTETS)
    several = [('file', (f'{n}.png', first)) for n in range(9)]
    return good, bad, await client.post('/explain', files=several)

  (good, bad, many), _ = serving(served_images, ask_images)
  (case,) = good.json()['cases']
  assert good.json()['method'] == 'grad_cam'
  assert case['call'] in served_images.experiment.data.classes
  assert case['picture'].startswith('data:image/png;base64,')
  assert bad.status_code == 400
  assert many.status_code == 413
  assert many.json()['error'] == 'body: more than 8 files in one request; send several'
  row = dict.fromkeys(served_table.reader.parts, 1)

  async def ask_table(client, service):
    return await client.post('/explain', json={'cases': [row]})

  answer, _ = serving(served_table, ask_table)
  (case,) = answer.json()['cases']
  adds = {name: value for name, value in case.items() if name.startswith('adds_')}
  assert len(adds) == len(row)
  assert all(isinstance(value, float) for value in adds.values())
  assert case['picture'].startswith('data:image/svg+xml;base64,')


@pytest.mark.parametrize(
  ('content', 'headers', 'status', 'said'),
  [
    (b'', OCTETS, 400, 'body: is empty; expected a file'),
    (b'junk', OCTETS, 400, 'body: not an image that can be read'),
    (b'x', {}, 415, "Content-Type: ''; expected multipart/form-data"),
    (b'x', {'Content-Type': 'text/html'}, 415, "Content-Type: 'text/html'; expected"),
    (b'x', OCTETS | {'Content-Encoding': 'gzip'}, 415, "Content-Encoding: 'gzip'; expected none"),
    (b'{', {'Content-Type': 'application/json'}, 400, 'body: is no JSON'),
    (b'[]', {'Content-Type': 'application/json'}, 422, 'body: expected an object with one field'),
    (
      b'{"cases": [1]}',
      {'Content-Type': 'application/json'},
      400,
      'cases: these are image files; expected a file, not JSON',
    ),
    (b'x' * 2001, OCTETS, 413, 'body: expected at most 2000 bytes'),
  ],
)
def test_what_is_wrong_is_one_line(serving, served_images, content, headers, status, said):
  async def ask(client, service):
    return await client.post('/predict', content=content, headers=headers)

  answer, log = serving(served_images, ask, size=2000)
  assert answer.status_code == status
  assert list(answer.json()) == ['error']
  assert said in answer.json()['error']
  assert '\n' not in answer.json()['error']
  assert json.loads(log[-1])['status'] == status


def test_a_stream_without_a_length_is_limited_too(serving, served_images):
  async def pieces():
    for _ in range(100):
      yield b'x' * 100

  async def ask(client, service):
    answer = await client.post('/predict', content=pieces(), headers=OCTETS)
    assert service.room.bytes == service.room.cases == 0
    return answer

  assert serving(served_images, ask, size=2000)[0].status_code == 413


def test_a_body_that_does_not_come_in_time(serving, served_images):
  async def slowly():
    yield b'x'
    await asyncio.sleep(5)

  async def ask(client, service):
    return await client.post('/predict', content=slowly(), headers=OCTETS)

  answer, _ = serving(served_images, ask, timeout=0.2)
  assert answer.status_code == 408
  assert answer.json()['error'] == 'body: not all of it came within 0.2 s'


def test_a_full_queue_answers_503_and_takes_more_afterwards(serving, served_images, pictures):
  first = next(iter(pictures.values()))

  async def ask(client, service):
    async def post():
      return await client.post('/predict', content=first, headers=OCTETS)

    found = await asyncio.gather(*(post() for _ in range(30)))
    return found, await post()

  (found, after), _ = serving(served_images, ask, queue=4, wait=0.2)
  statuses = [answer.status_code for answer in found]
  assert set(statuses) == {200, 503}
  assert statuses.count(200) == 4
  refused = found[statuses.index(503)]
  assert refused.headers['Retry-After'] == '1'
  assert 'queue is full' in refused.json()['error']
  assert after.status_code == 200


def test_a_request_that_takes_too_long_is_dropped_and_not_computed(
  serving, served_images, pictures, monkeypatch
):
  first = next(iter(pictures.values()))
  computed = []
  original = served_images.predict
  monkeypatch.setattr(
    served_images, 'predict', lambda parts: [computed.append(len(parts)), original(parts)][1]
  )

  async def ask(client, service):
    computed.clear()
    answer = await client.post('/predict', content=first, headers=OCTETS)
    await asyncio.sleep(0.6)
    return answer, service.room.cases

  (answer, left), _ = serving(served_images, ask, timeout=0.2, wait=0.5)
  assert answer.status_code == 504
  assert 'not done within 0.2 s' in answer.json()['error']
  assert left == 0
  assert computed == []


def test_a_failure_is_told_by_an_id_and_without_what_was_sent(
  serving, served_images, pictures, monkeypatch
):
  secret = 'Ada Lovelace'

  def fail(*_):
    raise RuntimeError(f'cannot do {secret}')

  async def ask(client, service):
    monkeypatch.setattr(service, '_opened', fail)
    return await client.post('/predict', content=b'x', headers=OCTETS)

  answer, log = serving(served_images, ask)
  assert answer.status_code == 500
  id = answer.json()['id']
  assert secret not in answer.text
  assert 'Traceback' not in answer.text
  (line,) = (json.loads(line) for line in log if 'failure' in line)
  assert line['id'] == id
  assert line['failure'] == 'RuntimeError'
  assert any('test_service.py' in where for where in line['where'])
  assert secret not in '\n'.join(log)


def test_nothing_of_a_request_is_written_to_a_disk(serving, served_images, pictures):
  global _written
  large = next(iter(pictures.values())) + bytes(3 * 2**20)  # more than is usually kept in memory

  async def ask(client, service):
    global _written
    _written = []
    answers = [
      await client.post(route, files=[('file', (f'{n}.png', large)) for n in range(3)])
      for route in ('/predict', '/explain')
    ]
    written, _written = _written, None
    return answers, written

  (answers, written), _ = serving(served_images, ask)
  assert [answer.status_code for answer in answers] == [200, 200]
  assert written == []


def test_no_name_that_is_sent_opens_a_file_here(serving, served_images, tmp_path):
  there = tmp_path / 'secret.png'
  there.write_bytes(b'')

  async def ask(client, service):
    return await client.post('/predict', files=[('file', (str(there), b''))])

  answer, _ = serving(served_images, ask)
  assert answer.status_code == 400
  assert answer.json()['error'] == 'secret.png: the file is empty (0 bytes)'


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
