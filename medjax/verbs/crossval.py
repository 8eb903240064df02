"""The verb ``crossval``: a run for each fold, each of some repeats, and each of some seeds."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from medjax import config as config_lib
from medjax import sealed
from medjax.arguments import Flag, Verb
from medjax.errors import UserError
from medjax.verbs import several
from medjax.verbs.run import Run
from medjax.verbs.way import IN_TURN, WAYS
from medjax.verbs.workers import Failure
from medjax.workdir import Workdir

_FOLDS = 5
# What it writes beside the folders of its runs.
SUMMARY, DECISION = 'crossval.json', 'crossval-decision.json'
_SEEDS_APART = 10_000  # so that another seed of a repeat is that of no other repeat


def crossval(run: Run, words: Sequence[str]) -> None:
  """A run for each fold, repeat and seed, each in a folder of its own, and their mean.

  A repeat has other folds and another seed of the network, so that both are in the spread; with
  ``--seeds`` several networks are trained on the same folds. Runs that are complete stand; one that
  fails keeps no other from going on, and is said at the end.

  Raises:
    UserError: the experiment's data have no folds, or runs failed.
  """
  from medjax.report import folds
  from medjax.report.sweep import Sweep

  given: Any = run.config
  values = run.values
  if not hasattr(given.data, 'folds'):
    raise UserError(f'crossval: the data of {run.name} have no folds')
  if values.how not in WAYS:
    raise UserError(f'--how={values.how}: expected one of {", ".join(WAYS)}')
  count, seeds = given.data.folds or _FOLDS, values.seeds or 1
  runs, names = [], []
  for repeat in range(values.repeats):
    data_seed = given.data.seed + repeat
    for seed in range(seeds):
      for fold in range(count):
        data = dataclasses.replace(given.data, folds=count, fold=fold, seed=data_seed)
        network = given.seed + repeat + seed * _SEEDS_APART
        config: Any = dataclasses.replace(given, data=data, seed=network)
        config_lib.check(config)  # of all, before the first one makes a folder
        name = f'repeat-{repeat}-fold-{fold}' + (f'-seed-{seed}' if seed else '')
        runs.append(run.other(config, Workdir(run.workdir.folder / name)))
        names.append(name)
  if own := _part(values.part, len(runs)):
    with run.workdir.one_by_one():
      run.claim_several(names)
    _train_part(run, [runs[i] for i in own], [names[i] for i in own])
    return
  with run.alone():
    run.claim_several(names)
    how = values.how
    if how == 'auto' and next(run.workdir.folder.glob('way-*.json'), None):
      missing = [one.workdir.folder.name for one in runs if not one.workdir.evaluation.exists()]
      if missing:
        raise UserError(
          f'crossval: {len(missing)} runs of the parts are not done, first {missing[0]}; wait for '
          'them, repeat their --part, or train them here with --how=in_turn'
        )
      how = IN_TURN  # nothing is left to be trained, and so to be timed
    failures = several.train(run, runs, names, how, values.pages)
    done = [None if i in failures else one.workdir for i, one in enumerate(runs)]
    first = next((one for i, one in enumerate(runs) if i not in failures), None)
    if run.lead and first is not None:
      failed = {names[i]: failure.reason for i, failure in sorted(failures.items())}
      sweep = Sweep(done, values.repeats, seeds)
      outcome = first.described().task.outcome
      folds.show(sweep, outcome, run.workdir.folder, failed)
      _decide(run, outcome, sweep.done)
  _raise(failures, names)


def _part(text: str, count: int) -> Sequence[int]:
  """Numbers of the runs of a part such as '0/4'; none where there are no parts."""
  if not text:
    return ()
  number, _, of = text.partition('/')
  if not (number.isdecimal() and of.isdecimal() and int(number) < int(of) <= count):
    raise UserError(
      f'--part={text}: expected I/N, the part from 0 and how many there are, at most {count}'
    )
  return range(int(number), count, int(of))


def _train_part(run: Run, runs: Sequence[Run], names: Sequence[str]) -> None:
  values = run.values
  failures = several.train(
    run, runs, names, values.how, values.pages, values.part.replace('/', '-of-')
  )
  print(
    f'part {values.part}: {len(runs) - len(failures)} of {len(runs)} runs are done; the same '
    'command without --part sums up'
  )
  _raise(failures, names)


def _raise(failures: Mapping[int, Failure], names: Sequence[str]) -> None:
  """Says which runs failed, if any did."""
  if not failures:
    return
  worst = failures[min(failures)]
  error = UserError(
    f'crossval: {len(failures)} of {len(names)} runs failed, first {names[min(failures)]}: '
    f'{worst.reason}; the others are done'
  )
  error.exit_code = worst.code
  raise error


def _decide(run: Run, outcome: Any, done: Sequence[Workdir]) -> None:
  """Fits how the runs together decide on new cases; see ``deploy.committee``."""
  try:
    tables = [outcome.read_table(one.verified(one.predictions('test'))) for one in done]
    table: Any = outcome.averaged(tables)
    table = dataclasses.replace(table, split='out of fold')
    decision = outcome.decide(table, 0, run.config)
  except UserError:  # predictions of this kind have no mean
    return
  names = ' '.join(one.folder.name for one in done)
  sealed.write(run.workdir.folder / DECISION, decision.to_json(), runs=names)


VERB = Verb(
  'crossval',
  f'train and evaluate once for each fold (config.data.folds, {_FOLDS} by default)',
  crossval,
  (
    Flag('repeats', 1, 'with as many other folds and seeds (default 1)', 'N', low=1),
    Flag('seeds', None, 'networks on the same folds, from other weights (default 1)', 'N', low=1),
    Flag('how', 'auto', f'{", ".join(WAYS)}: by default what is fastest', 'WAY'),
    Flag('part', '', 'of the runs every N-th from the I-th, for processes that share them', 'I/N'),
    Flag('pages', False, 'write the report of every run, not of all together only'),
  ),
)
