"""Cross-validated runs pooled, against scikit-learn on all their calls."""

import csv
import json
from typing import ClassVar

import numpy as np
import pytest
import reseal
import scipy
import sklearn.metrics

from medjax import sealed
from medjax.evaluation import Calibration, Conformal, Decision, Estimate, Predictions
from medjax.outcomes import Classes, Number
from medjax.report import folds, run_means
from medjax.report.sweep import Sweep
from medjax.workdir import Workdir

CLASSES = ('a', 'b', 'c')


def pooled(runs):
  return Classes().pooled([Classes().read_table(run.predictions('test')) for run in runs])


class BothKinds(Number):
  """Names metrics of classes and of numbers."""

  metrics: ClassVar = Number.metrics | Classes.metrics


def run(folder, names, label, probability):
  workdir = Workdir(folder)
  table = Predictions(names, label, probability, names, 'test', CLASSES)
  workdir.predictions('test').parent.mkdir(parents=True)
  table.write_csv(workdir.predictions('test'))
  fitted = Decision(1, Calibration(), Estimate(None), Conformal('split', 0.9, (0.0,) * 3, ''))
  found = {'test': {'accuracy': {'value': 0.5, 'low': None, 'high': None}}}
  workdir.decision.write_text(json.dumps(fitted.to_json()))
  workdir.evaluation.write_text(json.dumps(found))
  return reseal.run_folder(folder)


@pytest.fixture
def runs(tmp_path):
  """Two folds and two repeats; the only cases of c are in one fold."""
  rng = np.random.default_rng(0)
  label = np.array([0, 1] * 18 + [2, 2, 0, 1])
  names = np.array([f'n{i:02d}' for i in range(40)])
  found = []
  for repeat in range(2):
    for fold, of in enumerate([np.arange(20), np.arange(20, 40)]):
      probability = rng.dirichlet(np.ones(3), 20)
      probability[np.arange(20), label[of]] += 0.6
      probability /= probability.sum(axis=1, keepdims=True)
      found.append(run(tmp_path / f'{repeat}-{fold}', names[of], label[of], probability))
  return found


def test_calls_of_all_folds_are_counted_together(runs):
  tables = [np.genfromtxt(r.predictions('test'), delimiter=',', names=True) for r in runs]
  columns = [f'probability_{name}' for name in CLASSES]
  repeats = [
    np.concatenate([np.stack([t[c] for c in columns], axis=1) for t in tables[i : i + 2]])
    for i in (0, 2)
  ]
  label = np.array([0, 1] * 18 + [2, 2, 0, 1])
  calls = np.mean(repeats, axis=0).argmax(axis=1)
  found = pooled(runs)
  expected = sklearn.metrics.f1_score(label, calls, average='macro')
  assert found['f1'].value == pytest.approx(expected)
  assert found['f1'].low < expected < found['f1'].high
  assert found['accuracy'].value == pytest.approx((calls == label).mean())
  assert found['sensitivity_c'].value == pytest.approx((calls[label == 2] == 2).mean())
  assert not any(name.startswith('au') for name in found)


def test_pooled_metrics_are_shown_and_written(runs, tmp_path, capsys):
  folds.show(Sweep(runs), Classes(), tmp_path)
  written = sealed.read(tmp_path / 'crossval.json')[0]
  assert written['pooled']['f1']['value'] == pooled(runs)['f1'].value
  assert 'test cases of all runs pooled' in capsys.readouterr().out


def test_the_page_shows_every_run_and_what_repeats_differ_by(runs, tmp_path):
  for number, workdir in enumerate(runs):
    found = {
      name: {'value': value, 'low': None, 'high': None}
      for name, value in (('auroc', 0.6 + 0.1 * number), ('accuracy', 0.5), ('ece', 0.1))
    }
    made = [workdir.decision, workdir.predictions('test')]
    workdir.write(workdir.evaluation, {'test': found}, covers=made)
    workdir.report.write_text('a page')
  folds.show(Sweep(runs, repeats=2), Classes(), tmp_path)
  written = sealed.read(tmp_path / 'crossval.json')[0]
  assert written['test']['auroc']['runs'] == pytest.approx([0.6, 0.7, 0.8, 0.9])
  assert written['test']['auroc']['repeats'] == pytest.approx([0.65, 0.85])
  text = (tmp_path / 'crossval.html').read_text()
  assert '<a href="1-0/report.html">1-0</a>' in text
  assert 'the mean AUROC of a repeat was between 0.650 and 0.850' in ' '.join(text.split())
  assert '0.600 to 0.900' in text
  assert 'Test AUROC of every run' in text
  assert 'No baseline: no run has one.' in text


def test_the_page_of_one_repeat_says_what_it_does_not_tell(runs, tmp_path):
  folds.show(Sweep(runs[:2]), Classes(), tmp_path)
  text = (tmp_path / 'crossval.html').read_text()
  assert 'All runs began from the same seed' in text
  assert 'Means of repeats' not in text


def test_two_classes_are_not_pooled():
  names = np.array(['x', 'y'])
  table = Predictions(names, np.array([0, 1]), np.array([0.2, 0.7]), names, 'test', ('a', 'b'))
  assert Classes().pooled([table, table]) == {}


def test_only_classes_are_pooled():
  assert Number().pooled([]) == {}


def test_intervals_of_shares_stay_among_them(runs):
  for number, workdir in enumerate(runs):
    found = {
      name: {'value': 1.0 if number else 0.6, 'low': None, 'high': None}
      for name in ('auroc', 'rmse')
    }
    workdir.write(workdir.evaluation, {'test': found})
  means = folds.summarise(Sweep(runs), BothKinds())
  assert means['rmse'].value == means['auroc'].value == pytest.approx(0.9)
  assert means['rmse'].high > 1 == means['auroc'].high
  assert means['rmse'].low == means['auroc'].low > 0


def test_intervals_count_the_training_cases_that_folds_share():
  """Nadeau and Bengio's variance by hand, and what seeds of one fold share."""
  rng = np.random.default_rng(0)
  values = rng.normal(0.8, 0.03, (2, 3, 5))
  by_fold = values.mean(axis=1).ravel()
  spread = np.sqrt((1 / 10 + 0.25) * by_fold.var(ddof=1))
  half_width = scipy.stats.t.ppf(0.975, 9) * spread
  found = run_means.mean_over_runs(values, 0.25)
  assert found.value == pytest.approx(by_fold.mean())
  assert found.low == pytest.approx(by_fold.mean() - half_width)
  assert found.high == pytest.approx(by_fold.mean() + half_width)
  # Another seed that says the same adds nothing.
  twice = run_means.mean_over_runs(np.repeat(values, 2, axis=1), 0.25)
  assert twice.low == pytest.approx(found.low)
  values[0, 0, 0] = np.nan
  assert run_means.mean_over_runs(values, 0.25).reason == 'of 29 runs'


def test_of_each_run_the_test_cases_are_listed_with_the_member(runs, tmp_path):
  folds.show(Sweep([*runs[:3], None], repeats=2), Classes(), tmp_path, {'1-1': 'no memory'})
  with open(tmp_path / 'out_of_fold.csv') as file:
    rows = list(csv.DictReader(file))
  assert [row['member'] for row in rows] == ['0-0'] * 20 + ['0-1'] * 20 + ['1-0'] * 20
  assert rows[20]['id'] == 'n20'
  text = (tmp_path / 'crossval.html').read_text()
  assert '1-1 failed and is in no mean: no memory' in text
  assert sealed.read(tmp_path / 'crossval.json')[0]['test']['accuracy']['reason'] == (
    'all folds are alike: no interval, of 3 runs'
  )


def test_folds_that_are_alike_or_too_few_have_no_interval():
  alike = run_means.mean_over_runs(np.full((1, 1, 5), 0.7), 0.25, True)
  assert (alike.value, alike.low, alike.reason) == (0.7, None, 'all folds are alike: no interval')
  few = run_means.mean_over_runs(np.array([[[0.5, 0.7]]]), 0.25)
  assert (few.value, few.low, few.reason) == (0.6, None, 'two folds: no interval')
