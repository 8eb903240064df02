"""The baseline of a run: what it is fitted to, when it is made again, and its errors."""

import dataclasses

import numpy as np
import pytest
import toys
from beside import arrays, beside, experiment_of, linear, relabelled, taken
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from medjax import tasks
from medjax.config import Config
from medjax.data import signals
from medjax.data.images import Images
from medjax.data.simulate import heartbeat
from medjax.outcomes import simple
from medjax.training import baseline
from medjax.workdir import Workdir


def test_a_class_that_training_lacks_is_the_reason(make_experiment, tmp_path):
  experiment = make_experiment()
  label = np.zeros(50, np.int32)
  experiment = dataclasses.replace(experiment, data=relabelled(experiment.data, 'train', label))
  about, _, _ = beside(experiment, tmp_path)
  assert about['models'][0]['problem'] == 'no training case is bright'


def test_one_training_case_is_the_reason(make_experiment, tmp_path):
  experiment = make_experiment()
  one = taken(experiment.data, 'train', [0])
  about, _, _ = beside(dataclasses.replace(experiment, data=one), tmp_path / 'classes')
  assert about['models'][0]['problem'] == 'no training case is bright'
  for name in one.splits:
    one = relabelled(one, name, np.linspace(0, 1, len(one.splits[name])).astype(np.float32))
  about, _, _ = beside(experiment_of(one, tasks.Regression()), tmp_path / 'numbers')
  assert about['models'][0]['problem'] == '1 labelled training cases; expected at least 2'


def test_few_cases_have_as_many_neighbours_as_there_are(tmp_path):
  data = signals.load(
    signals.Config(simulated=240), simulator=heartbeat.simulate, classes=heartbeat.CLASSES
  )
  label = data.splits['train'].label
  three = [int(np.flatnonzero(label == number)[0]) for number in range(3)]
  data = taken(data, 'train', three)
  about, _, _ = beside(experiment_of(data, tasks.classification(data.classes)), tmp_path)
  (model,) = about['models']
  assert model['problem'] == ''
  assert model['settings'].startswith('3 of them')


class Few(Images):
  """Images of which a simple model sees twenty at most."""

  simple_cases = 20


def test_a_large_set_is_drawn_from_and_each_time_alike(make_experiment, tmp_path):
  experiment = make_experiment()
  data = dataclasses.replace(experiment.data, modality=Few(12, 12, 1))
  experiment = dataclasses.replace(experiment, data=data)
  first, second = (beside(experiment, tmp_path / name)[0] for name in 'ab')
  assert (first['cases'], first['training_cases']) == (20, 50)
  assert first['models'] == second['models']
  train, label = arrays(data, 'image', 'train')
  test, expected = arrays(data, 'image', 'test')
  drawn = np.sort(np.random.default_rng(0).choice(50, 20, replace=False))
  flat = [part.reshape(len(part), -1) / 255 for part in (train[drawn], test)]
  hand = make_pipeline(PCA(20), linear()).fit(flat[0], label[drawn])
  auroc = roc_auc_score(expected, hand.predict_proba(flat[1])[:, 1])
  assert first['models'][0]['metrics']['auroc']['value'] == pytest.approx(auroc)


def test_what_is_there_is_kept_and_what_is_stale_is_made_again(make_experiment, tmp_path):
  experiment = make_experiment()
  about, tables, decision = beside(experiment, tmp_path)
  workdir = Workdir(tmp_path)
  marked = about | {'seconds': 1234.5}
  workdir.write(workdir.baseline, marked)
  baseline.write(experiment, workdir, 7, tables, Config())
  assert workdir.read(workdir.baseline) == marked
  later = dataclasses.replace(decision, checkpoint_step=8)
  workdir.write(workdir.decision, later.to_json())
  baseline.write(experiment, workdir, 8, tables, Config())
  assert workdir.read(workdir.baseline)['seconds'] != 1234.5
  workdir.baseline.write_text('{"made')
  baseline.write(experiment, workdir, 8, tables, Config())
  assert workdir.read(workdir.baseline)['checkpoint_step'] == 8


def test_without_a_test_split_it_is_of_validation(make_experiment, tmp_path):
  experiment = make_experiment()
  splits = {name: split for name, split in experiment.data.splits.items() if name != 'test'}
  data = dataclasses.replace(experiment.data, splits=splits)
  about, _, _ = beside(dataclasses.replace(experiment, data=data), tmp_path)
  assert about['split'] == 'val'
  assert Workdir(tmp_path).baseline_predictions('linear', 'val').exists()


class Failing(Images):
  """Images whose features cannot be read."""

  def simple_features(self, arrays):
    raise RuntimeError('the disk is gone\nat line 3')


def test_a_baseline_that_fails_loses_nothing(make_experiment, tmp_path, monkeypatch):
  experiment = make_experiment()
  data = dataclasses.replace(experiment.data, modality=Failing(12, 12, 1))
  about, _, _ = beside(dataclasses.replace(experiment, data=data), tmp_path / 'a')
  assert (about['problem'], about['models']) == ('the disk is gone', [])

  def too_large(*_, **__):
    raise MemoryError

  monkeypatch.setattr(LogisticRegression, 'fit', too_large)
  about, _, _ = beside(experiment, tmp_path / 'b')
  assert about['models'][0]['problem'] == 'MemoryError'


def test_what_has_not_converged_says_so(make_experiment, tmp_path, monkeypatch):
  monkeypatch.setattr(simple, '_STEPS', 1)
  about, _, _ = beside(make_experiment(), tmp_path)
  assert about['models'][0]['settings'].endswith('stopped before it had converged')


def test_kinds_that_offer_none_say_so(tmp_path):
  experiment = toys.graphs()
  about, _, _ = beside(experiment, tmp_path)
  assert about['problem'] == 'there is no simple model of files for these labels'


def test_what_simple_models_need_is_loaded_ahead(make_experiment, monkeypatch):
  loaded = []
  monkeypatch.setattr(baseline.importlib, 'import_module', loaded.append)
  baseline.load_ahead(make_experiment()).join()
  assert loaded == ['sklearn.linear_model']
  baseline.load_ahead(toys.graphs()).join()  # offers none
  assert loaded == ['sklearn.linear_model']
