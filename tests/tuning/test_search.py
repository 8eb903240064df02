"""Trials of a small experiment: what they may see, what becomes of those that fail or die."""

import dataclasses
import math
import time

import numpy as np
import pytest
import small_experiment

from medjax import optimizers, runtime
from medjax.config import Config
from medjax.errors import UserError
from medjax.space import Choices, Log
from medjax.training import history
from medjax.tuning import cases, places, search, storage
from medjax.tuning import tried as tried_lib
from medjax.workdir import Workdir

CONFIG = Config(num_epochs=3, batch_size=25, precision='float32', checkpoint_seconds=0.0)
SPACE = {'learning_rate': Log(1e-3, 1e-1)}


class Sealed(list):
  """Examples that nobody may read."""

  def __getitems__(self, keys):
    raise AssertionError('the test split was read')


class Hidden:
  """Labels that nobody may look at."""

  def __getattr__(self, name):
    raise AssertionError('labels of the test split were looked at')

  __getitem__ = __array__ = __len__ = __iter__ = __getattr__


def build(config):
  """The small experiment, whose test split must not be touched."""
  made = small_experiment.make(optimizers.Adam(config.learning_rate))
  test = made.data.splits['test']
  test = dataclasses.replace(test, source=Sealed(test.source), label=Hidden())
  splits = {'test': test, **{n: s for n, s in made.data.splits.items() if n != 'test'}}
  return dataclasses.replace(made, data=dataclasses.replace(made.data, splits=splits))


def plan(folder, build=build, config=CONFIG, pruner='none', space=SPACE):
  where = storage.url('', folder)
  return search.Search(config, space, folder, build, runtime.devices(1), where, pruner)


def studied(plan, trials, name='study', until=math.inf):
  study = search.study(plan, name, storage.opened(plan.where))
  with places.taken(plan.folder / 'workers') as place:
    return study, search.work(plan, study, place, trials, until)


@pytest.fixture(scope='module')
def four(tmp_path_factory):
  """A study of four trials."""
  made = plan(tmp_path_factory.mktemp('four'))
  return made, *studied(made, 4)


def test_trials_are_scored_by_validation_and_never_see_test(four):
  made, _, trials = four
  assert [trial.state for trial in trials] == ['complete'] * 4
  assert [trial.number for trial in trials] == [0, 1, 2, 3]
  for trial in trials:
    workdir = Workdir(made.folder / tried_lib.folder_name(trial.number))
    scores = [line['auroc'] for line in history.read(workdir).lines if line['split'] == 'val']
    assert trial.score == max(scores)
    assert trial.curve == ([1, 2, 3], scores)
    assert trial.epoch == scores.index(max(scores)) + 1
    assert set(workdir.read(workdir.data)['splits']) == {'train', 'val'}
    assert not workdir.evaluation.exists()
    assert not list(workdir.folder.rglob('predictions*'))
    assert not workdir.checkpoints.exists()  # another seed is trained in the end


def test_the_split_would_say_so_if_it_were_read():
  data = build(CONFIG).data
  with pytest.raises(AssertionError, match='was read'):
    data.splits['test'].read([0])
  with pytest.raises(AssertionError, match='looked at'):
    data.splits['test'].label.sum()


def test_the_first_trial_has_the_default_settings(four):
  made, _, trials = four
  assert [trial.default for trial in trials] == [True, False, False, False]
  assert trials[0].values == {'learning_rate': CONFIG.learning_rate}
  values = [trial.values['learning_rate'] for trial in trials[1:]]
  assert len(set(values)) == 3
  assert all(1e-3 <= value <= 1e-1 for value in values)
  assert made.settings({'learning_rate': 0.01}).learning_rate == 0.01


def test_more_trials_are_added_to_those_that_are_finished(four):
  made, study, trials = four
  assert [t.score for t in studied(made, 4)[1]] == [t.score for t in trials]
  assert len(study.trials) == 4


def test_the_same_seed_gives_the_same_trials(four, tmp_path):
  _, _, trials = four
  again = studied(plan(tmp_path), 3)[1]
  for one, other in zip(again, trials, strict=False):
    assert (one.values, one.curve) == (other.values, other.curve)


def test_a_default_outside_of_the_space_is_tried_as_it_is(tmp_path):
  made = plan(tmp_path, config=dataclasses.replace(CONFIG, learning_rate=1e-4))
  study, trials = studied(made, 1)
  assert trials[0].values == {'learning_rate': 1e-4}
  assert study.trials[0].params == {'learning_rate': 1e-3}  # what stands for it
  workdir = Workdir(tmp_path / 'trial-0000')
  assert workdir.stored(Config()).learning_rate == 1e-4


def failing(reason, most=-1):
  def build_or_fail(config):
    if config.learning_rate > most:
      raise reason
    return build(config)

  return build_or_fail


def test_a_failed_trial_is_not_the_end_of_the_study(tmp_path, capsys):
  found = studied(plan(tmp_path, failing(UserError('config.x=1: too large'), 2e-3)), 4)[1]
  assert {trial.state for trial in found} == {'complete', 'failed'}
  failed = [trial for trial in found if trial.state == 'failed']
  assert {trial.reason for trial in failed} == {'config.x=1: too large'}
  assert all(trial.score is None for trial in failed)
  assert 'failed: config.x=1: too large' in capsys.readouterr().out


def test_the_first_trials_that_all_fail_alike_end_the_study(tmp_path):
  made = plan(tmp_path, failing(UserError('labels.csv: no such file')))
  with pytest.raises(UserError, match=r'^tune: the first 3 trials all failed: labels\.csv: no'):
    studied(made, 9)


def test_a_loss_that_is_no_number_and_an_error_of_the_program_have_their_reasons(tmp_path, capsys):
  def build_or_fail(config):
    if config.learning_rate > 2e-2:
      raise ValueError('shapes differ\nmore')
    made = build(config)
    infinite = optimizers.Adam(math.inf)
    return made if config.learning_rate == 1e-3 else dataclasses.replace(made, optimizer=infinite)

  study, found = studied(plan(tmp_path, build_or_fail), 6)
  reasons = {trial.reason for trial in found[1:]}
  assert any(reason.startswith('step 1: loss is ') for reason in reasons), reasons
  assert 'ValueError: shapes differ' in reasons
  assert 'shapes differ\nmore' in capsys.readouterr().err  # for whoever mends it
  assert tried_lib.best(found).number == 0
  assert all(trial.state.is_finished() for trial in study.trials)


def test_trials_on_other_validation_cases_are_refused(tmp_path):
  def other_cases(config):
    made = build(config)
    val = small_experiment.make_split('val', 21 if config.learning_rate == 1e-3 else 25, 1)
    return with_splits(made, val=val)

  found = studied(plan(tmp_path, other_cases), 2)[1]
  assert found[1].reason.startswith('its validation cases are not those of the other trials')


@pytest.mark.parametrize('what', ['cases', 'groups', 'labels'])
def test_trials_on_other_training_cases_are_refused(tmp_path, what):
  """Such as those of a trial that has a patient of the validation cases among them."""

  def other_cases(config):
    made = build(config)
    train, val = made.data.splits['train'], made.data.splits['val']
    if config.learning_rate == 1e-3:
      return made
    if what == 'cases':
      train = small_experiment.make_split('train', 48, 0)
    elif what == 'groups':
      train = dataclasses.replace(train, group=np.array([val.group[0], *train.group[1:]]))
    else:
      train = dataclasses.replace(train, label=1 - train.label)
    return with_splits(made, train=train)

  found = studied(plan(tmp_path, other_cases), 2)[1]
  assert found[0].state == 'complete'
  assert found[1].reason.startswith('its training cases are not those of the other trials')


def with_splits(made, **splits):
  data = dataclasses.replace(made.data, splits=made.data.splits | splits)
  return dataclasses.replace(made, data=data)


def test_without_validation_cases_there_is_nothing_to_choose_by():
  made = small_experiment.make()
  splits = {'train': made.data.splits['train']}
  made = dataclasses.replace(made, data=dataclasses.replace(made.data, splits=splits))
  with pytest.raises(UserError, match=r'^tune: chooses by the split val; the data have none$'):
    cases.unseen(made)


def test_a_trial_below_the_median_of_others_is_pruned(tmp_path):
  """Those with a step size of next to nothing learn nothing, and are ended after an epoch."""
  config = dataclasses.replace(CONFIG, learning_rate=1e-2)
  space = {'learning_rate': Choices((1e-2, 1e-9))}
  made = plan(tmp_path, config=config, pruner='median', space=space)
  study = search.study(made, 'study', storage.opened(made.where))
  for value in (1e-2,) * 4 + (1e-9, 1e-2):
    study.enqueue_trial({'learning_rate': f'{value:g}'})
  found = studied(made, 7)[1]
  assert [trial.state for trial in found] == [*['complete'] * 5, 'pruned', 'complete']
  assert found[5].values == {'learning_rate': 1e-9}
  assert found[5].curve[0] == [1]
  assert found[5].score < 0.6


def test_the_default_settings_are_never_pruned(tmp_path):
  """Others are compared with their score, also where they are taken up after five trials."""
  config = dataclasses.replace(CONFIG, learning_rate=1e-9)  # learns nothing
  made = plan(tmp_path, config=config, pruner='median')
  study = search.study(made, 'study', storage.opened(made.where))
  default = study.ask()
  optuna = storage.optuna()
  for _ in range(5):
    better = optuna.trial.create_trial(
      params={'learning_rate': 1e-2},
      distributions={'learning_rate': optuna.distributions.FloatDistribution(1e-3, 0.1, log=True)},
      value=1.0,
      intermediate_values={1: 1.0, 2: 1.0, 3: 1.0},
    )
    study.add_trial(better)
  study.tell(default, state=optuna.trial.TrialState.FAIL)
  found = studied(made, 6)[1]
  assert found[0].default
  assert (found[0].state, found[0].curve[0]) == ('complete', [1, 2, 3])
  assert found[0].score < 0.9


@pytest.mark.parametrize('ended', ['complete', 'pruned', 'failed'])
def test_mappings_of_memory_are_spared_however_a_trial_ends(tmp_path, monkeypatch, ended):
  calls = []
  monkeypatch.setattr(search.runtime, 'spare_mappings', lambda: calls.append(1))
  monkeypatch.setattr(search.loop, 'train', lambda *given, watch, **named: end(watch(1, 0.5)))
  monkeypatch.setattr(search._Worker, '_told', lambda *given: 0.5)
  empty = history.History([], [])
  monkeypatch.setattr(search.history, 'read', lambda workdir: empty)

  def end(_):
    if ended == 'pruned':
      raise storage.optuna().TrialPruned
    if ended == 'failed':
      raise UserError('a reason')

  (trial,) = studied(plan(tmp_path), 1)[1]
  assert trial.state == ended
  assert calls == [1]


def test_no_trial_begins_after_the_time_is_over(tmp_path):
  assert [t.state for t in studied(plan(tmp_path), 3, until=time.monotonic())[1]] == ['waiting']


def test_hyperband_and_no_pruner(tmp_path):
  optuna = storage.optuna()
  kinds = {'hyperband': optuna.pruners.HyperbandPruner, 'none': optuna.pruners.NopPruner}
  for pruner, kind in kinds.items():
    (tmp_path / pruner).mkdir()
    made = plan(tmp_path / pruner, pruner=pruner)
    assert isinstance(search.study(made, 'a', storage.opened(made.where)).pruner, kind)


def interrupted(made, raised):
  """A study whose first trial was ended after its first epoch by what is raised."""
  study = search.study(made, 'study', storage.opened(made.where))
  real = search.loop.train

  def train(*given, watch, **named):
    def until_first(epoch, score):
      watch(epoch, score)
      if epoch == 2:  # the checkpoint of the first one is written
        raise raised

    return real(*given, watch=until_first, **named)

  with pytest.MonkeyPatch.context() as patch, places.taken(made.folder / 'workers') as place:
    patch.setattr(search.loop, 'train', train)
    with pytest.raises(type(raised)):
      search.work(made, study, place, 1)
  return study


def test_an_interrupted_trial_goes_on_from_its_checkpoint(four, tmp_path, capsys):
  _, _, straight = four
  made = plan(tmp_path)
  study = interrupted(made, search.PreemptedError('asked to end'))
  (before,) = tried_lib.tried(study.trials)
  assert (before.state, before.deaths) == ('interrupted', 0)
  _, (trial,) = studied(made, 1)
  out = capsys.readouterr()
  assert 'trial-0000: was interrupted; it is taken up again' in out.out
  assert 'continuing after step 2 of 6' in out.err
  assert trial.curve == straight[0].curve  # to the bit
  assert trial.default
  assert trial.values == straight[0].values
  assert len(study.trials) == 2
  assert not (tmp_path / 'trial-0001').exists()


def test_a_trial_that_kills_its_processes_is_given_up(tmp_path):
  """SIGKILL leaves a trial of Optuna at work; others see that its place is free."""
  made = plan(tmp_path)
  study = search.study(made, 'study', storage.opened(made.where))
  for number in range(tried_lib.DEATHS):
    trial = study.ask()
    SPACE['learning_rate'].suggest(trial, dataclasses.replace(leaf(), name='learning_rate'))
    with places.taken(tmp_path / 'workers') as dying:
      trial.set_user_attr(tried_lib.MARK, dying.mark())
    with places.taken(tmp_path / 'workers') as place:
      worker = search._Worker(made, study, place, None)
      worker.take_up()
    (found, *_) = tried_lib.tried(study.trials)
    assert found.deaths == number + 1 or found.state == 'waiting'
  assert found.state == 'failed'
  assert found.reason == '3 processes died at work on it (out of memory?)'


def test_a_trial_without_a_mark_may_be_about_to_be_marked(tmp_path, monkeypatch):
  """By a process of another host, where the file system keeps nobody out."""
  made, clock = plan(tmp_path), [100.0]
  study = search.study(made, 'study', storage.opened(made.where))
  study.ask()
  with places.taken(tmp_path / 'workers') as place:
    worker = search._Worker(made, study, place, None)
    monkeypatch.setattr(search.time, 'monotonic', lambda: clock[0])
    for seconds in (0.0, 29.0):
      clock[0] = 100.0 + seconds
      worker.take_up()
      assert [t.state for t in tried_lib.tried(study.trials)] == ['running']
    clock[0] = 130.0
    worker.take_up()
  assert [t.state for t in tried_lib.tried(study.trials)] == ['waiting']


def test_a_trial_whose_process_died_before_it_could_mark_it_is_taken_up_again(
  tmp_path, monkeypatch
):
  monkeypatch.setattr(search, '_UNMARKED', 0.0)
  made = plan(tmp_path)
  study = search.study(made, 'study', storage.opened(made.where))
  study.ask()
  (trial,) = studied(made, 1)[1]
  assert (trial.state, trial.default) == ('complete', True)


def leaf():
  return next(one for one in search.config_lib.leaves(CONFIG) if one.name == 'learning_rate')


def test_the_trial_of_a_host_that_is_silent_is_taken_up_again(tmp_path):
  """By the storage's heartbeat, as no other host can look at its locks."""
  made = plan(tmp_path)
  study = search.study(made, 'study', storage.opened(made.where, heartbeat=1, grace=1))
  trial = study.ask()
  trial.suggest_float('learning_rate', 1e-3, 1e-1, log=True)
  trial.set_user_attr(tried_lib.MARK, {'host': 'another', 'place': 0, 'token': 'x'})
  study._storage.record_heartbeat(trial._trial_id)
  with places.taken(tmp_path / 'workers') as place:
    worker = search._Worker(made, study, place, None)
    worker.take_up()
    assert [t.state for t in tried_lib.tried(study.trials)] == ['running']
    time.sleep(2.2)
    worker.take_up()
  assert [t.state for t in tried_lib.tried(study.trials)] == ['waiting']
  assert study.trials[1].system_attrs['fixed_params'] == study.trials[0].params


def test_scores_of_zero_and_below_count(tmp_path):
  def trial(number, value):
    about = {'number': number, 'value': value, 'intermediate_values': {}, 'user_attrs': {}}
    state = type('State', (), {'name': 'COMPLETE'})
    return type('Trial', (), about | {'state': state})

  found = tried_lib.tried([trial(0, -0.5), trial(1, 0.0), trial(2, -1.0)])
  assert tried_lib.best(found).number == 1
  assert np.isclose(found[0].score, -0.5)
