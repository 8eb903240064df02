"""Weights that a training starts from: read once, noted, and the same when a run goes on."""

import dataclasses
import shutil

import jax
import numpy as np
import pytest

from medjax import models, optimizers, runtime, transfer
from medjax.config import Config
from medjax.errors import UserError
from medjax.training import evaluate, loop, state, weights
from medjax.workdir import Workdir

CONFIG = Config(batch_size=10, num_epochs=1)
FROZEN = {'frozen': 'backbone'}


def started(make_experiment, given, model=None, **settings):
  """An experiment that starts from the weights of a run."""
  network = model or models.CNN(features=(4,), hidden=8)
  chosen = transfer.WeightSettings(weights=str(given), **settings)
  return dataclasses.replace(
    make_experiment(),
    model=transfer.prepared(chosen, network),
    optimizer=optimizers.Adam(1e-2, rates=transfer.rates(chosen, network)),
    start=transfer.source(chosen, network),
  )


def train(experiment, folder, epochs=1):
  config = dataclasses.replace(CONFIG, num_epochs=epochs)
  workdir = Workdir(folder)
  loop.train(experiment, config, workdir, runtime.devices(1))
  return evaluate.best_and_last(experiment, workdir)[-1][0], workdir


@pytest.fixture(scope='module')
def first(tmp_path_factory, make_experiment):
  """A run of random weights: its last variables and its folder."""
  folder = tmp_path_factory.mktemp('first') / 'run'
  variables, _ = train(make_experiment(optimizers.Adam(1e-2)), folder)
  return variables, folder


def test_a_run_begins_with_the_best_of_another_and_what_is_frozen_stays(
  first, make_experiment, tmp_path
):
  before, folder = first
  experiment = started(make_experiment, folder, **FROZEN)
  created = weights.begin(
    experiment, state.create(experiment, 0), Workdir(tmp_path / 'none'), write=False, seed=0
  )
  jax.tree.map(np.testing.assert_array_equal, created.variables, before)
  after, workdir = train(experiment, tmp_path / 'run')
  for name in ('Conv_0', 'Dense_0'):
    jax.tree.map(np.testing.assert_array_equal, after['params'][name], before['params'][name])
  assert (after['params']['Dense_1']['kernel'] != before['params']['Dense_1']['kernel']).any()
  about = workdir.read(workdir.weights)
  assert about['source'] == str(folder)
  assert about['pixels'] == 'unit'
  assert about['digest'].startswith('sha256:')
  assert any('the outputs are those of' in note for note in about['notes'])


def test_a_run_goes_on_without_the_source_and_to_the_same_bits(first, make_experiment, tmp_path):
  source = tmp_path / 'source'
  shutil.copytree(first[1], source)
  experiment = started(make_experiment, source)
  config = dataclasses.replace(CONFIG, num_epochs=2, checkpoint_steps=3)
  straight = Workdir(tmp_path / 'straight')
  loop.train(experiment, config, straight, runtime.devices(1))
  whole, _ = evaluate.best_and_last(experiment, straight)[-1]
  # Killed between weights.json and the first checkpoint, and again after an epoch.
  broken = Workdir(tmp_path / 'broken')
  broken.claim(config)
  broken.claim_data(experiment.data.summary())
  weights.begin(experiment, state.create(experiment, config.seed), broken, write=True, seed=0)
  stopped = dataclasses.replace(config, num_epochs=1)
  broken.stored(config)
  shutil.copytree(broken.folder, tmp_path / 'others')
  first_half = Workdir(broken.folder)
  first_half.claim = lambda _: None  # so that fewer epochs may be asked for
  loop.train(experiment, stopped, first_half, runtime.devices(1))
  shutil.rmtree(source)
  assert weights.check(experiment, broken) == []
  loop.train(experiment, config, broken, runtime.devices(1))
  resumed, _ = evaluate.best_and_last(experiment, broken)[-1]
  jax.tree.map(np.testing.assert_array_equal, resumed, whole)
  # Before its first checkpoint a run needs the source again.
  with pytest.raises(UserError, match=r'expected a run folder, or a file whose name ends in'):
    loop.train(experiment, config, Workdir(tmp_path / 'others'), runtime.devices(1))


def test_other_weights_than_a_run_began_with_are_refused(first, make_experiment, tmp_path):
  source = tmp_path / 'source'
  shutil.copytree(first[1], source)
  experiment = started(make_experiment, source)
  _, workdir = train(experiment, tmp_path / 'run')
  shutil.rmtree(source)
  train(started(make_experiment, first[1]), source)
  with pytest.raises(UserError, match=r'weights have changed since this run began \(sha256:'):
    weights.check(experiment, workdir)
  shutil.rmtree(workdir.checkpoints)
  with pytest.raises(UserError, match='weights have changed since this run began'):
    weights.begin(experiment, state.create(experiment, 0), workdir, write=True, seed=0)


def test_scaled_weights_expect_their_scale(first, make_experiment, tmp_path):
  experiment = started(make_experiment, first[1])
  experiment = dataclasses.replace(experiment, start=transfer.Source(str(first[1]), 'centred'))
  with pytest.raises(UserError, match=r'config.model.pixels=centred: .* that expect unit'):
    weights.check(experiment, Workdir(tmp_path / 'run'))
  centred = started(make_experiment, '', pixels='centred')
  _, workdir = train(centred, tmp_path / 'centred')
  assert workdir.read(workdir.weights)['pixels'] == 'centred'
  again = started(make_experiment, workdir.folder, pixels='centred')
  notes = weights.check(again, Workdir(tmp_path / 'run'))
  assert any('pixels are scaled as the weights expect: centred' in note for note in notes)


def test_no_run_there(make_experiment, tmp_path):
  experiment = started(make_experiment, tmp_path)
  with pytest.raises(UserError, match=r'config.model.weights=.*: no run with a checkpoint there'):
    weights.check(experiment, Workdir(tmp_path / 'run'))


def test_statistics_of_what_is_frozen_stay_as_they_are(make_experiment, tmp_path):
  network = models.DenseNet(layers=(1,), growth=4, small_images=True, frozen=True)
  rates = transfer.rates(transfer.WeightSettings(weights='w.pth', **FROZEN), network)
  frozen = dataclasses.replace(
    make_experiment(), model=network, optimizer=optimizers.Adam(1e-2, rates=rates)
  )
  before = state.create(frozen, CONFIG.seed).variables
  after, _ = train(frozen, tmp_path / 'run')
  for name, part in after['params'].items():
    if name == 'classifier':
      assert (part['kernel'] != before['params'][name]['kernel']).any()
    else:
      jax.tree.map(np.testing.assert_array_equal, part, before['params'][name])
  jax.tree.map(np.testing.assert_array_equal, after['batch_stats'], before['batch_stats'])
