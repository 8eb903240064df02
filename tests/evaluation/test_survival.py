"""Tables of predicted survival and their files."""

import os

import numpy as np
import pytest

from medjax.errors import UserError
from medjax.evaluation import SurvivalTable, read_survival


def _table(**changes):
  fields = {
    'id': np.array(['a', 'b,"c"', 'é\nü', '004']),
    'time': np.array([1 / 3, np.nan, 1e300, 0.0]),
    'event': np.array([True, False, False, True]),
    'risk': np.array([0.1 + 0.2, 1e16, -0.0, -7.0]),
    'survival': np.array([[1, 1 / 3], [0.5, 0.5], [1e-300, 0], [0.7, 0.1 + 0.2]]),
    'horizons': (0.1, 365.0),
    'group': np.array(['p1', 'p1', 'p2', '']),
    'split': 'test',
    'metadata': {'sex': ['F', 'M', '', 'F']},
  }
  return SurvivalTable(**{**fields, **changes})


@pytest.mark.parametrize(
  'table', [_table(), _table(metadata={}, survival=np.zeros((4, 0)), horizons=())]
)
def test_round_trip_is_exact(tmp_path, table):
  path = tmp_path / 'predictions' / 'test.csv'
  table.write_csv(path)
  again = read_survival(path)
  for name in ('id', 'time', 'event', 'risk', 'survival', 'group'):
    np.testing.assert_array_equal(getattr(table, name), getattr(again, name), strict=True)
  assert (again.split, again.metadata, again.horizons) == (
    table.split,
    table.metadata,
    table.horizons,
  )
  assert os.listdir(path.parent) == ['test.csv']


def test_columns(tmp_path):
  _table().write_csv(tmp_path / 'a.csv')
  lines = (tmp_path / 'a.csv').read_text().splitlines()
  assert lines[0] == 'id,time,event,risk,survival_0.1,survival_365,group,split,sex'
  assert lines[1] == 'a,0.3333333333333333,1,0.30000000000000004,1.0,0.3333333333333333,p1,test,F'
  assert lines[2] == '"b,""c""",,,1e+16,0.5,0.5,p1,test,M'


def test_tables_of_other_tools(tmp_path):
  path = tmp_path / 'mine.csv'
  path.write_text('risk,id,event,time\n1.5,x,1,2\n3,y,,\n', encoding='utf-8-sig')
  table = read_survival(path)
  assert (len(table), table.split, table.group.tolist()) == (2, 'mine', ['x', 'y'])
  assert (table.horizons, table.survival.shape) == ((), (2, 0))
  assert table.labelled().id.tolist() == ['x']


HEAD = 'id,time,event,risk,survival_5\n'


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('id,time,event\na,1,1\n', "row 1: no column 'risk'"),
    ('id,event,risk\na,1,1\n', "row 1: no column 'time'"),
    (HEAD.replace('5', 'late') + 'a,1,1,0,0.5\n', "'survival_late' names no horizon"),
    (HEAD + 'a,1,yes,0,0.5\n', "row 2: event is 'yes'; expected 1 or 0"),
    (HEAD + 'a,,1,0,0.5\n', "row 2: event is '1'; expected nothing"),
    (HEAD + 'a,1,1,0,0.5\nb,soon,1,0,0.5\n', "row 3: time is 'soon'; expected a number"),
    (HEAD + 'a,1,1,,0.5\n', "row 2: risk is ''; expected a number"),
    (HEAD + 'a,1,1,0,\n', "row 2: survival_5 is ''; expected a number"),
    (HEAD + 'a,1,1,0,1.5\n', r'survival is NaN or outside \[0, 1\]'),
    (HEAD + 'a,-1,1,0,0.5\n', 'a time is negative'),
  ],
)
def test_broken_files_are_named(tmp_path, text, message):
  path = tmp_path / 'broken.csv'
  path.write_text(text)
  with pytest.raises(UserError, match=rf'broken\.csv.*{message}'):
    read_survival(path)


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'time': np.zeros(3)}, 'time has 3 rows; expected 4'),
    ({'survival': np.zeros((4, 1))}, r'survival has shape \(4, 1\); expected \(4, 2\)'),
    ({'horizons': (5.0, 5.0)}, 'expected them to rise'),
    ({'horizons': (0.0, 5.0)}, 'expected numbers above 0'),
    ({'event': np.zeros(4)}, 'event is float64; expected bool'),
    ({'event': np.ones(4, bool)}, 'an event whose time is unknown'),
    ({'risk': np.array([0, 1, np.nan, 2])}, 'a risk is not finite'),
    ({'survival': np.tile([0.5, 0.6], (4, 1))}, 'rises from one horizon to the next'),
    ({'metadata': {'survival_9': ['1'] * 4}}, 'has a reserved name'),
  ],
)
def test_tables_that_cannot_be(changes, message):
  with pytest.raises(ValueError, match=message):
    _table(**changes)
