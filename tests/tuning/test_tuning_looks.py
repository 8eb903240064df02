"""The record of looks at the test cases."""

import pytest

from medjax.errors import UserError
from medjax.tuning import looks


def figures(value):
  return {name: {'value': value} for name in ('default', 'winner', 'difference')}


def test_looks_are_added_and_none_is_taken_away(tmp_path):
  assert looks.read(tmp_path) == []
  looks.begin(tmp_path, 30, 3, 7)
  (one,) = looks.read(tmp_path)
  assert (one['trials'], one['seeds'], one['winner'], one['test']) == (30, 3, 7, None)
  assert looks.end(tmp_path, figures(0.8)) == [one | {'test': figures(0.8)}]
  # The same again shows nothing new.
  looks.begin(tmp_path, 30, 3, 7)
  assert looks.end(tmp_path, figures(0.8)) == [one | {'test': figures(0.8)}]
  for changed in ((100, 3, 7), (100, 10, 7), (100, 10, 8)):
    looks.begin(tmp_path, *changed)  # and is killed
  found = looks.end(tmp_path, figures(0.9))
  assert found[0] == one | {'test': figures(0.8)}
  assert [look['test'] for look in found[1:]] == [None, None, figures(0.9)]
  # Other figures of the same runs.
  assert [look['test'] for look in looks.end(tmp_path, figures(0.7))][-2:] == [
    figures(0.9),
    figures(0.7),
  ]


def test_a_record_that_was_changed_is_refused(tmp_path):
  looks.begin(tmp_path, 30, 3, 7)
  path = tmp_path / 'looks.json'
  path.write_text(path.read_text().replace('30', '20'))
  with pytest.raises(UserError, match=r'is not what was written.*the record of what was seen'):
    looks.begin(tmp_path, 60, 3, 7)
