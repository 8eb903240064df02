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
  from medjax.tuning import places, search, storage
  from medjax.tuning import tried as tried_lib

  values = run.values
  if values.pruner not in search.PRUNERS:
    raise UserError(f'--pruner={values.pruner}: expected one of {", ".join(search.PRUNERS)}')
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
    experiment = search.unseen(run.experiment())
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
    _finish(run, plan, study, trials, experiment.task.outcome)


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
    try:
      workdir.folder.mkdir(parents=True, exist_ok=True)
      asked.enter_context(files.locked(workdir.folder / '.asking'))
    except OSError as error:
      raise files.unwritable(workdir.folder, error) from None
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


def _finish(run: Run, plan: Any, study: Any, trials: Sequence[Any], outcome: Any) -> None:
  """Trains and tests the default and the best settings from new seeds, and writes the page.

  Raises:
    PreemptedError: SIGTERM came; what was at work is saved.
    UserError: a run failed.
  """
  from medjax.tuning import page, search, storage, worth
  from medjax.tuning import tried as tried_lib

  best: Any = tried_lib.best(trials)
  default = next(trial for trial in trials if trial.default)
  seeds = run.values.seeds or _SEEDS
  print(
    f'best of {sum(t.finished for t in trials)}: trial {best.number}, {search.told(best.values)}'
  )
  runs: dict[int, list[Run]] = {}
  for number, values in ((default.number, {}), (best.number, best.values)):
    runs[number] = []
    for seed in range(seeds):
      config = config_lib.changed(plan.settings(values), {'seed': _seed(run, seed)})
      name = f'{tried_lib.folder_name(number)}-seed-{seed}'
      runs[number].append(run.other(config, Workdir(plan.folder / name)))
  several_runs = [one for some in runs.values() for one in some]
  names = [one.workdir.folder.name for one in several_runs]
  with contextlib.ExitStack() as held:
    try:
      held.enter_context(files.locked(plan.folder / '.finishing', 'busy'))
    except UserError:
      print('another worker trains and tests the best settings and writes the report')
      return
    failures = several.train(run, several_runs, names, 'auto', False)
    if failures:
      first = failures[min(failures)]
      error = UserError(f'tune: {names[min(failures)]} failed: {first.reason}')
      error.exit_code = first.code
      raise error
    folders = {number: [one.workdir for one in some] for number, some in runs.items()}
    found = {
      who: {split: worth.of_runs(folders[trial.number], outcome, split) for split in _SPLITS}
      for who, trial in (('default', default), ('winner', best))
    }
    found['difference'] = worth.difference(folders[best.number], folders[default.number], outcome)
    with storage.errors(plan.where):
      about = page.summary(plan, trials, study, found, _command(run, best.values))
    data = folders[best.number][0].read(folders[best.number][0].data)
    repeat = without_passwords(shlex.join(['python', *sys.orig_argv[1:]]))
    path = page.write(
      plan, about, outcome, data, run.name, repeat, _notes(plan, trials, found, names)
    )
  _say(outcome, found, best, about, plan, path)


_SPLITS = ('val', 'test')


def _notes(
  plan: Any, trials: Sequence[Any], found: dict[str, Any], names: Sequence[str]
) -> list[str]:
  """What readers of the page should know of this tuning."""
  notes = []
  others = {path.parent.name for path in plan.folder.glob('trial-*-seed-*/evaluation.json')}
  others -= set(names)
  if others:
    earlier = ', '.join(sorted({name.rsplit('-seed-', 1)[0] for name in others}))
    notes.append(
      f'Earlier, with fewer trials, {earlier} was evaluated on test too: whoever went on because '
      'of what that gave has tuned on test.'
    )
  lost = [trial for trial in trials if trial.state == 'failed']
  if lost:
    notes.append(f'{len(lost)} trials failed; why stands in the list of all trials.')
  low = found['winner']['test']['mean']
  if low['value'] is None:
    notes.append(f'The test score is undefined: {low.get("reason", "")}')
  return notes


def _say(
  outcome: Any, found: dict[str, Any], best: Any, about: dict[str, Any], plan: Any, path: Any
) -> None:
  from medjax.tuning.worth import verdict

  def spelled(mean: dict[str, Any], sign: str = '') -> str:
    if mean['value'] is None:
      return f'undefined ({mean.get("reason", "")})'
    text = f'{mean["value"]:{sign}.3f}'
    if mean['low'] is None:
      return f'{text} (no interval: {mean.get("reason", "")})'
    return f'{text} (95% interval {mean["low"]:{sign}.3f} to {mean["high"]:{sign}.3f})'

  name = outcome.monitor.upper()
  print(f'default: test {name}: {spelled(found["default"]["test"]["mean"])}')
  if best.default:
    print('no trial was better on validation than the default settings')
  else:
    print(f'winner: test {name}: {spelled(found["winner"]["test"]["mean"])}')
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
