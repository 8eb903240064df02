"""What a server answers, as an OpenAPI 3.1 document made of the model's own columns."""

from typing import Any

from medjax.serve import body
from medjax.serve.served import Served

_ERRORS = {
  '400': 'The body cannot be read, or a value in it is wrong.',
  '408': 'The body did not come in time.',
  '413': 'The body is too large, or holds too many cases.',
  '415': 'The type of the body is none that is read.',
  '422': 'The JSON is not of the form that is expected.',
  '503': 'The queue is full, or the model is not ready; see Retry-After.',
  '504': 'It was not done in time.',
}
_GUARDED = {'401': 'There is no token, or it is not known.', '403': 'The token is not for this.'}
_OPEN = {'403': 'A page of another site sent it.'}
_ERROR = {'$ref': '#/components/schemas/Error'}


def document(served: Served, limits: Any, guarded: bool) -> dict[str, Any]:
  """The document.

  Args:
    served: the model.
    limits: an ``app.Limits``.
    guarded: whether tokens are asked for.
  """
  note = {'type': ['string', 'null'], 'description': 'what was decided in reading the case'}
  predicted = {name: _column(name, served) for name in served.columns} | {'note': note}
  paths: dict[str, Any] = {
    '/predict': _posted('Predict cases', 'Predicted', served, guarded),
    '/health': {'get': _got('Whether the model is ready', guarded=False, busy=True)},
    '/live': {'get': _got('Whether the process lives', guarded=False)},
    '/metrics': {'get': _got('Counters for Prometheus', guarded=guarded, media='text/plain')},
  }
  schemas: dict[str, Any] = {
    'Error': {
      'type': 'object',
      'properties': {'error': {'type': 'string', 'description': 'one line'}},
      'required': ['error'],
    },
    'Predicted': _answer(predicted, list(predicted)),
  }
  if served.explainer is not None:
    columns = [*served.explainer.columns, 'picture', 'error', 'note']
    explained: dict[str, Any] = {
      name: {'type': ['string', 'number', 'null']} for name in served.explainer.columns
    }
    explained |= {
      'picture': {'type': ['string', 'null'], 'description': 'a data URI, PNG or SVG'},
      'error': {'type': ['string', 'null']},
      'note': note,
    }
    paths['/explain'] = _posted('Explain predictions', 'Explained', served, guarded)
    schemas['Explained'] = _answer(
      {name: explained[name] for name in columns}, ['file', 'error', 'note']
    )
  about = (
    f'Predictions of {served.name}. For research only: not a medical device, not for diagnosis or '
    f'treatment. A request has at most {limits.size} bytes and {limits.cases} cases, and is given '
    f'up after {limits.timeout:g} s.'
  )
  components: dict[str, Any] = {'schemas': schemas}
  if guarded:
    components['securitySchemes'] = {'token': {'type': 'http', 'scheme': 'bearer'}}
  return {
    'openapi': '3.1.0',
    'info': {'title': f'medjax: {served.name}', 'version': '1', 'description': about},
    'paths': paths,
    'components': components,
  }


def written(schema: Any) -> str:
  """How cases are written, in short; '' where they come as files alone."""
  if schema is None:
    return ''
  if schema['type'] == 'object':
    fields = ', '.join(f'"{name}": ...' for name in list(schema['properties'])[:4])
    return f'[{{{fields}, ...}}]'
  return '["..."]' if schema['type'] == 'string' else '[[0.1, 0.2, ...]]'


def _column(name: str, served: Served) -> dict[str, Any]:
  return {'type': ['number' if name in served.numbers else 'string', 'null']}


def _answer(columns: dict[str, Any], required: list[str]) -> dict[str, Any]:
  return {
    'type': 'object',
    'properties': {
      'model': {'type': 'string'},
      'use': {'type': 'string'},
      'cases': {
        'type': 'array',
        'items': {'type': 'object', 'properties': columns, 'required': required},
      },
    },
    'required': ['model', 'use', 'cases'],
  }


def _posted(summary: str, schema: str, served: Served, guarded: bool) -> dict[str, Any]:
  content: dict[str, Any] = {
    body.MULTIPART: {
      'schema': {
        'type': 'object',
        'properties': {'file': {'type': 'array', 'items': {'type': 'string', 'format': 'binary'}}},
        'required': ['file'],
      }
    }
  }
  if served.reader.json_schema is not None:
    cases = {'type': 'array', 'items': dict(served.reader.json_schema), 'minItems': 1}
    content[body.JSON] = {
      'schema': {
        'type': 'object', 'properties': {'cases': cases}, 'required': ['cases'],
        'additionalProperties': False,
      },
      'x-written': written(served.reader.json_schema),
    }  # fmt: skip
  content |= {kind: {'schema': {'type': 'string', 'format': 'binary'}} for kind in body.TYPES}
  return {
    'post': {
      'summary': summary,
      'operationId': schema.lower(),
      'requestBody': {'required': True, 'content': content},
      'responses': {
        '200': {
          'description': 'A row of each case; one that could not be read says why.',
          'content': {body.JSON: {'schema': {'$ref': f'#/components/schemas/{schema}'}}},
        },
        **_errors(_ERRORS | (_GUARDED if guarded else _OPEN)),
      },
      **({'security': [{'token': []}]} if guarded else {}),
    }
  }


def _got(
  summary: str, *, guarded: bool, busy: bool = False, media: str = body.JSON
) -> dict[str, Any]:
  shape = {'type': 'object' if media == body.JSON else 'string'}
  found: dict[str, Any] = {
    'summary': summary,
    'responses': {'200': {'description': summary, 'content': {media: {'schema': shape}}}},
  }
  if busy:
    found['responses']['503'] = {'description': 'Not yet.', 'content': {media: {'schema': shape}}}
  if guarded:
    found['responses'] |= _errors(_GUARDED)
    found['security'] = [{'token': []}]
  return found


def _errors(errors: dict[str, str]) -> dict[str, Any]:
  return {
    status: {'description': text, 'content': {body.JSON: {'schema': _ERROR}}}
    for status, text in errors.items()
  }
