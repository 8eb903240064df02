"""Paired comparison of numbers, of several labels and of states, against SciPy and scikit-learn."""

import dataclasses

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics

from medjax.errors import UserError
from medjax.evaluation import (
  Labels,
  Numbers,
  Positions,
  auroc_difference,
  compare,
  compare_labels,
  compare_numbers,
  compare_positions,
)
from medjax.evaluation.table import Predictions

NAMES = np.array([f'n{i}' for i in range(120)])


def numbers(scale=1.0, group=NAMES):
  random = np.random.default_rng(0)
  label = random.normal(size=120) * scale
  return [
    Numbers(NAMES, label, label + random.normal(0, noise * scale, 120), group, 'test')
    for noise in (0.5, 0.8)
  ]


@pytest.mark.parametrize('scale', [1.0, 1e-13])
def test_numbers(scale):
  one, other = numbers(scale)
  found = compare_numbers(one, other)
  for name, metric in (
    ('r2', sklearn.metrics.r2_score),
    ('rmse', sklearn.metrics.root_mean_squared_error),
    ('mae', sklearn.metrics.mean_absolute_error),
  ):
    gap = metric(one.label, one.prediction) - metric(other.label, other.prediction)
    assert found[name].value == pytest.approx(gap)
    assert found[name].low < gap < found[name].high
  squares = [(table.label - table.prediction) ** 2 for table in (one, other)]
  gap = squares[1] - squares[0]
  z = gap.mean() / (gap.std(ddof=1) / 120**0.5)
  assert found['r2'].p_value == pytest.approx(2 * scipy.stats.norm.sf(abs(z)))
  assert found['r2'].low > 0 > found['rmse'].high


def test_the_interval_of_r2_covers_over_groups():
  random = np.random.default_rng(1)
  group = np.repeat(np.arange(30), 4).astype(str)
  held = []
  for _ in range(300):
    label = random.normal(size=120)
    shared = [np.repeat(random.normal(0, 0.5, 30), 4) for _ in range(2)]
    tables = [
      Numbers(NAMES, label, label + error + random.normal(0, 0.3, 120), group, 'test')
      for error in shared
    ]
    gap = compare_numbers(*tables)['r2']
    held.append(gap.low <= 0 <= gap.high)  # both models are equally good
  assert np.mean(held) > 0.92


def test_numbers_in_another_order_and_without_labels():
  one, other = numbers()
  mixed = other.take(np.random.default_rng(0).permutation(120))
  assert compare_numbers(one, mixed) == compare_numbers(one, other)
  label = one.label.copy()
  label[:20] = np.nan
  unknown = [dataclasses.replace(table, label=label) for table in (one, other)]
  kept = [table.take(np.arange(20, 120)) for table in (one, other)]
  assert compare_numbers(*unknown) == compare_numbers(*kept)
  with pytest.raises(UserError, match='compare: the runs predicted other cases: n119 is in one'):
    compare_numbers(one, other.take(np.arange(119)))
  with pytest.raises(UserError, match='the label of n0 differs'):
    compare_numbers(one, dataclasses.replace(other, label=other.label + 1))
  equal = [dataclasses.replace(table, label=np.ones(120)) for table in (one, other)]
  assert compare_numbers(*equal)['r2'].reason == 'all labels are equal'
  none = [dataclasses.replace(table, label=np.full(120, np.nan)) for table in (one, other)]
  assert compare_numbers(*none)['mae'].reason == 'there is no case'


def labels():
  random = np.random.default_rng(0)
  label = random.integers(0, 2, (120, 3)).astype(float)
  label[:10, 1] = np.nan
  label[:, 2] = 0
  noise = [random.normal(size=(120, 3)) for _ in range(2)]
  return [
    Labels(
      NAMES, label, 1 / (1 + np.exp(-part - by * np.nan_to_num(label))), NAMES, 'test', tuple('abc')
    )
    for part, by in zip(noise, (2.0, 0.5), strict=True)
  ]


def test_several_labels():
  one, other = labels()
  found = compare_labels(one, other)
  gaps = []
  for number in range(2):
    known = ~np.isnan(one.label[:, number])
    area = [
      sklearn.metrics.roc_auc_score(one.label[known, number], table.probability[known, number])
      for table in (one, other)
    ]
    gaps.append(area[0] - area[1])
  assert found['auroc'].value == pytest.approx(np.mean(gaps))
  assert 0 < found['auroc'].low < found['auroc'].value < found['auroc'].high
  assert 'over 2 of 3 classes' in found['auroc'].reason
  known = ~np.isnan(one.label[:, 1])
  assert found['auroc_b'] == auroc_difference(
    one.label[known, 1],
    one.probability[known, 1],
    other.probability[known, 1],
    group=one.group[known],
  )
  assert found['auroc_c'].value is None
  turned = compare_labels(other.take(np.arange(120)[::-1]), one)
  assert turned['auroc'].value == pytest.approx(-found['auroc'].value)
  wrong = other.label.copy()
  wrong[3, 0] = 1 - wrong[3, 0]
  with pytest.raises(UserError, match='a label of n3 differs'):
    compare_labels(one, dataclasses.replace(other, label=wrong))
  with pytest.raises(UserError, match='classes differ: a, b, c and a, b, d'):
    compare_labels(one, dataclasses.replace(other, classes=tuple('abd')))


def test_the_mean_over_several_classes():
  random = np.random.default_rng(0)
  label = random.integers(0, 3, 120)
  tables = []
  for strength in (2.0, 0.5):
    p = np.exp(random.normal(size=(120, 3)) + strength * np.eye(3)[label])
    p /= p.sum(axis=1, keepdims=True)
    tables.append(Predictions(NAMES, label, p, NAMES, 'test', tuple('abc')))
  found = compare(*tables, tuple(table.probability.argmax(axis=1) for table in tables))['auroc']
  areas = [
    sklearn.metrics.roc_auc_score(label, table.probability, multi_class='ovr') for table in tables
  ]
  assert found.value == pytest.approx(areas[0] - areas[1])
  assert 0 < found.low < found.value < found.high


def states():
  random = np.random.default_rng(0)
  label, wrong = [], ([], [])
  for _ in range(40):
    chain = random.choice(list('HEC-'), 30)
    label.append(''.join(chain))
    for share, column in zip((0.2, 0.5), wrong, strict=True):
      guess = np.where(random.uniform(size=30) < share, random.choice(list('HEC'), 30), chain)
      column.append(''.join(np.where(guess == '-', 'C', guess)))
  names = NAMES[:40]
  return [
    Positions(names, label, column, ['5' * 30] * 40, names, 'test', tuple('HEC'))
    for column in wrong
  ]


def test_states():
  one, other = states()
  found = compare_positions(one, other)
  truth = ''.join(one.label)
  known = [i for i, letter in enumerate(truth) if letter != '-']
  right = [
    np.mean([''.join(table.prediction)[i] == truth[i] for i in known]) for table in (one, other)
  ]
  assert found['q3'].value == pytest.approx(right[0] - right[1])
  assert 0 < found['q3'].low < found['q3'].value < found['q3'].high
  by_chain = [
    [
      np.mean([p == t for p, t in zip(chain, text, strict=True) if t != '-'])
      for chain, text in zip(table.prediction, table.label, strict=True)
    ]
    for table in (one, other)
  ]
  gap = np.subtract(*by_chain)
  assert found['chain_q3'].value == pytest.approx(gap.mean())
  z = gap.mean() / (gap.std(ddof=1) / 40**0.5)
  assert found['chain_q3'].p_value == pytest.approx(2 * scipy.stats.norm.sf(z))
  assert compare_positions(one, other.take(np.arange(40)[::-1])) == found
  with pytest.raises(UserError, match='the states of n0 differ'):
    compare_positions(one, dataclasses.replace(other, label=['H' * 30, *other.label[1:]]))
  with pytest.raises(UserError, match='states differ: H, E, C and H, C, E'):
    compare_positions(one, dataclasses.replace(other, states=tuple('HCE')))
  unknown = [dataclasses.replace(table, label=['-' * 30] * 40) for table in (one, other)]
  assert compare_positions(*unknown)['q3'].reason == 'no position is known'
