"""The baseline on the page, in the card, on the terminal and over folds."""

import json

import numpy as np
import pytest
import scipy.stats
from made_run import IMAGES, SEVERAL, read, write_run

from medjax.outcomes import Classes
from medjax.report import baseline, card, folds_baseline, page, run
from medjax.report.sweep import Sweep
from medjax.workdir import Workdir

NETWORK = card.Network('CNN (features (32, 64))', 1234567)
OUTCOME = Classes()


def model(value=0.862, gap=0.02, low=-0.03, high=0.07, p=0.4, **about):
  figures = {
    'learner': 'linear',
    'name': 'PCA and logistic regression',
    'problem': '',
    'features': '50 principal components of 32 x 32 pixels',
    'settings': 'C = 1',
    'metrics': {'auroc': {'value': value, 'low': 0.8, 'high': 0.92}},
    'differences': {'auroc': {'value': gap, 'low': low, 'high': high, 'p_value': p}},
  }
  return figures | about


def write(folder, *models, **about):
  """A run with that baseline."""
  write_run(folder)
  value = {
    'made_of': 'x',
    'checkpoint_step': 4,
    'split': 'test',
    'training_cases': 544,
    'cases': 544,
    'models': list(models or [model()]),
    'problem': '',
    'seconds': 1.26,
  }
  workdir = Workdir(folder)
  workdir.write(workdir.baseline, value | about)
  return workdir


def shown(workdir):
  return read(page.write(workdir.folder, OUTCOME, IMAGES, pictures={}))[1]


def written(workdir):
  tables = {'test': OUTCOME.read_table(workdir.predictions('test'))}
  return card.write(workdir, OUTCOME, IMAGES, tables, NETWORK).read_text()


def test_the_row_stands_in_page_card_and_terminal(tmp_path):
  workdir = write(tmp_path)
  for text in (shown(workdir), written(workdir), '\n'.join(run.baseline_lines(workdir, OUTCOME))):
    assert 'PCA and logistic regression' in text
    assert 'test AUROC 0.862 (95% interval 0.800 to 0.920)' in text
    assert '+0.020 (95% interval -0.030 to +0.070), p = 0.400' in text
    assert 'the network is not shown to be better than this simple model' in text.lower()
  text = shown(workdir)
  assert text.index('Baseline: PCA') < text.index('Learning curves')
  for part in (text, written(workdir)):
    assert 'It sees: 50 principal components of 32 x 32 pixels; C = 1' in part
    assert 'Fitted to all 544 training cases' in part
    assert 'It took 1.3 s.' in part


@pytest.mark.parametrize(
  ('low', 'high', 'says'),
  [
    (0.01, 0.05, 'is better than'),
    (-0.09, -0.01, 'is worse than'),
    (-0.01, 0.05, 'is not shown to be better than'),
    (None, None, 'cannot be tested'),
  ],
)
def test_the_verdict_is_that_of_the_interval(low, high, says):
  assert says in baseline.verdict({'value': 0.02, 'low': low, 'high': high})


def test_numbers_in_words():
  assert baseline.difference_text({'value': 0.2, 'low': 0.1, 'high': 0.3, 'p_value': 1e-9}) == (
    '+0.200 (95% interval +0.100 to +0.300), p < 0.001'
  )
  without = {'value': 0.2, 'low': 0.1, 'high': 0.3, 'p_value': None}
  assert baseline.difference_text(without).endswith('+0.300)')
  lacking = {'value': None, 'low': None, 'high': None, 'reason': 'one class'}
  assert baseline.difference_text(lacking) == 'undefined (no interval: one class)'
  assert baseline.estimate(lacking) == 'undefined: one class'
  assert baseline.difference_text(None) == 'not compared'
  assert 'cannot be tested' in baseline.verdict(None)


def test_drawn_cases_and_more_than_a_tenth_are_said(tmp_path):
  workdir = write(tmp_path, training_cases=30_000, cases=5000, seconds=400.0)
  text = shown(workdir)
  assert 'Fitted to 5,000 of 30,000 training cases, drawn once' in text
  assert 'It took 400.0 s, more than a tenth of the 3723 s of training' in text


def test_one_of_two_models_may_lack(tmp_path):
  workdir = write(tmp_path, model(), {'learner': 'boosting', 'name': 'gradient boosting',
                                      'problem': 'no training case is <b>ill</b>'})  # fmt: skip
  for text in (shown(workdir), written(workdir)):
    assert 'gradient boosting' in text
    assert 'PCA and logistic regression' in text
  assert 'No baseline by gradient boosting: no training case is <b>ill</b>.' in shown(workdir)
  assert len(run.baseline_lines(workdir, OUTCOME)) == 2


@pytest.mark.parametrize(
  ('about', 'reason'),
  [
    ({'problem': 'the disk is gone'}, 'the disk is gone'),
    ({'checkpoint_step': 3}, 'of another checkpoint; run evaluate again'),
    ({'models': [{}]}, 'baseline.json is damaged'),
  ],
)
def test_none_is_one_line_with_the_reason(tmp_path, about, reason):
  workdir = write(tmp_path, **about)
  assert f'No baseline: {reason}' in shown(workdir).replace('that in the run folder is ', '')
  assert reason in written(workdir)
  (line,) = run.baseline_lines(workdir, OUTCOME)
  assert line.startswith('no baseline: ')
  assert reason in line


def test_a_run_of_before_has_none(tmp_path):
  write_run(tmp_path)
  workdir = Workdir(tmp_path)
  assert 'No baseline: baseline.json is missing; run evaluate again.' in shown(workdir)
  assert 'none: baseline.json is missing' in written(workdir)


def test_several_classes_are_named_as_on_the_page(tmp_path):
  write_run(tmp_path, SEVERAL)
  metrics = {f'auroc{name}': {'value': 0.7, 'low': 0.6, 'high': 0.8} for name in ('', '_normal')}
  value = model(metrics=metrics)
  write(tmp_path / 'other', value)
  (row,) = baseline.read(Workdir(tmp_path / 'other'), OUTCOME).rows
  assert row.figure.startswith('test AUROC, mean over classes 0.700')


def test_folds_have_means_of_figures_and_differences(tmp_path):
  values, gaps = [0.8, 0.9, 0.99], [0.01, -0.02, 0.03]
  runs = [
    write(tmp_path / str(i), model(value, gap))
    for i, (value, gap) in enumerate(zip(values, gaps, strict=True))
  ]
  runs.append(write(tmp_path / 'none', problem='the disk is gone'))
  sweep = Sweep(runs)
  (found,) = folds_baseline.summarise(sweep, OUTCOME)
  assert (found['name'], found['runs']) == ('PCA and logistic regression', 3)
  mean, gap = found['metrics']['auroc'], found['differences']['auroc']
  assert mean['value'] == pytest.approx(np.mean(values))
  assert mean['high'] == 1  # a share
  assert mean['reason'] == 'of 3 runs'
  # Nadeau and Bengio's variance; of independent runs the ratio would be 0.
  deviation = np.std(gaps, ddof=1) * np.sqrt(1 / 3 + sweep.ratio())
  low, high = scipy.stats.t.interval(0.95, 2, np.mean(gaps), deviation)
  assert (gap['low'], gap['high']) == (pytest.approx(low), pytest.approx(high))
  (line,) = folds_baseline.lines([found], OUTCOME)
  assert 'mean test AUROC 0.897' in line
  assert 'the network is not shown to be better' in line
  json.dumps(found)
  assert folds_baseline.lines([], OUTCOME) == ['no baseline: no run has one']
