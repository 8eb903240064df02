"""Survival by the training step: against lifelines, over devices and parts, and stopped."""

import jax
import jax.numpy as jnp
import lifelines
import numpy as np
import optax
import pandas as pd
import pytest

from medjax import runtime
from medjax.config import Config
from medjax.data import dataset, feed, memory
from medjax.data.modality import Modality
from medjax.experiment import Experiment
from medjax.models import MLP
from medjax.tasks.survival import Cox, DiscreteTime
from medjax.training import evaluate, keeper, loop, parallel, state
from medjax.training.checkpoint import Checkpoints
from medjax.workdir import Workdir

COUNT = 61
CUTS = (10.0, 20.0, 45.0)


class Rows(Modality):
  """Numbers as they are."""

  def inputs(self, batch):
    return batch['values']

  def open(self, names):
    return []


def cases(seed=0, count=COUNT):
  """Inputs, and labels in whole weeks, so that many times are equal."""
  random = np.random.default_rng(seed)
  values = random.normal(size=(count, 3)).astype(np.float32)
  time = np.ceil(random.exponential(20 * np.exp(-values @ [0.8, -0.4, 0.0])))
  censored = np.ceil(random.uniform(5, 60, count))
  label = {'time': np.minimum(time, censored).astype(np.float32), 'event': time <= censored}
  return values, label


def make(task, optimizer, features=()):
  parts = {}
  for seed, name in enumerate(('train', 'val')):
    values, label = cases(seed)
    names = np.array([f'{name}-{i}' for i in range(COUNT)])
    parts[name] = dataset.Split(
      name, memory.Rows({'values': values}), lambda row: row, names, label, names, {}
    )
  data = dataset.Dataset('made', parts, (), 'made', True, Rows())
  return Experiment(data, MLP(features, task.outputs), task, optimizer)


def fit(experiment, steps, devices=1, parts=1):
  """Parameters after updates by all rows at once, and the losses."""
  on = runtime.devices(devices)
  split = experiment.data.splits['train']
  step = parallel.compile_train(experiment, on, 'float32', parts)
  plan = feed.batches(np.arange(len(split)), len(split), len(on.all) * parts)
  (batch,) = feed.Streamed(split, on)(plan)
  current, losses = state.create(experiment, 0), []
  for _ in range(steps):
    current, metrics = step(current, batch, jax.random.key(0))
    losses.append(float(metrics['loss']))
  return jax.device_get(current.params), losses


def largest_difference(one, other):
  pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
  return max(float(np.abs(np.asarray(a, float) - np.asarray(b, float)).max()) for a, b in pairs)


def test_the_step_does_cox_regression_as_lifelines_does():
  experiment = make(Cox(), optax.lbfgs(memory_size=20))
  params, losses = fit(experiment, 40)
  values, label = cases()
  frame = pd.DataFrame(values.astype(float), columns=['a', 'b', 'c'])
  frame = frame.assign(time=label['time'], event=label['event'])
  expected = lifelines.CoxPHFitter()
  expected.fit(frame, 'time', 'event', fit_options={'precision': 1e-10})
  kernel = params['Dense_0']['kernel'][:, 0]
  np.testing.assert_allclose(kernel, expected.params_, atol=1e-4)
  assert losses[-1] == pytest.approx(-expected.log_likelihood_ / label['event'].sum(), rel=1e-5)
  table = experiment.task.coefficients(values, label, kernel, 0.0, names=['a', 'b', 'c'])
  np.testing.assert_allclose(table.standard_error, expected.standard_errors_, atol=1e-4)
  assert (table.reason, table.names) == ('', ('a', 'b', 'c'))


@pytest.mark.parametrize(
  ('task', 'features', 'others'),
  [(Cox(), (4,), [(8, 1), (2, 2)]), (DiscreteTime(CUTS), (), [(2, 2)])],
  ids=['cox', 'discrete'],
)
def test_devices_and_parts_do_not_change_the_update(task, features, others):
  experiment = make(task, optax.sgd(0.5), features)
  one, losses = fit(experiment, 2)
  for devices, parts in others:
    many, more = fit(experiment, 2, devices, parts)
    assert largest_difference(one, many) < 1e-5
    np.testing.assert_allclose(more, losses, rtol=1e-5)


def _train(experiment, folder):
  config = Config(batch_size=20, num_epochs=2, num_devices=1)
  workdir = Workdir(folder)
  loop.train(experiment, config, workdir, runtime.devices(1))
  with Checkpoints(workdir.checkpoints, 99, workdir.identity()) as checkpoints:
    return checkpoints.latest(state.abstract(experiment))[0]


def test_a_stopped_run_goes_on_to_the_same_bits_and_is_evaluated(tmp_path, monkeypatch):
  experiment = make(Cox((10.0, 30.0)), optax.adam(1e-2), (4,))
  straight = _train(experiment, tmp_path / 'straight')
  asked = runtime.Preemption.requested
  monkeypatch.setattr(runtime.Preemption, 'requested', lambda self, step: step == 5)
  with pytest.raises(keeper.PreemptedError):
    _train(experiment, tmp_path / 'stopped')
  monkeypatch.setattr(runtime.Preemption, 'requested', asked)
  assert largest_difference(straight, _train(experiment, tmp_path / 'stopped')) == 0
  # Validation scores by concordance, and evaluation writes what it found.
  workdir = Workdir(tmp_path / 'straight')
  on = runtime.devices(1)
  tables = evaluate.evaluate(experiment, workdir, on, Config()).tables
  assert tables['val'].survival.shape == (COUNT, 2)
  metrics = workdir.read(workdir.evaluation)['val']
  assert 0.5 < metrics['concordance']['value'] < 1
  read = evaluate.read_tables(experiment, workdir)['val']
  np.testing.assert_array_equal(read.survival, tables['val'].survival)


def test_risk_of_a_discrete_model_moves_as_the_log_hazard_ratio():
  """With hazards of exp(x) times 0.01, 0.02 and 0.03, as steps of the cumulative hazard."""
  rises = np.exp([[0.0], [0.7]]) * [0.01, 0.02, 0.03]
  logits = jnp.asarray(np.log(np.expm1(rises)), jnp.float32)  # the inverse of softplus
  task = DiscreteTime(CUTS, (10.0,))
  predicted = np.asarray(task.predict(logits))
  assert predicted.shape == (2, 4)
  assert predicted[1, 0] - predicted[0, 0] == pytest.approx(0.7, abs=1e-5)
  assert predicted[0, 0] == pytest.approx(np.log((0.01 + 0.03 + 0.06) / 3), abs=1e-5)
  np.testing.assert_allclose(predicted[:, 1:], np.exp(-np.cumsum(rises, axis=1)), rtol=1e-5)
  np.testing.assert_array_equal(task.explained(logits, jnp.zeros(2, int)), predicted[:, 0])
  # Outputs are from the hazards that they begin with.
  hazards = tuple(-np.expm1(-rises[0]))
  begun = DiscreteTime(CUTS, hazards=hazards)
  np.testing.assert_allclose(begun.predict(jnp.zeros((1, 3)))[0], predicted[0], atol=1e-5)
  label = {'time': jnp.array([15.0, 50.0]), 'event': jnp.array([True, False])}
  losses = begun.loss(jnp.zeros((2, 3)), {'label': label})
  expected = task.loss(jnp.stack([logits[0], logits[0]]), {'label': label})
  np.testing.assert_allclose(losses, expected, rtol=1e-5)
  slopes = jax.grad(lambda x: task.explained(x, None).sum())(jnp.full((1, 3), -200.0))
  assert np.isfinite(task.explained(jnp.full((1, 3), -200.0), None)).all()
  assert np.isfinite(slopes).all()


def test_only_censored_cases_leave_a_cox_network_as_it_is():
  label = {'time': np.ones(COUNT, np.float32), 'event': np.zeros(COUNT, bool)}
  batch = {'label': label, 'mask': np.ones(COUNT, bool)}
  outputs = jnp.asarray(cases()[0][:, :1])
  (loss, weight), slopes = jax.value_and_grad(Cox().loss, has_aux=True)(outputs, batch)
  assert (float(loss), float(weight)) == (0.0, 0.0)
  assert not np.asarray(slopes).any()


def test_intervals_that_are_one_in_float32_are_one():
  times = [1, 1, 1, 1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 9, 9, 10, 10, 11, 11, 11]
  percentiles = np.percentile(times, np.arange(101))
  task = DiscreteTime.of_events(percentiles, np.linspace(1, 0.3, 101), 20)
  assert (np.diff(np.array(task.cuts, np.float32)) > 0).all()
  assert len(task.cuts) == len(task.hazards) == task.outputs
