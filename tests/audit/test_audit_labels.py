"""Confident learning against an example worked by hand, and on labels flipped on purpose."""

import audit_cases
import numpy as np
from sklearn.metrics import roc_auc_score

from medjax.audit import labels


def test_the_confident_joint_of_an_example_worked_by_hand():
  # Thresholds: class 0 (.9 + .6 + .3) / 3 = .6; class 1 (.8 + .7 + .2 + .7) / 4 = .6.
  probability = np.array([0.9, 0.6, 0.3, 0.2, 0.3, 0.8, 0.3])  # of class 0
  label = np.array([0, 0, 0, 1, 1, 1, 1])
  joint, wrong = labels.confident_joint(np.stack([probability, 1 - probability], 1), label)
  assert joint.tolist() == [[2, 1], [1, 3]]
  assert np.flatnonzero(wrong).tolist() == [2, 5]


def test_a_case_that_reaches_no_threshold_counts_for_no_class():
  probability = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8], [0.4, 0.3, 0.3]])
  joint, wrong = labels.confident_joint(probability, np.array([0, 1, 2, 2]))
  # Class 2 has the threshold (.8 + .3) / 2 = .55, which the last case misses, as all others.
  assert joint.tolist() == np.eye(3, dtype=int).tolist()
  assert not wrong.any()


def test_a_case_above_two_thresholds_counts_for_the_likelier_class():
  probability = np.array([[0.4, 0.6], [0.5, 0.5], [0.45, 0.55], [0.7, 0.3]])
  # Thresholds .45 and .425: the first is below that of its own, the second and third reach both.
  joint, wrong = labels.confident_joint(probability, np.array([0, 0, 1, 1]))
  assert joint.tolist() == [[1, 1], [1, 1]]
  assert wrong.tolist() == [True, False, False, True]


def test_the_margin_is_that_to_the_likeliest_other_class():
  probability = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
  found = labels.normalised_margin(probability, np.array([0, 2, 2]))
  np.testing.assert_allclose(found, [0.2, -0.3, 0.7])


def made(flipped=0.05, apart=3.0, count=400):
  random = np.random.default_rng(0)
  truth = np.arange(count) % 2
  features = random.normal(size=(count, 6)) + apart * truth[:, None] * (np.arange(6) < 2)
  flip = random.choice(count, int(flipped * count), replace=False)
  label = truth.copy()
  label[flip] = 1 - label[flip]
  return features, truth, label, flip


def test_flipped_labels_come_first():
  features, _, label, flip = made()
  (finding,) = labels.check(audit_cases.make(features, label)).findings
  first = [int(row['case'].removeprefix('case-')) for row in finding.rows[: len(flip)]]
  assert np.isin(flip, first).mean() >= 0.9
  assert finding.line.startswith(f'{sum(r["off the diagonal"] == "yes" for r in finding.rows)} lab')
  margins = [row['margin'] for row in finding.rows]
  assert margins == sorted(margins)


def test_probabilities_are_of_cases_that_were_not_fitted_to():
  features, truth, _, _ = made(apart=0.0)
  group = np.arange(400) // 4
  found = labels.predicted(features, truth, group)
  assert 0.35 < roc_auc_score(truth, found[:, 1]) < 0.65
  np.testing.assert_allclose(found.sum(axis=1), 1)


def test_a_model_that_knows_nothing_says_nothing():
  features, _, label, _ = made(apart=0.1)
  (finding,) = labels.check(audit_cases.make(features, label)).findings
  assert finding.information
  assert 'nothing is said of labels' in finding.line


def test_what_cannot_be_checked_says_why():
  features, _, label, _ = made(count=100)
  checked = labels.check(audit_cases.make(features))
  assert checked.problem == 'labels are no classes'
  assert labels.check(audit_cases.make(None, label)).problem == 'there are no features of a case'
  assert 'fewer than 50' in labels.check(audit_cases.make(features[:40], label[:40])).problem
  one_group = labels.check(audit_cases.make(features, label, group=np.zeros(100)))
  assert 'not checked: expected at least two classes' in one_group.findings[0].line
