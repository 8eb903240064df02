"""What is said of a model at another site, and when nothing can be."""

import pytest

from medjax.evaluation import Estimate
from medjax.evaluation.transport import difference
from medjax.outcomes import Classes, Number
from medjax.validation.verdict import BROKEN, KEPT, MARGIN, UNKNOWN, judge

GOOD = {
  'auroc': Estimate(0.85, 0.82, 0.88),
  'sensitivity': Estimate(0.9, 0.85, 0.93),
  'specificity': Estimate(0.8, 0.75, 0.84),
  'calibration_slope': Estimate(0.98, 0.85, 1.1),
  'calibration_intercept': Estimate(0.05, -0.1, 0.2),
  'coverage': Estimate(0.9, 0.87, 0.93),
}


def said(there, development=None, outcome=None, promised=0.9):
  own = GOOD if development is None else development
  gaps = {name: difference(there[name], own[name]) for name in there if name in own}
  return judge(outcome or Classes(), 'there', there, own, gaps, promised)


def states(verdict):
  return {rule.about: rule.state for rule in verdict.rules}


def test_the_same_figures_carry_over():
  precise = {**GOOD, 'auroc': Estimate(0.85, 0.84, 0.86)}
  found = said(precise, precise)
  assert found.carries is True
  assert found.sentence.startswith('The model carries over to there: AUROC is 0.850')
  assert set(states(found).values()) == {KEPT}
  assert found.also == ''


def test_a_loss_that_chance_does_not_explain_and_that_may_matter_is_none():
  found = said({**GOOD, 'auroc': Estimate(0.7, 0.66, 0.74)})
  assert found.carries is False
  assert 'does not carry over to there: AUROC is 0.700 (0.660 to 0.740) there' in found.sentence
  assert 'lower by 0.150 (0.100 to 0.200)' in found.sentence


def test_few_cases_say_nothing_either_way():
  found = said({**GOOD, 'auroc': Estimate(0.84, 0.7, 0.95)})
  assert found.carries is None
  assert 'cannot be said' in found.sentence
  assert 'so that a loss of up to 0.153 is possible' in found.sentence


def test_a_certain_loss_that_is_small_is_no_reason():
  many = {**GOOD, 'auroc': Estimate(0.85, 0.848, 0.852)}
  found = said({**many, 'auroc': Estimate(0.83, 0.828, 0.832)}, many)
  assert found.carries is True
  assert 'lower by 0.020' in found.sentence
  assert MARGIN == 0.05


@pytest.mark.parametrize(
  ('name', 'estimate', 'about'),
  [
    ('calibration_slope', Estimate(0.5, 0.4, 0.6), 'calibration slope'),
    ('calibration_intercept', Estimate(1.0, 0.8, 1.2), 'calibration intercept'),
    ('sensitivity', Estimate(0.6, 0.5, 0.7), 'sensitivity'),
    ('specificity', Estimate(0.5, 0.4, 0.6), 'specificity'),
    ('coverage', Estimate(0.7, 0.6, 0.8), 'coverage'),
  ],
)
def test_each_other_rule_is_enough(name, estimate, about):
  many = {**GOOD, 'auroc': Estimate(0.85, 0.84, 0.86)}
  found = said({**many, name: estimate}, many)
  assert found.carries is False
  assert found.sentence.startswith('AUROC carries over to there')
  assert found.also == f'Broken: {about}.'
  assert states(found)[about] == BROKEN


def test_what_is_better_there_is_not_broken():
  found = said({**GOOD, 'sensitivity': Estimate(0.99, 0.97, 1.0), 'coverage': Estimate(1, 0.98, 1)})
  assert {states(found)[name] for name in ('sensitivity', 'coverage')} == {KEPT}


def test_what_is_not_known_is_said_with_the_reason():
  one = Estimate(None, reason='no positive case')
  found = said({**GOOD, 'auroc': one, 'sensitivity': one, 'calibration_slope': one})
  assert found.carries is None
  assert 'undefined there: no positive case' in found.sentence
  for name in ('AUROC', 'sensitivity', 'calibration slope'):
    assert states(found)[name] == UNKNOWN
  without = judge(Classes(), 'there', GOOD, {}, {}, None)
  assert 'there is no test split in development' in without.sentence
  assert 'coverage' not in states(without)


def test_numbers_have_the_rules_that_their_metrics_allow():
  own = {'r2': Estimate(0.5, 0.48, 0.52), 'coverage': Estimate(0.9, 0.88, 0.92)}
  found = said({**own, 'r2': Estimate(-1.0, -1.5, -0.5)}, own, Number())
  assert found.carries is False
  assert states(found) == {'R2': BROKEN, 'coverage': KEPT}
