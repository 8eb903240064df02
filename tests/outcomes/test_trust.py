"""Sentences of the report on calibration and on sets that promise to hold the truth."""

import dataclasses

import numpy as np
import pytest

from medjax.config import ClassSettings
from medjax.evaluation import Predictions
from medjax.outcomes import Classes, Evaluated
from medjax.outcomes.trust import coverage_warnings, moved


def made(classes, count=300, seed=0, shift=0.0):
  random = np.random.default_rng(seed)
  label = random.integers(0, len(classes), count)
  logit = random.normal(size=(count, len(classes))) * [1, *[3] * (len(classes) - 1)]
  logit[np.arange(count), label] += 1.5 - shift
  probability = np.exp(logit) / np.exp(logit).sum(axis=1, keepdims=True)
  return Predictions(
    id=np.arange(count).astype(str),
    label=label,
    probability=probability[:, 1] if len(classes) == 2 else probability,
    group=np.arange(count).astype(str),
    split='test',
    classes=classes,
    metadata={},
  )


def page(classes, settings, shift=0.0):
  outcome = Classes()
  decision = outcome.decide(made(classes, 4000, seed=1), 3, settings)
  table, metrics = outcome.evaluate(made(classes, shift=shift), decision)
  metrics = {name: estimate.to_json() for name, estimate in metrics.items()}
  shown = Evaluated(split='test', table=table, metrics=metrics, decision=decision)
  return str(outcome.section(shown)), metrics, decision


def test_no_calibration_is_not_called_one():
  text, metrics, _ = page(('no', 'yes'), ClassSettings(calibration='none'))
  assert 'Nothing is calibrated' in text
  assert 'are as the network gave them' in text
  assert 'Every probability on this page is calibrated' not in text
  assert 'raw_auroc' not in metrics


def test_calibration_of_two_classes_keeps_the_auroc():
  text, metrics, _ = page(('no', 'yes'), ClassSettings(calibration='platt'))
  assert 'Every probability on this page is calibrated' in text
  assert 'moves the AUROC' not in text
  assert 'raw_auroc' not in metrics


def test_calibration_of_many_classes_says_how_it_moves_the_auroc():
  text, metrics, _ = page(('a', 'b', 'c'), ClassSettings(calibration='platt'))
  before, after = metrics['raw_auroc']['value'], metrics['auroc']['value']
  assert abs(before - after) > 0.0005
  assert f'it also moves the AUROC, from {before:.3f} as the network' in ' '.join(text.split())
  assert f'to {after:.3f}' in text
  assert moved({'auroc': {'value': 0.8}, 'raw_auroc': {'value': 0.8001}}) == ''


@pytest.mark.parametrize('shift', [0.0, 2.5])
def test_sets_that_hold_too_little_are_warned_of(shift):
  settings = ClassSettings(calibration='none', coverage=0.9)
  text, metrics, decision = page(('no', 'yes'), settings, shift)
  short = metrics['coverage']['high'] < 0.9
  assert short == (shift > 0)
  assert ('The promise is not kept' in text) == short
  lines = coverage_warnings(metrics, ('no', 'yes'), decision)
  if short:
    found = metrics['coverage']
    assert lines[0].startswith(
      f'for all cases the set holds the truth in {found["value"]:.1%} (95%'
    )
    assert 'not in 90%' in lines[0]
  assert coverage_warnings(metrics, ('no', 'yes'), None) == []


def test_a_promise_to_each_class_is_checked_for_each():
  settings = ClassSettings(calibration='none', conformal='mondrian')
  _, metrics, decision = page(('no', 'yes'), settings)
  bad = {'value': 0.5, 'low': 0.4, 'high': 0.6}
  lines = coverage_warnings({**metrics, 'coverage_yes': bad}, ('no', 'yes'), decision)
  assert [line.split(' the set')[0] for line in lines][-1] == 'for cases of yes'
  split = dataclasses.replace(
    decision, conformal=dataclasses.replace(decision.conformal, method='split')
  )
  assert not coverage_warnings({**metrics, 'coverage_yes': bad}, ('no', 'yes'), split)
