"""The predictions table: exact round trip, and what is said about a broken file."""

import os

import numpy as np
import pytest

from medjax.errors import UserError
from medjax.evaluation import Predictions, read_csv


def binary_table(**changes):
  fields = {
    'id': np.array(['a', 'b,"c"', 'é\nü', '004']),
    'label': np.array([0, 1, 1, 0]),
    'probability': np.array([0.1, 1 / 3, 0.1 + 0.2, 5e-324]),
    'group': np.array(['p1', 'p1', 'p2', '']),
    'split': 'test',
    'classes': ('normal', 'pneumonia'),
    'metadata': {'sex': ['F', 'M', '', 'F'], 'site': ['x', 'y', 'x', 'y']},
  }
  return Predictions(**{**fields, **changes})


def multiclass_table(count=50):
  random = np.random.default_rng(0)
  return Predictions(
    id=np.array([f'case{i}' for i in range(count)]),
    label=random.integers(0, 3, count),
    probability=random.dirichlet(np.ones(3), count),
    group=np.array([f'g{i // 2}' for i in range(count)]),
    split='val',
    classes=('normal', 'bacterial', 'viral'),
  )


def assert_same(left, right):
  for name in ('id', 'label', 'probability', 'group'):
    np.testing.assert_array_equal(getattr(left, name), getattr(right, name), strict=True)
  assert left.split == right.split
  assert left.classes == right.classes
  assert left.metadata == right.metadata


@pytest.mark.parametrize(
  'table',
  [
    binary_table(),
    binary_table(label=np.array([0, np.nan, 1, np.nan])),
    binary_table(label=np.zeros(4, np.int64), metadata={}),
    multiclass_table(),
  ],
)
def test_round_trip_is_exact(tmp_path, table):
  path = tmp_path / 'predictions' / 'test.csv'
  table.write_csv(path)
  assert_same(table, read_csv(path))
  assert os.listdir(path.parent) == ['test.csv']


def test_columns(tmp_path):
  binary_table().write_csv(tmp_path / 'b.csv')
  multiclass_table().write_csv(tmp_path / 'm.csv')
  first = (tmp_path / 'b.csv').read_text().splitlines()
  assert first[0] == 'id,label,probability,negative,positive,group,split,sex,site'
  assert first[1] == 'a,normal,0.1,normal,pneumonia,p1,test,F,x'
  assert (tmp_path / 'm.csv').read_text().splitlines()[0] == (
    'id,label,probability_normal,probability_bacterial,probability_viral,group,split'
  )


def test_a_failed_write_leaves_the_old_file(tmp_path):
  path = tmp_path / 'test.csv'
  binary_table().write_csv(path)
  before = path.read_bytes()
  broken = binary_table()
  broken.metadata['sex'] = ['F']  # the frozen table still holds a mutable dict
  with pytest.raises(IndexError):
    broken.write_csv(path)
  assert path.read_bytes() == before
  assert os.listdir(tmp_path) == ['test.csv']


def test_a_table_of_another_tool(tmp_path):
  path = tmp_path / 'external.csv'
  path.write_text('\ufeffid,probability,label,age\nx,0.5,1,60\ny,1e-3,0,71\nz,0,,8\n', 'utf-8')
  table = read_csv(path)
  assert table.classes == ('0', '1')
  assert table.split == 'external'
  assert table.group.tolist() == ['x', 'y', 'z']
  np.testing.assert_array_equal(table.label, [1, 0, np.nan])
  assert table.metadata == {'age': ['60', '71', '8']}


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('', 'no rows'),
    ('id,label,probability\n', 'no rows'),
    ('id,label\na,1\n', "expected a column 'probability'"),
    ('id,probability\na,1\n', "no column 'label'"),
    ('id,label,probability\na,1,0.5\nb,2,0.5\n', "row 3: label is '2'; expected one of 0, 1"),
    ('id,label,probability\na,1,half\n', "row 2: probability is 'half'"),
    ('id,label,probability\na,1,nan\n', "row 2: probability is 'nan'"),
    ('id,label,probability\na,1,1.5\n', "row 2: probability is '1.5'"),
    ('id,label,probability\na,1\n', 'row 2: 2 cells; expected 3'),
    ('id,label,probability\na,1,1\na,1,1\n', "id 'a' occurs more than once"),
    ('id,id,label,probability\na,a,1,1\n', 'column name occurs more than once'),
    ('id,label,probability,split\na,1,1,val\nb,1,1,test\n', "column 'split'"),
    ('id,label,probability_a,probability_b,probability_c\nx,a,1,1,1\n', 'do not sum to 1'),
  ],
)
def test_broken_files(tmp_path, text, message):
  path = tmp_path / 'p.csv'
  path.write_text(text)
  with pytest.raises(UserError) as caught:
    read_csv(path)
  assert message in str(caught.value)
  assert str(path) in str(caught.value)
  assert '\n' not in str(caught.value)


def test_missing_and_binary_files(tmp_path):
  with pytest.raises(UserError, match='no such file'):
    read_csv(tmp_path / 'none.csv')
  (tmp_path / 'png.csv').write_bytes(b'\x89PNG\xff\xfe')
  with pytest.raises(UserError, match='UTF-8'):
    read_csv(tmp_path / 'png.csv')


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'label': np.array([0, 1, 2, 0])}, 'index below 2'),
    ({'label': np.array([0, 1])}, 'label has 2 rows; expected 4'),
    ({'probability': np.array([0.1, np.nan, 0.1, 0.1])}, 'NaN or outside'),
    ({'probability': np.full((4, 2), 0.5)}, r'shape \(4, 2\); expected \(4,\)'),
    ({'classes': ('a', 'a')}, 'two different names'),
    ({'metadata': {'label': ['x'] * 4}}, 'reserved name'),
    ({'id': np.array(['a', 'a', 'b', 'c'])}, "id 'a' occurs more than once"),
  ],
)
def test_bad_tables(changes, message):
  with pytest.raises(ValueError, match=message):
    binary_table(**changes)


def test_labelled():
  table = binary_table(label=np.array([0, np.nan, 1, np.nan])).labelled()
  assert table.label.dtype == np.int64
  assert table.label.tolist() == [0, 1]
  assert table.metadata['site'] == ['x', 'x']
