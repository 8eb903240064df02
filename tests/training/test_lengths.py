"""Training and prediction on chains that differ in length: devices, feeds, stops, and order."""

import jax
import numpy as np
import optax
import pytest

from medjax import models, runtime, tasks
from medjax.config import Config
from medjax.data import residues
from medjax.experiment import Experiment
from medjax.training import keeper, loop, parallel, predict, state
from medjax.training.checkpoint import Checkpoints
from medjax.workdir import Workdir


def _case(seed, index):
  """A chain of 10 to 60 residues whose state is that of the residue itself."""
  rng = np.random.default_rng([seed, index])
  sequence = ''.join(rng.choice(list('ACDEFGHIKLMNPQRSTVWY'), int(rng.integers(10, 61))))
  observed = (
    '-' + sequence.translate(str.maketrans('ACDEFGHIKLMNPQRSTVWY', 'HHHHHHHEEEEEEECCCCCC'))[1:]
  )
  return type('Case', (), {'sequence': sequence, 'observed': observed, 'fold': 'none'})


_case.__module__ = 'cases'


@pytest.fixture(scope='module')
def experiment():
  data = residues.load(residues.Config(simulated=50), simulator=_case)
  return Experiment(
    data=data,
    model=models.DilatedCNN(
      features=4, first=3, kernel=3, dilations=(1,), hidden=4, outputs=3, dropout=0.0
    ),
    task=tasks.PerPosition(3, typical=50.0),
    optimizer=optax.sgd(0.1),
  )


def _train(experiment, folder, devices=1, **settings):
  config = Config(**({'batch_size': 8, 'num_epochs': 1} | settings))
  workdir = Workdir(folder)
  loop.train(experiment, config, workdir, runtime.devices(devices))
  with Checkpoints(workdir.checkpoints, 99, workdir.identity()) as checkpoints:
    return checkpoints.latest(state.abstract(experiment))[0]


@pytest.fixture(scope='module')
def straight(experiment, tmp_path_factory):
  return _train(experiment, tmp_path_factory.mktemp('straight') / 'run')


def _largest_difference(one, other):
  pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
  return max(float(np.abs(np.asarray(a, float) - np.asarray(b, float)).max()) for a, b in pairs)


def test_two_devices_do_as_one(experiment, straight, tmp_path):
  two = _train(experiment, tmp_path / 'two', devices=2)
  assert _largest_difference(straight.variables, two.variables) < 1e-5


def test_streamed_batches_train_the_same_bits(experiment, straight, tmp_path):
  streamed = _train(experiment, tmp_path / 'streamed', feeding='streamed')
  assert _largest_difference(straight, streamed) == 0


def test_a_stopped_run_goes_on_to_the_same_bits(experiment, straight, tmp_path, monkeypatch):
  stop = 3  # in the middle of the first epoch
  asked = runtime.Preemption.requested
  monkeypatch.setattr(runtime.Preemption, 'requested', lambda self, step: step == stop)
  with pytest.raises(keeper.PreemptedError):
    _train(experiment, tmp_path / 'stopped')
  monkeypatch.setattr(runtime.Preemption, 'requested', asked)
  assert _largest_difference(straight, _train(experiment, tmp_path / 'stopped')) == 0


@pytest.mark.parametrize('devices', [1, 2])
def test_predictions_are_in_the_order_of_the_split(experiment, straight, devices):
  """Each chain as it is predicted alone and without padding."""
  on = runtime.devices(devices)
  step = parallel.compile_evaluate(experiment, on, 'float32')
  split = experiment.data.splits['train']
  table, _ = predict.predict_split(experiment, step, on.replicate(straight.variables), split, on, 8)
  assert table.id.tolist() == split.id.tolist()
  for row in range(5):
    batch = split.read([row], {'positions': int(split.sizes['positions'][row])})
    outputs = experiment.model.apply(straight.variables, experiment.data.modality.inputs(batch))
    best = np.asarray(outputs)[0].argmax(axis=-1)
    assert table.prediction[row] == ''.join('HEC'[i] for i in best)
