"""Rounds of sites that train together, against central training and closed forms."""

import dataclasses
import functools
import json

import jax
import numpy as np
import optax
import pytest

from medjax import optimizers, runtime
from medjax.config import Config
from medjax.data import feed
from medjax.errors import NonFiniteError, UserError
from medjax.federated import local, server
from medjax.federated.server import Rounds
from medjax.federated.settings import Settings
from medjax.federated.sites import Site, marked
from medjax.spent import Spent
from medjax.training import loop, parallel, state
from medjax.training.evaluate import best_variables
from medjax.training.keeper import PreemptedError
from medjax.workdir import Workdir

CONFIG = Config(batch_size=8, num_epochs=3, num_devices=1)


@pytest.fixture(scope='module')
def devices():
  return runtime.devices(1)


def parts(experiment, *numbers):
  """Sites with training cases of these numbers, and all other cases."""
  data = experiment.data
  return [
    Site(
      f'site-{i + 1}',
      dataclasses.replace(
        experiment,
        data=dataclasses.replace(
          data, splits=data.splits | {'train': data.splits['train'].take(of)}
        ),
      ),
    )
    for i, of in enumerate(numbers)
  ]


def begun(rounds, devices):
  return jax.device_get(parallel.create(rounds.experiment, rounds.config.seed, devices))


def close(one, other, **tolerance):
  for (path, a), b in zip(
    jax.tree_util.tree_flatten_with_path(one)[0], jax.tree.leaves(other), strict=True
  ):
    np.testing.assert_allclose(a, b, err_msg=str(path), **tolerance)


def central(experiment, config, devices, steps):
  """Parameters after updates of central training on these data."""
  current = state.create(experiment, config.seed)
  update = parallel.compile_train(experiment, devices, config.precision, 1)
  split = experiment.data.splits['train']
  for step in range(steps):
    per_epoch = -(-len(split) // config.batch_size)
    plan = feed.epoch_plan(split, config.seed, step // per_epoch, config.batch_size, 1, 0.0)
    (batch,) = feed.make(split, devices, 'resident', 1.0)(plan[step % per_epoch][None])
    current, _ = update(current, batch, jax.random.key(config.seed))
  return jax.device_get(current.params)


@pytest.mark.parametrize('optimizer', [optax.sgd(0.1), optimizers.Adam(1e-2)])
def test_equal_cases_and_one_update_are_central_training(make_experiment, devices, optimizer):
  experiment = make_experiment(optimizer)
  everywhere = np.arange(8)  # one batch, so one update is an epoch
  sites = parts(experiment, everywhere, everywhere, everywhere)
  rounds = Rounds(sites, experiment, CONFIG, Settings(local_steps=1), devices)
  current = begun(rounds, devices)
  for number in range(4):
    current, _, left_out = rounds.round(number, current)
    assert not left_out
  expected = central(sites[0].experiment, CONFIG, devices, 4)
  close(current.params, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('rate', [0.1, 0.5])
def test_parts_of_a_batch_at_sites_are_the_batch(make_experiment, devices, rate):
  experiment = make_experiment(optax.sgd(rate))
  sites = parts(experiment, np.arange(3), np.arange(3, 8))  # the mean is by cases
  rounds = Rounds(sites, experiment, CONFIG, Settings(), devices)
  current, metrics, _ = rounds.round(0, begun(rounds, devices))
  whole = parts(experiment, np.arange(8))[0].experiment
  close(current.params, central(whole, CONFIG, devices, 1), rtol=1e-5, atol=1e-6)
  assert metrics['examples'] == 8


def test_the_server_of_fedadam_is_adam_on_the_mean_change(make_experiment, devices):
  experiment = make_experiment(optax.sgd(0.1))
  sites = parts(experiment, np.arange(8), np.arange(8, 16))
  plain = Rounds(sites, experiment, CONFIG, Settings(), devices)
  adam = Rounds(sites, experiment, CONFIG, Settings('fedadam', server_rate=0.05), devices)
  start = begun(adam, devices)
  mean, _, _ = plain.round(0, begun(plain, devices))
  found, _, _ = adam.round(0, start)
  gradient = jax.tree.map(lambda a, b: a - b, start.params, mean.params)
  # Its first step, in closed form: means are corrected to the gradient itself.
  expected = jax.tree.map(lambda p, g: p - 0.05 * g / (np.abs(g) + 1e-3), start.params, gradient)
  close(found.params, expected, rtol=1e-4, atol=1e-6)


def test_fedprox_pulls_towards_the_beginning_of_a_round(make_experiment, devices):
  experiment = make_experiment(optax.sgd(0.05))
  sites = parts(experiment, np.arange(24), np.arange(24, 48))
  free = Rounds(sites, experiment, CONFIG, Settings(), devices)
  start = begun(free, devices)
  distances = []
  for weight in (0.0, 1.0, 10.0):
    held = Rounds(sites, experiment, CONFIG, Settings('fedprox', proximal=weight), devices)
    after, _, _ = held.round(0, begun(held, devices))
    distances.append(local.norm(jax.tree.map(lambda a, b: a - b, after.params, start.params)))
  assert distances[0] > distances[1] > distances[2] > 0
  # Without weight it is FedAvg to the bit.
  same, _, _ = free.round(0, start)
  held = Rounds(sites, experiment, CONFIG, Settings('fedprox', proximal=0.0), devices)
  close(held.round(0, begun(held, devices))[0].params, same.params, rtol=0, atol=0)


def test_the_proximal_gradient_is_that_of_its_penalty():
  weight, params = 0.3, {'w': np.array([1.0, -2.0], np.float32)}
  pulled = local.near(optax.sgd(1.0), weight)
  memory = local.begin(pulled.init(params), {'w': np.array([0.5, 0.5], np.float32)})
  grads = {'w': np.array([0.1, 0.2], np.float32)}

  def loss(params):
    return grads['w'] @ params['w'] + weight / 2 * ((params['w'] - memory.anchor['w']) ** 2).sum()

  updates, _ = pulled.update(grads, memory, params)
  np.testing.assert_allclose(updates['w'], -jax.grad(loss)(params)['w'], rtol=1e-6)


def faulty(kind):
  """What becomes of the updates of site-2 from the second round on."""

  def line(number, site, update):
    if site != 'site-2' or number < 1:
      return update
    if kind == 'lost':
      return None
    change = {
      'nan': lambda leaf: np.full_like(leaf, np.nan),
      'shape': lambda leaf: leaf[..., None],
      'boosted': lambda leaf: leaf * 1e4,
    }[kind]
    return dataclasses.replace(update, params=jax.tree.map(change, update.params))

  return line


@pytest.mark.parametrize(
  ('kind', 'reason'),
  [
    ('lost', 'its update did not arrive'),
    ('nan', 'holds values that are no numbers'),
    ('shape', 'has shape'),
    ('boosted', 'times as large as that of most sites'),
  ],
)
def test_a_site_that_fails_is_left_out_and_named(
  make_experiment, devices, tmp_path, capsys, kind, reason
):
  experiment = make_experiment(optax.sgd(0.1))
  numbers = np.arange(48).reshape(3, 16)
  sites = parts(experiment, *numbers)
  rounds = Rounds(sites, experiment, CONFIG, Settings(), devices, faulty(kind))
  step = parallel.compile_evaluate(experiment, devices, 'float32')
  workdir = Workdir(tmp_path / 'run')
  assert rounds.train(workdir, Spent(), step) == 3
  lines = server.read(workdir)
  assert [sorted(line['left_out']) for line in lines] == [[], ['site-2'], ['site-2']]
  assert reason in lines[1]['left_out']['site-2']
  assert 'round 2: site-2 is left out: ' in capsys.readouterr().err
  # What the others sent is what a federation without it would have been.
  variables, best = best_variables(rounds.experiment, workdir)
  assert best in (1, 2, 3)
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(variables))
  first = Rounds(sites, experiment, CONFIG, Settings(), devices)
  without = Rounds([sites[0], sites[2]], experiment, CONFIG, Settings(), devices)
  one, _, _ = first.round(0, begun(first, devices))
  faulty_rounds = Rounds(sites, experiment, CONFIG, Settings(), devices, faulty(kind))
  found, _, _ = faulty_rounds.round(1, one)
  memory = {name: one.opt_state['sites'][name] for name in ('site-1', 'site-3')}
  smaller = dataclasses.replace(one, opt_state={**one.opt_state, 'sites': memory})
  expected, _, _ = without.round(1, smaller)
  close(found.params, expected.params, rtol=1e-6, atol=1e-7)


def test_where_nothing_can_be_used_the_round_is_named(make_experiment, devices):
  experiment = make_experiment()
  sites = parts(experiment, np.arange(8))
  rounds = Rounds(sites, experiment, CONFIG, Settings(), devices, lambda number, site, update: None)
  with pytest.raises(UserError, match=r'round 5: no update can be used: site-1: its update did'):
    rounds.round(4, begun(rounds, devices))


def test_a_round_without_sites_changes_nothing(make_experiment, devices):
  experiment = make_experiment()
  sites = parts(experiment, np.arange(8), np.arange(8, 16))
  rounds = Rounds(sites, experiment, CONFIG, Settings(absent=0.7), devices)
  current = begun(rounds, devices)
  seen = set()
  for number in range(12):
    after, _, left_out = rounds.round(number, current)
    seen.add(len(left_out))
    if len(left_out) == 2:
      close(after.params, current.params, rtol=0, atol=0)
      assert after.step == current.step + 1
  assert seen == {0, 1, 2}


def test_a_loss_that_is_no_number_names_the_round(make_experiment, devices, tmp_path):
  experiment = make_experiment(optax.sgd(1e30))
  rounds = Rounds(parts(experiment, np.arange(16)), experiment, CONFIG, Settings(), devices)
  step = parallel.compile_evaluate(experiment, devices, 'float32')
  with pytest.raises((NonFiniteError, UserError), match=r'round 1|step 1'):
    rounds.train(Workdir(tmp_path / 'run'), Spent(), step)


def test_a_federation_that_was_stopped_goes_on(make_experiment, devices, tmp_path, monkeypatch):
  experiment = make_experiment(optimizers.Adam(1e-2))
  sites = parts(experiment, np.arange(20), np.arange(20, 50))
  settings = Settings('fedprox', proximal=0.1, absent=0.2)
  step = parallel.compile_evaluate(experiment, devices, 'float32')
  make = functools.partial(Rounds, sites, experiment, CONFIG, settings, devices)
  make().train(Workdir(tmp_path / 'whole'), Spent(), step)
  stopped = Workdir(tmp_path / 'stopped')
  asks = iter([False, True])
  with monkeypatch.context() as patch:
    patch.setattr(runtime.Preemption, 'requested', lambda self, step: next(asks))
    with pytest.raises(PreemptedError, match='saved step 2'):
      make().train(stopped, Spent(), step)
  assert make().train(stopped, Spent(), step) == 1
  assert make().train(stopped, Spent(), step) == 0
  found, expected = (
    best_variables(make().experiment, workdir) for workdir in (stopped, Workdir(tmp_path / 'whole'))
  )
  assert found[1] == expected[1]
  close(found[0], expected[0], rtol=0, atol=0)
  one, other = (server.read(workdir) for workdir in (stopped, Workdir(tmp_path / 'whole')))
  assert json.dumps(one) == json.dumps(other)
  # It is a run like any other.
  with pytest.raises(UserError, match='the data have changed'):
    loop.train(make_experiment(count=49), CONFIG, stopped, devices)


def test_marked_cases_name_their_site(make_experiment):
  experiment = make_experiment()
  data = experiment.data
  sites = []
  for i in range(2):
    splits = {name: one.take(np.arange(i, len(one), 2)) for name, one in data.splits.items()}
    part = dataclasses.replace(experiment, data=dataclasses.replace(data, splits=splits))
    sites.append(Site(f'site-{i + 1}', part))
  found = marked(experiment, sites).data.splits['val']
  assert found.metadata['site'][:3] == ['site-1', 'site-2', 'site-1']
  assert found.metadata['age'] == data.splits['val'].metadata['age']
