"""Subgroups: which columns are taken, how numbers are cut, and what is measured."""

import dataclasses

import numpy as np
import pytest

from medjax.evaluation import Predictions, auroc_interval, subgroups
from medjax.evaluation.subgroups import following, left_out


@pytest.fixture
def table():
  random = np.random.default_rng(0)
  count = 240
  label = random.integers(0, 2, count).astype(float)
  label[-1] = np.nan
  return Predictions(
    id=np.arange(count).astype(str),
    label=label,
    probability=random.random(count),
    group=np.repeat(np.arange(count // 2), 2),
    split='test',
    classes=('no', 'yes'),
    metadata={
      'sex': ['f', 'm', ''] * 80,
      'age': [str(20 + i % 60) for i in range(count)],
      'index': [str(i) for i in range(count)],
      'note': [f'text {i}' for i in range(count)],
      'site': ['one'] * count,
      'rare': ['yes'] * 6 + ['no'] * (count - 6),
    },
  )


def test_columns_and_values(table):
  found = subgroups(table, np.zeros(240, int))
  assert [(s.column, s.value) for s in found] == [
    ('sex', 'f'),
    ('sex', 'm'),
    ('sex', 'unknown'),
    ('age', '20 to 39'),
    ('age', '40 to 59'),
    ('age', '60 to 79'),
    ('rare', 'no'),
    ('rare', 'yes'),
  ]
  assert sum(s.cases for s in found if s.column == 'age') == 239
  assert [s.small for s in found if s.column == 'rare'] == [False, True]


def test_metrics_are_those_of_the_rows(table):
  called = (table.probability >= 0.5).astype(int)
  one = subgroups(table, called, ('sex',))[0]
  rows = np.flatnonzero(np.array(table.metadata['sex']) == 'f')
  label, probability = table.label[rows].astype(int), table.probability[rows]
  assert (one.cases, one.positives) == (80, label.sum())
  assert one.groups == len(set(table.group[rows]))
  assert one.metrics['auroc'] == auroc_interval(label, probability, group=table.group[rows])
  assert one.metrics['sensitivity'].value == (probability[label == 1] >= 0.5).mean()
  assert one.metrics['specificity'].value == (probability[label == 0] < 0.5).mean()


def test_more_classes_have_accuracy():
  label = np.array([0, 1, 2, 0])
  three = Predictions(
    np.arange(4).astype(str),
    label,
    np.eye(3)[label],
    np.arange(4),
    'test',
    ('a', 'b', 'c'),
    {'sex': ['f', 'm', 'f', 'm']},
  )
  found = subgroups(three, np.array([0, 1, 1, 0]))
  assert [s.metrics['accuracy'].value for s in found] == [0.5, 1.0]
  assert found[0].positives is None


def test_missing_cells_and_many_values(table):
  count = len(table)
  sites = [f'site {i % 12}' if i % 12 > 4 else 'site 0' for i in range(count)]
  metadata = {'age': ['NA' if i % 9 == 0 else str(i) for i in range(count)], 'site': sites}
  metadata |= {'note': [f'text {i}' for i in range(count)]}
  other = dataclasses.replace(table, metadata=metadata)
  found = [(s.column, s.value) for s in subgroups(other, np.zeros(count, int))]
  assert [column for column, _ in found] == ['age'] * 4 + ['site'] * 8
  assert [value for _, value in found][3] == 'unknown'
  assert found[4] == ('site', 'site 0')
  assert left_out(other) == ['note']
  with pytest.raises(ValueError, match="column 'note' has one value only, or too many"):
    subgroups(other, np.zeros(count, int), ('note',))


def test_a_column_that_says_what_the_label_says_is_no_subgroup(table):
  known = table.labelled()
  named = np.array(['benign', 'malignant'])[known.label.astype(int)]
  partly = [*named[:-1], 'benign' if named[-1] == 'malignant' else 'malignant']
  rare = np.where(np.arange(len(known)) < 4, known.id, 'other')
  known = dataclasses.replace(
    known,
    metadata={
      'finding': named.tolist(),
      'partly': partly,
      'rare': rare.tolist(),
      'sex': known.metadata['sex'],
    },
  )
  assert following(known) == ['finding']
  assert {row.column for row in subgroups(known, known.label.astype(int))} == {
    'partly', 'rare', 'sex'
  }  # fmt: skip
  asked = subgroups(known, known.label.astype(int), columns=('finding',))
  assert [row.value for row in asked] == ['benign', 'malignant']


def test_unknown_column(table):
  with pytest.raises(ValueError, match="no column 'height'; there are sex, age"):
    subgroups(table, np.zeros(240, int), ('height',))


def test_ages_that_are_cut_off_are_numbers(table):
  ages = [str(20 + i % 70) for i in range(240)]
  cut = ['90+' if age == '89' else age for age in ages]
  parts = []
  for column in (ages, cut):
    one = dataclasses.replace(table, metadata={'age': column})
    parts.append([(s.value, s.cases) for s in subgroups(one, np.zeros(240, int))])
  assert len(parts[0]) == 3
  assert [cases for _, cases in parts[0]] == [cases for _, cases in parts[1]]
  assert parts[1][-1][0].endswith('to 90')
