"""The verb ``crossval``: a run for each fold."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from medjax import config as config_lib
from medjax.arguments import Flag, Verb
from medjax.errors import UserError
from medjax.verbs.run import Run
from medjax.verbs.train import train
from medjax.workdir import Workdir

_FOLDS = 5


def crossval(run: Run, words: Sequence[str]) -> None:
  """A run for each fold and repeat, each in a folder of its own, and their mean.

  A repeat has other folds and another seed of the network, so that both are in the spread.

  Raises:
    UserError: the experiment's data have no folds.
  """
  from medjax.report import folds

  given: Any = run.config
  if not hasattr(given.data, 'folds'):
    raise UserError(f'crossval: the data of {run.name} have no folds')
  repeats, count = run.values.repeats, given.data.folds or _FOLDS
  planned = []
  for repeat in range(repeats):
    for fold in range(count):
      seed = given.data.seed + repeat
      data = dataclasses.replace(given.data, folds=count, fold=fold, seed=seed)
      config: Any = dataclasses.replace(given, data=data, seed=given.seed + repeat)
      config_lib.check(config)  # of all, before the first one makes a folder
      folder = run.workdir.folder / f'repeat-{repeat}-fold-{fold}'
      planned.append((config, Workdir(folder)))
  with run.alone():
    for number, (config, workdir) in enumerate(planned):
      repeat, fold = divmod(number, count)
      print(f'repeat {repeat + 1} of {repeats}, fold {fold + 1} of {count}')
      one = run.other(config, workdir)
      train(one)
    if run.lead:
      outcome = one.described().task.outcome
      folds.show([workdir for _, workdir in planned], outcome, run.workdir.folder, repeats)


VERB = Verb(
  'crossval',
  f'train and evaluate once for each fold (config.data.folds, {_FOLDS} by default)',
  crossval,
  (Flag('repeats', 1, 'with as many other folds and seeds (default 1)', 'N', low=1),),
)
