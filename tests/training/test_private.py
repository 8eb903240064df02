"""Private training: the same step, on any number of devices, and what it refuses."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import runtime
from medjax.config import Config, PrivacySettings
from medjax.data import augment, feed
from medjax.errors import UserError
from medjax.privacy import Privacy
from medjax.training import budget, gradient, loop, parallel, state
from medjax.workdir import Workdir
from tests import small_experiment

QUIET = Privacy('example', 50, 3.0, 1e-3, 0.05, 0.0, 8, 20, 10)


def private_config(**settings):
  privacy = {'epsilon': 3.0} | settings.pop('privacy', {})
  given = {'batch_size': 8, 'num_epochs': 2, 'select': 'last'} | settings
  return Config(privacy=PrivacySettings(**privacy), **given)


def quiet(**changes):
  """Without noise, so that the update is known."""
  made = small_experiment.make()
  return dataclasses.replace(made, privacy=dataclasses.replace(QUIET, **changes))


def gradient_of(experiment, rows, devices=1, parts=1):
  split = experiment.data.splits['train']
  params = state.create(experiment, 0).params
  batch = feed.read(split, np.asarray(rows, np.int32).reshape(devices, -1))
  of = jax.vmap(
    lambda batch: gradient.of_batch(
      experiment, jnp.float32, parts, jax.random.key(0), params, {}, batch
    ),
    axis_name=gradient.AXIS,
  )
  return jax.tree.map(lambda leaf: np.asarray(leaf), jax.jit(of)(batch)[1])


def flat(tree, device=0):
  return np.concatenate([leaf[device].ravel() for leaf in jax.tree.leaves(tree)])


def by_loop(experiment, rows):
  split, privacy = experiment.data.splits['train'], experiment.privacy
  params = state.create(experiment, 0).params

  @jax.jit
  def of_one(batch):
    def loss(params):
      inputs = experiment.data.modality.inputs(batch)
      outputs = experiment.model.apply({'params': params}, inputs, train=True)
      return experiment.task.loss(outputs, batch).sum()

    return jax.grad(loss)(params)

  total = 0
  for row in rows:
    found = of_one(feed.read(split, np.array([row], np.int32)))
    one = np.concatenate([np.asarray(leaf).ravel() for leaf in jax.tree.leaves(found)])
    total = total + one * min(1, privacy.clip_norm / np.linalg.norm(one))
  return total / privacy.batch


def padded(rows, width=20):
  return [*rows, *[-1] * (width - len(rows))]


@pytest.mark.parametrize('count', [0, 3, 8, 9, 11, 20])
def test_for_any_number_of_rows_it_is_the_loop_over_the_expected_number(count):
  experiment = quiet()
  found = flat(gradient_of(experiment, padded(range(count))))
  wanted = by_loop(experiment, range(count))
  np.testing.assert_allclose(found, wanted, atol=1e-5 * experiment.privacy.clip_norm)


def test_devices_and_parts_change_nothing():
  experiment = quiet()
  wanted = flat(gradient_of(experiment, padded(range(9))))
  half = [*padded(range(0, 9, 2), 10), *padded(range(1, 9, 2), 10)]
  shared, in_parts = (
    gradient_of(experiment, half, devices=2),
    gradient_of(experiment, half, parts=2),
  )
  for found in (flat(shared), flat(shared, 1), flat(in_parts)):
    np.testing.assert_allclose(found, wanted, atol=1e-7)


def test_noise_is_added_once_and_of_the_size_that_is_paid_for():
  calm, loud = quiet(), quiet(noise_multiplier=100.0)
  half = [*padded(range(0, 9, 2), 10), *padded(range(1, 9, 2), 10)]
  still = flat(gradient_of(calm, half, devices=2))
  found = gradient_of(loud, half, devices=2)
  assert (flat(found) == flat(found, 1)).all()
  noise = (flat(found) - still) * QUIET.batch / (100.0 * QUIET.clip_norm)
  assert noise.std() == pytest.approx(1, abs=5 / np.sqrt(2 * len(noise)))
  assert abs(noise.mean()) < 5 / np.sqrt(len(noise))


def test_draws_of_all_sizes_are_one_program():
  experiment = quiet()
  devices = runtime.devices(1)
  train = parallel.compile_train(experiment, devices, 'float32', 1)
  current = parallel.place(state.create(experiment, 0), devices)
  split, key = experiment.data.splits['train'], jax.random.key(0)
  compiled = []
  clock = runtime.compile_clock()
  for count in (1, 8, 10, 12, 20):
    batch = feed.read(split, np.array([padded(range(count))], np.int32))
    before = clock()
    current, metrics = train(current, batch, key)
    jax.block_until_ready(current)
    compiled.append(clock() > before)
  assert compiled == [True, False, False, False, False]
  assert metrics['loss'] == 0
  assert metrics['examples'] == QUIET.batch


def test_a_run_tells_what_it_has_spent_and_no_loss(tmp_path):
  config, workdir = private_config(), Workdir(tmp_path / 'run')
  experiment = budget.applied(small_experiment.make(), config)
  privacy = experiment.privacy
  assert (privacy.unit, privacy.units, privacy.batch, privacy.updates) == ('example', 50, 8, 14)
  assert privacy.delta == pytest.approx(0.1 / 50)
  assert loop.train(experiment, config, workdir, runtime.devices(1)) == 14
  lines = [line for line in workdir.metrics.read_text().splitlines() if '"train"' in line]
  assert len(lines) == 14
  assert not any('"loss"' in line or '"examples"' in line for line in lines)
  spent = budget.spent(experiment, workdir, 14)
  assert 2.9 < spent['epsilon'] <= 3.0
  assert spent['lost_updates'] == 0
  budget.lost(experiment, workdir, 10)  # killed: four updates are done again
  again = budget.spent(experiment, workdir, 14)
  assert again['lost_updates'] == 4
  assert again['epsilon'] > spent['epsilon']


def test_the_unit_is_the_patient():
  made = small_experiment.make()
  split = made.data.splits['train']
  group = np.array([f'p{i // 2}' for i in range(50)])
  data = dataclasses.replace(
    made.data, splits={**made.data.splits, 'train': dataclasses.replace(split, group=group)}
  )
  found = budget.applied(dataclasses.replace(made, data=data), private_config()).privacy
  assert (found.unit, found.units) == ('patient', 25)


@pytest.mark.parametrize(
  ('changes', 'settings', 'told'),
  [
    ({'balance': 0.5}, {}, 'config.balance'),
    ({'mix': augment.Mixup()}, {}, 'mixture'),
    ({}, {'privacy': {'delta': 0.05}}, 'config.privacy.delta'),
  ],
)
def test_what_would_tell_more_is_refused(changes, settings, told):
  experiment = dataclasses.replace(small_experiment.make(), **changes)
  with pytest.raises(UserError, match=told):
    budget.applied(experiment, private_config(**settings))


def test_statistics_of_batches_and_of_training_cases_are_refused():
  from medjax import models

  made = small_experiment.make()
  batch = models.ResNet(depth=18, width=4, small_images=True)
  with pytest.raises(UserError, match='batch_stats'):
    budget.applied(dataclasses.replace(made, model=batch), private_config())
  grouped = dataclasses.replace(batch, norm='group')
  assert not state.abstract(dataclasses.replace(made, model=grouped)).model_state
  for name, told in (('label_mean', 'the mean of the labels'), ('other', 'other')):
    data = dataclasses.replace(made.data, details={name: 1.0})
    with pytest.raises(UserError, match=told):
      budget.applied(dataclasses.replace(made, data=data), private_config())


@pytest.mark.parametrize(
  ('settings', 'told'),
  [
    ({'select': 'best'}, 'config.select=best'),
    ({'patience': 3}, 'config.patience=3'),
  ],
)
def test_settings_that_look_at_private_cases_are_refused(settings, told):
  with pytest.raises(UserError, match=told):
    private_config(**settings).validate()


def test_settings_without_a_budget_are_refused():
  with pytest.raises(UserError, match=r'config\.privacy\.clip_norm=2'):
    PrivacySettings(clip_norm=2.0).validate()
