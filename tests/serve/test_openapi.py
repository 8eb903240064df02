"""The document of a server says what it answers."""

import json

from medjax.serve import openapi
from medjax.serve.app import Limits

METHODS = {'get', 'post'}


def references(value):
  """All that a document refers to."""
  if isinstance(value, dict):
    if '$ref' in value:
      yield value['$ref']
    for part in value.values():
      yield from references(part)
  elif isinstance(value, list):
    for part in value:
      yield from references(part)


def check(document):
  """What OpenAPI 3.1 asks of the parts that there are."""
  assert document['openapi'].startswith('3.1.')
  assert set(document) == {'openapi', 'info', 'paths', 'components'}
  assert {'title', 'version'} <= set(document['info'])
  names = [one.rsplit('/', 1)[1] for one in references(document)]
  assert set(names) <= set(document['components']['schemas'])
  schemes = document['components'].get('securitySchemes', {})
  for path, operations in document['paths'].items():
    assert path.startswith('/')
    assert set(operations) <= METHODS
    for operation in operations.values():
      assert operation['responses']
      assert all(name in schemes for one in operation.get('security', []) for name in one)
      for status, answer in operation['responses'].items():
        assert 100 <= int(status) < 600
        assert answer['description']
  json.dumps(document, allow_nan=False)


def test_the_columns_are_those_of_the_answers(serving, served_images, served_table, pictures):
  for served in (served_images, served_table):
    for guarded in (False, True):
      check(openapi.document(served, Limits(), guarded))

  async def ask(client, service):
    data = next(iter(pictures.values()))
    post = [
      await client.post(r, files=[('file', ('a.png', data))]) for r in ('/predict', '/explain')
    ]
    return [one.json()['cases'][0] for one in post], (await client.get('/openapi.json')).json()

  (cases, document), _ = serving(served_images, ask)
  check(document)
  schemas = document['components']['schemas']
  for case, name in zip(cases, ('Predicted', 'Explained'), strict=True):
    of_case = schemas[name]['properties']['cases']['items']
    assert set(case) <= set(of_case['properties'])
    assert set(of_case['required']) <= set(case)
  types = schemas['Predicted']['properties']['cases']['items']['properties']
  assert types['probability'] == {'type': ['number', 'null']}
  assert types['call'] == {'type': ['string', 'null']}
  assert 'application/json' not in document['paths']['/predict']['post']['requestBody']['content']


def test_rows_of_a_table_have_a_schema_with_its_columns(served_table):
  document = openapi.document(served_table, Limits(), guarded=True)
  content = document['paths']['/predict']['post']['requestBody']['content']
  row = content['application/json']['schema']['properties']['cases']['items']
  assert set(row['properties']) == set(served_table.reader.parts)
  assert document['paths']['/predict']['post']['security'] == [{'token': []}]
  assert 'security' not in document['paths']['/health']['get']
