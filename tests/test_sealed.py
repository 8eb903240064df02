"""JSON files that know whether they are what was written."""

import hashlib
import json

import pytest

from medjax import sealed
from medjax.errors import UserError

VALUE = {'classes': ['no cancer', 'cancer'], 'temperature': 0.05, 'é': None, 'steps': [[1, 2.5]]}


@pytest.fixture
def path(tmp_path):
  path = tmp_path / 'a.json'
  sealed.write(path, VALUE, run='ab')
  return path


def test_what_was_written_is_read_in_its_order(path):
  value, ties = sealed.read(path)
  assert (value, list(value), ties) == (VALUE, list(VALUE), {'run': 'ab'})


def test_the_digest_is_that_of_the_values_and_ties_without_spaces(path):
  text = (
    r'[{"classes":["no cancer","cancer"],"temperature":0.05,"\u00e9":null,"steps":[[1,2.5]]},'
    r'{"run":"ab"}]'
  )
  found = json.loads(path.read_text())['seal']['digest']
  assert found == f'sha256:{hashlib.sha256(text.encode()).hexdigest()}'


def test_every_flipped_bit_is_found_or_changes_nothing(path):
  whole = path.read_bytes()
  refused = 0
  places = range(0, 8 * len(whole), 3)
  for place in places:
    damaged = bytearray(whole)
    damaged[place // 8] ^= 1 << place % 8
    path.write_bytes(damaged)
    try:
      found = sealed.read(path)
    except UserError:
      refused += 1
    else:
      assert found == (VALUE, {'run': 'ab'})
  assert refused > 0.8 * len(places)  # what is left are spaces that became others


@pytest.mark.parametrize(
  ('text', 'problem'),
  [
    ('', 'cannot be read as JSON'),
    ('{"a": ', 'cannot be read as JSON'),
    ('[' * 100_000, 'cannot be read as JSON'),
    ('[]', 'expected a JSON object, found list'),
    ('{"a": 1}', 'has no digest'),
    ('{"a": 1, "seal": 3}', 'has no digest'),
    ('{"a": 1, "seal": {"digest": "sha256:00"}}', 'is not what was written'),
    ('{"a": 1, "seal": {"digest": null}}', 'is not what was written'),
    (None, 'no such file'),
  ],
)
def test_what_is_no_sealed_file_is_one_line_that_says_what_to_do(tmp_path, text, problem):
  path = tmp_path / 'a.json'
  if text is not None:
    path.write_text(text)
  with pytest.raises(UserError, match=rf'a.json: {problem}.*; make it again$'):
    sealed.read(path, 'make it again')


def test_another_order_of_fields_is_another_content(path):
  value = json.loads(path.read_text())
  path.write_text(json.dumps({name: value[name] for name in reversed(value)}))
  with pytest.raises(UserError, match='is not what was written'):
    sealed.read(path)


def test_a_number_that_is_not_finite_leaves_the_old_file(path):
  with pytest.raises(ValueError):
    sealed.write(path, {'a': float('nan')})
  assert sealed.read(path)[0] == VALUE
