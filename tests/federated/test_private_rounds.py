"""Sites that train privately, each on patients of its own: what they send, and what they spend."""

import dataclasses
import functools

import jax
import numpy as np
import optax
import pytest

pytest.importorskip('jax_privacy', reason='needs medjax[private]')

from medjax import runtime
from medjax.config import Config, PrivacySettings
from medjax.federated.local import Local
from medjax.federated.server import Rounds
from medjax.federated.settings import Settings
from medjax.federated.sites import Site
from medjax.privacy import accounting
from medjax.spent import Spent
from medjax.training import budget, history, parallel
from medjax.workdir import Workdir

CONFIG = Config(
  batch_size=8, num_epochs=3, num_devices=1, select='last', privacy=PrivacySettings(epsilon=2.0)
)
PLAIN = dataclasses.replace(CONFIG, privacy=PrivacySettings())


@pytest.fixture(scope='module')
def devices():
  return runtime.devices(1)


def sites_of(experiment, *numbers):
  data = experiment.data
  own = [data.splits | {'train': data.splits['train'].take(of)} for of in numbers]
  return [
    Site(f'site-{i + 1}', dataclasses.replace(experiment, data=dataclasses.replace(data, splits=s)))
    for i, s in enumerate(own)
  ]


@pytest.fixture(scope='module')
def private(devices):
  """A function: settings of a federation -> one of two sites, with 20 and 30 cases."""
  import small_experiment

  experiment = small_experiment.make(optax.sgd(0.1))
  parts = sites_of(experiment, np.arange(20), np.arange(20, 50))
  everyone = budget.applied(experiment, CONFIG)

  @functools.cache
  def made(settings, rounds=3, batch_size=64):  # one with everybody is accounted for at once
    config = dataclasses.replace(CONFIG, num_epochs=rounds, batch_size=batch_size)
    return Rounds(parts, everyone, config, settings, devices)

  return made


def finished(rounds, folder, devices):
  workdir = Workdir(folder)
  workdir.claim(rounds.config)
  step = parallel.compile_evaluate(rounds.experiment, devices, rounds.config.precision)
  rounds.train(workdir, Spent(), step)
  return workdir


@pytest.mark.filterwarnings('ignore:divide by zero')  # of accounting, at this budget
def test_without_noise_and_cuts_a_round_is_that_of_plain_sites(make_experiment, devices):
  experiment = make_experiment(optax.sgd(0.1))
  parts = sites_of(experiment, np.arange(6), np.arange(6, 14))
  # Every patient takes part in every update, and there is next to no noise.
  config = dataclasses.replace(
    CONFIG, privacy=PrivacySettings(epsilon=1e12, clip_norm=100.0), batch_size=16
  )
  found = []
  for one in (config, dataclasses.replace(PLAIN, batch_size=16)):
    rounds = Rounds(parts, experiment, one, Settings(), devices)
    current = jax.device_get(parallel.create(rounds.experiment, one.seed, devices))
    for number in range(2):
      current, metrics, left_out = rounds.round(number, current)
      assert not left_out
    found.append((current.params, metrics))
  (of_private, told), (of_plain, all_told) = found
  jax.tree.map(functools.partial(np.testing.assert_allclose, atol=1e-4), of_private, of_plain)
  assert 'loss' in all_told
  assert 'loss' not in told  # of private cases


def test_each_site_spends_what_its_own_updates_cost(private, devices, tmp_path):
  rounds = private(Settings(local_epochs=2, local_steps=5), batch_size=8)
  workdir = finished(rounds, tmp_path, devices)
  spent = budget.spent(rounds.experiment, workdir, 3)
  assert spent['sites'].keys() == {'site-1', 'site-2'}
  for name, cases in (('site-1', 20), ('site-2', 30)):
    one = spent['sites'][name]
    assert (one['updates'], one['units'], one['delta']) == (15, cases, 0.1 / cases)
    cost = accounting.epsilon(one['noise_multiplier'], 8 / cases, 15, 0.99 * 0.1 / cases)
    assert one['epsilon'] == pytest.approx(cost)
    assert 1.9 < one['epsilon'] <= 2
  assert spent['epsilon'] == max(one['epsilon'] for one in spent['sites'].values())
  assert (spent['delta'], spent['units']) == (0.1 / 20, 50)
  lines = [line for line in history.read(workdir).lines if line['split'] == 'train']
  assert len(lines) == 3
  assert not any('loss' in line for line in lines)


def test_a_site_that_is_absent_spends_nothing(private, devices, tmp_path):
  rounds = private(Settings(absent=0.5), 6)
  workdir = finished(rounds, tmp_path, devices)
  absent = [0, 0]
  for number in range(6):
    random = np.random.default_rng([CONFIG.seed, number])
    absent = [count + (random.random() < 0.5) for count in absent]
  assert 0 < sum(absent) < 12
  spent = budget.spent(rounds.experiment, workdir, 6)['sites']
  assert spent['site-1']['updates'] == 6 - absent[0]
  assert spent['site-2']['updates'] == 6 - absent[1]
  assert all(one['epsilon'] < 2 for one, n in zip(spent.values(), absent, strict=True) if n)


def test_what_was_sent_is_never_taken_back(private, devices, tmp_path):
  workdir = finished(private(Settings()), tmp_path, devices)
  before = budget.spent(private(Settings()).experiment, workdir, 3)
  # The checkpoint is lost, and the rounds are done again with other noise.
  newest = max(workdir.checkpoints.iterdir(), key=lambda path: int(path.name))
  for path in sorted(newest.rglob('*'), reverse=True):
    path.rmdir() if path.is_dir() else path.unlink()
  newest.rmdir()
  finished(private(Settings()), tmp_path, devices)
  after = budget.spent(private(Settings()).experiment, workdir, 3)
  assert [one['updates'] for one in before['sites'].values()] == [3, 3]
  assert [one['updates'] for one in after['sites'].values()] == [6, 6]
  assert before['epsilon'] == pytest.approx(2)
  assert after['epsilon'] > 2.5


@pytest.mark.parametrize('anew', [True, False])
def test_two_draws_of_a_round_differ(private, devices, anew):
  """The noise does not come from the seed, nor twice from one key: everybody is in each update."""
  rounds = [private(Settings()) for _ in range(2)]
  if anew:
    one = rounds[0]
    sites = [Site(local.name, local.experiment) for local in one._locals]
    rounds[1] = Rounds(sites, one.experiment, one.config, one.settings, devices)
  current = jax.device_get(parallel.create(rounds[0].experiment, 0, devices))
  found = [one.round(0, current)[0].params for one in rounds]
  differences = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), *found)
  assert all(one > 1e-4 for one in jax.tree.leaves(differences))


def test_patients_and_not_cases_are_drawn(make_experiment, devices):
  experiment = make_experiment(optax.sgd(0.1))
  split = experiment.data.splits['train'].take(np.arange(40))
  split = dataclasses.replace(split, group=np.array([f'patient {i // 4}' for i in range(40)]))
  data = dataclasses.replace(experiment.data, splits=experiment.data.splits | {'train': split})
  site = Local('a', dataclasses.replace(experiment, data=data), CONFIG, Settings(), devices)
  assert (site.experiment.privacy.unit, site.experiment.privacy.units) == ('patient', 10)
  for row in site.plan(0):
    drawn = row[row >= 0]
    assert len(set(drawn // 4)) == len(drawn)
