"""The verb ``compare``: two runs on the same cases."""

import dataclasses
from collections.abc import Sequence

from medjax.arguments import Flag, Verb
from medjax.errors import UserError
from medjax.verbs.run import Run
from medjax.workdir import Workdir


def compare(run: Run, words: Sequence[str]) -> None:
  """Prints the paired differences of two runs on the cases of a split.

  Raises:
    UserError: not two folders of evaluated runs on the same cases.
  """
  from medjax.report import comparison

  if len(words) != 2:
    raise UserError(f'compare: expected two run folders after it, found {len(words)}')
  first, second = Workdir(words[0]), Workdir(words[1])
  # Which devices the run had does not matter here.
  config = dataclasses.replace(first.stored(run.config), num_devices=run.config.num_devices)
  outcome = run.other(config, first).described().task.outcome
  comparison.show(outcome, first, second, run.values.split)


VERB = Verb(
  'compare',
  'compare two runs of this experiment on the same test cases',
  compare,
  (Flag('split', 'test', 'on which split (default test)', 'NAME'),),
  words='RUN_A RUN_B',
)
