"""Metrics against scikit-learn, published intervals and closed forms."""

import dataclasses

import numpy as np
import pytest
import sklearn.metrics

from medjax.evaluation import (
  Estimate,
  Predictions,
  auroc_interval,
  binary_metrics,
  multiclass_metrics,
  wilson_interval,
  youden,
)
from medjax.evaluation.bootstrap import Bootstrap
from medjax.evaluation.ranking import Ranking

HALF = Estimate(0.5, reason='fixed')


def binary_table(label, probability):
  count = len(label)
  return Predictions(
    id=np.arange(count).astype(str),
    label=np.asarray(label),
    probability=np.asarray(probability, np.float64),
    group=np.arange(count).astype(str),
    split='test',
    classes=('no', 'yes'),
  )


def random_binary(count, seed=0, decimals=2):
  random = np.random.default_rng(seed)
  label = np.append([0, 1], random.integers(0, 2, count - 2))
  logits = random.normal(size=count) + 1.5 * label - 0.7
  return binary_table(label, np.round(1 / (1 + np.exp(-logits)), decimals))


def random_multiclass(count, classes=4, seed=0):
  random = np.random.default_rng(seed)
  label = np.append(np.arange(classes), random.integers(0, classes, count - classes))
  logits = random.normal(size=(count, classes)) + 1.2 * np.eye(classes)[label]
  weights = np.exp(logits)
  return Predictions(
    id=np.arange(count).astype(str),
    label=label,
    probability=weights / weights.sum(axis=1, keepdims=True),
    group=np.arange(count).astype(str),
    split='test',
    classes=tuple('abcdefgh'[:classes]),
  )


# Newcombe (1998), Statistics in Medicine 17:857-872, table I, method 3.
@pytest.mark.parametrize(
  ('successes', 'total', 'low', 'high'),
  [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0, 0.1611),
    (1, 29, 0.0061, 0.1718),
  ],
)
def test_wilson_published(successes, total, low, high):
  ends = wilson_interval(successes, total)
  assert [round(end, 4) for end in ends] == [low, high]
  mirrored = wilson_interval(total - successes, total)
  np.testing.assert_allclose(mirrored, (1 - ends[1], 1 - ends[0]), atol=1e-12)


def test_wilson_bad_counts():
  with pytest.raises(ValueError, match='expected 0 <='):
    wilson_interval(3, 2)
  with pytest.raises(ValueError, match='expected 0 <='):
    wilson_interval(0, 0)


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('decimals', [1, 8])
def test_binary_equals_sklearn(seed, decimals):
  table = random_binary(200, seed, decimals)
  label, probability = table.label, table.probability
  called = probability >= 0.5
  metrics = binary_metrics(table, HALF)
  expected = {
    'auroc': sklearn.metrics.roc_auc_score(label, probability),
    'auprc': sklearn.metrics.average_precision_score(label, probability),
    'accuracy': sklearn.metrics.accuracy_score(label, called),
    'sensitivity': sklearn.metrics.recall_score(label, called),
    'specificity': sklearn.metrics.recall_score(label, called, pos_label=0),
    'ppv': sklearn.metrics.precision_score(label, called),
    'npv': sklearn.metrics.precision_score(label, called, pos_label=0),
    'f1': sklearn.metrics.f1_score(label, called),
    'mcc': sklearn.metrics.matthews_corrcoef(label, called),
    'brier': sklearn.metrics.brier_score_loss(label, probability),
    'log_loss': sklearn.metrics.log_loss(label, probability),
    'threshold': 0.5,
  }
  assert list(metrics) == list(expected)
  for name, value in expected.items():
    assert metrics[name].value == pytest.approx(value, abs=1e-10), name
    if name != 'threshold':
      assert metrics[name].low < value < metrics[name].high, name
  assert metrics['threshold'].to_json() == {
    'value': 0.5, 'low': None, 'high': None, 'reason': 'fixed'
  }  # fmt: skip
  assert all(isinstance(m.value, float) for m in metrics.values())


def test_bootstrap_of_auroc_is_close_to_delong():
  # They estimate the same variance; compare them where both apply.
  table = random_binary(300)
  ranking = Ranking(table.label == 1, table.probability)
  draws = Bootstrap(table.group, table.label)
  estimate = draws.intervals({'auroc': 0.0}, lambda times: {'auroc': ranking.areas(times)[0]})
  delong = auroc_interval(table.label, table.probability)
  found = estimate['auroc']
  np.testing.assert_allclose([found.low, found.high], [delong.low, delong.high], atol=0.006)


def test_mean_intervals_closed_form():
  label = np.array([0, 1, 0, 1])
  probability = np.array([0.1, 0.6, 0.3, 0.2])
  errors = np.array([0.01, 0.16, 0.09, 0.64])
  brier = binary_metrics(binary_table(label, probability), HALF)['brier']
  half_width = 1.959963984540054 * errors.std(ddof=1) / 2
  assert brier.value == pytest.approx(0.225)
  assert brier.low == max(0, 0.225 - half_width)
  assert brier.high == pytest.approx(0.225 + half_width)


def test_threshold_is_inclusive():
  metrics = binary_metrics(binary_table([0, 1], [0.4, 0.5]), HALF)
  assert metrics['sensitivity'].value == 1
  assert metrics['specificity'].value == 1


def test_no_positive_case():
  metrics = binary_metrics(binary_table([0, 0, 0], [0.1, 0.2, 0.9]), HALF)
  for name in ('auroc', 'auprc', 'sensitivity'):
    assert metrics[name].value is None, name
    assert metrics[name].reason, name
  assert metrics['specificity'].value == pytest.approx(2 / 3)
  assert metrics['brier'].value > 0


def test_no_case_at_all():
  metrics = binary_metrics(binary_table(np.full(3, np.nan), [0.1, 0.2, 0.9]), HALF)
  del metrics['threshold']
  assert all(estimate.value is None and estimate.reason for estimate in metrics.values())


def test_missing_labels_are_left_out():
  with_missing = binary_table([0, np.nan, 1, 0, 1], [0.2, 0.9, 0.7, 0.6, 0.4])
  without = binary_table([0, 1, 0, 1], [0.2, 0.7, 0.6, 0.4])
  assert binary_metrics(with_missing, HALF) == binary_metrics(without, HALF)


def test_perfect_model_has_no_zero_width_interval():
  metrics = binary_metrics(binary_table([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]), HALF)
  for name in ('auroc', 'auprc'):
    assert metrics[name].value == 1
    assert metrics[name].low is None
    assert metrics[name].reason
  assert metrics['accuracy'].low < 1
  assert metrics['accuracy'].high == 1


def test_certain_and_wrong_has_a_finite_log_loss():
  assert np.isfinite(binary_metrics(binary_table([1, 0], [0.0, 0.5]), HALF)['log_loss'].value)


@pytest.mark.parametrize('seed', range(3))
def test_multiclass_equals_sklearn(seed):
  table = random_multiclass(150, seed=seed)
  label, probability = table.label, table.probability
  predicted = probability.argmax(axis=1)
  metrics = multiclass_metrics(table)
  expected = {
    'auroc': sklearn.metrics.roc_auc_score(label, probability, multi_class='ovr'),
    'accuracy': sklearn.metrics.accuracy_score(label, predicted),
    'balanced_accuracy': sklearn.metrics.balanced_accuracy_score(label, predicted),
    'f1': sklearn.metrics.f1_score(label, predicted, average='macro'),
    'mcc': sklearn.metrics.matthews_corrcoef(label, predicted),
    'brier': ((probability - np.eye(4)[label]) ** 2).sum(axis=1).mean(),
    'log_loss': sklearn.metrics.log_loss(label, probability),
  }
  precisions = []
  for i, name in enumerate(table.classes):
    hit, called = label == i, predicted == i
    precisions.append(sklearn.metrics.average_precision_score(hit, probability[:, i]))
    expected |= {
      f'auroc_{name}': sklearn.metrics.roc_auc_score(hit, probability[:, i]),
      f'auprc_{name}': precisions[-1],
      f'sensitivity_{name}': sklearn.metrics.recall_score(hit, called),
      f'specificity_{name}': sklearn.metrics.recall_score(hit, called, pos_label=False),
      f'ppv_{name}': sklearn.metrics.precision_score(hit, called),
      f'npv_{name}': sklearn.metrics.precision_score(hit, called, pos_label=False),
      f'f1_{name}': sklearn.metrics.f1_score(hit, called),
    }
  expected['auprc'] = np.mean(precisions)
  assert set(metrics) == set(expected)
  for name, value in expected.items():
    assert metrics[name].value == pytest.approx(value, abs=1e-10), name
    assert metrics[name].low < value < metrics[name].high, name


def test_multiclass_with_an_absent_class():
  table = random_multiclass(60)
  metrics = multiclass_metrics(table.select(table.label != 2))
  for name in ('auroc', 'auroc_c', 'balanced_accuracy'):
    assert metrics[name].value is None, name
    assert metrics[name].reason, name
  assert metrics['auroc_a'].value is not None
  assert metrics['accuracy'].value is not None
  empty = multiclass_metrics(table.select(np.zeros(60, bool)))
  assert all(estimate.value is None and estimate.reason for estimate in empty.values())


def test_wrong_kind_of_table():
  with pytest.raises(ValueError, match='expected 2'):
    binary_metrics(random_multiclass(20), HALF)
  with pytest.raises(ValueError, match='3 or more'):
    multiclass_metrics(random_binary(20))
  with pytest.raises(ValueError, match='no value'):
    binary_metrics(random_binary(20), Estimate(None, reason='none'))


def test_bootstrap_is_repeatable_and_in_blocks():
  table = random_binary(3000, decimals=6)  # more cells than one block holds
  assert binary_metrics(table, HALF) == binary_metrics(table, HALF)


def test_groups_widen_every_interval():
  one = random_binary(100, decimals=8)
  rows = np.repeat(np.arange(100), 4)
  label, probability = one.label[rows], one.probability[rows]
  alone = binary_metrics(binary_table(label, probability), HALF)
  grouped = dataclasses.replace(binary_table(label, probability), group=rows)
  together = binary_metrics(grouped, HALF)
  for name, estimate in together.items():
    if name != 'threshold':
      width = alone[name].high - alone[name].low
      assert estimate.value == alone[name].value
      assert estimate.high - estimate.low > 1.6 * width, name


class TestYouden:
  @pytest.mark.parametrize('seed', range(5))
  @pytest.mark.parametrize('decimals', [1, 8])
  def test_equals_the_best_of_sklearn_roc_curve(self, seed, decimals):
    table = random_binary(120, seed, decimals)
    false, true, _ = sklearn.metrics.roc_curve(table.label, table.probability)
    called = table.probability >= youden(table.label, table.probability).value
    achieved = called[table.label == 1].mean() - called[table.label == 0].mean()
    assert achieved == pytest.approx((true - false).max())

  def test_lies_midway(self):
    assert youden(np.array([0, 0, 1]), np.array([0.1, 0.3, 0.7])).value == pytest.approx(0.5)

  def test_tie_goes_to_sensitivity(self):
    # J is 1/2 at 0.25 (sensitivity 1) and at 0.65 (specificity 1).
    label, probability = np.array([0, 1, 0, 1]), np.array([0.2, 0.3, 0.6, 0.7])
    estimate = youden(label, probability)
    assert estimate.value == pytest.approx(0.25)
    assert '0.500' in estimate.reason

  def test_neighbouring_floats(self):
    upper = np.nextafter(0.5, 1)
    threshold = youden(np.array([0, 1]), np.array([0.5, upper])).value
    assert 0.5 < threshold <= upper

  @pytest.mark.parametrize(
    ('label', 'probability'),
    [
      ([0, 0], [0.1, 0.2]),
      ([], []),
      ([0, 1], [0.3, 0.3]),
      ([1, 0], [0.2, 0.9]),
      ([np.nan, 1], [0, 1]),
    ],
  )
  def test_nothing_to_choose(self, label, probability):
    estimate = youden(np.array(label), np.array(probability))
    assert estimate.value == 0.5
    assert estimate.reason.startswith('default')
