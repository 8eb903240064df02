"""What ``plan --shares`` does: runs on parts of the training patients, and a curve over them."""

import dataclasses
from typing import Any

from medjax import config as config_lib
from medjax.errors import UserError
from medjax.verbs import several
from medjax.verbs.run import Run
from medjax.workdir import Workdir


def learn(run: Run, text: str, draws: int) -> None:
  """Trains on shares of the training patients and shows the curve.

  Args:
    run: the command.
    text: shares, such as '0.25,0.5,1'.
    draws: how many runs there are of each share.

  Raises:
    UserError: shares are no such numbers, the data have none, or a run failed.
  """
  from medjax.report import learning_curve

  given: Any = run.config
  shares = _shares(text)
  if given.privacy.epsilon:
    raise UserError('plan: each run would spend config.privacy.epsilon anew; expected 0')
  if not hasattr(given.data, 'train_share'):
    raise UserError(f'plan: the data of {run.name} cannot be taken in parts')
  runs, names = [], []
  for share in shares:
    for draw in range(draws):
      data = dataclasses.replace(given.data, train_share=share, train_draw=draw)
      config: Any = dataclasses.replace(given, data=data, seed=given.seed + draw)
      config_lib.check(config)
      names.append(f'share-{share}-draw-{draw}')
      runs.append(run.other(config, Workdir(run.workdir.folder / names[-1])))
  with run.alone():
    run.claim_several(names)
    failures = several.train(run, runs, names, 'auto', False)
    if run.lead and not failures:
      by_share = {
        share: [one.workdir for one in runs[number * draws : (number + 1) * draws]]
        for number, share in enumerate(shares)
      }
      outcome = runs[0].described().task.outcome
      learning_curve.show(by_share, outcome, run.workdir.folder)
  if failures:
    first = min(failures)
    raise UserError(
      f'plan: {len(failures)} of {len(runs)} runs failed, first {names[first]}: '
      f'{failures[first].reason}; the others are done'
    )


def _shares(text: str) -> list[float]:
  wrong = f'--shares={text}: expected numbers above 0 and at most 1, such as 0.125,0.25,0.5,1'
  try:
    shares = sorted({float(part) for part in text.split(',')})
  except ValueError:
    raise UserError(wrong) from None
  if not all(0 < share <= 1 for share in shares):
    raise UserError(wrong)
  return shares
