"""The loop in this process: resuming, stopping, learning, and what it writes."""

import dataclasses
import json
import os
import shutil
import signal

import jax
import numpy as np
import optax
import pytest
import reseal

from medjax import runtime
from medjax.config import ClassSettings, Config
from medjax.data import feed
from medjax.errors import NonFiniteError, UserError
from medjax.training import choose, evaluate, history, keeper, log, loop, state, updates
from medjax.training.checkpoint import Checkpoints
from medjax.workdir import Workdir

EPOCHS = 3
STEPS = 5 * EPOCHS  # 50 examples in batches of 10


@dataclasses.dataclass
class Settings(ClassSettings, Config):
  """As an experiment on classes has them."""


def _config(**settings):
  own = {'batch_size': 10, 'num_epochs': EPOCHS, 'num_devices': 1, 'checkpoint_seconds': 0.0}
  return Settings(**(own | settings))


def _train(experiment, folder, **settings):
  workdir = Workdir(folder)
  loop.train(experiment, _config(**settings), workdir, runtime.devices(1))
  return workdir


def _final(experiment, workdir):
  with Checkpoints(workdir.checkpoints, 99, workdir.identity()) as checkpoints:
    return checkpoints.latest(state.abstract(experiment))


@pytest.fixture(scope='module')
def straight(make_experiment, tmp_path_factory):
  """An uninterrupted run."""
  experiment = make_experiment()
  workdir = _train(experiment, tmp_path_factory.mktemp('straight') / 'run')
  return experiment, workdir, _final(experiment, workdir)


def _assert_same(one, other):
  for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
    np.testing.assert_array_equal(a, b)


def test_it_learns_and_writes_every_step(straight):
  _, workdir, (_, position) = straight
  lines = history.read(workdir).lines
  train = [line for line in lines if line['split'] == 'train']
  val = [line for line in lines if line['split'] == 'val']
  assert [line['step'] for line in train] == list(range(1, STEPS + 1))
  assert [line['epoch'] for line in val] == [0, 1, 2]
  assert train[-1]['loss'] < train[0]['loss']
  assert train[0].keys() >= {'loss', 'grad_norm', 'update_norm', 'examples'}
  assert val[-1]['auroc'] > 0.9
  assert position.step == STEPS
  assert any(workdir.tensorboard.iterdir())
  assert workdir.read(workdir.data)['splits']['train']['examples'] == 50


@pytest.mark.parametrize('stop', [1, 4, 5, 7, 10, 14])
def test_sigterm_at_any_step_and_continuing_gives_the_same_bits(
  straight, tmp_path, stop, monkeypatch
):
  experiment, workdir, (expected, _) = straight
  settle = loop._Run._settle

  def settle_and_signal(run):
    settle(run)
    if run.keeper.step == stop:
      os.kill(os.getpid(), signal.SIGTERM)

  monkeypatch.setattr(loop._Run, '_settle', settle_and_signal)
  with pytest.raises(keeper.PreemptedError, match=f'saved step {stop};') as caught:
    _train(experiment, tmp_path / 'run')
  assert caught.value.exit_code == 75
  monkeypatch.undo()
  again = _train(experiment, tmp_path / 'run')
  _assert_same(_final(experiment, again)[0], expected)
  assert history.read(again).lines == history.read(workdir).lines
  assert (
    evaluate.best_variables(experiment, again)[1]
    == (evaluate.best_variables(experiment, workdir)[1])
  )


def test_feeding_does_not_change_the_result(straight, tmp_path):
  experiment, _, (expected, _) = straight
  streamed = _train(experiment, tmp_path / 'run', feeding='streamed')
  _assert_same(_final(experiment, streamed)[0], expected)


def test_several_updates_a_call_do_the_same_and_bits_do_not_depend_on_how_many(
  straight, tmp_path, monkeypatch
):
  experiment, workdir, _ = straight
  monkeypatch.setattr(updates, 'loops', lambda: True)
  counts = []

  def took(run, count):
    counts.append(count)
    run._at_once = len(counts) % 4 + 1

  monkeypatch.setattr(updates.Updates, 'took', took)
  uneven = _train(experiment, tmp_path / 'uneven')
  assert sum(counts) == STEPS
  assert {1, 2} == set(counts)  # a checkpoint after every second step leaves no more room
  # Up to the rounding of another program: Adam makes a step of any gradient, however small.
  lines, others = history.read(workdir).lines, history.read(uneven).lines
  assert [line['step'] for line in lines] == [line['step'] for line in others]
  for line, other in zip(lines, others, strict=True):
    assert line['loss'] == pytest.approx(other['loss'], rel=1e-4)
  monkeypatch.setattr(updates.Updates, 'took', lambda run, count: None)  # one by one
  _assert_same(
    _final(experiment, _train(experiment, tmp_path / 'one'))[0], _final(experiment, uneven)[0]
  )


def test_how_many_updates_a_call_does_follows_their_time(make_experiment, monkeypatch):
  experiment, clock = make_experiment(), [100.0]
  monkeypatch.setattr(updates, 'loops', lambda: True)
  monkeypatch.setattr(updates.time, 'monotonic', lambda: clock[0])
  run = updates.Updates(experiment, _config(), runtime.devices(1))
  plan = np.zeros((100, 10), int)
  calls = run(plan, room=lambda: 30)
  found = []
  for seconds in (5.0, 0.05, 0.01, 1.0):  # of the call before; the first compiles
    found.append(next(calls)[0])
    clock[0] += seconds
    run.took(found[-1])
  assert [*found, next(calls)[0]] == [1, 1, 4, 30, 6]


def test_a_loss_that_is_no_number_stops_at_its_step_and_keeps_the_good_checkpoint(
  make_experiment, tmp_path
):
  # The rate becomes infinite in the second epoch, after the first has been saved.
  def rate(step):
    return jax.numpy.where(step < 7, 1e-2, float('inf'))

  experiment = make_experiment(optimizer=optax.sgd(rate))
  with pytest.raises(NonFiniteError, match=r'step 8: loss is 0.*step 5 is kept') as caught:
    _train(experiment, tmp_path / 'run')
  assert caught.value.exit_code == 3
  kept, position = _final(experiment, Workdir(tmp_path / 'run'))
  assert position.step == 5
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(kept))


def test_an_update_that_overflows_at_the_end_of_an_epoch_is_found(make_experiment, tmp_path):
  # The loss of the last batch is finite; the parameters after it are not.
  experiment = make_experiment(
    optimizer=optax.sgd(lambda step: jax.numpy.where(step < 4, 1e-2, 1e38))
  )
  with pytest.raises(NonFiniteError, match=r'step 5: loss is 0.*of the update inf'):
    _train(experiment, tmp_path / 'run')


def test_other_data_in_the_same_folder_are_refused(straight, make_experiment):
  _, workdir, _ = straight
  with pytest.raises(UserError, match='the data have changed since this run began'):
    loop.train(make_experiment(count=40), _config(), workdir, runtime.devices(1))


def test_evaluation_is_of_the_best_checkpoint(straight, monkeypatch):
  experiment, workdir, _ = straight
  variables, step = evaluate.best_variables(experiment, workdir)
  val = [line for line in history.read(workdir).lines if line['split'] == 'val']
  best = max(val, key=lambda line: (line['auroc'], -line['step']))
  assert step == best['step']
  monkeypatch.setattr(choose, 'MANY', 1)  # so few cases as here are not enough to choose by
  tables = evaluate.evaluate(
    experiment, workdir, runtime.devices(2), _config(batch_size=8, calibration='platt')
  ).tables
  found = workdir.read(workdir.evaluation)
  decision = evaluate.read_decision(experiment.task.outcome.read_decision, workdir, step)
  assert found['val']['auroc']['value'] == pytest.approx(best['auroc'])
  for name, table in tables.items():
    split = experiment.data.splits[name]
    images = split.read(range(len(split)))['image'] / np.float32(255)
    logit = experiment.model.apply(variables, images)[:, 0]
    fitted = decision.calibration
    calibrated = 1 / (1 + np.exp(-logit / fitted.temperature - fitted.shift[0]))
    np.testing.assert_allclose(table.probability, calibrated, rtol=1e-4)
    assert list(table.id) == list(split.id)
    assert workdir.predictions(name).exists()
    assert set(found[name]) >= {
      'auroc', 'auprc', 'accuracy', 'sensitivity', 'specificity', 'brier', 'threshold'
    }  # fmt: skip
    assert set(found[name]['auroc']) >= {'value', 'low', 'high'}
    assert found[name]['checkpoint_step']['value'] == step
    # Youden's index on validation, by brute force
    val = tables['val']
    sick, well = (tables['val'].probability[tables['val'].label == c] for c in (1, 0))
    index = {float(t): (sick >= t).mean() + (well < t).mean() for t in [*sick, *well]}
    threshold = found[name]['threshold']['value']
    assert (sick >= threshold).mean() + (well < threshold).mean() == max(index.values())


def test_values_that_are_no_numbers_are_null(tmp_path):
  metrics = log.MetricsLog(reseal.run_folder(tmp_path), 0)
  metrics.write(1, 0, 'val', {'loss': float('nan'), 'auroc': None})
  metrics.close()
  assert json.loads((tmp_path / 'metrics.jsonl').read_text())['loss'] is None


def test_epochs_see_every_example_once_in_an_order_of_their_own():
  orders = [feed.order(0, epoch, 50) for epoch in range(EPOCHS)]
  assert all(sorted(order) == list(range(50)) for order in orders)
  assert not np.array_equal(orders[0], orders[1])


def test_a_checkpoint_that_somebody_removed_is_named(straight, tmp_path, caplog):
  experiment, source, _ = straight
  workdir = Workdir(tmp_path / 'run')
  shutil.copytree(source.folder, workdir.folder)
  found = evaluate.best_variables(experiment, workdir)[1]

  def reason():
    evaluate.evaluate(experiment, workdir, runtime.devices(1), _config())
    return workdir.read(workdir.evaluation)['val']['checkpoint_step'].get('reason', '')

  assert 'is not there' not in reason()
  shutil.rmtree(workdir.checkpoints / str(found))
  said = f'the checkpoint of step {found}, the best on validation, is not there any more'
  assert said in reason()
  assert said in caplog.text
  # Where the last is asked for, the best is not missed.
  last = f'the checkpoint of step {STEPS}, the last, is not there any more'
  shutil.rmtree(workdir.checkpoints / str(STEPS), ignore_errors=True)
  evaluate.evaluate(experiment, workdir, runtime.devices(1), _config(select='last'))
  assert last in workdir.read(workdir.evaluation)['val']['checkpoint_step']['reason']


@pytest.mark.parametrize('which', ['best', 'last'])
def test_a_damaged_checkpoint_is_refused_and_what_was_evaluated_stays(straight, tmp_path, which):
  experiment, source, _ = straight
  workdir = Workdir(tmp_path / 'run')
  shutil.copytree(source.folder, workdir.folder)
  evaluate.evaluate(experiment, workdir, runtime.devices(1), _config())
  best = evaluate.best_variables(experiment, workdir)[1]
  assert best < STEPS
  path = workdir.checkpoints / str(best if which == 'best' else STEPS)
  largest = max(path.rglob('d/*'), key=lambda file: file.stat().st_size)
  largest.write_bytes(largest.read_bytes()[:-1] + b'?')
  before = {file: file.read_bytes() for file in workdir.folder.rglob('*') if file.is_file()}
  said = rf'checkpoints/{path.name}: is damaged \(.* is not what was saved\); restore it, or remove'
  for _ in range(2):  # the same again, however often it is asked
    with pytest.raises(UserError, match=said):
      evaluate.evaluate(experiment, workdir, runtime.devices(1), _config())
  assert before == {file: file.read_bytes() for file in before}
  # Training makes the last one again, to the same bits, and cannot make an earlier one.
  steps = loop.train(experiment, _config(), workdir, runtime.devices(1))
  assert steps == (0 if which == 'best' else 5)
  if which == 'best':
    with pytest.raises(UserError, match=said):
      evaluate.evaluate(experiment, workdir, runtime.devices(1), _config())
    shutil.rmtree(path)
  evaluate.evaluate(experiment, workdir, runtime.devices(1), _config())
  found = workdir.read(workdir.evaluation)['val']['checkpoint_step']
  assert ('is not there any more' in found.get('reason', '')) is (which == 'best')
  if which == 'last':
    assert before[workdir.evaluation] == workdir.evaluation.read_bytes()


def test_patience_stops_and_a_second_call_does_nothing(make_experiment, tmp_path):
  # Without updates every epoch has the score of the first, which is the best.
  experiment = make_experiment(optimizer=optax.sgd(0.0))
  settings = {'num_epochs': 9, 'patience': 2}
  workdir = _train(experiment, tmp_path / 'run', **settings)
  assert _final(experiment, workdir)[1].step == 3 * 5
  assert loop.train(experiment, _config(**settings), workdir, runtime.devices(1)) == 0


def test_the_last_checkpoint_is_taken_where_that_is_asked_for(make_experiment, tmp_path):
  # A rate that ruins the network after the first epoch, so that the best is not the last.
  def rate(step):
    return jax.numpy.where(step < 5, 1e-2, -3e-2)

  experiment = make_experiment(optimizer=optax.adam(rate))
  workdir = _train(experiment, tmp_path / 'run', select='last', keep_checkpoints=1)
  variables, step = evaluate.best_variables(experiment, workdir)
  with Checkpoints(workdir.checkpoints, 99, workdir.identity()) as checkpoints:
    assert checkpoints.steps() == [STEPS] == [step]
  _assert_same(variables['params'], _final(experiment, workdir)[0].params)
  lines = [line for line in history.read(workdir).lines if line['split'] == 'val']
  assert max(lines, key=lambda line: (line['auroc'], -line['step']))['step'] < STEPS


def test_validation_and_checkpoints_between_epochs(straight, tmp_path):
  experiment, _, (expected, _) = straight
  settings = {'validate_epochs': 2, 'keep_checkpoints': 99}
  seldom = _train(experiment, tmp_path / 'seldom', **settings)
  often = _train(experiment, tmp_path / 'often', checkpoint_steps=5, **settings)
  for workdir, steps in ((seldom, [10, 15]), (often, [5, 10, 15])):
    lines = [line for line in history.read(workdir).lines if line['split'] == 'val']
    assert [line['step'] for line in lines] == [10, 15]
    with Checkpoints(workdir.checkpoints, 99, workdir.identity()) as checkpoints:
      assert checkpoints.steps() == steps
    _assert_same(_final(experiment, workdir)[0], expected)


@pytest.mark.parametrize('patience', [0, 2])
def test_a_pause_between_checkpoints_keeps_the_best_and_the_last(
  make_experiment, tmp_path, patience
):
  experiment = make_experiment(optimizer=optax.sgd(0.0))  # the first epoch stays the best
  settings = {'keep_checkpoints': 99, 'num_epochs': 4, 'patience': patience}
  last = 5 * (1 + patience) if patience else 20
  workdir = _train(experiment, tmp_path / 'run', checkpoint_seconds=3600.0, **settings)
  every = _train(experiment, tmp_path / 'every', **settings)
  with Checkpoints(workdir.checkpoints, 99, workdir.identity()) as checkpoints:
    assert (checkpoints.steps(), checkpoints.best()) == ([5, last], 5)
    kept = checkpoints.read(5, state.abstract(experiment))
  with Checkpoints(every.checkpoints, 99, every.identity()) as checkpoints:
    assert checkpoints.steps() == list(range(5, last + 1, 5))
    _assert_same(kept[0], checkpoints.read(5, state.abstract(experiment))[0])
  _assert_same(_final(experiment, workdir)[0], _final(experiment, every)[0])
  assert history.read(workdir).lines == history.read(every).lines
  assert loop.train(experiment, _config(**settings), workdir, runtime.devices(1)) == 0


def test_who_watches_sees_the_score_of_every_epoch_and_may_end_the_training(straight, tmp_path):
  experiment, workdir, _ = straight
  scores = [line['auroc'] for line in history.read(workdir).lines if line['split'] == 'val']

  def watched(folder, until, **settings):
    seen = []

    def watch(epoch, score):
      seen.append((epoch, score))
      if epoch == until:
        raise StopIteration

    given = experiment, _config(**settings), Workdir(folder), runtime.devices(1)
    try:
      return seen, loop.train(*given, watch=watch)
    except StopIteration:
      return seen, None

  seen, _ = watched(tmp_path / 'ended', 2)
  assert seen == [*enumerate(scores[:2], 1)]
  assert history.read(Workdir(tmp_path / 'ended')).lines[-1]['epoch'] == 1
  # What ended there goes on, and only what comes is told.
  seen, done = watched(tmp_path / 'ended', 0)
  assert seen[-1] == (EPOCHS, scores[-1])
  assert 0 < done < STEPS
  assert history.read(Workdir(tmp_path / 'ended')).lines == history.read(workdir).lines
  seen, _ = watched(tmp_path / 'rare', 0, validate_epochs=2)
  assert [epoch for epoch, _ in seen] == [2, 3]


def test_sigterm_after_an_epoch_without_validation_saves_it(straight, tmp_path, monkeypatch):
  experiment, _, (expected, _) = straight
  settle = loop._Run._settle

  def settle_and_signal(run):
    settle(run)
    if run.keeper.step == 5:
      os.kill(os.getpid(), signal.SIGTERM)

  monkeypatch.setattr(loop._Run, '_settle', settle_and_signal)
  with pytest.raises(keeper.PreemptedError, match='saved step 5;'):
    _train(experiment, tmp_path / 'run', validate_epochs=3)
  monkeypatch.undo()
  again = _train(experiment, tmp_path / 'run', validate_epochs=3)
  _assert_same(_final(experiment, again)[0], expected)
  lines = [line for line in history.read(again).lines if line['split'] == 'val']
  assert [line['step'] for line in lines] == [15]
