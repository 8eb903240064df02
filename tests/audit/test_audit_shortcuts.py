"""Shortcuts: AUROC against scikit-learn, a planted one found, and none where there is none."""

import audit_cases
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

from medjax.audit import columns, out_of_fold, shortcuts
from medjax.audit.cases import Target
from medjax.errors import UserError
from medjax.evaluation.delong import auroc_interval
from medjax.evaluation.estimate import Estimate

RANDOM = np.random.default_rng(0)
LABEL = np.arange(300) % 2
GROUP = np.arange(300) // 3
VIEW = np.where(RANDOM.random(300) < 0.3 + 0.4 * LABEL, 'AP', 'PA').tolist()
AGE = [f'{value:.1f}' for value in RANDOM.normal(60, 10, 300)]
SPLIT = np.where(GROUP < 60, 'train', np.where(GROUP < 80, 'val', 'test'))


def found(metadata, **about):
  cases = audit_cases.make(label=LABEL, split=SPLIT, group=GROUP, metadata=metadata, **about)
  findings = shortcuts.check(cases).findings
  return [one for one in findings if not one.information], findings[-1]


def test_the_auroc_is_that_of_scikit_learn_with_delong_over_groups():
  features = RANDOM.normal(size=(300, 4)) + 0.4 * LABEL[:, None]
  scores = np.zeros(300)
  folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
  for train, test in folds.split(features, LABEL, GROUP):
    scale = StandardScaler().fit(features[train])
    model = LogisticRegression(C=0.1, class_weight='balanced')
    model.fit(scale.transform(features[train]), LABEL[train])
    every = model.decision_function(scale.transform(features))
    scores[test] = ((every - every.mean()) / every.std())[test]
    assert not set(GROUP[train]) & set(GROUP[test])
  expected = auroc_interval(LABEL, scores, group=GROUP)
  estimate, of = out_of_fold.auroc(Target('', ('a', 'b'), LABEL), features, GROUP)
  assert of == 'b'
  assert estimate.value == pytest.approx(roc_auc_score(LABEL, scores), abs=2e-4)
  assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high), abs=2e-4)


def test_a_planted_view_is_found_and_an_independent_age_is_not():
  findings, table = found({'view': VIEW, 'age': AGE})
  assert [one.line.split(' alone')[0] for one in findings] == [
    'from column view', 'from all 2 columns'
  ] or [one.line.split(' alone')[0] for one in findings] == [
    'from all 2 columns', 'from column view'
  ]  # fmt: skip
  by_name = {row['what']: row for row in table.rows}
  truth = roc_auc_score(LABEL, np.array(VIEW) == 'AP')
  shown = str(by_name['column view']['AUROC, all cases']).split(' ')[0]
  assert float(shown) == pytest.approx(truth, abs=6e-4)  # what two levels tell needs no fitting
  test = SPLIT == 'test'
  of_test = roc_auc_score(LABEL[test], np.array(VIEW)[test] == 'AP')
  shown = str(by_name['column view']['AUROC, test']).split(' ')[0]
  assert float(shown) == pytest.approx(of_test, abs=6e-4)


def test_the_label_in_other_words_is_told_as_such_and_not_taken_together():
  findings, table = found({'report': [('pneumonia', 'clear')[i] for i in LABEL], 'age': AGE})
  assert (
    'AUROC 1.000 (95% interval 0.980 to 1.000) over all cases, in test 1.000 (' in findings[0].line
  )
  assert 'label in other words' in findings[0].advice
  assert len(findings) == 1
  assert not any('all' in row['what'] for row in table.rows)


def test_frames_are_findings_and_coarse_views_information():
  tells = (RANDOM.normal(size=(300, 3)) + LABEL[:, None]).astype(np.float32)
  findings, table = found({}, parts={'the frame': tells}, coarse={'8 x 8': tells})
  assert [one.line.split(' alone')[0] for one in findings] == ['from the frame']
  assert 'crop them' in findings[0].advice
  assert len(table.rows) == 2


def test_columns_that_name_or_count_cases_are_not_asked():
  names = [f'DX-{i}' for i in range(300)]
  count = [str(7 * i) for i in range(300)]
  findings, table = found({'accession': names, 'row': count, 'site': ['A'] * 300})
  assert not findings
  told = [row['AUROC, all cases'] for row in table.rows]
  assert [text.split(': ')[1] for text in told] == ['names cases', 'counts cases', 'has one value']


def test_what_cannot_be_asked_says_why():
  cases = audit_cases.make(split=['train'] * 9)
  assert shortcuts.check(cases).problem == 'labels are no classes'
  cases = audit_cases.make(label=LABEL, group=np.zeros(300), metadata={'view': VIEW})
  (finding,) = shortcuts.check(cases).findings
  assert 'the label: not checked: expected at least two classes, each with' in finding.line
  with pytest.raises(UserError, match='cases of every class in train and test'):
    out_of_fold.auroc_of_test(
      Target('', ('a', 'b'), LABEL), np.zeros((300, 1)), GROUP, np.full(300, 'train')
    )


def test_of_several_classes_the_one_that_is_told_best_is_named():
  label = np.arange(300) % 3
  features = (label == 2).astype(float)[:, None] + 0.5 * RANDOM.normal(size=(300, 1))
  estimate, of = out_of_fold.auroc(Target('', ('a', 'b', 'c'), label), features, np.arange(300))
  assert of == 'c'
  assert estimate.low > 0.8


def test_a_bound_is_above_chance_by_more_than_a_small_effect():
  from scipy.stats import norm

  assert pytest.approx(norm.cdf(0.2 / np.sqrt(2)), abs=5e-4) == out_of_fold.SMALL_EFFECT
  assert not out_of_fold.tells(Estimate(0.6, 0.55, 0.65))
  assert out_of_fold.tells(Estimate(0.6, 0.56, 0.64))
  assert out_of_fold.tells(Estimate(1.0, reason='the variance is 0'))
  assert not out_of_fold.tells(Estimate(0.5, reason='the variance is 0'))
  assert not out_of_fold.tells(Estimate(None, reason='one class'))


def test_numbers_keep_their_order_and_missing_ones_are_told():
  values, _ = columns.encode([*(str(2 * i) for i in range(12)), 'NA', '0'])
  assert values[:12, 0].tolist() == list(range(0, 24, 2))
  assert values[12].tolist() == [10, 1]
  assert values[:12, 1].tolist() == [0] * 12
