"""Decision curves by their definition."""

import numpy as np
import pytest

from medjax.evaluation import Predictions, decision_curve


def table(label, probability, group=None, classes=('no', 'yes')):
  count = len(label)
  return Predictions(
    id=np.arange(count).astype(str),
    label=label,
    probability=probability,
    group=np.arange(count) if group is None else group,
    split='test',
    classes=classes,
  )


def test_by_definition():
  label = np.array([0, 0, 0, 1, 1])
  probability = np.array([0.1, 0.3, 0.6, 0.4, 0.9])
  found = decision_curve(table(label, probability), np.array([0.2, 0.5]))
  # At 0.2: 2 true and 2 false positives; at 0.5: 1 and 1.
  assert found.model == pytest.approx([2 / 5 - 2 / 5 * 0.25, 1 / 5 - 1 / 5 * 1.0])
  assert found.everybody == pytest.approx([2 / 5 - 3 / 5 * 0.25, 2 / 5 - 3 / 5])
  assert (found.low <= found.model).all()
  assert (found.model <= found.high).all()


def test_a_perfect_model_is_worth_the_prevalence():
  label = np.array([0] * 6 + [1] * 4)
  found = decision_curve(table(label, label.astype(float)))
  assert len(found.threshold) == 99
  assert found.model == pytest.approx(np.full(99, 0.4))


def test_several_cases_of_a_patient_widen_the_band():
  random = np.random.default_rng(0)
  label = np.repeat(random.integers(0, 2, 40), 5)
  probability = np.clip(np.repeat(random.random(40), 5), 0.01, 0.99)
  at = np.array([0.3])
  alone = decision_curve(table(label, probability), at)
  together = decision_curve(table(label, probability, np.repeat(np.arange(40), 5)), at)
  assert together.high - together.low > 1.7 * (alone.high - alone.low)


def test_errors():
  three = table(np.array([0]), np.full((1, 3), 1 / 3), classes=('a', 'b', 'c'))
  with pytest.raises(ValueError, match='3 classes; expected 2'):
    decision_curve(three)
  with pytest.raises(ValueError, match='no labelled case'):
    decision_curve(table(np.array([np.nan]), np.array([0.5])))
