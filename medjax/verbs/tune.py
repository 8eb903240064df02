"""The verb ``tune``: looks for better settings, chosen on validation and tested once."""

import contextlib
import shlex
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax

from medjax import config as config_lib
from medjax import files, sealed
from medjax import space as space_lib
from medjax.arguments import Flag, Verb
from medjax.data import examples
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.runtime import without_passwords
from medjax.space import Space
from medjax.verbs import several
from medjax.verbs.run import Run
from medjax.workdir import Workdir

_TRIALS, _SEEDS = 30, 3
_SEEDS_APART = 10_000  # so that no run that is tested has the seed of the trials


def tune(run: Run, words: Sequence[str]) -> None:
  """Trains trials, then the best and the default settings from new seeds, which it tests.

  The same command goes on where it was killed. Several processes with the same folder and storage
  share the trials.

  Raises:
    PreemptedError: SIGTERM came; what was at work is saved.
    UserError: the space or the storage is wrong, the folder holds something else, or no trial was
      completed.
  """
  from medjax.tuning import cases, places, search, storage
  from medjax.tuning import tried as tried_lib

  values = run.values
  if values.pruner not in search.PRUNERS:
    raise UserError(f'--pruner={values.pruner}: expected one of {", ".join(search.PRUNERS)}')
  if run.config.privacy.epsilon:
    raise UserError(
      'tune: each trial would spend config.privacy.epsilon on the same patients, and the choice '
      'among them is not paid for; expected 0, or settings found on other data'
    )
  if jax.process_count() > 1:
    raise UserError('tune: a worker is one process; start the command several times to share work')
  storage.optuna()  # said before data are read
  workdir, until = run.workdir, float('inf')
  where = storage.url(values.storage, workdir.folder)
  if values.minutes is not None:
    until = time.monotonic() + 60 * values.minutes
  _check_folder(workdir, run.config)
  for seed in range(values.seeds or _SEEDS):
    config_lib.changed(run.config, {'seed': _seed(run, seed)})
  with examples.read_once():
    experiment = run.experiment()
    splits = set(experiment.data.splits)
    experiment = cases.unseen(experiment)
    space = _space(run, experiment)
    plan = search.Search(
      run.config, space, workdir.folder, _builder(run, space), run.devices, where, values.pruner
    )
    with _own(plan) as (name, asked):
      study = search.study(plan, name, storage.opened(where))
      asked.close()
      with places.taken(workdir.folder / 'workers') as place:
        trials = search.work(plan, study, place, values.trials or _TRIALS, until)
    best = tried_lib.best(trials)
    if best is None:
      reasons = next((trial.reason for trial in trials if trial.reason), 'the time was over')
      raise UserError(f'tune: no trial was completed: {reasons}')
    _finish(run, plan, study, trials, experiment.task.outcome, 'test' in splits)


def _check_folder(workdir: Workdir, config: Any) -> None:
  """Sees that the folder is new or holds a tuning of these settings.

  Raises:
    UserError: it does not.
  """
  workdir.check(config)
  if workdir.data.exists() or workdir.several.exists():
    raise UserError(f'--workdir={workdir.folder}: holds another kind of run; choose another')


def _builder(run: Run, space: Space) -> Callable[[Any], Experiment]:
  """Makes a trial's experiment; data that all trials share are read once."""

  def alone(config: Any) -> Experiment:
    with examples.read_once():  # kept no longer than the trial
      return run.build(config)

  return alone if any(name.startswith('data.') for name in space) else run.build


def _space(run: Run, experiment: Experiment) -> Space:
  """What is searched: of the command line, the experiment's file, or the usual rules.

  Raises:
    UserError: a setting is not there, may not have such values, or none is left.
  """
  from medjax.tuning.idle import idle

  module = vars(sys.modules.get(run.build.__module__, sys))
  if run.values.space:
    found: Space = space_lib.read(run.values.space, run.config)
  else:
    found = module.get('SPACE') or space_lib.usual(run.config)
  if not isinstance(found, Mapping):
    raise UserError(f'SPACE of {run.name}: expected a dict of ranges by setting')
  unknown = {name: range_ for name, range_ in found.items() if not _given(run, name)}
  space_lib.check(unknown, run.config)
  for name in sorted(set(found) - set(unknown)):
    print(f'space: {name} is given and is not searched', file=sys.stderr)
  about = experiment.data.summary()
  for name in idle(unknown, run.config, lambda config: _described(run, config, about)):
    del unknown[name]
    print(f'space: {name} changes nothing here and is not searched', file=sys.stderr)
  if not unknown:
    raise UserError(
      f'tune: there is nothing to search for {run.name}; expected --space, or SPACE in its file'
    )
  for name, range_ in unknown.items():
    print(f'space: {name}: {range_.told()}')
  return unknown


def _given(run: Run, name: str) -> bool:
  """Whether the command line has a setting."""
  flag = f'config.{name}'
  return flag in run.values and run.values[flag].value is not None


def _described(run: Run, config: Any, about: dict[str, Any]) -> Experiment:
  return run.other(config, run.workdir).of_description(about)


@contextlib.contextmanager
def _own(plan: Any) -> Iterator[tuple[str, contextlib.ExitStack]]:
  """Makes a folder this tuning's, or sees that it already is.

  Yields:
    The name of its study, and what keeps other workers waiting until it is closed.

  Raises:
    UserError: the folder holds another tuning, or cannot be written.
  """
  workdir = Workdir(plan.folder)
  with contextlib.ExitStack() as asked:
    asked.enter_context(workdir.one_by_one())
    own = {
      'space': {name: range_.told() for name, range_ in plan.space.items()},
      'pruner': plan.pruner,
      # In the folder by its name alone, as folders are moved.
      'storage': without_passwords(
        plan.where.replace(f'sqlite:///{workdir.folder.absolute()}/', '')
      ),
    }
    if workdir.config.exists() and not workdir.tuning.exists():
      raise UserError(f'--workdir={workdir.folder}: holds another kind of run; choose another')
    workdir.claim(plan.config)
    if workdir.tuning.exists():
      before, _ = sealed.read(workdir.tuning, 'choose another --workdir')
      for what, value in own.items():
        if before[what] != value:
          raise UserError(
            f'--workdir={workdir.folder}: holds a tuning with another {what}: {before[what]}; '
            'expected that, or another folder'
          )
      name = before['study']
    else:
      name = f'{workdir.folder.resolve().name}-{uuid.uuid4().hex[:8]}'
      sealed.write(workdir.tuning, {'study': name, **own})
    yield name, asked


def _finish(
  run: Run, plan: Any, study: Any, trials: Sequence[Any], outcome: Any, tested: bool
) -> None:
  """Trains and tests the default and the best settings from new seeds, and writes the page.

  Raises:
    PreemptedError: SIGTERM came; what was at work is saved.
    UserError: a run of the best settings failed.
  """
  from medjax.tuning import looks, page, search, storage
  from medjax.tuning import tried as tried_lib

  best: Any = tried_lib.best(trials)
  default = next(trial for trial in trials if trial.default)
  finished = sum(trial.finished for trial in trials)
  print(f'best of {finished}: trial {best.number}, {search.told(best.values)}')
  with contextlib.ExitStack() as held:
    try:
      held.enter_context(files.locked(plan.folder / '.finishing', 'busy'))
    except UserError:
      print('another worker trains and tests the best settings and writes the report')
      return
    if tested:
      looks.begin(plan.folder, finished, run.values.seeds or _SEEDS, best.number)
    folders, problem = _again(run, plan, default, best)
    found = _worth(folders, default, best, outcome, problem)
    seen = []
    if tested:
      test = {who: found[who]['test']['mean'] for who in ('default', 'winner')}
      seen = looks.end(plan.folder, test | {'difference': found['difference']['mean']})
    with storage.errors(plan.where):
      about = page.summary(plan, trials, study, found, seen, _command(run, best.values))
    data = folders[best.number][0].read(folders[best.number][0].data)
    repeat = without_passwords(shlex.join(['python', *sys.orig_argv[1:]]))
    notes = _notes(trials, found, seen)
    path = page.write(plan, about, outcome, data, run.name, repeat, notes)
  _say(outcome, found, best, about, plan, path, 'test' if tested else 'val')


def _again(run: Run, plan: Any, default: Any, best: Any) -> tuple[dict[int, list[Workdir]], str]:
  """Trains and evaluates the default and the best settings from new seeds.

  Returns:
    Folders of the runs, by number of the trial, and why there are none of the default settings: ''
    where there are.

  Raises:
    PreemptedError: SIGTERM came; what was at work is saved.
    UserError: a run of the best settings failed.
  """
  from medjax.tuning import tried as tried_lib

  wanted, problem = {default.number: {}, best.number: best.values}, ''
  if default.state == tried_lib.FAILED:  # and would again
    problem = f'{tried_lib.folder_name(default.number)} failed: {default.reason}'
    del wanted[default.number]
  runs, owners = [], []
  for number, values in wanted.items():
    for seed in range(run.values.seeds or _SEEDS):
      config = config_lib.changed(plan.settings(values), {'seed': _seed(run, seed)})
      name = f'{tried_lib.folder_name(number)}-seed-{seed}'
      runs.append(run.other(config, Workdir(plan.folder / name)))
      owners.append(number)
  names = [one.workdir.folder.name for one in runs]
  failures = several.train(run, runs, names, 'auto', False)
  for place, failure in sorted(failures.items()):
    if owners[place] == best.number:
      error = UserError(f'tune: {names[place]} failed: {failure.reason}')
      error.exit_code = failure.code
      raise error
    problem = problem or f'{names[place]} failed: {failure.reason}'
  folders: dict[int, list[Workdir]] = {}
  for one, number in zip(runs, owners, strict=True):
    folders.setdefault(number, []).append(one.workdir)
  return folders, problem


def _worth(
  folders: Mapping[int, list[Workdir]], default: Any, best: Any, outcome: Any, problem: str
) -> dict[str, Any]:
  """What the runs from new seeds have, and the winner's less the default ones'."""
  from medjax.tuning import worth

  def of(trial: Any) -> dict[str, Any]:
    return {split: worth.of_runs(folders[trial.number], outcome, split) for split in _SPLITS}

  if problem:
    none = worth.unknown('the default settings failed')
    found = {'default': dict.fromkeys(_SPLITS, none), 'winner': of(best), 'difference': none}
    return found | {'problem': problem}
  difference = worth.difference(folders[best.number], folders[default.number], outcome)
  found = {'default': of(default), 'winner': of(best), 'difference': difference}
  return found | {'problem': ''}


_SPLITS = ('val', 'test')


def _notes(trials: Sequence[Any], found: dict[str, Any], looks: Sequence[Any]) -> list[str]:
  """What readers of the page should know of this tuning."""
  notes = []
  if found['problem']:
    notes.append(
      'Nobody can say what tuning was worth, as there is nothing to compare the winner with: of '
      f'the default settings {found["problem"]}'
    )
  if len(looks) > 1:
    notes.append(
      f'The test cases were looked at {len(looks)} times: whoever went on because of what an '
      'earlier look gave has tuned on test.'
    )
  lost = [trial for trial in trials if trial.state == 'failed']
  if lost:
    count = f'{len(lost)} trial{"s" if len(lost) > 1 else ""}'
    notes.append(f'{count} failed; why stands in the list of all trials.')
  low = found['winner']['test']['mean']
  if low['value'] is None:
    notes.append(f'The test score is undefined: {low.get("reason", "")}')
  return notes


def _say(
  outcome: Any,
  found: dict[str, Any],
  best: Any,
  about: dict[str, Any],
  plan: Any,
  path: Any,
  split: str,
) -> None:
  from medjax.report.run import spelled
  from medjax.tuning.worth import verdict

  name = outcome.monitor.upper()
  if found['problem']:
    print(f'default: {found["problem"]}')
  else:
    print(f'default: {split} {name}: {spelled(found["default"][split]["mean"])}')
  if best.default:
    print('no trial was better on validation than the default settings')
  else:
    print(f'winner: {split} {name}: {spelled(found["winner"][split]["mean"])}')
    mean = found['difference']['mean']
    print(f'winner less default: {spelled(mean, "+")}: {verdict(mean)}')
  print(f'best settings: {about["command"]}')
  print(f'tuning: {plan.folder / "tune.json"}')
  print(f'report: {path}')


def _command(run: Run, values: Mapping[str, Any]) -> str:
  """The command line that trains with values of settings, and those that are given."""
  settings = {
    leaf.name: leaf.value for leaf in config_lib.leaves(run.config) if _given(run, leaf.name)
  }
  settings |= {n: tuple(v) if isinstance(v, list) else v for n, v in values.items()}
  module = run.build.__module__
  if module == '__main__':
    spec = getattr(sys.modules['__main__'], '__spec__', None)
    module = spec.name if spec else f'experiments.{run.name}'
  flags = [f'--config.{name}={space_lib.spelled(value)}' for name, value in settings.items()]
  return shlex.join(['python', '-m', module, *flags])


def _seed(run: Run, number: int) -> int:
  """Of a run that is tested."""
  return run.config.seed + (number + 1) * _SEEDS_APART


VERB = Verb(
  'tune',
  'look for better settings on validation, and test the best and the default once',
  tune,
  (
    Flag('trials', None, f'trials in all, over all commands (default {_TRIALS})', 'N', low=1),
    Flag('minutes', None, 'no trial begins after as many', 'M', low=0, number=float),
    Flag('seeds', None, f'of the runs that are tested (default {_SEEDS})', 'N', low=1),
    Flag('space', '', "'NAME=log:LOW:HIGH NAME=LOW:HIGH NAME=A|B' instead of its own", 'TEXT'),
    Flag('pruner', 'median', 'median, hyperband or none: ends trials early', 'NAME'),
    Flag('storage', '', 'postgresql://... for many hosts; or in MEDJAX_TUNE_STORAGE', 'URL'),
  ),
)
