"""The verb ``validate``: a finished run, frozen, on the labelled data of another site."""

import copy
import sys
from collections.abc import Sequence
from typing import Any

from medjax.arguments import Flag, Verb
from medjax.data import dataset, external
from medjax.errors import UserError
from medjax.verbs.run import Run


def validate(run: Run, words: Sequence[str]) -> None:
  """Predicts all cases of a source with the run as it is, judges them, and rewrites the report.

  Raises:
    UserError: not one source, there is no finished run, or the source cannot be read as the run
      read its own.
  """
  from medjax.validation import run as validation

  if len(words) != 1:
    raise UserError(f'validate: expected one source of labelled data after it, found {len(words)}')
  run.described()  # what is wrong with the run is said first
  config: Any = copy.copy(run.config)
  stored = dataset.describe(run.workdir)
  config.data = external.settings(config.data, words[0], stored, run.values.classes)
  output = run.output(run.workdir.folder) if run.values.output else None
  experiment = run.other(config, run.workdir).experiment()
  own, why_not = _own(run)
  with run.alone():
    if not run.lead:
      return
    validation.validate(
      experiment,
      own.data if own else None,
      why_not,
      run.workdir,
      run.devices,
      run.config,
      output,
    )
    if own:
      run.report(own)
    else:
      print(f'report.html is as it was: {why_not}', file=sys.stderr)


def _own(run: Run) -> tuple[Any, str]:
  """The run's experiment with its own data, or why they are not at hand: a site may lack them."""
  try:
    return run.finished(), ''
  except UserError as error:
    return None, str(error)


VERB = Verb(
  'validate',
  'judge a finished run, as it is, by the labelled data of another site',
  validate,
  (
    Flag('output', '', 'where the page goes (default in validation/ of the run folder)', 'FILE'),
    Flag('classes', '', "names of classes there, as in 'RUN=HERE,RUN=HERE'", 'PAIRS'),
  ),
  words='SOURCE',
  stored=True,
)
