"""The table of states at positions, and its metrics against counts made another way."""

import dataclasses

import numpy as np
import pytest

from medjax import evaluation
from medjax.errors import UserError
from medjax.evaluation import Confidence, Positions

pytestmark = pytest.mark.core


def make(count=12, seed=0, **changes):
  rng = np.random.default_rng(seed)
  states = np.array(list('HEC'))
  lengths = rng.integers(20, 60, count)
  label, prediction, confidence = [], [], []
  for length in lengths:
    true = rng.choice(states, length)
    called = np.where(rng.random(length) < 0.7, true, rng.choice(states, length))
    label.append(''.join(np.where(rng.random(length) < 0.1, '-', true)))
    prediction.append(''.join(called))
    confidence.append(''.join(map(str, rng.integers(3, 10, length))))
  values = {
    'id': np.array([f'c{i}' for i in range(count)]),
    'label': label,
    'prediction': prediction,
    'confidence': confidence,
    'group': np.array([f'g{i // 2}' for i in range(count)]),
    'split': 'test',
    'states': ('H', 'E', 'C'),
    'metadata': {'residues': [str(n) for n in lengths]},
  }
  return Positions(**(values | changes))


def test_a_written_table_reads_back_the_same(tmp_path):
  table = make()
  table.write_csv(tmp_path / 'a.csv')
  found = evaluation.read_positions(tmp_path / 'a.csv')
  for field in dataclasses.fields(Positions):
    np.testing.assert_array_equal(getattr(found, field.name), getattr(table, field.name))


def test_a_table_of_another_tool_needs_three_columns(tmp_path):
  (tmp_path / 'other.csv').write_text('id,label,prediction\na,HH-C,HHHH\n')
  found = evaluation.read_positions(tmp_path / 'other.csv')
  assert (found.split, found.states, found.confidence) == ('other', ('C', 'H'), ['0000'])


@pytest.mark.parametrize(
  ('rows', 'expected'),
  [
    ('id,label\na,HH\n', "no column 'prediction'"),
    ('id,label,prediction\na,HH,HHC\n', 'label of a has 2 letters and its prediction 3'),
    ('id,label,prediction,confidence\na,HC,HH,9x\n', "confidence of a has 'x'"),
    ('id,label,prediction,states\na,HC,HE,HC\n', "prediction of a has 'E'"),
    ('id,label,prediction\na,HC,H-\n', "prediction of a has '-'"),
    ('id,label,prediction\na,HH,HH\n', 'expected at least two different letters'),
    ('id,label,prediction\na,HC,HH\na,HC,HH\n', "id 'a' occurs more than once"),
  ],
)
def test_a_wrong_table_is_one_line(tmp_path, rows, expected):
  (tmp_path / 'bad.csv').write_text(rows)
  with pytest.raises(UserError) as error:
    evaluation.read_positions(tmp_path / 'bad.csv')
  assert 'bad.csv' in str(error.value)
  assert expected in str(error.value)
  assert '\n' not in str(error.value)


def test_probabilities_become_letters_and_digits():
  probability = np.array([[[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.1, 0.8999, 0.0001]]] * 2)
  label = np.array([[2, -1, 1], [0, 0, -1]], np.int8)
  name = np.array(['a', 'b'])
  table = Positions.of_probabilities(
    probability, label, np.array([3, 2]), id=name, group=name, split='val', states=('H', 'E', 'C')
  )
  assert table.prediction == ['CHE', 'CH']
  assert table.confidence == ['598', '59']
  assert table.label == ['C-E', 'HH']


def test_metrics_agree_with_counts_over_all_positions():
  from sklearn import metrics

  table = make()
  pairs = [
    (t, p)
    for label, called in zip(table.label, table.prediction, strict=True)
    for t, p in zip(label, called, strict=True)
    if t != '-'
  ]
  true, called = (list(part) for part in zip(*pairs, strict=True))
  found = evaluation.position_metrics(table)
  assert found['q3'].value == pytest.approx(metrics.accuracy_score(true, called))
  precision, recall, f1, _ = metrics.precision_recall_fscore_support(true, called, labels=['E'])
  for name, value in (('ppv_E', precision), ('sensitivity_E', recall), ('f1_E', f1)):
    assert found[name].value == pytest.approx(value[0])
  np.testing.assert_array_equal(
    table.confusion().sum(axis=0), metrics.confusion_matrix(true, called, labels=list('HEC'))
  )
  for name in ('q3', 'sov', 'sov_H', 'chain_q3'):
    assert found[name].low < found[name].value < found[name].high


def test_intervals_are_over_groups():
  """Twice the chains in the same groups are no more information."""
  table = make()
  columns = {name: [*getattr(table, name)] * 2 for name in ('label', 'prediction', 'confidence')}
  twice = dataclasses.replace(
    table,
    id=np.array([f'd{i}' for i in range(2 * len(table))]),
    group=np.tile(table.group, 2),
    metadata={},
    **columns,
  )
  one, other = (evaluation.position_metrics(part)['q3'] for part in (table, twice))
  assert (other.value, other.low, other.high) == pytest.approx((one.value, one.low, one.high))


def test_what_is_not_defined_has_a_reason():
  names = np.array(['a'])
  found = evaluation.position_metrics(
    Positions(names, ['HHCC'], ['HHCC'], ['9999'], names, 'test', ('H', 'E', 'C'))
  )
  assert found['ppv_E'].value is None
  assert 'no position' in found['ppv_E'].reason
  unknown = Positions(names, ['----'], ['HHCC'], ['9999'], names, 'test', ('H', 'E', 'C'))
  assert evaluation.position_metrics(unknown)['q3'].value is None


def test_digits_are_worth_what_they_were_on_validation():
  names = np.array(['a'])
  table = Positions(names, ['HHCC-'], ['HECCC'], ['99988'], names, 'val', ('H', 'E', 'C'))
  fitted = Confidence.fit(table, 7)
  assert fitted.accuracy[9] == pytest.approx(2 / 3)
  assert fitted.accuracy[8] == 1.0
  assert fitted.expected('98') == pytest.approx((2 / 3 + 1) / 2)
  assert fitted.expected('90') is None
  assert Confidence.from_json(fitted.to_json()) == fitted
  with pytest.raises(ValueError, match='ten digits'):
    Confidence.from_json(fitted.to_json() | {'accuracy': [0.5]})
