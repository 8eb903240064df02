"""Paired comparison of two tables."""

import dataclasses

import numpy as np
import pytest
import scipy.stats

from medjax.errors import UserError
from medjax.evaluation import Predictions, auroc_difference, compare


def pair(count=300, seed=0, classes=2, group=None):
  random = np.random.default_rng(seed)
  label = random.integers(0, classes, count)
  tables = []
  for strength in (2.0, 1.0):
    logits = random.normal(size=(count, classes)) + strength * np.eye(classes)[label]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    tables.append(
      Predictions(
        np.arange(count).astype(str),
        label,
        p[:, 1] if classes == 2 else p,
        np.arange(count) if group is None else group,
        'test',
        ('no', 'yes') if classes == 2 else tuple('abc'),
      )
    )
  return tables


def calls(tables):
  return tuple(
    (t.probability >= 0.5).astype(int) if t.is_binary else t.probability.argmax(axis=1)
    for t in tables
  )


def test_differences_equal_paired_tests():
  one, other = pair()
  found = compare(one, other, calls((one, other)))
  assert found['auroc'] == auroc_difference(one.label, one.probability, other.probability)
  gap = (one.probability - one.label) ** 2 - (other.probability - other.label) ** 2
  assert found['brier'].value == pytest.approx(gap.mean())
  z = gap.mean() / (gap.std(ddof=1) / len(gap) ** 0.5)
  assert found['brier'].p_value == pytest.approx(2 * scipy.stats.norm.sf(abs(z)))
  sensitive = [c[one.label == 1].mean() for c in calls((one, other))]
  assert found['sensitivity'].value == pytest.approx(sensitive[0] - sensitive[1])
  ones = np.stack([c == one.label for c in calls((one, other))])
  first, second = int((ones[0] & ~ones[1]).sum()), int((ones[1] & ~ones[0]).sum())
  exact = scipy.stats.binomtest(first, first + second).pvalue  # McNemar
  assert found['accuracy'].p_value == pytest.approx(exact)
  assert found['auprc'].low < found['auprc'].value < found['auprc'].high
  assert found['log_loss'].value < 0 < found['accuracy'].value


def test_order_of_rows_and_unlabelled_rows_do_not_matter():
  one, other = pair()
  order = np.random.default_rng(1).permutation(300)
  shuffled = other.take(order)
  mixed = compare(one, shuffled, calls((one, shuffled)))
  assert mixed == compare(one, other, calls((one, other)))
  label = one.label.astype(float)
  label[:10] = np.nan
  tables = [dataclasses.replace(t, label=label) for t in (one, other)]
  kept = [t.take(np.arange(10, 300)) for t in (one, other)]
  assert compare(*tables, calls(tables)) == compare(*kept, calls(kept))


def test_itself_does_not_differ():
  one, _ = pair()
  found = compare(one, one, calls((one, one)))
  assert {d.value for d in found.values()} == {0.0}
  assert {d.p_value for d in found.values()} == {None}


def test_groups_widen_the_intervals():
  rows, unique = np.repeat(np.arange(100), 4), np.arange(400).astype(str)
  grouped = [
    Predictions(unique, t.label[rows], t.probability[rows], t.group[rows], 'test', t.classes)
    for t in pair(100)
  ]
  alone = [dataclasses.replace(t, group=unique) for t in grouped]
  wide = compare(*grouped, calls(grouped))
  narrow = compare(*alone, calls(alone))
  for name in ('auroc', 'brier', 'accuracy', 'auprc'):
    width = [d[name].high - d[name].low for d in (wide, narrow)]
    assert width[0] > 1.7 * width[1], name


def test_few_groups_are_tested_by_students_t():
  tables = pair(60, group=np.repeat(np.arange(6), 10))
  found = compare(*tables, calls(tables))['brier']
  gap = [(t.probability - t.label) ** 2 for t in tables]
  means = (gap[0] - gap[1]).reshape(6, 10).mean(axis=1)
  expected = scipy.stats.ttest_1samp(means, 0).pvalue
  assert found.p_value == pytest.approx(expected, rel=1e-6)


def test_many_classes():
  tables = pair(classes=3)
  found = compare(*tables, calls(tables))
  assert list(found) == ['auroc', 'auroc_a', 'auroc_b', 'auroc_c', 'accuracy', 'log_loss']


def test_other_cases_classes_or_labels():
  one, other = pair()
  fewer = other.take(np.arange(1, 300))
  with pytest.raises(UserError, match='other cases: 0 is in one of them only'):
    compare(one, fewer, calls((one, fewer)))
  with pytest.raises(UserError, match='classes differ: no, yes and no, ill'):
    compare(one, dataclasses.replace(other, classes=('no', 'ill')), calls((one, other)))
  flipped = dataclasses.replace(other, label=1 - other.label)
  with pytest.raises(UserError, match='the label of 0 differs'):
    compare(one, flipped, calls((one, flipped)))
