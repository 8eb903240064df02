"""What decisions say of cases, as arrays; and decisions by name."""

import numpy as np
import pytest

from medjax.evaluation import (
  BaselineHazard,
  Calibration,
  Confidence,
  Decision,
  Estimate,
  Interval,
  LabelDecisions,
  MaskDecision,
  SurvivalDecision,
  censoring_curve,
  told,
)
from medjax.evaluation.conformal import Conformal

SETS = Conformal('split', 0.9, (0.4, 0.3))
TWO = Decision(1, Calibration(), Estimate(0.5), SETS)
CENSORING = censoring_curve(np.array([1.0, 2.0]), np.array([True, True]))
# Survival is exp(-0.1 * exp(risk)) from 10 on and exp(-0.5 * exp(risk)) from 20 on.
COX = SurvivalDecision(
  2, (10.0, 20.0), (), BaselineHazard(np.array([10.0, 20.0]), np.array([0.1, 0.5]), 20.0),
  CENSORING, (0.0,),
)  # fmt: skip


def test_two_classes_and_a_case_without_a_number():
  said = TWO.told(np.array([0.1, 0.5, 0.65, np.nan]), ('no', 'yes'))
  assert said['call'].tolist() == ['no', 'yes', 'yes', '']
  assert said['set'].tolist() == [[True, False], [True, True], [False, True], [False, False]]
  assert said['decision'].tolist() == ['no', 'abstain', 'yes', 'abstain']
  np.testing.assert_array_equal(said['probability'], [0.1, 0.5, 0.65, np.nan])


def test_numbers_with_and_without_an_end():
  said = Interval(1, 0.8, 2.5).told(np.array([10, np.inf], np.float32))
  assert {name: value.tolist() for name, value in said.items()} == {
    'prediction': [10, np.inf], 'low': [7.5, np.inf], 'high': [12.5, np.inf]
  }  # fmt: skip
  assert Interval(1, 0.9, np.inf).told(np.array([1.0]))['low'].tolist() == [-np.inf]


def test_survival_at_horizons():
  risk = np.array([0.0, np.log(2.0), -1.0, np.nan])
  said = COX.told(risk)
  hazard = np.exp(risk)[:, None] * [0.1, 0.5]
  np.testing.assert_allclose(said['survival'], np.exp(-hazard))
  np.testing.assert_array_equal(said['median_survival'], [np.nan, 20, np.nan, np.nan])
  assert said['risk_group'].tolist() == ['high', 'high', 'low', '']
  np.testing.assert_array_equal(said['risk'], risk)


def test_pixels_above_the_threshold_or_most_probable():
  one = np.array([[[0.2, 0.6]]])
  said = MaskDecision(1, ('polyp',), 0.5).told(one)
  assert said['called'].tolist() == [[[0, 1]]]
  np.testing.assert_array_equal(said['probability'], one)
  several = np.array([[[[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]]])
  said = MaskDecision(1, ('liver', 'tumour'), None).told(several)
  assert said['called'].tolist() == [[[0, 2]]]


@pytest.mark.parametrize(
  ('decision', 'name'),
  [(TWO, 'classes'), (LabelDecisions(3, {'a': TWO}), 'labels'), (Interval(1, 0.8, 2.0), 'number'),
   (COX, 'survival'), (MaskDecision(1, ('polyp',), 0.5), 'masks')],
)  # fmt: skip
def test_a_decision_is_read_back_by_its_name(decision, name):
  assert told.name_of(decision) == name
  assert told.read(name, decision.to_json()).to_json() == decision.to_json()


def test_a_decision_that_says_nothing_of_a_case_by_itself_has_no_name():
  assert told.name_of(Confidence(1, (), (), ())) == ''
  assert told.read('', {}) is None
  with pytest.raises(KeyError):
    told.read('others', {})
