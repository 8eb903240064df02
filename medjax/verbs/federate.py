"""The verb ``federate``: training at several sites whose cases stay where they are.

Simulated in one process, to study it; or with ``--app`` as an app of Flower for real sites.
"""

import dataclasses
import pathlib
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax

from medjax import config as config_lib
from medjax import sealed
from medjax.arguments import Flag, Verb
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.verbs import train as train_verb
from medjax.verbs.run import Run
from medjax.workdir import PRIVACY, Workdir

if TYPE_CHECKING:
  from medjax.federated.settings import Settings
  from medjax.federated.sites import Site

_SITES, _SKEW = '4', 0.5
_PLAN = 'federation-plan.json'  # what the runs of the folder were made by
_SIMULATED = ('sites', 'skew', 'absent', 'seeds', 'beside')
_REAL = ('fewest', 'round_seconds')


def federate(run: Run, words: Sequence[str]) -> None:
  """Trains at several sites together, and beside that on all cases and at each site alone.

  ``config.num_epochs`` is the number of rounds, and of epochs of the others.

  Raises:
    UserError: a flag is wrong, the folder holds others runs, or the sites cannot train together.
  """
  from medjax.federated import result, sites

  strategies = _strategies(run.values)
  if jax.process_count() > 1:
    raise UserError('--num_processes: federate simulates all sites in one process')
  if run.values.app:
    _write_app(run, strategies)
    return
  for name in _REAL:
    if run.values[name].present:
      raise UserError(f'--{name}: is of real sites; expected --app=FOLDER beside it')
  plan = {
    'sites': run.values.sites,
    'skew': run.values.skew,
    'settings': {name: settings.to_json() for name, settings in strategies.items()},
  }
  seeds = run.values.seeds or 1
  with run.alone():
    parts, everyone = _sites(run, run.config)
    _claim(run, plan)
    if run.config.privacy.epsilon:
      # What was told of the training cases with noise is not told again, with other noise.
      told = _told(run)
      told.claim(run.config)
      told.claim_data(everyone.data.summary())
    names = [site.name for site in parts]
    alone = [result.CENTRAL, *names] if run.values.beside else []
    run.claim_several([f'seed-{seed}/{name}' for seed in range(seeds) for name in strategies])
    for line in sites.told(parts):
      print(line)
    folders: list[dict[str, Workdir]] = []
    for seed in range(seeds):
      config: Any = dataclasses.replace(run.config, seed=run.config.seed + seed)
      if seed:
        parts, everyone = _sites(run, config)
      folder = run.workdir.folder / f'seed-{seed}'
      folders.append({name: Workdir(folder / name) for name in (*strategies, *alone)})
      for name, settings in strategies.items():
        other = run.other(config, folders[-1][name])
        _together(other, parts, everyone, settings)
        _say(other, name, seed)
      for name in alone:
        one = next((s.experiment for s in parts if s.name == name), everyone)
        other = run.other(config, folders[-1][name])
        train_verb.train(other, page=False, experiment=_tested_on_all(one, everyone))
        _say(other, name, seed)
    about = plan | {
      'lines': sites.told(parts),
      'divided': run.values.sites.isdecimal(),
      'strategies': {
        name: settings.spell(run.config.num_epochs) for name, settings in strategies.items()
      },
    }
    if run.config.privacy.epsilon:
      each = [one[name] for one in folders for name in strategies]
      spent = [one.read(one.evaluation)[PRIVACY]['epsilon'] for one in each]
      about['private'] = {'epsilon': max(spent), 'networks': sum(map(len, folders))}
    site_of = sites.of_cases(everyone, 'test')
    result.show(run.workdir.folder, folders, everyone.task.outcome, site_of, about)


def _write_app(run: Run, strategies: Mapping[str, 'Settings']) -> None:
  """Writes the Flower app of a federation of real sites."""
  from medjax.federated import app

  for name in _SIMULATED:
    if run.values[name].present:
      raise UserError(f'--{name}: is of simulated sites; with --app they are real')
  if len(strategies) > 1:
    raise UserError(f'--strategy={run.values.strategy}: expected one, with --app')
  config: Any = run.config
  if not hasattr(config.data, 'source'):
    raise UserError('--app: the data of this experiment have no source of their own')
  if not run.values.round_seconds > 0:
    raise UserError(f'--round_seconds={run.values.round_seconds:g}: expected more than 0')
  folder = pathlib.Path(run.values.app).expanduser()
  (settings,) = strategies.values()
  app.write(
    folder,
    *_names(run),
    run.config,
    settings,
    str(run.workdir.folder),
    run.values.fewest,
    run.values.round_seconds,
  )
  print(f'app: {folder}')
  print(f'start it with: flwr run {folder} SERVER (see medjax/flower/README.md)')


def _names(run: Run) -> tuple[str, str]:
  """The module of the experiment, which the sites import, and what gives its settings there."""
  module = sys.modules[run.build.__module__]
  name = module.__name__
  if name == '__main__':
    spec = getattr(module, '__spec__', None)
    if spec is None:
      raise UserError('--app: sites have to import the experiment; expected python -m MODULE')
    name = spec.name
  for defaults in ('config', 'Config'):
    if callable(getattr(module, defaults, None)) and getattr(module, 'build', None) is run.build:
      return name, defaults
  raise UserError(f'--app: {name} has no build, or no Config, which sites call')


def _strategies(values: Any) -> dict[str, 'Settings']:
  """Settings of each strategy by its name."""
  from medjax.federated.settings import Settings

  found = {}
  for name in dict.fromkeys(part.strip() for part in values.strategy.split(',')):
    found[name] = Settings(
      strategy=name,
      local_epochs=values.local_epochs,
      local_steps=values.local_steps or 0,
      proximal=values.proximal,
      server_rate=values.server_rate or 0.0,
      combine=values.combine,
      clip=values.clip or 0.0,
      absent=values.absent or 0.0,
    )
    found[name].check()
  return found


def _sites(run: Run, config: Any) -> tuple[list['Site'], Experiment]:
  """The sites and the experiment of all their cases."""
  from medjax.federated import sites
  from medjax.training import budget

  given = run.values.sites
  if given.isdecimal():
    own = run.other(config, _told(run)).experiment(told=config is run.config)
    parts = sites.divide(own, int(given), run.values.skew, getattr(config.data, 'seed', 0))
    return _private(parts, config), sites.marked(own, parts)
  sources = [part.strip() for part in given.split(',') if part.strip()]
  if len(sources) < 2:
    raise UserError(f'--sites={given}: expected a number, or sources joined by commas')
  prepared = budget.prepared(config, _told(run))
  parts, notes = sites.of_sources(prepared, run.build, sources)
  for note in notes if run.lead and config is run.config else ():
    print(f'data: {note}', file=sys.stderr)
  return _private(parts, config), budget.applied(sites.pooled(parts), config)


def _told(run: Run) -> Workdir:
  """The folder of what all networks know of the training cases, of a config with a budget."""
  return Workdir(run.workdir.folder / 'told')


def _private(parts: Sequence['Site'], config: Any) -> list['Site']:
  """Sites with the mechanism of each for its own patients, for a config with a budget."""
  from medjax.training import budget

  return [
    dataclasses.replace(part, experiment=budget.applied(part.experiment, config)) for part in parts
  ]


def _claim(run: Run, plan: Mapping[str, Any]) -> None:
  path = run.workdir.folder / _PLAN
  if path.exists():
    before = sealed.read(path)[0]
    if before != dict(plan):
      raise UserError(
        f'--workdir={run.workdir.folder}: holds a federation with other flags; choose another '
        'folder or repeat the command that made it'
      )
    return
  run.workdir.claim(run.config)
  sealed.write(path, dict(plan))


def _together(
  run: Run, parts: Sequence['Site'], everyone: Experiment, settings: 'Settings'
) -> None:
  """A federation as a run like any other."""
  from medjax.federated.server import Rounds
  from medjax.training import parallel

  start = time.monotonic()
  config_lib.check(run.config)
  train_verb.check(run, everyone)
  with run.alone():
    train_verb.claim(run, everyone)
    step = parallel.compile_evaluate(everyone, run.devices, run.config.precision)
    rounds = Rounds(parts, everyone, run.config, settings, run.devices)
    done = rounds.train(run.workdir, run.spent, step)
    if run.lead and done:
      run.write_environment(time.monotonic() - start)
    run.finish('federate', everyone, step, page=True)


def _tested_on_all(one: Experiment, everyone: Experiment) -> Experiment:
  """An experiment that is tested on the cases of all sites."""
  splits = one.data.splits | {'test': everyone.data.splits['test']}
  return dataclasses.replace(one, data=dataclasses.replace(one.data, splits=splits))


def _say(run: Run, name: str, seed: int) -> None:
  from medjax.report import run as report

  if run.lead:
    monitor = run.described().task.outcome.monitor
    print(f'seed {seed}: {name}: {report.headline(run.workdir, "test", monitor)}')


VERB = Verb(
  'federate',
  'train at several sites whose cases stay there: simulated, or an app for real ones',
  federate,
  (
    Flag('sites', _SITES, 'how many to divide the patients among, or a source of each', 'N|A,B'),
    Flag('skew', _SKEW, 'below 1 divided sites differ much in labels and size (0.5)', 'X'),
    Flag('strategy', 'fedavg', 'fedavg, fedprox, fedadam, or several joined by commas', 'NAME'),
    Flag('local_epochs', 1, 'of a site in each round; rounds are config.num_epochs', 'N', low=1),
    Flag('local_steps', None, 'updates of a site in a round at most', 'N', low=1),
    Flag('proximal', 0.01, 'how strongly fedprox holds sites near the start of a round', 'X'),
    Flag('server_rate', None, 'step size of the server (1; fedadam 0.01)', 'X', number=float),
    Flag('combine', 'mean', 'mean, median or krum: how updates become one', 'NAME'),
    Flag('clip', None, 'largest norm of the update of a site', 'X', number=float),
    Flag('absent', None, 'probability that a site misses a round', 'P', number=float),
    Flag('seeds', None, 'networks, each from other weights (default 1)', 'N', low=1),
    Flag('beside', True, 'also train on all cases together, and at each site alone'),
    Flag('app', '', 'write a Flower app for real sites there, and train nothing', 'FOLDER'),
    Flag('fewest', 2, 'real sites that a round needs', 'N', low=1),
    Flag('round_seconds', 3600.0, 'that a real site may take for a round', 'S'),
  ),
)
