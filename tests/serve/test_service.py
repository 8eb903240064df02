"""What is answered: the numbers of predict, or one line that says what is wrong."""

import asyncio
import csv
import io
import json
import sys

import pytest
from made_server import call, rows_of

from experiments import lung_cnn, tabular_mlp
from medjax.data import received

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
