"""Blank cases, groups and balance, outliers, drift: against closed forms and planted cases."""

import math

import audit_cases
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from medjax.audit import blank, columns, drift, groups, outliers


def test_blank_and_unreadable_cases_are_named():
  cases = audit_cases.make(label=[0, 1, 0], blank=np.array([False, True, False]))
  unreadable, empty = blank.check(cases, {'torn.png': 'torn.png: is torn'}).findings
  assert unreadable.line == '1 rows cannot be read, the first torn.png'
  assert empty.line == '1 case says nothing (blank), the first case-1 (train)'
  assert not blank.check(audit_cases.make(label=[0, 1]), {}).findings


def test_groups_in_two_splits_are_named_with_their_cases():
  split = ['train', 'train', 'test', 'val', 'test']
  cases = audit_cases.make(label=[0] * 5, split=split, group=['p', 'q', 'q', 'r', 's'])
  finding = groups.check(cases).findings[0]
  assert finding.line.startswith('1 group (patient) is in more than one split, the first q')
  assert [(row['case'], row['split']) for row in finding.rows] == [
    ('case-1', 'train'), ('case-2', 'test')
  ]  # fmt: skip


def test_balance_is_counted_by_group():
  split = np.repeat(['train', 'test'], [400, 200])
  label = np.concatenate([np.arange(400) % 2, np.arange(200) % 10 < 8]).astype(int)
  cases = audit_cases.make(label=label, split=split, group=np.arange(600) // 2)
  table, shifted = groups.check(cases).findings
  rows = {(row['split'], row['class']): row for row in table.rows}
  assert rows['train', 'ill'] | {'cases': 200, 'groups': 200} == rows['train', 'ill']
  assert rows['test', 'ill'] | {'cases': 160, 'groups': 80} == rows['test', 'ill']
  assert 'not as frequent in test as in train: normal by -80 percentage points' in shifted.line
  few = groups.check(audit_cases.make(label=[0] * 30 + [1] * 3)).findings[1]
  assert few.line == '3 groups with a case of ill in train: few'


def test_the_distance_is_to_the_tenth_neighbour_as_a_multiple_of_the_median():
  points = np.random.default_rng(0).normal(size=(80, 3))
  tenth = np.sort(cdist(points, points), axis=1)[:, 10]
  ratio, _ = outliers.scores(points, np.ones(80, bool))
  np.testing.assert_allclose(ratio, tenth / np.median(tenth), rtol=1e-9)
  old = np.arange(80) < 60
  ratio, _ = outliers.scores(points, old)
  from_new = np.sort(cdist(points[60:], points[:60]), axis=1)[:, 9]
  usual = np.median(np.sort(cdist(points[:60], points[:60]), axis=1)[:, 10])
  np.testing.assert_allclose(ratio[60:], from_new / usual, rtol=1e-9)


def test_strangers_come_first_and_without_any_nothing_is_found():
  random = np.random.default_rng(1)
  features = random.normal(size=(300, 8))
  (plain,) = outliers.check(audit_cases.make(features)).findings
  assert plain.information
  features[[7, 200]] += 12 * np.sign(random.normal(size=(2, 8)))
  (finding,) = outliers.check(audit_cases.make(features)).findings
  assert {row['case'] for row in finding.rows} == {'case-7', 'case-200'}
  assert finding.line.startswith('2 cases are unlike all others')
  assert outliers.check(audit_cases.make(features[:15])).problem == 'there are too few cases'
  assert 'no features' in outliers.check(audit_cases.make(label=[0, 1])).problem


def test_standardised_differences_are_those_of_their_formulas():
  random = np.random.default_rng(2)
  one, other = random.normal(50, 10, 60), random.normal(55, 12, 80)
  spread = math.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2)
  found, level = columns.difference([*map(repr, map(float, one))], [*map(repr, map(float, other))])
  assert found == pytest.approx((one.mean() - other.mean()) / spread)
  assert level == ''
  p, q = 30 / 60, 60 / 80
  found, level = columns.difference(['f'] * 30 + ['m'] * 30, ['f'] * 20 + ['m'] * 60)
  assert abs(found) == pytest.approx((q - p) / math.sqrt((p * (1 - p) + q * (1 - q)) / 2))
  assert level == 'f'
  assert math.isnan(columns.difference(['f'] * 3, ['f'] * 5)[0])
  assert columns.difference(['f'] * 3, ['m'] * 5) == (math.inf, 'f')


def test_drift_is_found_where_a_set_is_moved_and_not_where_it_is_drawn():
  random = np.random.default_rng(3)
  features = random.normal(size=(400, 5))
  split = np.where(np.arange(400) % 4 == 0, 'test', 'train')
  sex = random.choice(['F', 'M'], 400)
  same = drift.check(audit_cases.make(features, split=split, metadata={'sex': sex.tolist()}))
  assert all(one.information for one in same.findings)
  assert len(same.findings) == 2
  features[split == 'test', 0] += 1.5
  sex[(split == 'test') & (np.arange(400) % 8 == 0)] = 'M'
  moved = drift.check(audit_cases.make(features, split=split, metadata={'sex': sex.tolist()}))
  classifier, column = moved.findings
  assert not classifier.information
  assert not column.information
  assert classifier.line.startswith('test differs from train: a model tells them apart')
  assert '1 of 1 columns differ between test and train, most sex' in column.line


def test_drift_of_one_set_or_few_cases_says_why_not():
  features = np.random.default_rng(4).normal(size=(40, 3))
  assert 'one set' in drift.check(audit_cases.make(features)).problem
  split = ['train'] * 35 + ['test'] * 5
  (few,) = drift.check(audit_cases.make(features, split=split)).findings
  assert few.line == 'test and train: not compared: a set has fewer than 10 cases'
