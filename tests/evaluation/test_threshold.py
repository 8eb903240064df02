"""Thresholds reach what was asked on the cases that they were chosen on."""

import numpy as np
import pytest

from medjax.evaluation import at_sensitivity, at_specificity
from medjax.evaluation.threshold import choose, youden


def cases(seed=0, count=200, decimals=2):
  random = np.random.default_rng(seed)
  label = random.integers(0, 2, count)
  return label, np.round(1 / (1 + np.exp(-random.normal(size=count) - label)), decimals)


@pytest.mark.parametrize('target', [0.0, 0.5, 0.8, 0.9, 0.95, 1.0])
@pytest.mark.parametrize('seed', range(3))
def test_targets_are_reached_and_no_better_threshold_reaches_them(seed, target):
  label, probability = cases(seed)
  everywhere = np.append(np.unique(probability), 1.1)
  sensitivity = np.array([(probability[label == 1] >= t).mean() for t in everywhere])
  specificity = np.array([(probability[label == 0] < t).mean() for t in everywhere])
  at = at_sensitivity(label, probability, target)
  called = probability >= at.value
  assert called[label == 1].mean() >= target
  assert (~called)[label == 0].mean() == specificity[sensitivity >= target].max()
  assert f'sensitivity of at least {target:g}' in at.reason
  at = at_specificity(label, probability, target)
  called = probability >= at.value
  assert (~called)[label == 0].mean() >= target
  assert called[label == 1].mean() == sensitivity[specificity >= target].max()


def test_certain_cases_can_be_excluded():
  label, probability = np.array([0, 1]), np.array([1.0, 1.0])
  assert at_specificity(label, probability, 1.0).value > 1.0


def test_missing_classes_and_labels():
  none = np.array([0.2, 0.3])
  assert at_sensitivity(np.array([0, 0]), none, 0.9).value == 0.5
  assert 'needs a positive case' in at_sensitivity(np.array([0, 0]), none, 0.9).reason
  assert 'needs a negative case' in at_specificity(np.array([1, 1]), none, 0.9).reason
  label, probability = cases()
  unknown = np.append(label.astype(float), np.nan), np.append(probability, 0.99)
  assert at_sensitivity(*unknown, 0.9) == at_sensitivity(label, probability, 0.9)


def test_choose_by_name():
  label, probability = cases()
  assert choose('youden', 0.9, label, probability) == youden(label, probability)
  assert choose('specificity', 0.7, label, probability) == at_specificity(label, probability, 0.7)
