"""Members trained in one program, against the same members trained alone."""

import dataclasses
import functools

import jax
import numpy as np
import optax
import pytest

from medjax import models, runtime, tasks
from medjax.config import Config
from medjax.data import dataset
from medjax.errors import NonFiniteError
from medjax.experiment import Experiment
from medjax.spent import Spent
from medjax.training import evaluate, history, keeper, loop, members, state, together
from medjax.training.checkpoint import Checkpoints
from medjax.training.members import Member
from medjax.workdir import Workdir

SETTINGS = {'batch_size': 8, 'num_epochs': 3, 'checkpoint_seconds': 0.0}


def part(images, name, numbers, label):
  """Some of the images of a split, as a fold has them."""
  return dataclasses.replace(
    images,
    name=name,
    source=type(images.source)(images.source[i] for i in numbers),
    id=images.id[numbers],
    group=images.group[numbers],
    label=label[numbers],
    metadata={'age': ['40'] * len(numbers)},
  )


@pytest.fixture
def folds(make_experiment):
  """(numbers or classes, fold) -> an experiment; folds differ in size and in the label's mean."""
  whole = make_experiment(count=50)
  images = whole.data.splits['train']

  def build(numbers, fold, **changes):
    label = images.label
    if numbers:
      label = np.float32([image['image'].mean() for image in images.source]) * 3 + 100
    test = np.arange(fold, 50, 5)[: 10 - fold]
    rest = np.setdiff1d(np.arange(50), test)
    of = {'train': rest[8:], 'val': rest[:8], 'test': test}
    splits = {name: part(images, name, rows, label) for name, rows in of.items()}
    train = splits['train'].label
    task = (
      tasks.Regression(float(train.mean()), float(train.std()))
      if numbers
      else tasks.Binary(weights=tasks.class_weights(train, 2, 0.5))
    )
    data = dataclasses.replace(
      whole.data,
      splits=splits,
      classes=() if numbers else whole.data.classes,
      fingerprint=f'fold-{fold}',
    )
    experiment = Experiment(
      data=data,
      model=models.MLP((6,)),
      task=task,
      optimizer=optax.adam(1e-2),
      penalty=models.L2(1 / len(train)),
    )
    return dataclasses.replace(experiment, **changes)

  return build


def some(build, root, **settings):
  """Two folds with two seeds each."""
  return [
    Member(
      build(fold),
      Config(**(SETTINGS | {'seed': seed} | settings)),
      Workdir(root / f'{fold}-{seed}'),
    )
    for seed in (3, 4)
    for fold in (0, 1)
  ]


def last(member):
  """The state of a member's newest checkpoint."""
  with Checkpoints(member.workdir.checkpoints, 99, member.workdir.identity()) as checkpoints:
    return checkpoints.latest(state.abstract(member.experiment))[0]


def alone(all_members):
  for member in all_members:
    loop.train(member.experiment, member.config, member.workdir, runtime.devices(1))


def difference(one, other):
  pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
  return max(float(np.abs(np.asarray(a, float) - np.asarray(b, float)).max()) for a, b in pairs)


@pytest.mark.parametrize(('numbers', 'devices'), [(False, 1), (True, 2)])
def test_each_is_as_it_would_be_alone(folds, tmp_path, numbers, devices):
  build = functools.partial(folds, numbers)
  straight = some(build, tmp_path / 'alone')
  alone(straight)
  all_members = some(build, tmp_path / 'together')
  assert members.alike(all_members, runtime.devices(devices)) == [[0, 1, 2, 3]]
  program = together.Together(all_members, runtime.devices(devices))
  assert program.train(Spent()) == {0: 12, 1: 15, 2: 12, 3: 15}  # one has an update more an epoch
  for one, other in zip(straight, all_members, strict=True):
    assert difference(last(one), last(other)) < 1e-5
    ours, theirs = history.read(other.workdir), history.read(one.workdir)
    assert ours.ended
    assert [line['step'] for line in ours.lines] == [line['step'] for line in theirs.lines]
    for line, expected in zip(ours.lines, theirs.lines, strict=True):
      assert line['loss'] == pytest.approx(expected['loss'], rel=1e-4)
  # Folds have begun from another order, and seeds from other weights.
  assert difference(last(all_members[0]).params, last(all_members[1]).params) > 1e-3
  assert difference(last(all_members[0]).params, last(all_members[2]).params) > 1e-3
  # The compiled evaluation of all is that of each, with its own mean of the labels.
  for number, member in enumerate(all_members):
    config, devices_of = member.config, runtime.devices(devices)
    step = program.evaluate_step(number)
    found = evaluate.evaluate(member.experiment, member.workdir, devices_of, config, step)
    expected = evaluate.evaluate(member.experiment, member.workdir, devices_of, config)
    for split, table in found.tables.items():
      shown = 'prediction' if numbers else 'probability'
      assert difference(getattr(table, shown), getattr(expected.tables[split], shown)) < 1e-4


def test_images_that_folds_share_lie_on_the_device_once(folds, tmp_path):
  all_members = some(functools.partial(folds, False), tmp_path)
  pool = together.Together(all_members, runtime.devices(1))._train
  names = {name for member in all_members for name in member.train.id}
  assert pool.examples['image'].shape == (len(names), 12, 12, 1)
  # Of columns that each fold scales in its own way there are as many as members.
  scaled = all_members[1].experiment.data
  split = scaled.splits['train']
  other = dataclasses.replace(split, decode=lambda row: {'image': row['image'] // 2})
  data = dataclasses.replace(scaled, splits=scaled.splits | {'train': other})
  all_members[1] = dataclasses.replace(
    all_members[1], experiment=dataclasses.replace(all_members[1].experiment, data=data)
  )
  pool = together.Together(all_members, runtime.devices(1))._train
  assert pool.examples['image'].shape == (4, 33, 12, 12, 1)
  assert np.array_equal(pool.examples['image'][1][:5], other.read(range(5))['image'])


def test_what_is_not_the_same_program_is_told_apart(folds, tmp_path):
  build = functools.partial(folds, False)
  all_members = some(build, tmp_path)
  for number, changes in (
    (1, {'model': models.MLP((7,))}),
    (2, {'optimizer': optax.adam(2e-2)}),
    (3, {'average': 0.9}),
  ):
    changed = dataclasses.replace(all_members[number].experiment, **changes)
    all_members[number] = dataclasses.replace(all_members[number], experiment=changed)
  assert members.alike(all_members, runtime.devices(1)) == [[0], [1], [2], [3]]


def test_stops_do_not_matter(folds, tmp_path, monkeypatch):
  build = functools.partial(folds, False)
  straight = some(build, tmp_path / 'straight')
  together.Together(straight, runtime.devices(1)).train(Spent())
  stopped = some(build, tmp_path / 'stopped')
  monkeypatch.setattr(together, '_AT_ONCE', 3)  # an epoch has four or five updates
  asked = iter([False, False, True])
  with monkeypatch.context() as patch:
    patch.setattr(runtime.Preemption, 'requested', lambda self, step: next(asked, True))
    with pytest.raises(keeper.PreemptedError, match='runs; repeat the command'):
      together.Together(stopped, runtime.devices(1)).train(Spent())
  assert 0 < int(last(stopped[0]).step) < 12
  together.Together(stopped, runtime.devices(1)).train(Spent())
  for one, other in zip(straight, stopped, strict=True):
    assert difference(last(one), last(other)) == 0


def test_patience_ends_each_at_its_own_time(folds, tmp_path):
  build = functools.partial(folds, False, optimizer=optax.sgd(0.0))
  settings = {'patience': 1, 'num_epochs': 4}
  straight = some(build, tmp_path / 'alone', **settings)
  alone(straight)
  all_members = some(build, tmp_path / 'together', **settings)
  done = together.Together(all_members, runtime.devices(1)).train(Spent())
  assert done == {i: int(last(member).step) for i, member in enumerate(straight)}
  assert set(done.values()) == {8, 10}  # two epochs: the second was no better


def test_a_loss_that_is_no_number_stops_its_own_member_alone(folds, tmp_path):
  build = functools.partial(folds, True)
  all_members = some(build, tmp_path / 'together')
  broken = all_members[2].experiment
  broken = dataclasses.replace(broken, task=tasks.Regression(0.0, 1e-30))
  all_members[2] = dataclasses.replace(all_members[2], experiment=broken)
  found = together.Together(all_members, runtime.devices(1)).train(Spent())
  assert isinstance(found.pop(2), NonFiniteError)
  assert found == {0: 12, 1: 15, 3: 15}
  straight = some(build, tmp_path / 'alone')
  alone(straight[3:])
  assert difference(last(straight[3]), last(all_members[3])) < 1e-5
  # What failed is not complete, and fails again in the same words.
  again = together.Together(all_members, runtime.devices(1)).train(Spent())
  assert 'step 1: loss is' in str(again[2])


def test_why_members_are_not_trained_together(folds, tmp_path):
  member = some(functools.partial(folds, False), tmp_path)[0]
  assert members.unsuited(member, runtime.devices(1)) == ''
  streamed = dataclasses.replace(member, config=Config(feeding='streamed'))
  assert 'memory' in members.unsuited(streamed, runtime.devices(1))
  assert isinstance(member.experiment.data, dataset.Dataset)
