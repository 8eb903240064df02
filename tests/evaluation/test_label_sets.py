"""Several labels at once, beside scikit-learn and counting by hand."""

import numpy as np
import pytest
import sklearn.metrics

from medjax.config import ClassSettings
from medjax.errors import UserError
from medjax.evaluation import Labels, binary_metrics, label_metrics, read_labels, youden
from medjax.tasks import Multilabel

CLASSES = ('a', 'b|c', 'rare')


def made(count=200, unknown=0.2, seed=0, split='val'):
  random = np.random.default_rng(seed)
  label = (random.random((count, 3)) < [0.5, 0.3, 0.04]).astype(float)
  logit = random.normal(size=(count, 3)) + 1.5 * label - 1
  label[random.random((count, 3)) < unknown] = np.nan
  return Labels(
    id=np.array([f'case{i}' for i in range(count)]),
    label=label,
    probability=1 / (1 + np.exp(-logit)),
    group=np.array([f'group{i // 2}' for i in range(count)]),
    split=split,
    classes=CLASSES,
    metadata={'site': ['x', 'y'] * (count // 2)},
  )


def decided(table):
  return Multilabel(3).outcome.decide(table, 7, ClassSettings(calibration='none'))


@pytest.mark.core
def test_a_table_is_read_as_it_was_written(tmp_path):
  table = made()
  table.write_csv(tmp_path / 'val.csv')
  again = read_labels(tmp_path / 'val.csv')
  for name in ('id', 'label', 'probability', 'group'):
    np.testing.assert_array_equal(getattr(again, name), getattr(table, name))
  assert (again.split, again.classes, again.metadata) == ('val', CLASSES, table.metadata)


@pytest.mark.core
def test_means_are_those_of_scikit_learn():
  table = made(unknown=0.0)
  decision = decided(table)
  found = label_metrics(table, decision)
  calls = decision.calls(table.probability)
  assert found['auroc'].value == pytest.approx(
    sklearn.metrics.roc_auc_score(table.label, table.probability, average='macro')
  )
  assert found['auprc'].value == pytest.approx(
    sklearn.metrics.average_precision_score(table.label, table.probability, average='macro')
  )
  assert found['f1'].value == pytest.approx(
    sklearn.metrics.f1_score(table.label, calls, average='macro')
  )
  assert found['exact_match'].value == pytest.approx((calls == table.label).all(axis=1).mean())
  assert found['log_loss'].value == pytest.approx(
    sklearn.metrics.log_loss(table.label.ravel(), table.probability.ravel())
  )
  for name in ('auroc', 'f1', 'exact_match', 'log_loss'):
    assert found[name].low < found[name].value < found[name].high
  few = 'rare: no interval from 7 positive cases: none covers with fewer than 10'
  assert (found['auprc'].low, found['auprc'].reason) == (None, few)


@pytest.mark.core
def test_labels_that_are_not_known_count_for_nothing():
  table = made()
  decision = decided(table)
  found = label_metrics(table, decision)
  for number, name in enumerate(CLASSES):
    one = binary_metrics(table.of_class(number), decision.classes[name].threshold)
    assert found[f'auroc_{name}'] == one['auroc']
    assert found[f'f1_{name}'] == one['f1']
  means = [found[f'auroc_{name}'].value for name in CLASSES]
  assert found['auroc'].value == pytest.approx(np.mean(means))
  known = ~np.isnan(table.label).any(axis=1)
  right = (decision.calls(table.probability) == (table.label == 1)).all(axis=1)
  assert found['exact_match'].value == pytest.approx(right[known].mean())


@pytest.mark.core
def test_a_class_without_cases_is_left_out_of_means_and_called_at_a_half():
  table = made()
  table.label[:, 2] = np.where(np.isnan(table.label[:, 2]), np.nan, 0)
  decision = decided(table)
  assert decision.classes['rare'].threshold.value == 0.5
  found = label_metrics(table, decision)
  assert found['auroc_rare'].value is None
  assert 'mean over 2 of 3 classes' in found['auroc'].reason
  both = [found[f'auroc_{name}'].value for name in CLASSES[:2]]
  assert found['auroc'].value == pytest.approx(np.mean(both))
  assert Multilabel(3).outcome.score(table) == pytest.approx(np.mean(both))
  table.label[:] = np.nan
  assert Multilabel(3).outcome.score(table) is None
  assert label_metrics(table, decision)['auroc'].value is None


@pytest.mark.core
def test_decisions_are_read_as_they_were_written_and_are_each_of_a_class():
  table = made()
  task = Multilabel(3)
  decision = task.outcome.decide(table, 7, ClassSettings(calibration='platt'))
  assert task.outcome.read_decision(decision.to_json()) == decision
  assert decision.checkpoint_step == 7
  shown = decision.calibrated(table)
  for number, one in enumerate(decision.classes.values()):
    part = table.of_class(number)
    expected = one.calibration.table(part)
    np.testing.assert_allclose(shown.of_class(number).probability, expected.probability, rtol=1e-12)
    assert one.threshold == youden(part.label, expected.probability)


@pytest.mark.core
@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('id,probability_a\nx,0.5\n', 'label_CLASS for each class'),
    ('id,label_a\nx,1\n', "no column 'probability_a'"),
    ('id,label_a,probability_a\nx,yes,0.5\n', "row 2: label_a is 'yes'; expected a number"),
    ('id,label_a,probability_a\nx,2,0.5\n', 'a label is not 0, 1 or NaN'),
    ('id,label_a,probability_a\nx,1,1.5\n', 'outside of 0..1'),
    ('id,label_a,probability_a\nx,1,0.5\nx,1,0.5\n', "id 'x' occurs more than once"),
    ('label_a,probability_a\n1,0.5\n', "no column 'id'"),
  ],
)
def test_what_is_wrong_with_a_table_is_named(tmp_path, text, message):
  (tmp_path / 'a.csv').write_text(text)
  with pytest.raises(UserError, match=message.replace('|', r'\|')):
    read_labels(tmp_path / 'a.csv')
