"""A worker of a study: takes one trial after another, trains it, and tells its validation score.

Several workers share a study by its storage and its folder. What one of them was at work on when it
was killed is taken up again from its last checkpoint.
"""

import contextlib
import dataclasses
import pathlib
import shutil
import sys
import time
import traceback
import warnings
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import jax

from medjax import config as config_lib
from medjax import files, runtime
from medjax import space as space_lib
from medjax.config import Config
from medjax.errors import DiskFullError, UserError
from medjax.experiment import Experiment
from medjax.runtime import Devices
from medjax.space import Space
from medjax.spent import Spent
from medjax.training import history, loop
from medjax.training.keeper import PreemptedError
from medjax.tuning import cases
from medjax.tuning import storage as storage_lib
from medjax.tuning import tried as tried_lib
from medjax.tuning.places import Place
from medjax.tuning.tried import Tried, folder_name
from medjax.workdir import Workdir

PRUNERS = ('median', 'hyperband', 'none')
ALIKE = 3  # trials that fail first, with the same reason, end a study
_STARTUP = 10  # trials that are drawn at random, by which later ones are chosen
_BEFORE_PRUNING = 5  # trials that end before one is compared with them
_WAIT = 1.0  # seconds between looks at what others are at work on
_UNMARKED = 30.0  # seconds that a process may take from the begin of a trial to its mark


class _FailedError(Exception):
  """A trial failed, and its reason is noted."""


@dataclasses.dataclass(frozen=True)
class Search:
  """What all trials of a study share.

  Attributes:
    config: the settings that are not searched, and the defaults of those that are.
    space: what is searched.
    folder: of the tuning, in which each trial has one.
    build: makes an experiment of settings.
    devices: of this process.
    where: URL of the storage, for errors.
    pruner: one of ``PRUNERS``.
  """

  config: Config
  space: Space
  folder: pathlib.Path
  build: Callable[[Any], Experiment]
  devices: Devices
  where: str
  pruner: str = 'median'

  def settings(self, values: Mapping[str, Any]) -> Config:
    """The settings of a trial, of values as JSON has them.

    Raises:
      UserError: some settings do not go together.
    """
    # JSON has no tuples.
    made = {n: tuple(value) if isinstance(value, list) else value for n, value in values.items()}
    return config_lib.changed(self.config, made)


def study(search: Search, name: str, storage: Any) -> Any:
  """The study of a name, with the default settings as its first trial.

  One process at a time may call this for a folder.
  """
  optuna = storage_lib.optuna()
  with storage_lib.errors(search.where):
    found = optuna.create_study(
      storage=storage,
      study_name=name,
      direction='maximize',
      load_if_exists=True,
      pruner=_pruner(search),
    )
    if not found.get_trials(deepcopy=False):
      values = {leaf.name: leaf.value for leaf in config_lib.leaves(search.config)}
      nearest = {name: range_.nearest(values[name]) for name, range_ in search.space.items()}
      found.enqueue_trial(nearest, user_attrs={tried_lib.DEFAULT: True})
    return found


def _pruner(search: Search) -> Any:
  pruners, epochs = storage_lib.optuna().pruners, search.config.num_epochs
  if search.pruner == 'none':
    return pruners.NopPruner()
  if search.pruner == 'hyperband':
    return pruners.HyperbandPruner(min_resource=1, max_resource=epochs)
  return pruners.MedianPruner(_BEFORE_PRUNING, n_warmup_steps=max(1, epochs // 4))


def work(
  search: Search, study: Any, place: Place, trials: int, until: float = float('inf')
) -> list[Tried]:
  """Trains trials until as many are finished, by whichever worker, or the time is over.

  Args:
    search: see there.
    study: of Optuna.
    place: of this process.
    trials: to be finished, those of earlier commands included.
    until: on the clock ``time.monotonic``; no trial begins after it.

  Returns:
    All trials of the study. None is at work any more.

  Raises:
    PreemptedError: SIGTERM came; what was at work is saved.
    DiskFullError: the disk is full.
    UserError: the first trials all failed alike, or the storage cannot be reached.
  """
  with storage_lib.errors(search.where), runtime.Preemption() as preemption:
    worker = _Worker(search, study, place, preemption)
    while True:
      if preemption.requested(0):
        raise PreemptedError('asked to end: saved; repeat the command to continue')
      with _one_at_a_time(search.folder) as asking:
        worker.take_up()
        found = tried_lib.tried(study.get_trials(deepcopy=False))
        _check(found)
        states = [trial.state for trial in found]
        begun = sum(trial.finished or trial.state == tried_lib.RUNNING for trial in found)
        over = time.monotonic() > until
        if not over and (begun < trials or tried_lib.WAITING in states):
          worker.next_trial(asking)
          continue
      if tried_lib.RUNNING not in states:
        return found
      time.sleep(_WAIT)


@contextlib.contextmanager
def _one_at_a_time(folder: pathlib.Path) -> Any:
  """Lets one worker at a time choose what to do; it is closed when that has begun."""
  with contextlib.ExitStack() as held:
    held.enter_context(files.locked(folder / '.asking'))
    yield held


def _check(found: list[Tried]) -> None:
  """Ends a study whose first trials all failed for one reason.

  Raises:
    UserError: they did; says the reason.
  """
  ended = [trial for trial in found if trial.finished]
  reasons = {trial.reason for trial in ended}
  if len(ended) >= ALIKE and len(reasons) == 1 and reasons != {''}:
    raise UserError(
      f'tune: the first {len(ended)} trials all failed: {reasons.pop()}; mend that, and begin in '
      'another --workdir'
    )


class _Worker:
  """What one process does with a study."""

  def __init__(self, search: Search, study: Any, place: Place, preemption: runtime.Preemption):
    self.search, self.study, self.place = search, study, place
    self.preemption = preemption
    self.optuna = storage_lib.optuna()
    self.leaves = {leaf.name: leaf for leaf in config_lib.leaves(search.config)}
    self._unmarked: dict[int, float] = {}  # when each trial without a mark was first seen

  def take_up(self) -> None:
    """Puts back in line what a process was at work on that has died, or was asked to end."""
    with warnings.catch_warnings():
      warnings.simplefilter('ignore', self.optuna.exceptions.ExperimentalWarning)
      self.optuna.storages.fail_stale_trials(self.study)
    for trial in self.study.get_trials(deepcopy=False):
      if trial.state.name != 'RUNNING':
        continue
      if self._dead(trial):
        with contextlib.suppress(ValueError, self.optuna.exceptions.UpdateFinishedTrialError):
          self.study.tell(trial.number, state=self.optuna.trial.TrialState.FAIL)
    for trial in tried_lib.tried(self.study.get_trials(deepcopy=False)):
      if trial.state == tried_lib.INTERRUPTED:
        before = trial.latest
        about = {tried_lib.ROOT: trial.number, tried_lib.DIED: trial.deaths}
        if trial.default:
          about[tried_lib.DEFAULT] = True
        self.study.enqueue_trial(
          before.params or before.system_attrs.get('fixed_params', {}), about
        )
        print(f'{folder_name(trial.number)}: was interrupted; it is taken up again')

  def _dead(self, trial: Any) -> bool:
    """Whether the process at work on a trial is known to be dead."""
    mark = trial.user_attrs.get(tried_lib.MARK)
    if mark:
      return self.place.dead(mark)
    # Killed right after it was begun, or about to mark it: not every file system lets hosts keep
    # each other out. Timed here, as clocks of hosts differ.
    seen = self._unmarked.setdefault(trial.number, time.monotonic())
    return time.monotonic() - seen >= _UNMARKED

  def next_trial(self, asking: contextlib.ExitStack) -> None:
    """Trains the trial that is next in line, or one that the sampler makes up."""
    seeds = (self.search.config.seed, self.place.number, len(self.study.trials))
    with warnings.catch_warnings():
      warnings.simplefilter('ignore', self.optuna.exceptions.ExperimentalWarning)
      self.study.sampler = self.optuna.samplers.TPESampler(
        seed=zlib.crc32(repr(seeds).encode()),
        n_startup_trials=_STARTUP,
        multivariate=True,
        constant_liar=True,  # others are at work on trials whose scores are not known yet
      )
    with contextlib.suppress(self.optuna.exceptions.UpdateFinishedTrialError):
      self.study.optimize(
        lambda trial: self._objective(trial, asking), n_trials=1, catch=(_FailedError,)
      )

  def _objective(self, trial: Any, asking: contextlib.ExitStack) -> float:
    trial.set_user_attr(tried_lib.MARK, self.place.mark())
    asking.close()
    number = trial.user_attrs.get(tried_lib.ROOT, trial.number)
    workdir = Workdir(self.search.folder / folder_name(number))
    try:
      return self._score(trial, workdir)
    except (PreemptedError, KeyboardInterrupt, DiskFullError):
      trial.set_user_attr(tried_lib.ASKED, True)
      raise
    except (self.optuna.exceptions.OptunaError, _FailedError):
      raise
    except UserError as error:
      reason = str(error)
    except Exception as error:
      if type(error).__module__.startswith('sqlalchemy'):
        raise
      reason = _reason(error)
    finally:
      runtime.spare_mappings()
    trial.set_user_attr(tried_lib.REASON, reason)
    print(f'{workdir.folder.name}: failed: {reason}')
    raise _FailedError

  def _score(self, trial: Any, workdir: Workdir) -> float:
    search = self.search
    values = {
      name: range_.suggest(trial, self.leaves[name]) for name, range_ in search.space.items()
    }
    if trial.user_attrs.get(tried_lib.DEFAULT):  # whose values need not lie in the space
      values = {name: self.leaves[name].value for name in values}
    trial.set_user_attr(tried_lib.VALUES, values)
    print(f'{workdir.folder.name}: {told(values)}')
    config = search.settings(values)
    with contextlib.ExitStack() as held:
      try:
        held.enter_context(workdir.alone())
      except UserError:  # whoever was taken for dead is not
        trial.set_user_attr(tried_lib.ASKED, True)
        time.sleep(_WAIT)
        raise _FailedError from None
      monitor = self._train(trial, config, workdir)
      return self._told(trial, workdir, monitor)

  def _train(self, trial: Any, config: Config, workdir: Workdir) -> str:
    """Trains a trial to its end; the name of its score."""
    search = self.search
    experiment = cases.unseen(search.build(config))
    cases.check(self.study, experiment)
    monitor = experiment.task.outcome.monitor
    reported: set[int] = set()
    # What others are compared with in the end, so that its score is to be whole.
    default = trial.user_attrs.get(tried_lib.DEFAULT)

    def report(epoch: int, score: float | None) -> None:
      if score is not None and epoch not in reported:
        reported.add(epoch)
        trial.report(score, epoch)

    def watch(epoch: int, score: float | None) -> None:
      report(epoch, score)
      if epoch < config.num_epochs and not default and trial.should_prune():
        raise self.optuna.TrialPruned

    ended = False
    if workdir.config.exists() and workdir.data.exists():
      before = history.read(workdir)
      ended = before.ended
      for line in before.lines:  # what an earlier process found
        if line['split'] == 'val':
          report(line['epoch'] + 1, line.get(monitor))
    if self.preemption.requested(0):
      raise PreemptedError('asked to end: saved; repeat the command to continue')
    try:
      if not ended:
        spent = Spent(0.0, runtime.compile_clock())
        loop.train(experiment, config, workdir, search.devices, spent=spent, watch=watch)
    except self.optuna.TrialPruned:
      trial.set_user_attr(tried_lib.SECONDS, history.read(workdir).seconds)
      _forget(workdir)
      print(f'{workdir.folder.name}: pruned after epoch {max(reported)}')
      raise
    return monitor

  def _told(self, trial: Any, workdir: Workdir, monitor: str) -> float:
    """The score of a training that ended: that by which its checkpoint would be chosen."""
    found = history.read(workdir)
    lines = [line for line in found.lines if line['split'] == 'val']
    scored = [line for line in lines if line.get(monitor) is not None]
    if not scored:
      raise UserError(f'its validation {monitor} is undefined')
    best = max(scored, key=lambda line: (line[monitor], -line['epoch']))
    if self.search.config.select == 'last':
      best = scored[-1]
    trial.set_user_attr(tried_lib.EPOCH, best['epoch'] + 1)
    trial.set_user_attr(tried_lib.SECONDS, found.seconds)
    _forget(workdir)
    print(f'{workdir.folder.name}: validation {monitor.upper()} {best[monitor]:.4f}')
    return float(best[monitor])


def _reason(error: Exception) -> str:
  """Of an error that is no mistake of the user, in one line; the rest goes to the terminal."""
  if isinstance(error, jax.errors.JaxRuntimeError) and 'RESOURCE_EXHAUSTED' in str(error):
    return 'the device has too little memory'
  traceback.print_exc(file=sys.stderr)
  first = next(iter(str(error).splitlines()), '')
  return str(UserError(f'{type(error).__name__}: {first}'))


def _forget(workdir: Workdir) -> None:
  """Removes the checkpoints of a trial that is over, as the winner is trained from other seeds."""
  shutil.rmtree(workdir.checkpoints, ignore_errors=True)


def told(values: Mapping[str, Any]) -> str:
  """Values of settings in one line.

  Example:
    >>> told({'learning_rate': 0.001, 'features': (64, 64)})
    'learning_rate=0.001 features=64,64'
  """
  parts = []
  for name, value in values.items():
    given = tuple(value) if isinstance(value, list) else value
    parts.append(f'{name}={space_lib.spelled(given)}')
  return ' '.join(parts)
