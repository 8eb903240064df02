"""Tables of predicted numbers, and intervals that hold the truth as often as they say."""

import dataclasses
import json
import math
import os

import numpy as np
import pytest
import sklearn.metrics

from medjax.errors import UserError
from medjax.evaluation import Interval, Numbers, read_numbers
from medjax.evaluation.numbers import number_metrics


def _table(**changes):
  fields = {
    'id': np.array(['a', 'b,"c"', 'é\nü', '004']),
    'label': np.array([1 / 3, np.nan, -1e300, 5e-324]),
    'prediction': np.array([0.1 + 0.2, 1e16, -0.0, 7.0]),
    'group': np.array(['p1', 'p1', 'p2', '']),
    'split': 'test',
    'metadata': {'sex': ['F', 'M', '', 'F']},
  }
  return Numbers(**{**fields, **changes})


def _noisy(count, seed=0):
  random = np.random.default_rng(seed)
  label, names = random.normal(50, 10, count), np.array([f'case{i}' for i in range(count)])
  return Numbers(names, label, label + random.normal(0, 4, count), names, 'val')


@pytest.mark.parametrize('table', [_table(), _table(metadata={}, label=np.arange(4.0))])
def test_round_trip_is_exact(tmp_path, table):
  path = tmp_path / 'predictions' / 'test.csv'
  table.write_csv(path)
  found = read_numbers(path)
  for name in ('id', 'label', 'prediction', 'group'):
    np.testing.assert_array_equal(getattr(table, name), getattr(found, name), strict=True)
  assert (found.split, found.metadata) == (table.split, table.metadata)
  assert math.copysign(1, found.prediction[2]) == math.copysign(1, table.prediction[2])
  assert os.listdir(path.parent) == ['test.csv']


def test_columns(tmp_path):
  _table().write_csv(tmp_path / 'a.csv')
  lines = (tmp_path / 'a.csv').read_text().splitlines()
  assert lines[0] == 'id,label,prediction,group,split,sex'
  assert lines[1] == 'a,0.3333333333333333,0.30000000000000004,p1,test,F'
  assert lines[2] == '"b,""c""",,1e+16,p1,test,M'


def test_tables_of_other_tools_need_id_label_and_prediction_only(tmp_path):
  path = tmp_path / 'mine.csv'
  path.write_text('prediction,id,label\n1.5,x,2\n3,y,\n', encoding='utf-8-sig')
  found = read_numbers(path)
  assert (len(found), found.split, found.group.tolist()) == (2, 'mine', ['x', 'y'])
  np.testing.assert_array_equal(found.label, [2, np.nan])
  assert found.labelled().id.tolist() == ['x']
  assert found.take(np.array([1, 0])).prediction.tolist() == [3, 1.5]


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('', 'no rows'),
    ('id,label,prediction\n', 'no rows'),
    ('id,label\na,1\n', "row 1: no column 'prediction'"),
    ('id,prediction\na,1\n', "row 1: no column 'label'"),
    ('id,label,prediction\na,1,2\nb,x,2\n', "row 3: label is 'x'; expected a number"),
    ('id,label,prediction\na,inf,2\n', "row 2: label is 'inf'; expected a number"),
    ('id,label,prediction\na,1,\n', "row 2: prediction is ''; expected a number"),
    ('id,label,prediction\na,1,nan\n', "row 2: prediction is 'nan'; expected a number"),
    ('id,label,prediction\na,1\n', 'row 2: 2 cells; expected 3'),
    ('id,label,prediction\na,1,2\na,1,2\n', "id 'a' occurs more than once"),
    ('id,label,prediction,split\na,1,2,val\nb,1,2,test\n', "'split' holds .*expected one value"),
  ],
)
def test_broken_files_are_named(tmp_path, text, message):
  path = tmp_path / 'broken.csv'
  path.write_text(text)
  with pytest.raises(UserError, match=rf'broken\.csv.*{message}'):
    read_numbers(path)


def test_a_missing_file_is_named(tmp_path):
  with pytest.raises(UserError, match=r'none\.csv: no such file'):
    read_numbers(tmp_path / 'none.csv')


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'label': np.zeros(3)}, 'label has 3 rows; expected 4'),
    ({'prediction': np.zeros(5)}, 'prediction has 5 rows; expected 4'),
    ({'metadata': {'sex': ['F']}}, 'sex has 1 rows; expected 4'),
    ({'id': np.array(['a', 'b', 'a', 'c'])}, "id 'a' occurs more than once"),
    ({'prediction': np.array([0, 1, np.nan, 2])}, 'a prediction is not finite'),
    ({'label': np.array([0, 1, np.inf, 2])}, 'a label is infinite'),
  ],
)
def test_tables_that_cannot_be(changes, message):
  with pytest.raises(ValueError, match=message):
    _table(**changes)


def test_the_width_is_the_finite_sample_quantile_of_what_is_left_over():
  table = _noisy(39)
  left = sorted(abs(table.label - table.prediction))
  interval = Interval.fit(table, 7, 0.9)
  assert interval.half_width == left[36 - 1]  # the ceil((39 + 1) * 0.9)-th of them
  assert (interval.checkpoint_step, interval.reason) == (7, 'fitted on 39 cases of val')
  unknown = dataclasses.replace(table, label=np.where(np.arange(39) < 19, np.nan, table.label))
  assert Interval.fit(unknown, 7, 0.9) == Interval.fit(table.take(np.arange(19, 39)), 7, 0.9)


def test_intervals_hold_the_truth_as_often_as_they_say():
  held = []
  for seed in range(200):
    interval, new = Interval.fit(_noisy(50, seed), 1, 0.8), _noisy(100, seed + 1000)
    held.append(np.mean(abs(new.label - new.prediction) <= interval.half_width))
  metrics = number_metrics(new, interval)
  assert metrics['coverage'].value == pytest.approx(held[-1])
  assert metrics['half_width'].value == interval.half_width
  # Of n = 50, ceil(51 * 0.8) / 51 on average.
  assert np.mean(held) == pytest.approx(41 / 51, abs=0.015)


def test_too_few_cases_give_no_interval():
  interval = Interval.fit(_noisy(8), 1, 0.9)
  assert interval.half_width == math.inf
  assert 'too few for an interval of that coverage' in interval.reason
  found = number_metrics(_noisy(20, 1), interval)
  assert (found['half_width'].value, found['coverage'].value) == (None, 1)
  assert 'too few' in found['half_width'].reason
  assert Interval.fit(_noisy(20).take(np.array([], int)), 1, 0.9).half_width == math.inf


@pytest.mark.parametrize('count', [8, 40])
def test_json_gives_the_same_interval(count):
  interval = Interval.fit(_noisy(count), 3, 0.9)
  stored = json.loads(json.dumps(interval.to_json(), allow_nan=False))
  assert Interval.from_json(stored) == interval
  del stored['half_width']
  with pytest.raises(KeyError):
    Interval.from_json(stored)


def test_metrics_are_scikit_learns_of_the_labelled_rows():
  table = _noisy(60)
  label = np.where(np.arange(60) % 4 == 0, np.nan, table.label)
  found = number_metrics(dataclasses.replace(table, label=label), Interval(1, 0.9, 5.0))
  true, prediction = label[~np.isnan(label)], table.prediction[~np.isnan(label)]
  assert found['r2'].value == pytest.approx(sklearn.metrics.r2_score(true, prediction))
  assert found['mae'].value == pytest.approx(sklearn.metrics.mean_absolute_error(true, prediction))
  assert found['coverage'].value == pytest.approx(np.mean(abs(true - prediction) <= 5))
  nothing = number_metrics(dataclasses.replace(table, label=np.full(60, np.nan)),
                           Interval(1, 0.9, 5.0))  # fmt: skip
  assert nothing['r2'].value is None
  assert nothing['coverage'].reason == 'there is no case'
